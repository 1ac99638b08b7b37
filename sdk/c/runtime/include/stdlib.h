/* What the generated bindings and a plugin need of a C library; see ../runtime.c. */
#ifndef WELLHEAD_STDLIB_H
#define WELLHEAD_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void free(void *block);
_Noreturn void abort(void);

#endif

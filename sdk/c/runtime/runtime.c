/*
 * The part of a C library that a plugin needs, so that any clang will do: Debian's has no C library
 * for wasm32, and wasi-libc's would import WASI, which the gateway does not offer.
 *
 * Blocks have sizes of powers of two and are kept in one list for each size; nothing is ever given
 * back to the gateway. That wastes up to half of a block and never fragments, which suits a plugin
 * that asks for the same few blocks in every tick.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 4, LARGEST = 24, PAGE = 65536 };

/* Before every block; 8 bytes keep the block behind it aligned for every type. */
typedef struct header {
  uint32_t power;
  struct header *next;
} header;

extern unsigned char __heap_base;

static header *spare[LARGEST + 1];
static uintptr_t top;

static void *grow(uint32_t power) {
  uintptr_t size = sizeof(header) + ((uintptr_t)1 << power);
  if (top == 0) top = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
  uintptr_t end = __builtin_wasm_memory_size(0) * (uintptr_t)PAGE;
  if (end - top < size) {
    uintptr_t pages = (size - (end - top) + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
  }
  header *block = (header *)top;
  top += size;
  block->power = power;
  return block + 1;
}

void *malloc(size_t size) {
  uint32_t power = SMALLEST;
  while (((size_t)1 << power) < size) {
    if (++power > LARGEST) return NULL;
  }
  header *block = spare[power];
  if (block == NULL) return grow(power);
  spare[power] = block->next;
  return block + 1;
}

void free(void *pointer) {
  if (pointer == NULL) return;
  header *block = (header *)pointer - 1;
  block->next = spare[block->power];
  spare[block->power] = block;
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *block = malloc(bytes);
  return block == NULL ? NULL : memset(block, 0, bytes);
}

void *realloc(void *old, size_t size) {
  if (old == NULL) return malloc(size);
  size_t room = (size_t)1 << ((header *)old - 1)->power;
  if (size <= room) return old;
  void *block = malloc(size);
  if (block == NULL) return NULL;
  memcpy(block, old, room);
  free(old);
  return block;
}

void abort(void) { __builtin_trap(); }

/* Built with -fno-builtin: otherwise the compiler makes each of these loops a call to itself. */

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  unsigned char *t = to;
  const unsigned char *f = from;
  while (size--) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if (t < f) {
    while (size--) *t++ = *f++;
  } else {
    while (size--) t[size] = f[size];
  }
  return to;
}

void *memset(void *to, int byte, size_t size) {
  unsigned char *t = to;
  while (size--) *t++ = (unsigned char)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = a, *y = b;
  for (; size--; x++, y++) {
    if (*x != *y) return *x - *y;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

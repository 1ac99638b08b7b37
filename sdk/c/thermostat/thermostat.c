/*
 * Heats a room between two temperatures.
 *
 * Without a good room temperature the output is given back and falls to its safe value: a room that
 * cools down is noticed, one that is heated without end is not.
 */

#include "plugin.h"

#include <stdlib.h>
#include <string.h>

typedef wellhead_plugin_points_value_t value;

/* What survives a restart. The first byte is the version of the layout. */
typedef struct {
  uint8_t version;
  uint8_t heating;
  uint64_t milliseconds;
} state;

enum { VERSION = 1 };

static state kept = {.version = VERSION};
static uint32_t room, heating;
static double setpoint, deadband;
/* Monotonic time of the last tick, if there was one since the start. */
static uint64_t last_ms;
static bool ticked;

static plugin_string_t text(const char *characters) {
  plugin_string_t string;
  plugin_string_set(&string, characters);
  return string;
}

/* For whatever the gateway frees after the call. */
static bool fail(plugin_string_t *error, const char *why) {
  plugin_string_dup(error, why);
  return false;
}

static bool is(plugin_string_t string, const char *characters) {
  size_t length = strlen(characters);
  return string.len == length && memcmp(string.ptr, characters, length) == 0;
}

void exports_plugin_describe(plugin_description_t *description) {
  plugin_string_dup(&description->name, "thermostat");
  plugin_string_dup(&description->version, "0.1.0");
  plugin_string_dup(&description->built_with, "C");
}

bool exports_plugin_init(plugin_config_t *config, plugin_instant_t *now, plugin_string_t *error) {
  (void)now;
  for (size_t i = 0; i < config->parameters.len; i++) {
    plugin_parameter_t *parameter = &config->parameters.ptr[i];
    if (parameter->value.tag != PLUGIN_SETTING_NUMBER) continue;
    if (is(parameter->name, "setpoint")) setpoint = parameter->value.val.number;
    if (is(parameter->name, "deadband")) deadband = parameter->value.val.number;
  }
  plugin_list_u8_t saved = config->saved.val.bytes;
  if (config->saved.is_some && saved.len == sizeof(state) && saved.ptr[0] == VERSION) {
    memcpy(&kept, saved.ptr, sizeof(state));
  }
  plugin_config_free(config);

  plugin_string_t room_temp = text("room_temp"), heating_role = text("heating");
  if (!wellhead_plugin_points_lookup(&room_temp, 0, &room)) {
    return fail(error, "no point is bound to the role `room_temp`");
  }
  if (!wellhead_plugin_points_lookup(&heating_role, 0, &heating)) {
    return fail(error, "no point is bound to the role `heating`");
  }
  return true;
}

/* The number of a point that may decide: good, or put in place by an operator. */
static bool good(const plugin_list_f64_t *seen, uint32_t point, double *number) {
  enum { NUMBER, QUALITY, AGE_MS, HOLDER, NUMBERS };
  const double *row = seen->ptr + (size_t)point * NUMBERS;
  bool trusted = row[QUALITY] == WELLHEAD_PLUGIN_POINTS_QUALITY_GOOD ||
                 row[QUALITY] == WELLHEAD_PLUGIN_POINTS_QUALITY_MANUAL;
  *number = row[NUMBER];
  /* NaN, which equals nothing, has more to tell; see `read`. */
  return trusted && *number == *number;
}

static void no_sensor(bool missing) {
  plugin_string_t code = text("no_room_temp");
  if (!missing) {
    wellhead_plugin_alarms_clear(&code);
    return;
  }
  plugin_string_t en = text("No room temperature: heating is off. Check the sensor.");
  plugin_string_t zh = text("室内温度无有效值：供暖已停止，请检查传感器。");
  wellhead_plugin_alarms_raise(&code, WELLHEAD_PLUGIN_ALARMS_SEVERITY_WARNING, &en, &zh);
}

bool exports_plugin_tick(plugin_instant_t *now, plugin_list_f64_t *seen, plugin_told_t *told,
                         plugin_string_t *error) {
  /* Lists save crossings where there is much to tell. */
  memset(told, 0, sizeof *told);
  if (ticked && kept.heating) {
    kept.milliseconds += now->monotonic_ms - last_ms;
  }
  last_ms = now->monotonic_ms;
  ticked = true;

  double temperature;
  bool known = good(seen, room, &temperature);
  plugin_list_f64_free(seen);
  no_sensor(!known);
  if (!known) {
    kept.heating = 0;
    plugin_string_t why = text("no room temperature");
    return wellhead_plugin_points_relinquish(heating, &why, error);
  }

  if (temperature <= setpoint - deadband / 2) kept.heating = 1;
  if (temperature >= setpoint + deadband / 2) kept.heating = 0;
  value on = {.tag = WELLHEAD_PLUGIN_POINTS_VALUE_BOOLEAN};
  on.val.boolean = kept.heating;
  plugin_string_t why = text(kept.heating ? "too cold" : "warm enough");
  if (!wellhead_plugin_points_write(heating, &on, &why, error)) return false;

  value minutes = {.tag = WELLHEAD_PLUGIN_POINTS_VALUE_INTEGER};
  minutes.val.integer = (int64_t)(kept.milliseconds / 60000);
  plugin_string_t name = text("heating_minutes");
  return wellhead_plugin_values_publish(&name, &minutes, WELLHEAD_PLUGIN_POINTS_QUALITY_GOOD,
                                        error);
}

bool exports_plugin_on_change(plugin_instant_t *now, plugin_list_f64_t *seen,
                              plugin_list_handle_t *changed, plugin_told_t *told,
                              plugin_string_t *error) {
  (void)now, (void)error;
  memset(told, 0, sizeof *told);
  plugin_list_f64_free(seen);
  plugin_list_handle_free(changed);
  return true;
}

void exports_plugin_save(plugin_list_u8_t *bytes) {
  bytes->len = sizeof(state);
  bytes->ptr = malloc(bytes->len);
  if (bytes->ptr == NULL) abort();
  memcpy(bytes->ptr, &kept, sizeof(state));
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-config.h"
#include <string.h>

G_DEFINE_QUARK(relay - config - error - quark, relay_config_error)

#define GROUP "relay"

/* --- values --- */

typedef struct {
  const char *key;
  size_t offset; /* in RelayLimits */
  unsigned minimum, maximum;
} Limit;

#define LIMIT(key, field, minimum, maximum)                                                        \
  {                                                                                                \
    key, G_STRUCT_OFFSET(RelayLimits, field), minimum, maximum                                     \
  }

static const Limit limits[] = {
    LIMIT("max-sessions", max_sessions, 1, 100000),
    LIMIT("max-sessions-per-ip", max_sessions_per_ip, 1, 100000),
    LIMIT("max-sessions-per-identity", max_sessions_per_identity, 1, 1000),
    LIMIT("max-rooms", max_rooms, 1, 100000),
    LIMIT("max-rooms-per-identity", max_rooms_per_identity, 1, 1000),
    LIMIT("max-members", max_members, 2, WZP_SLOT_MAX + 1),
    LIMIT("media-packets-per-second", media_packets_per_second, 1, 100000),
    LIMIT("media-bytes-per-second", media_bytes_per_second, 1500, 100000000),
    LIMIT("control-bytes-per-second", control_bytes_per_second, 1500, 10000000),
    LIMIT("handshakes-per-second", handshakes_per_second, 1, 100000),
    LIMIT("cookie-threshold", cookie_threshold, 0, 1000000),
    LIMIT("idle-timeout-ms", idle_timeout_ms, 10000, 3600000),
};

static bool
parse_number(const char *value, unsigned minimum, unsigned maximum, unsigned *number)
{
  guint64 parsed;

  if (!g_ascii_string_to_unsigned(value, 10, minimum, maximum, &parsed, NULL))
    return false;
  *number = (unsigned)parsed;
  return true;
}

static bool
set_limit(RelayConfig *config, const Limit *limit, const char *value, GError **error)
{
  unsigned *field = (unsigned *)((char *)&config->limits + limit->offset);

  if (parse_number(value, limit->minimum, limit->maximum, field))
    return true;
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "%s is \"%s\"; it has to be a whole number from %u to %u", limit->key, value,
              limit->minimum, limit->maximum);
  return false;
}

static bool
set_listen(RelayConfig *config, const char *value, GError **error)
{
  if (wzp_address_parse(&config->listen, value))
    return true;
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "listen is \"%s\"; it has to be a numeric address and a port, like 0.0.0.0:4433 or "
              "[::]:4433",
              value);
  return false;
}

static bool
set_identity(RelayConfig *config, const char *value, GError **error)
{
  if (*value == '\0') {
    g_set_error_literal(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
                        "identity is empty; it has to be the name of a file");
    return false;
  }
  g_free(config->identity);
  config->identity = g_strdup(value);
  return true;
}

static bool
set_metrics_port(RelayConfig *config, const char *value, GError **error)
{
  unsigned port;

  if (parse_number(value, 0, 65535, &port)) {
    config->metrics_port = (int)port;
    return true;
  }
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "metrics-port is \"%s\"; it has to be a port, 1 to 65535, or 0 for any free one",
              value);
  return false;
}

static bool
set_metrics_address(RelayConfig *config, const char *value, GError **error)
{
  bool v6 = strchr(value, ':') != NULL;
  char *with_port = g_strdup_printf(v6 ? "[%s]:0" : "%s:0", value);
  bool valid = wzp_address_parse(&config->metrics_address, with_port);

  g_free(with_port);
  if (valid)
    return true;
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "metrics-address is \"%s\"; it has to be a numeric address without a port, like "
              "127.0.0.1 or ::1",
              value);
  return false;
}

typedef struct {
  const char *key;
  bool (*set)(RelayConfig *config, const char *value, GError **error);
} Setting;

static const Setting settings[] = {
    {"listen", set_listen},
    {"identity", set_identity},
    {"metrics-port", set_metrics_port},
    {"metrics-address", set_metrics_address},
};

const char *
relay_config_key(unsigned n)
{
  if (n < G_N_ELEMENTS(settings))
    return settings[n].key;
  n -= (unsigned)G_N_ELEMENTS(settings);
  return n < G_N_ELEMENTS(limits) ? limits[n].key : NULL;
}

static bool
key_exists(const char *key)
{
  const char *known;
  unsigned n;

  for (n = 0; (known = relay_config_key(n)) != NULL; n++) {
    if (strcmp(known, key) == 0)
      return true;
  }
  return false;
}

bool
relay_config_set(RelayConfig *config, const char *key, const char *value, GError **error)
{
  unsigned i;

  for (i = 0; i < G_N_ELEMENTS(settings); i++) {
    if (strcmp(settings[i].key, key) == 0)
      return settings[i].set(config, value, error);
  }
  for (i = 0; i < G_N_ELEMENTS(limits); i++) {
    if (strcmp(limits[i].key, key) == 0)
      return set_limit(config, &limits[i], value, error);
  }
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE, "unknown key \"%s\"", key);
  return false;
}

void
relay_config_init(RelayConfig *config)
{
  memset(config, 0, sizeof *config);
  config->metrics_port = -1;
  relay_limits_default(&config->limits);
  relay_config_set(config, "listen", RELAY_DEFAULT_LISTEN, NULL);
  relay_config_set(config, "metrics-address", "127.0.0.1", NULL);
}

void
relay_config_clear(RelayConfig *config)
{
  g_free(config->identity);
  config->identity = NULL;
}

/* --- the file --- */

/* GKeyFile forgets line numbers and takes duplicates in silence, so the lines are looked at here first,
 * by its rules. Values are then read by GKeyFile. */
typedef struct {
  const char *name;
  unsigned line;
  bool in_group, group_seen;
  GHashTable *lines; /* key -> line number */
} Scan;

static bool G_GNUC_PRINTF(3, 4) fail_at(const Scan *scan, GError **error, const char *format, ...)
{
  va_list arguments;
  char *text;

  va_start(arguments, format);
  text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_FILE, "%s:%u: %s", scan->name,
              scan->line, text);
  g_free(text);
  return false;
}

static bool
scan_group(Scan *scan, const char *line, GError **error)
{
  if (strcmp(line, "[" GROUP "]") != 0)
    return fail_at(scan, error, "unknown group \"%s\"; the only one is [" GROUP "]", line);
  if (scan->group_seen)
    return fail_at(scan, error, "the group [" GROUP "] is there a second time");
  scan->group_seen = scan->in_group = true;
  return true;
}

static bool
scan_key(Scan *scan, char *line, GError **error)
{
  char *equals = strchr(line, '=');
  gpointer before;

  if (equals == NULL)
    return fail_at(scan, error, "\"%s\" is not a line of the form key=value", line);
  *equals = '\0';
  g_strchomp(line);
  if (!scan->in_group)
    return fail_at(scan, error, "\"%s\" stands before the group [" GROUP "]", line);
  if (!key_exists(line))
    return fail_at(scan, error, "unknown key \"%s\"", line);
  before = g_hash_table_lookup(scan->lines, line);
  if (before != NULL)
    return fail_at(scan, error, "\"%s\" was set in line %u before", line, GPOINTER_TO_UINT(before));
  g_hash_table_insert(scan->lines, g_strdup(line), GUINT_TO_POINTER(scan->line));
  return true;
}

static bool
scan_lines(Scan *scan, const char *text, GError **error)
{
  char **lines = g_strsplit(text, "\n", -1);
  bool good = true;
  unsigned i;

  for (i = 0; good && lines[i] != NULL; i++) {
    char *line = g_strstrip(lines[i]);

    scan->line = i + 1;
    if (*line == '\0' || *line == '#')
      continue;
    good = *line == '[' ? scan_group(scan, line, error) : scan_key(scan, line, error);
  }
  g_strfreev(lines);
  return good;
}

static bool
take_values(RelayConfig *config, Scan *scan, GKeyFile *file, GError **error)
{
  const char *key;
  unsigned n;

  for (n = 0; (key = relay_config_key(n)) != NULL; n++) {
    GError *problem = NULL;
    char *value;
    bool good;

    scan->line = GPOINTER_TO_UINT(g_hash_table_lookup(scan->lines, key));
    if (scan->line == 0)
      continue;
    value = g_key_file_get_string(file, GROUP, key, &problem);
    good = problem == NULL && relay_config_set(config, key, g_strchomp(value), &problem);
    g_free(value);
    if (good)
      continue;
    fail_at(scan, error, "%s", problem->message);
    g_error_free(problem);
    return false;
  }
  return true;
}

bool
relay_config_parse(RelayConfig *config, const char *name, const char *text, size_t length,
                   GError **error)
{
  Scan scan = {.name = name, .line = 1};
  GKeyFile *file;
  GError *problem = NULL;
  char *copy;
  bool good;

  if (!g_utf8_validate(text, (gssize)length, NULL)) /* refuses NUL bytes as well */
    return fail_at(&scan, error, "the file is not UTF-8 text");
  scan.lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  file = g_key_file_new();
  copy = g_strndup(text, length);
  good = scan_lines(&scan, copy, error);
  if (good && !g_key_file_load_from_data(file, copy, length, G_KEY_FILE_NONE, &problem)) {
    good = fail_at(&scan, error, "%s", problem->message);
    g_error_free(problem);
  }
  good = good && take_values(config, &scan, file, error);
  g_free(copy);
  g_key_file_unref(file);
  g_hash_table_unref(scan.lines);
  return good;
}

bool
relay_config_load(RelayConfig *config, const char *path, GError **error)
{
  GError *problem = NULL;
  char *text;
  gsize length;
  bool good;

  if (!g_file_get_contents(path, &text, &length, &problem)) {
    g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_FILE,
                "cannot read the configuration: %s", problem->message);
    g_error_free(problem);
    return false;
  }
  if (length > RELAY_CONFIG_SIZE_MAX) {
    g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_FILE,
                "%s is longer than %u bytes; that is no configuration of a relay", path,
                RELAY_CONFIG_SIZE_MAX);
    g_free(text);
    return false;
  }
  good = relay_config_parse(config, path, text, length, error);
  g_free(text);
  return good;
}

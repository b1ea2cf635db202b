/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-config.h"
#include "relay-access.h"
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
    LIMIT("max-ringing-per-identity", max_ringing_per_identity, 1, 1000),
    LIMIT("call-attempts-per-minute", call_attempts_per_minute, 1, 1000),
    LIMIT("max-members", max_members, 2, WZP_ROOM_MEMBERS_MAX),
    LIMIT("media-packets-per-second", media_packets_per_second, 1, 100000),
    LIMIT("media-bytes-per-second", media_bytes_per_second, 1500, 100000000),
    LIMIT("control-bytes-per-second", control_bytes_per_second, 1500, 10000000),
    LIMIT("handshakes-per-second", handshakes_per_second, 1, 100000),
    LIMIT("cookie-threshold", cookie_threshold, 0, 1000000),
    LIMIT("idle-timeout-ms", idle_timeout_ms, 10000, 3600000),
    LIMIT("max-token-checks", max_token_checks, 1, 1000),
    LIMIT("max-token-checks-per-ip", max_token_checks_per_ip, 1, 1000),
    LIMIT("unauthorised-timeout-ms", unauthorised_timeout_ms, 1000, 600000),
    LIMIT("max-tls-connections", max_tls_connections, 1, 4096),
    LIMIT("max-tls-connections-per-ip", max_tls_connections_per_ip, 1, 4096),
    LIMIT("max-egress-bytes-per-second", max_egress_bytes_per_second, 0, G_MAXUINT),
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
parse_listen(WzpAddress *address, const char *key, unsigned port, const char *value, GError **error)
{
  if (wzp_address_parse(address, value))
    return true;
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "%s is \"%s\"; it has to be a numeric address and a port, like 0.0.0.0:%u or "
              "[::]:%u",
              key, value, port, port);
  return false;
}

static bool
set_listen(RelayConfig *config, const char *value, GError **error)
{
  return parse_listen(&config->listen, "listen", 4433, value, error);
}

static bool
set_tls_listen(RelayConfig *config, const char *value, GError **error)
{
  return parse_listen(&config->tls_listen, "tls-listen", 443, value, error);
}

static bool
set_second_port(RelayConfig *config, const char *value, GError **error)
{
  unsigned port;

  if (strcmp(value, "off") == 0) {
    config->second_port = -1;
    return true;
  }
  if (parse_number(value, 0, 65535, &port)) {
    config->second_port = (int)port;
    return true;
  }
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "second-port is \"%s\"; it has to be a port, 1 to 65535, 0 for any free one, or off",
              value);
  return false;
}

static bool
set_file(char **file, const char *key, const char *value, GError **error)
{
  if (*value == '\0') {
    g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
                "%s is empty; it has to be the name of a file", key);
    return false;
  }
  g_free(*file);
  *file = g_strdup(value);
  return true;
}

static bool
set_identity(RelayConfig *config, const char *value, GError **error)
{
  return set_file(&config->identity, "identity", value, error);
}

static bool
set_auth_ca(RelayConfig *config, const char *value, GError **error)
{
  return set_file(&config->auth_ca, "auth-ca", value, error);
}

static bool
is_loopback(const char *host)
{
  bool v6 = strchr(host, ':') != NULL;
  char *with_port = g_strdup_printf(v6 ? "[%s]:0" : "%s:0", host);
  static const uint8_t v6_loopback[16] = {[15] = 1};
  WzpAddress address;
  bool loopback = g_ascii_strcasecmp(host, "localhost") == 0;

  if (wzp_address_parse(&address, with_port))
    loopback =
        address.family == 4 ? address.bytes[0] == 127 : memcmp(address.bytes, v6_loopback, 16) == 0;
  g_free(with_port);
  return loopback;
}

/* Tokens go there, so nobody on the way may read them. */
static bool
set_auth_url(RelayConfig *config, const char *value, GError **error)
{
  GUri *uri = g_uri_parse(value, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
  const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
  bool good = host != NULL && *host != '\0' && g_uri_get_userinfo(uri) == NULL &&
              g_uri_get_fragment(uri) == NULL &&
              (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback(host)));

  if (uri != NULL)
    g_uri_unref(uri);
  if (!good) {
    g_set_error_literal(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
                        "auth-url has to be an https:// URL without a user name, or http:// to "
                        "this machine (127.0.0.1, [::1], localhost)");
    return false;
  }
  g_free(config->auth_url);
  config->auth_url = g_strdup(value);
  return true;
}

static bool
set_auth_timeout(RelayConfig *config, const char *value, GError **error)
{
  if (parse_number(value, 100, 30000, &config->auth_timeout_ms))
    return true;
  g_set_error(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE,
              "auth-timeout-ms is \"%s\"; it has to be a whole number from 100 to 30000", value);
  return false;
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
    {"tls-listen", set_tls_listen},
    {"second-port", set_second_port},
    {"identity", set_identity},
    {"metrics-port", set_metrics_port},
    {"metrics-address", set_metrics_address},
    {"auth-url", set_auth_url},
    {"auth-ca", set_auth_ca},
    {"auth-timeout-ms", set_auth_timeout},
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
  config->auth_timeout_ms = RELAY_DEFAULT_AUTH_TIMEOUT_MS;
  config->access = relay_access_new();
  relay_limits_default(&config->limits);
  relay_config_set(config, "listen", RELAY_DEFAULT_LISTEN, NULL);
  relay_config_set(config, "metrics-address", "127.0.0.1", NULL);
}

void
relay_config_clear(RelayConfig *config)
{
  g_clear_pointer(&config->identity, g_free);
  g_clear_pointer(&config->auth_url, g_free);
  g_clear_pointer(&config->auth_ca, g_free);
  g_clear_pointer(&config->access, relay_access_free);
}

/* --- the file --- */

/* GKeyFile forgets line numbers and takes duplicates in silence, so the lines are looked at here first,
 * by its rules. Values are then read by GKeyFile. */
typedef enum { BEFORE_ALL, IN_RELAY, IN_ROOMS, IN_ROOM } Section;

typedef struct {
  const char *name;
  unsigned line;
  Section section;
  bool relay_seen, rooms_seen;
  unsigned room_key_line; /* of the one key of [rooms] or of this room */
  GHashTable *lines;      /* key of [relay] -> line number */
  RelayAccess *access;
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

/* The name in "[KIND NAME]", or NULL. Cuts the line. */
static const char *
room_named(char *line, const char *kind)
{
  size_t length = strlen(line), skip = 1 + strlen(kind);

  if (length < skip + 2 || line[length - 1] != ']' || strncmp(line + 1, kind, skip - 1) != 0 ||
      line[skip] != ' ')
    return NULL;
  line[length - 1] = '\0';
  return g_strstrip(line + skip);
}

static bool
scan_room(Scan *scan, char *line, GError **error)
{
  const char *name;

  scan->section = IN_ROOM;
  scan->room_key_line = 0;
  if ((name = room_named(line, "room")) != NULL) {
    if (relay_access_add_name(scan->access, name))
      return true;
    return fail_at(scan, error, "the room \"%s\" is there a second time, or its name is too long",
                   name);
  }
  if ((name = room_named(line, "room-id")) != NULL) {
    if (relay_access_add_id(scan->access, name))
      return true;
    return fail_at(scan, error,
                   "the room id \"%s\" is there a second time, or it is not 64 hex digits", name);
  }
  return fail_at(scan, error,
                 "unknown group \"%s\"; there are [" GROUP "], [rooms], [room NAME] and "
                 "[room-id ID]",
                 line);
}

static bool
scan_group(Scan *scan, char *line, GError **error)
{
  bool relay = strcmp(line, "[" GROUP "]") == 0, rooms = strcmp(line, "[rooms]") == 0;
  bool *seen = relay ? &scan->relay_seen : &scan->rooms_seen;

  if (!relay && !rooms)
    return scan_room(scan, line, error);
  if (*seen)
    return fail_at(scan, error, "the group %s is there a second time", line);
  *seen = true;
  scan->section = relay ? IN_RELAY : IN_ROOMS;
  scan->room_key_line = 0;
  return true;
}

/* [rooms] and each room have one key. */
static bool
scan_room_key(Scan *scan, const char *key, const char *value, GError **error)
{
  bool rooms = scan->section == IN_ROOMS;
  char *wrong = NULL;

  if (strcmp(key, rooms ? "policy" : "allow") != 0)
    return fail_at(scan, error, "unknown key \"%s\"; here is only %s", key,
                   rooms ? "policy=open or policy=closed" : "allow=FINGERPRINT,...");
  if (scan->room_key_line != 0)
    return fail_at(scan, error, "\"%s\" was set in line %u before", key, scan->room_key_line);
  scan->room_key_line = scan->line;
  if (rooms) {
    if (strcmp(value, "open") != 0 && strcmp(value, "closed") != 0)
      return fail_at(scan, error, "policy is \"%s\"; it has to be open or closed", value);
    relay_access_set_open(scan->access, strcmp(value, "open") == 0);
    return true;
  }
  if (relay_access_allow(scan->access, value, &wrong))
    return true;
  fail_at(scan, error,
          "\"%s\" is not a fingerprint: that is eight groups of four hex digits with colons, or * "
          "for everybody",
          wrong);
  g_free(wrong);
  return false;
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
  if (scan->section == BEFORE_ALL)
    return fail_at(scan, error, "\"%s\" stands before the group [" GROUP "]", line);
  if (scan->section != IN_RELAY)
    return scan_room_key(scan, line, g_strchug(equals + 1), error);
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
  Scan scan = {.name = name, .line = 1, .access = config->access};
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

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay/relay-config.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Either every value is within its range, or the error names the file and a line that exists. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  RelayConfig config;
  GError *error = NULL;

  relay_config_init(&config);
  if (relay_config_parse(&config, "f", (const char *)data, size, &error)) {
    g_assert_no_error(error);
    g_assert_cmpuint(config.limits.max_sessions, >=, 1);
    g_assert_cmpuint(config.limits.max_members, >=, 2);
    g_assert_cmpuint(config.limits.max_members, <=, 64);
    g_assert_cmpint(config.metrics_port, >=, -1);
    g_assert_cmpint(config.metrics_port, <=, 65535);
    g_assert_true(config.listen.family == 4 || config.listen.family == 6);
    g_assert_true(config.identity == NULL || *config.identity != '\0');
  } else {
    guint64 line = 0;
    char *end;

    g_assert_nonnull(error);
    g_assert_true(g_str_has_prefix(error->message, "f:"));
    line = g_ascii_strtoull(error->message + 2, &end, 10);
    g_assert_cmpuint(line, >=, 1);
    g_assert_cmpuint(line, <=, size + 1);
    g_assert_true(g_str_has_prefix(end, ": "));
    g_error_free(error);
  }
  relay_config_clear(&config);
  return 0;
}

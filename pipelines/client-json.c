/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-json.h"
#include <json-glib/json-glib.h>
#include <math.h>

void
client_json_add(GString *json, const char *name, const char *value)
{
  g_string_append_printf(json, "%s\"%s\":%s", json->len > 1 ? "," : "", name, value);
}

void
client_json_add_count(GString *json, const char *name, guint64 count)
{
  char text[32];
  g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, count);
  client_json_add(json, name, text);
}

/* json-glib would print 61.1 with all its seventeen digits. */
void
client_json_add_number(GString *json, const char *name, double number, int digits)
{
  char text[32];
  g_snprintf(text, sizeof text, "%.*f", digits, number);
  client_json_add(json, name, number < 0 ? "null" : text);
}

void
client_json_add_decibels(GString *json, const char *name, double level)
{
  char text[32];
  g_snprintf(text, sizeof text, "%.1f", level);
  client_json_add(json, name, isnan(level) ? "null" : text);
}

void
client_json_add_text(GString *json, const char *name, const char *text)
{
  JsonNode *node = json_node_init_string(json_node_alloc(), text);
  char *quoted = text ? json_to_string(node, FALSE) : g_strdup("null");
  client_json_add(json, name, quoted);
  g_free(quoted);
  json_node_unref(node);
}

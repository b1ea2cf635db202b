/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "json-object.h"
#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 8

/* json-glib reads more than JSON (comments, single quotes, assignments) and recurses as deep as it is
 * told to: only what can be one JSON object of bounded depth gets there. */
static bool
may_be_object(const char *text, size_t length)
{
  unsigned depth = 0;
  bool in_string = false, ended = false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (in_string) {
      if ((unsigned char)c < 0x20)
        return false;
      if (c == '"')
        in_string = false;
      else if (c == '\\' && length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
        return false; /* it would cut the string short */
      else if (c == '\\')
        i++;
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
      continue;
    if (ended || (depth == 0 && c != '{') || !strchr("{}[]:,\"+-.0123456789eEtrufalsn", c))
      return false;
    if (c == '"')
      in_string = true;
    else if ((c == '{' || c == '[') && ++depth > DEPTH_MAX)
      return false;
    else if (c == '}' || c == ']')
      ended = --depth == 0;
  }
  return ended;
}

JsonObject *
wzp_json_object_parse(JsonParser **parser, const void *text, size_t length)
{
  *parser = NULL;
  if (length == 0 || !g_utf8_validate_len(text, length, NULL) || !may_be_object(text, length))
    return NULL;
  *parser = json_parser_new_immutable();
  JsonNode *root;
  if (json_parser_load_from_data(*parser, text, (gssize)length, NULL) &&
      (root = json_parser_get_root(*parser)) && JSON_NODE_HOLDS_OBJECT(root))
    return json_node_get_object(root);
  g_clear_object(parser);
  return NULL;
}

const char *
wzp_json_object_string(JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member(object, name);
  if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string(node);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <json-glib/json-glib.h>

/* JSON of strangers: one object, strictly JSON (json-glib alone reads more), nested at most 8 deep. */

/* The object, held by *parser (g_object_unref() it). NULL, and *parser NULL, for anything else. */
JsonObject *wzp_json_object_parse(JsonParser **parser, const void *text, size_t length);
/* The member's string, or NULL when it is missing or of another type. */
const char *wzp_json_object_string(JsonObject *object, const char *name);

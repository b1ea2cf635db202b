/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* An object of JSON that grows by members; json starts as "{". */

/* value: JSON. */
void client_json_add(GString *json, const char *name, const char *value);
void client_json_add_count(GString *json, const char *name, guint64 count);
/* Below 0: null. */
void client_json_add_number(GString *json, const char *name, double number, int digits);
/* NAN: null. */
void client_json_add_decibels(GString *json, const char *name, double level);
/* NULL: null. */
void client_json_add_text(GString *json, const char *name, const char *text);

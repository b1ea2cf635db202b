/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The relays that were met before: a text file, mode 0600, one `host:port ed25519-hex [first-use]` a line.
 * Empty lines and lines that start with '#' are kept. Any other line, a place named twice, or an unsafe file
 * is an error: a file that was tampered with must not read as "never met". */

#define WZP_PINS_ERROR (wzp_pins_error_quark())
GQuark wzp_pins_error_quark(void);
typedef enum { WZP_PINS_ERROR_CONTENT } WzpPinsError;

/* $XDG_CONFIG_HOME/wzp/known-relays. Free with g_free(). */
char *wzp_pins_default_path(void);
typedef struct {
  uint8_t key[32];
  bool first_use; /* taken as it came: nobody said that it is the right one */
} WzpPin;

/* *found tells whether place ("host:port") has a key. A missing file holds none. */
bool wzp_pins_lookup(const char *path, const char *place, WzpPin *pin, bool *found, GError **error);
/* Sets or replaces the pin of place. Other processes that pin at the same moment lose nothing. */
bool wzp_pins_store(const char *path, const char *place, const WzpPin *pin, GError **error);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <stdint.h>

/* The seed file of a person, bare or sealed with a passphrase. */

/* $XDG_CONFIG_HOME/wzp/identity; free with g_free(). */
char *client_seed_default_path(void);
/* A sealed one is opened with the first line of passphrase_file, which must be private, or with what the person
 * at the terminal says when it is NULL. seed is wiped on failure; CLIENT_LOCAL. */
gboolean client_seed_read(const char *path, const char *passphrase_file, uint8_t seed[32],
                          GError **error);
/* Never replaces. With seal it asks for a new passphrase, twice, when passphrase_file is NULL. */
gboolean client_seed_create(const char *path, const uint8_t seed[32], gboolean seal,
                            const char *passphrase_file, GError **error);

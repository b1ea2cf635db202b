/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* An identity given as 24 words. wzpcall reads seeds from files, so the seed lies in a file of our own,
 * readable by nobody else and in memory where there is such a place, for as long as the call starts. */

typedef struct ClientIdentity ClientIdentity;
/* The file with the words is refused like a seed file that is not private. NULL: CLIENT_LOCAL. */
ClientIdentity *client_identity_from_words(const char *path, GError **error);
const char *client_identity_seed_file(const ClientIdentity *identity);
/* Removes the file. NULL is fine. */
void client_identity_free(ClientIdentity *identity);

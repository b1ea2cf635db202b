/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* The identity of a call, when it is not in a bare seed file: 24 words in a file, or a sealed one. wzpcall reads
 * seeds from files, so the seed lies in a file of our own, readable by nobody else and in memory where there is
 * such a place, for as long as the call starts. */

typedef struct ClientIdentity ClientIdentity;
/* The file with the words is refused like a seed file that is not private. NULL: CLIENT_LOCAL. */
ClientIdentity *client_identity_from_words(const char *path, GError **error);
/* Of a seed file that is sealed: *identity is what was in it, and NULL when it is not sealed, or not there; then
 * wzpcall reads or makes it. Asks for the passphrase without a passphrase_file. False: CLIENT_LOCAL. */
gboolean client_identity_unseal(const char *path, const char *passphrase_file,
                                ClientIdentity **identity, GError **error);
const char *client_identity_seed_file(const ClientIdentity *identity);
/* Removes the file. NULL is fine. */
void client_identity_free(ClientIdentity *identity);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "identity.h"

/* Secrets on disk (PROTOCOL.md 2): a regular file, not a symbolic link, one hard link, owned by the
 * caller, mode 0600 or 0400, in 64 hex digits and a newline. Anything else is refused with a GError
 * (domain WZP_KEYFILE_ERROR) whose message names the file, what is wrong and what would be right. */

#define WZP_KEYFILE_ERROR (wzp_keyfile_error_quark())
GQuark wzp_keyfile_error_quark(void);
typedef enum {
  WZP_KEYFILE_ERROR_MISSING,
  WZP_KEYFILE_ERROR_UNSAFE,  /* owner, mode, link, not a regular file */
  WZP_KEYFILE_ERROR_CONTENT, /* not 64 hex digits */
  WZP_KEYFILE_ERROR_WRITE,
  WZP_KEYFILE_ERROR_SEALED,    /* a passphrase opens it: sealed-key.h */
  WZP_KEYFILE_ERROR_PASSPHRASE /* not this one */
} WzpKeyfileError;

/* The content alone: 64 hex digits and a newline, nothing else. secret is wiped on failure. */
bool wzp_keyfile_parse(uint8_t secret[32], const char *text, size_t length);
/* Reads a 32-byte secret. secret is wiped on failure. */
bool wzp_keyfile_read(const char *path, uint8_t secret[32], GError **error);
/* Creates the file 0600 (its directory 0700 if missing) by writing a temporary one, fsync, and rename
 * that never replaces an existing file. */
bool wzp_keyfile_create(const char *path, const uint8_t secret[32], GError **error);
/* The identity in path; with a random source, made and stored when the file is missing. */
WzpIdentity *wzp_identity_load(const char *path, const WzpRandom *create, GError **error);
/* Replaces a text file 0600 that is not a secret itself but must not be forged (pins): same checks on
 * what is there, temporary file, fsync, rename. */
bool wzp_private_text_write(const char *path, const char *text, GError **error); /* at most 1 MiB */
/* Missing file: *text = NULL and success. Size limit 1 MiB. */
bool wzp_private_text_read(const char *path, char **text, GError **error);
/* The same for a text that must not exist yet; never replaces. */
bool wzp_private_text_create(const char *path, const char *text, GError **error);
/* The first line of such a file, without its end: a passphrase of 1 to WZP_PASSPHRASE_MAX bytes. Free with
 * wzp_secret_text_free(). */
#define WZP_PASSPHRASE_MAX 255
char *wzp_passphrase_load(const char *path, GError **error);
void wzp_secret_text_free(char *text); /* wipes; NULL is fine */
/* Held from reading to writing, so that two processes lose nothing of each other's; a file PATH.lock of its
 * own, because PATH is replaced. close() what comes back; -1 with an error. */
int wzp_private_text_lock(const char *path, GError **error);

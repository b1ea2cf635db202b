/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "identity.h"

/* The people that were met: name, whole key, when, and whether somebody checked that the key is theirs. The time
 * (unix, seconds) is an argument.
 *
 * As text, one line each, made for reading and for mending by hand:
 *
 *   KEY(64 hex) FIRST-SEEN LAST-SEEN HOW VERIFIED-AT SAS NAME
 *
 * with times like 2026-11-24T16:20:05Z, HOW "no", "fingerprint" or "words", with "+trusted" behind one of the last two for
 * who may know our addresses as soon as a call rings, SAS the 8 bytes in hex of the last
 * call, and "-" for what there is not. The name may have spaces. Lines that are empty or start with '#' are
 * kept. Everything else is an error that names the line: a file that was damaged must not read as "never met". */

#define WZP_CONTACTS_ERROR (wzp_contacts_error_quark())
GQuark wzp_contacts_error_quark(void);
typedef enum {
  WZP_CONTACTS_ERROR_CONTENT,      /* the text is damaged */
  WZP_CONTACTS_ERROR_NAME,         /* not a name */
  WZP_CONTACTS_ERROR_UNKNOWN,      /* no contact has this name */
  WZP_CONTACTS_ERROR_EXISTS,       /* name or key are there already */
  WZP_CONTACTS_ERROR_KEY_CHANGED,  /* the name is known, with another key */
  WZP_CONTACTS_ERROR_MISMATCH,     /* what should prove the key is not of this key */
  WZP_CONTACTS_ERROR_NOT_VERIFIED, /* nobody checked that the key is theirs */
  WZP_CONTACTS_ERROR_NO_CALL       /* there are no words of a call to compare with */
} WzpContactsError;

#define WZP_CONTACT_NAME_MAX 64 /* bytes */
#define WZP_CONTACT_NEVER 0

typedef enum { WZP_VERIFIED_NO, WZP_VERIFIED_FINGERPRINT, WZP_VERIFIED_WORDS } WzpVerified;
const char *wzp_verified_name(WzpVerified verified); /* "no", "fingerprint", "words" */

typedef struct {
  char *name;
  uint8_t key[32];                            /* Ed25519 */
  int64_t first_seen, last_seen, verified_at; /* WZP_CONTACT_NEVER */
  WzpVerified verified;
  bool trusted; /* may know our addresses before a call is taken; verified ones only */
  bool has_sas; /* there was a call */
  uint8_t sas[8];
} WzpContact;

typedef struct WzpContacts WzpContacts;
/* NULL is the empty text. */
WzpContacts *wzp_contacts_parse(const char *text, GError **error);
char *wzp_contacts_format(const WzpContacts *contacts);
void wzp_contacts_free(WzpContacts *contacts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WzpContacts, wzp_contacts_free)

/* In the order of the text. Valid until the next change. */
unsigned wzp_contacts_count(const WzpContacts *contacts);
const WzpContact *wzp_contacts_nth(const WzpContacts *contacts, unsigned n);
/* Names are the same when they look the same but for upper and lower case. NULL: nobody. */
const WzpContact *wzp_contacts_by_name(const WzpContacts *contacts, const char *name);
const WzpContact *wzp_contacts_by_key(const WzpContacts *contacts, const uint8_t key[32]);
const WzpContact *wzp_contacts_by_fingerprint(const WzpContacts *contacts,
                                              const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);

typedef enum {
  WZP_CONTACT_STRANGER,
  WZP_CONTACT_KNOWN,
  WZP_CONTACT_IS_VERIFIED,
  WZP_CONTACT_KEY_CHANGED /* stop: somebody else answers under this name */
} WzpContactStanding;
/* Who proved this key, when name is whom we meant (NULL: nobody in particular). *sentence, when not NULL, says it
 * for people; free with g_free(). */
WzpContactStanding wzp_contacts_check(const WzpContacts *contacts, const char *name,
                                      const uint8_t key[32], char **sentence);

/* A key is never replaced under a name: that takes a removal, which a person has to ask for. */
bool wzp_contacts_add(WzpContacts *contacts, const char *name, const uint8_t key[32], int64_t now,
                      GError **error);
bool wzp_contacts_remove(WzpContacts *contacts, const char *name, GError **error);
bool wzp_contacts_rename(WzpContacts *contacts, const char *name, const char *new_name,
                         GError **error);
/* A call proved this key; sas is the call's, or NULL. False when the key is no contact's. */
bool wzp_contacts_seen(WzpContacts *contacts, const uint8_t key[32], int64_t now,
                       const uint8_t sas[8]);
/* The same of somebody who may be new: then he becomes a contact, as name, or as "stranger" and half of the fingerprint when that is
 * NULL. Strangers who were in rooms only (no sas) and whom nobody named or verified are WZP_CONTACT_STRANGERS_MAX at most; the one not seen for
 * longest makes way. */
#define WZP_CONTACT_STRANGERS_MAX 64
bool wzp_contacts_meet(WzpContacts *contacts, const uint8_t key[32], const char *name, int64_t now,
                       const uint8_t sas[8], GError **error);
/* The person compared one of these with the other one. WZP_CONTACTS_ERROR_MISMATCH is the loud one. */
bool wzp_contacts_verify_key(WzpContacts *contacts, const char *name, const uint8_t key[32],
                             int64_t now, GError **error);
bool wzp_contacts_verify_fingerprint(WzpContacts *contacts, const char *name,
                                     const uint8_t fingerprint[WZP_FINGERPRINT_SIZE], int64_t now,
                                     GError **error);
bool wzp_contacts_verify_words(WzpContacts *contacts, const char *name, const char *words,
                               int64_t now, GError **error);

/* Marks one whose key was verified, or takes the mark away. */
bool wzp_contacts_trust(WzpContacts *contacts, const char *name, bool trusted, GError **error);

/* A key as people give it to each other, in text and in a QR code: "WZP-ID:" and 64 hex digits. The prefix may be
 * missing when it is read, and the case does not matter. */
#define WZP_CONTACT_KEY_TEXT 72
void wzp_contact_key_format(char text[WZP_CONTACT_KEY_TEXT], const uint8_t key[32]);
bool wzp_contact_key_parse(uint8_t key[32], const char *text);

/* $XDG_CONFIG_HOME/wzp/contacts; free with g_free(). */
char *wzp_contacts_default_path(void);
/* The file, private like a key file; a missing one is empty. */
WzpContacts *wzp_contacts_load(const char *path, GError **error);
/* Reads, changes and writes, locked: what other processes change at the same time is kept. Nothing is written when
 * change() is false or the file is damaged. */
typedef bool (*WzpContactsChange)(WzpContacts *contacts, void *data, GError **error);
bool wzp_contacts_update(const char *path, WzpContactsChange change, void *data, GError **error);

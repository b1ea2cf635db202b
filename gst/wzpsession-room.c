/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzp/contacts.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* Who is in the room, told one by one, and the code by which the members find out whether all of them see the same. */

/* Many may come at once: the code is spoken of when nobody came or went for so long. */
#define CODE_SETTLES (2 * WZP_SECOND)

/* What is known of a key: "verified", "known" or "new", and its name in *name or NULL. */
static const gchar *
look_up(WzpSession *self, const guint8 key[32], gchar **name)
{
  static const gchar *const standings[] = {
      [WZP_CONTACT_STRANGER] = "new",
      [WZP_CONTACT_KNOWN] = "known",
      [WZP_CONTACT_IS_VERIFIED] = "verified",
      [WZP_CONTACT_KEY_CHANGED] = "new",
  };
  g_autofree gchar *standard = wzp_contacts_default_path();
  g_autoptr(WzpContacts) contacts =
      wzp_contacts_load(self->contacts != NULL ? self->contacts : standard, NULL);
  if (contacts == NULL)
    return standings[WZP_CONTACT_STRANGER];
  const WzpContact *contact = wzp_contacts_by_key(contacts, key);
  *name = contact != NULL ? g_strdup(contact->name) : NULL;
  return standings[wzp_contacts_check(contacts, NULL, key, NULL)];
}

/* Returns whether its key was compared with the person. */
static gboolean
post_peer(WzpSession *self, const WzpEvent *event, gboolean present, gboolean proven,
          gboolean listed)
{
  guint8 fingerprint[WZP_FINGERPRINT_SIZE];
  gchar text[WZP_FINGERPRINT_TEXT];
  g_autofree gchar *name = NULL;
  const gchar *standing = look_up(self, event->key, &name);
  wzp_fingerprint(fingerprint, event->key);
  GstStructure *structure = gst_structure_new(
      "wzp-peer", "fingerprint", G_TYPE_STRING, wzp_fingerprint_format(fingerprint, text), "slot",
      G_TYPE_UINT, (guint)event->slot, "standing", G_TYPE_STRING, standing, "verified",
      G_TYPE_BOOLEAN, g_str_equal(standing, "verified"), "present", G_TYPE_BOOLEAN, present,
      "proven", G_TYPE_BOOLEAN, proven, "listed", G_TYPE_BOOLEAN, listed, NULL);
  if (name != NULL)
    gst_structure_set(structure, "name", G_TYPE_STRING, name, NULL);
  wzp_session_post_structure(self, structure);
  if (listed)
    self->code_at = g_get_monotonic_time() + CODE_SETTLES;
  return g_str_equal(standing, "verified");
}

/* Whoever knows an open room's name can be in it: only with somebody who was verified may we go directly there. */
static void
trust(WzpSession *self, const guint8 key[32])
{
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  if (self->call != NULL) {
    wzp_call_trust(self->call, now, key);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
}

static guint
count_others(WzpSession *self)
{
  WzpMemberInfo member;
  guint others = 0;
  g_mutex_lock(&self->lock);
  while (self->call != NULL && wzp_call_member(self->call, others, &member))
    others++;
  g_mutex_unlock(&self->lock);
  return others;
}

void
wzp_session_member_came(WzpSession *self, const WzpEvent *event)
{
  wzp_board_set_members(self->board, count_others(self) + 1);
  if (post_peer(self, event, TRUE, TRUE, TRUE))
    trust(self, event->key);
  wzp_session_meet(self, event->key);
}

/* Our key went to somebody who has not shown yet that the JOIN is its own. */
void
wzp_session_member_unproven(WzpSession *self, const WzpEvent *event, gboolean present)
{
  post_peer(self, event, present, FALSE, TRUE);
  if (present)
    wzp_session_check_expected(self, event->key);
}

/* The relay shows somebody who is not on the list: nothing goes there, and nothing from there is heard. */
void
wzp_session_member_unlisted(WzpSession *self, const WzpEvent *event, gboolean present)
{
  post_peer(self, event, present, FALSE, FALSE);
}

void
wzp_session_member_left(WzpSession *self, const WzpEvent *event)
{
  guint remaining = count_others(self);
  wzp_board_set_members(self->board, remaining + 1);
  if (self->calls && !wzp_session_is_between_calls(self))
    remaining++; /* the next one is already called */
  wzp_board_forget(self->board, event->slot);
  post_peer(self, event, FALSE, TRUE, TRUE);
  wzp_session_emit_member_left(self, event->slot, remaining);
}

/* What comes at the former slot from now on is another's. */
void
wzp_session_member_moved(WzpSession *self, const WzpEvent *event)
{
  wzp_board_forget(self->board, event->former_slot);
  wzp_session_emit_member_left(self, event->former_slot, 1);
  post_peer(self, event, TRUE, TRUE, TRUE);
}

void
wzp_session_warn_of_room(WzpSession *self)
{
  if (self->short_passphrase)
    wzp_session_post_trouble(
        self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_SETTINGS,
        "The passphrase of this room is short: the relay, or who gets at what it stores, can try "
        "guesses as fast as machines can, without asking anybody. Take five or more random words, "
        "or a room secret behind '#', which nobody can guess.");
}

void
wzp_session_tell_code_changed(WzpSession *self, WzpTime now)
{
  guint8 digest[32];
  unsigned n_members = 0;
  if (now < self->code_at)
    return;
  self->code_at = wzp_session_write_met(self) ? WZP_NEVER : now + CODE_SETTLES;
  g_mutex_lock(&self->lock);
  gboolean has = self->call != NULL && wzp_call_code_digest(self->call, digest, &n_members);
  g_mutex_unlock(&self->lock);
  if (has && memcmp(digest, self->code_told, sizeof digest) != 0) {
    memcpy(self->code_told, digest, sizeof digest);
    wzp_session_post_structure(
        self, gst_structure_new("wzp-room-code", "members", G_TYPE_UINT, n_members, NULL));
  }
}

gchar *
wzp_session_dup_room_code(WzpSession *self)
{
  guint8 digest[32];
  unsigned n_members;
  gchar text[WZP_ROOM_CODE_TEXT];
  g_mutex_lock(&self->lock);
  gboolean has = self->call != NULL && wzp_call_code_digest(self->call, digest, &n_members);
  g_mutex_unlock(&self->lock);
  return has && wzp_room_code(text, digest) ? g_strdup(text) : NULL;
}

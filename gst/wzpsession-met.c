/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzp/contacts.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* Whom we met in rooms: the contacts say who was there when, and stop a room for two where somebody else comes. */

/* The store is written and synced by another thread: on some disks that takes longer than a packet may wait. */
typedef struct {
  WzpSession *session;
  GArray *keys; /* of 32 bytes */
  gboolean strangers;
  gchar *path, *name; /* of the first one that is new; NULL: a stranger */
} Batch;

static bool
change(WzpContacts *contacts, void *data, GError **error)
{
  const Batch *batch = data;
  gint64 now = g_get_real_time() / G_USEC_PER_SEC;
  bool any = false;
  for (guint n = 0; n < batch->keys->len; n++) {
    const uint8_t *key = (const uint8_t *)batch->keys->data + 32 * (gsize)n;
    if (batch->name != NULL && wzp_contacts_by_name(contacts, batch->name) == NULL &&
        wzp_contacts_by_key(contacts, key) == NULL) {
      if (!wzp_contacts_meet(contacts, key, batch->name, now, NULL, error))
        return false;
      any = true;
    } else if (wzp_contacts_seen(contacts, key, now, NULL)) {
      any = true;
    } else if (batch->strangers) {
      if (!wzp_contacts_meet(contacts, key, NULL, now, NULL, error))
        return false;
      any = true;
    }
  }
  return any;
}

static gpointer
write_batch(gpointer data)
{
  Batch *batch = data;
  g_autoptr(GError) error = NULL;
  if (!wzp_contacts_update(batch->path, change, batch, &error) && error != NULL) {
    g_autofree gchar *text =
        g_strdup_printf("Who is in this room cannot be remembered, so that a change of a key would "
                        "go unnoticed: %s.",
                        error->message);
    wzp_session_post_trouble(batch->session, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_WRITE, text);
  }
  g_atomic_int_set(&batch->session->writing, FALSE);
  g_array_unref(batch->keys);
  g_free(batch->path);
  g_free(batch->name);
  g_free(batch);
  return NULL;
}

gboolean
wzp_session_write_met(WzpSession *self)
{
  if (self->met->len == 0)
    return TRUE;
  if (g_atomic_int_get(&self->writing))
    return FALSE;
  if (self->writer != NULL)
    g_thread_join(self->writer);
  Batch *batch = g_new0(Batch, 1);
  batch->session = self;
  batch->keys = self->met;
  self->met = g_array_new(FALSE, FALSE, 32);
  batch->path = g_strdup(self->contacts);
  batch->name = g_strdup(self->peer_name);
  /* who has no identity of his own is nobody's acquaintance */
  batch->strangers = self->identity_path != NULL;
  g_atomic_int_set(&self->writing, TRUE);
  self->writer = g_thread_new("wzp-contacts", write_batch, batch);
  return TRUE;
}

void
wzp_session_finish_met(WzpSession *self)
{
  if (self->writer != NULL)
    g_thread_join(g_steal_pointer(&self->writer));
  wzp_session_write_met(self);
  if (self->writer != NULL)
    g_thread_join(g_steal_pointer(&self->writer));
}

void
wzp_session_meet(WzpSession *self, const guint8 key[32])
{
  if (self->calls || self->udp)
    return; /* dialled calls remember by themselves; in udp mode keys are of one start */
  for (guint n = 0; n < self->met->len; n++)
    if (memcmp(self->met->data + 32 * (gsize)n, key, 32) == 0)
      return;
  g_array_append_vals(self->met, key, 1);
  if (self->peer_name != NULL && !self->has_expected) {
    self->has_expected = TRUE;
    memcpy(self->expected, key, sizeof self->expected);
  }
}

gboolean
wzp_session_load_expected(WzpSession *self, GError **error)
{
  g_autoptr(GError) reason = NULL;
  if (self->calls || self->peer_name == NULL)
    return TRUE;
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(self->contacts, &reason);
  if (contacts == NULL)
    return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                              "The contacts cannot be used: %s.", reason->message);
  const WzpContact *known = wzp_contacts_by_name(contacts, self->peer_name);
  self->has_expected = known != NULL;
  if (known != NULL)
    memcpy(self->expected, known->key, sizeof self->expected);
  return TRUE;
}

void
wzp_session_check_expected(WzpSession *self, const guint8 key[32])
{
  gchar is[WZP_FINGERPRINT_TEXT], was[WZP_FINGERPRINT_TEXT];
  guint8 fingerprint[WZP_FINGERPRINT_SIZE], theirs[WZP_FINGERPRINT_SIZE];
  if (self->calls || !self->has_expected || memcmp(key, self->expected, 32) == 0)
    return;
  wzp_fingerprint(fingerprint, self->expected);
  wzp_fingerprint(theirs, key);
  g_autofree gchar *text = g_strdup_printf(
      "STOP: this room is for you and '%s', whose key has the fingerprint %s, and somebody else "
      "came: %s. Somebody may pretend to be %s, or has a new identity: ask in another way than by "
      "this call. Nothing was said to him.",
      self->peer_name, wzp_fingerprint_format(fingerprint, was), wzp_fingerprint_format(theirs, is),
      self->peer_name);
  wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
}

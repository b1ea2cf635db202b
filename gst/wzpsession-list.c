/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* The list of who may be in the room: read at the start and whenever its file changes. What is no good list, or an older one,
 * keeps a session from starting; one that runs goes on with the list that it has. */

/* NULL: no list that counts. */
static WzpRoomList *
read_list(WzpSession *self, GError **error)
{
  guint8 owner[WZP_FINGERPRINT_SIZE];
  gchar signed_by[WZP_FINGERPRINT_TEXT], expected[WZP_FINGERPRINT_TEXT];
  g_autoptr(WzpRoomList) list = wzp_room_list_load(self->list_path, error);
  if (list == NULL)
    return NULL;
  if (!wzp_room_list_is_signed(list)) {
    g_set_error(
        error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_SIGNATURE,
        "%s: this list is not signed yet; its owner does that with \"wzp-client list sign\"",
        self->list_path);
    return NULL;
  }
  const WzpSessionPerson *person = &self->list_owner;
  const guint8 *key = wzp_room_list_owner(list);
  wzp_fingerprint(owner, key);
  if (memcmp(owner, person->fingerprint, sizeof owner) != 0 ||
      (person->has_key && memcmp(key, person->key, sizeof person->key) != 0)) {
    g_set_error(error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_OWNER,
                "%s: this list is signed by %s, and the owner of the room is %s", self->list_path,
                wzp_fingerprint_format(owner, signed_by),
                wzp_fingerprint_format(person->fingerprint, expected));
    return NULL;
  }
  return wzp_room_list_remember(self->known_lists, list, error) ? g_steal_pointer(&list) : NULL;
}

/* Where the relay's key is known already; else the call finds out. */
static gboolean
is_of_room(const WzpRoomList *list, const WzpCallConfig *call)
{
  guint8 room_id[32];
  wzp_room_id(room_id, &call->room, call->relay_key);
  return !call->has_relay_key || memcmp(room_id, wzp_room_list_room_id(list), sizeof room_id) == 0;
}

#define WRONG_ROOM                                                                                 \
  "The list %s is of another room than this one: a list belongs to one room at one relay."

gboolean
wzp_session_load_list(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call,
                      GError **error)
{
  g_autoptr(GError) reason = NULL;
  if (config->list == NULL)
    return TRUE;
  if (!wzp_session_find_person(self->contacts, config->list_owner, NULL, &self->list_owner, error))
    return FALSE;
  self->list = read_list(self, &reason);
  if (self->list == NULL)
    return wzp_session_refuse(
        error, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "%sThe list of the room cannot be used: %s.",
        g_error_matches(reason, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_SIGNATURE) ||
                g_error_matches(reason, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_OWNER) ||
                g_error_matches(reason, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_OLD) ||
                g_error_matches(reason, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_FORKED)
            ? "STOP: "
            : "",
        reason->message);
  if (!is_of_room(self->list, call))
    return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED, WRONG_ROOM,
                              self->list_path);
  if (!wzp_room_list_has(self->list, self->identity->ed25519_public))
    return wzp_session_refuse(
        error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        "Your own key is not on the list %s: the others would give you nothing. %s",
        self->list_path,
        config->identity != NULL ? "Ask the owner of the room to add it."
                                 : "This session has a new identity; name yours with 'identity'.");
  call->list = self->list;
  return TRUE;
}

static void
tell_list(WzpSession *self)
{
  wzp_session_post_structure(self, gst_structure_new("wzp-room-list", "version", G_TYPE_UINT64,
                                                     (guint64)wzp_room_list_version(self->list),
                                                     "members", G_TYPE_UINT,
                                                     wzp_room_list_count(self->list), NULL));
}

static void
use_list(WzpSession *self, WzpRoomList *list)
{
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  WzpResult result = wzp_call_set_list(self->call, now, list);
  if (self->started)
    wzp_session_drain_locked(self, now);
  g_mutex_unlock(&self->lock);
  if (result == WZP_OK) {
    wzp_room_list_unref(self->list);
    self->list = wzp_room_list_ref(list);
    tell_list(self);
  } else if (result == WZP_NOT_ALLOWED) {
    wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                     "You were taken off the list of this room.");
  }
}

static void
read_again(WzpSession *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(WzpRoomList) list = read_list(self, &error);
  if (list != NULL &&
      memcmp(wzp_room_list_room_id(list), wzp_room_list_room_id(self->list), 32) != 0) {
    g_set_error(&error, WZP_ROOM_LIST_ERROR, WZP_ROOM_LIST_ERROR_CONTENT,
                "%s: this is another room's list", self->list_path);
    g_clear_pointer(&list, wzp_room_list_unref);
  }
  if (list == NULL) {
    g_autofree gchar *text = g_strdup_printf(
        "The list of the room was changed, and the one before stays in force: %s.", error->message);
    wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
  } else if (wzp_room_list_version(list) > wzp_room_list_version(self->list)) {
    use_list(self, list);
  }
}

static void
list_changed(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
             gpointer data)
{
  (void)monitor, (void)file, (void)other;
  WzpSession *self = data;
  if (event == G_FILE_MONITOR_EVENT_CHANGES_DONE_HINT && !self->failed)
    read_again(self);
}

void
wzp_session_watch_list(WzpSession *self)
{
  if (self->list == NULL)
    return;
  g_autoptr(GFile) file = g_file_new_for_path(self->list_path);
  g_autoptr(GError) error = NULL;
  tell_list(self);
  self->list_monitor = g_file_monitor_file(file, G_FILE_MONITOR_NONE, NULL, &error);
  if (self->list_monitor != NULL) {
    g_signal_connect(self->list_monitor, "changed", G_CALLBACK(list_changed), self);
    read_again(self); /* it may have changed before it was watched */
    return;
  }
  g_autofree gchar *text = g_strdup_printf(
      "The file %s cannot be watched (%s): a newer list counts from the next start.",
      self->list_path, error->message);
  wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_FAILED, text);
}

void
wzp_session_unwatch_list(WzpSession *self)
{
  if (self->list_monitor != NULL)
    g_file_monitor_cancel(self->list_monitor);
  g_clear_object(&self->list_monitor);
}

void
wzp_session_handle_wrong_list(WzpSession *self)
{
  g_autofree gchar *text = g_strdup_printf(WRONG_ROOM, self->list_path);
  wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
}

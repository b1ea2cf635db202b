/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzp/pins.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* --- posting: on the first element of the session, so that nothing is told twice --- */

static GstElement *
dup_speaker(WzpSession *self)
{
  g_mutex_lock(&self->lock);
  GstElement *element = self->users != NULL ? gst_object_ref(self->users->data) : NULL;
  g_mutex_unlock(&self->lock);
  return element;
}

void
wzp_session_post_structure(WzpSession *self, GstStructure *structure)
{
  g_autoptr(GstElement) speaker = dup_speaker(self);
  if (speaker == NULL)
    gst_structure_free(structure);
  else
    gst_element_post_message(speaker, gst_message_new_element(GST_OBJECT(speaker), structure));
}

void
wzp_session_post_trouble(WzpSession *self, GstMessageType type, gint code, const gchar *text)
{
  g_autoptr(GstElement) speaker = dup_speaker(self);
  if (speaker != NULL)
    gst_element_message_full(speaker, type, GST_RESOURCE_ERROR, code, g_strdup(text), NULL,
                             __FILE__, GST_FUNCTION, __LINE__);
}

static const gchar *
state_text(WzpSession *self, WzpCallState state)
{
  switch (state) {
  case WZP_CALL_CONNECTING:
    return self->udp ? "looking for the other box" : "connecting to the relay";
  case WZP_CALL_WAITING:
    if (self->calls)
      return wzp_session_is_between_calls(self)
                 ? "connected to the relay; no call is on"
                 : "connected to the relay; waiting for the other side";
    return "connected; nobody else is in the room yet";
  case WZP_CALL_ACTIVE:
    return "the other side is there; what is said is encrypted end to end";
  case WZP_CALL_RECONNECTING:
    if (wzp_session_is_direct(self))
      return "the relay is away; looking for it again, and the call goes on directly";
    if (self->dismissed)
      return self->udp ? "the other box said goodbye; waiting for it to come back"
                       : "the relay said goodbye; looking for it again";
    return self->udp ? "the other box fell silent; looking for it again"
                     : "the relay fell silent; looking for it again";
  case WZP_CALL_ENDED:
    return "the call has ended";
  default:
    return "nothing goes on yet";
  }
}

static void
set_state(WzpSession *self, WzpCallState state)
{
  g_mutex_lock(&self->lock);
  gboolean changed = self->state != state;
  self->state = state;
  g_mutex_unlock(&self->lock);
  if (!changed)
    return;
  GST_INFO_OBJECT(self, "%s", wzp_call_state_name(state));
  wzp_session_post_structure(self, gst_structure_new("wzp-state", "state", G_TYPE_STRING,
                                                     wzp_call_state_name(state), "text",
                                                     G_TYPE_STRING, state_text(self, state), NULL));
  g_object_notify(G_OBJECT(self), "state");
}

void
wzp_session_fail(WzpSession *self, gint code, const gchar *text)
{
  if (self->failed)
    return;
  self->failed = TRUE;
  self->episode = WZP_NEVER;
  self->resolve_again = WZP_NEVER;
  WzpTime now = g_get_monotonic_time();
  g_mutex_lock(&self->lock);
  if (self->started) {
    wzp_call_leave(self->call, now);
    wzp_session_drain_locked(self, now);
  }
  GPtrArray *inboxes = g_ptr_array_ref(self->inboxes);
  g_mutex_unlock(&self->lock);
  wzp_session_post_trouble(self, GST_MESSAGE_ERROR, code, text);
  set_state(self, WZP_CALL_ENDED);
  /* recordings behind a wzpsrc end properly */
  for (guint n = 0; n < inboxes->len; n++)
    gst_wzp_inbox_end(g_ptr_array_index(inboxes, n));
  g_ptr_array_unref(inboxes);
}

/* --- patience: how long no answer is no news --- */

WzpTime
wzp_session_patience_deadline(WzpSession *self)
{
  if (self->episode == WZP_NEVER || (self->udp && *self->host == '\0' && !self->connected))
    return WZP_NEVER;
  WzpTime deadline = WZP_NEVER;
  if (!self->warned)
    deadline = self->episode + WZP_SESSION_WARN_MSEC * WZP_MSEC;
  if (!self->connected && self->connect_timeout > 0)
    deadline = MIN(deadline, self->episode + self->connect_timeout * WZP_MSEC);
  return deadline;
}

static gchar *
no_answer_text(WzpSession *self)
{
  if (!self->resolved)
    return g_strdup_printf("The host name '%s' cannot be resolved%s%s", self->host,
                           self->resolve_error != NULL ? ": " : "",
                           self->resolve_error != NULL ? self->resolve_error : "");
  if (*self->place == '\0')
    return g_strdup("The other box does not answer");
  if (self->stream_error != NULL)
    return g_strdup_printf("The relay %s does not answer, nor does it by TLS on port %u (%s)",
                           self->place, self->tls_port, self->stream_error);
  return g_strdup_printf(self->udp ? "The other box at %s does not answer"
                                   : "The relay %s does not answer",
                         self->place);
}

void
wzp_session_check_patience(WzpSession *self, WzpTime now)
{
  if (now < wzp_session_patience_deadline(self))
    return;
  g_autofree gchar *what = no_answer_text(self);
  if (!self->connected && self->connect_timeout > 0 &&
      now >= self->episode + self->connect_timeout * WZP_MSEC) {
    g_autofree gchar *text = g_strdup_printf(
        "%s; gave up after %.3g s. %s", what, self->connect_timeout / 1000.0,
        self->udp
            ? "udp mode needs a way back: both boxes must be able to send to each other, with "
              "the same key file."
            : "Check the address, and that UDP to this port gets through.");
    wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_FOUND, text);
    return;
  }
  self->warned = TRUE;
  g_autofree gchar *text = g_strdup_printf("%s; still trying.", what);
  wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_FOUND, text);
}

/* --- events of the call --- */

static void
handle_state(WzpSession *self, WzpCallState state)
{
  if (self->failed)
    return;
  if (state == WZP_CALL_WAITING || state == WZP_CALL_ACTIVE) {
    self->connected = TRUE;
    self->dismissed = FALSE;
    self->episode = WZP_NEVER;
  } else if (state == WZP_CALL_RECONNECTING) {
    self->episode = g_get_monotonic_time();
    self->warned = FALSE;
    wzp_session_resolve(self); /* its address may have changed */
  }
  set_state(self, state);
}

static void
handle_relay_key(WzpSession *self, const guint8 key[32])
{
  g_autoptr(GError) error = NULL;
  guint8 fingerprint[WZP_FINGERPRINT_SIZE];
  gchar text[WZP_FINGERPRINT_TEXT];
  wzp_fingerprint(fingerprint, key);
  gboolean first_use = self->relay == NULL && !self->had_pin, remembered = FALSE;
  WzpPin pin = {.first_use = !self->vouched};
  memcpy(pin.key, key, sizeof pin.key);
  if (self->relay == NULL)
    remembered = wzp_pins_store(self->known_relays, self->place, &pin, &error);
  if (error != NULL) {
    g_autofree gchar *warning =
        g_strdup_printf("The key of relay %s cannot be remembered, so that a change would go "
                        "unnoticed the next time: %s.",
                        self->place, error->message);
    wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_WRITE, warning);
  }
  memcpy(self->pinned, fingerprint, sizeof self->pinned);
  self->has_pinned = TRUE;
  wzp_session_post_structure(self,
                             gst_structure_new("wzp-relay-key", "fingerprint", G_TYPE_STRING,
                                               wzp_fingerprint_format(fingerprint, text),
                                               "first-use", G_TYPE_BOOLEAN, first_use, "remembered",
                                               G_TYPE_BOOLEAN, remembered, NULL));
}

static void
handle_relay_changed(WzpSession *self, const guint8 key[32])
{
  guint8 fingerprint[WZP_FINGERPRINT_SIZE];
  gchar seen[WZP_FINGERPRINT_TEXT], expected[WZP_FINGERPRINT_TEXT];
  wzp_fingerprint(fingerprint, key);
  wzp_fingerprint_format(fingerprint, seen);
  wzp_fingerprint_format(self->pinned, expected);
  g_autofree gchar *text = NULL;
  if (self->connected) {
    text = g_strdup_printf("Somebody answers for relay %s with another key: pinned %s, seen %s. "
                           "Nothing was sent there; still looking for the one that we know.",
                           self->place, expected, seen);
    wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
    return;
  }
  if (self->relay != NULL)
    text = g_strdup_printf("The key of relay %s is not the one that relay= names: expected %s, "
                           "seen %s. Nothing was sent. If this is expected, correct relay=.",
                           self->place, expected, seen);
  else
    text = g_strdup_printf("The key of relay %s has changed: pinned %s, seen %s. Nothing was sent. "
                           "If this is expected, set accept-new-relay-key=true once.",
                           self->place, expected, seen);
  wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
}

static void
handle_error(WzpSession *self, const WzpEvent *event)
{
  gint code = GST_RESOURCE_ERROR_FAILED;
  switch (event->code) {
  case WZP_ERROR_ROOM_FULL:
  case WZP_ERROR_BUSY:
  case WZP_ERROR_RATE_LIMITED:
  case WZP_ERROR_AUTH_UNAVAILABLE:
    code = GST_RESOURCE_ERROR_BUSY;
    break;
  case WZP_ERROR_BAD_JOIN:
  case WZP_ERROR_WRONG_RELAY:
  case WZP_ERROR_AUTH_REQUIRED:
  case WZP_ERROR_AUTH_REFUSED:
  case WZP_ERROR_NOT_ALLOWED:
    code = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    break;
  default:
    break;
  }
  g_autofree gchar *text = g_strdup_printf("The relay %s refused (%s): %s", self->place,
                                           wzp_error_code_name(event->code), event->text);
  wzp_session_fail(self, code, text);
}

static void
handle_closed(WzpSession *self, WzpCloseReason reason)
{
  self->dismissed = TRUE;
  if (reason == WZP_CLOSE_REPLACED)
    wzp_session_fail(self, GST_RESOURCE_ERROR_BUSY,
                     "Another client with the same identity took this place in the room.");
  else
    GST_INFO_OBJECT(self, "the other end said goodbye, reason %d", (gint)reason);
}

static void
handle_carrier(WzpSession *self, gboolean by_stream)
{
  /* whether UDP is dead is not known: a relay that came back may only have answered by TLS first */
  GST_INFO_OBJECT(self, "%s", by_stream ? "no answer by UDP: by TLS" : "UDP lives again");
  wzp_session_post_structure(self,
                             gst_structure_new("wzp-transport", "transport", G_TYPE_STRING,
                                               by_stream ? "tls" : "udp", "text", G_TYPE_STRING,
                                               by_stream ? "no answer by UDP yet; going on by TLS"
                                                         : "UDP gets through again; TLS is left",
                                               NULL));
}

static void
handle_hearing(WzpSession *self, gboolean heard)
{
  const gchar *text =
      heard ? "the silence is over" : "nothing is heard any more, though somebody was speaking";
  GST_INFO_OBJECT(self, "%s", text);
  wzp_session_post_structure(self, gst_structure_new("wzp-hearing", "heard", G_TYPE_BOOLEAN, heard,
                                                     "text", G_TYPE_STRING, text, NULL));
}

void
wzp_session_handle_event(WzpSession *self, const WzpEvent *event)
{
  switch (event->type) {
  case WZP_EVENT_STATE:
    handle_state(self, event->state);
    break;
  case WZP_EVENT_RELAY_KEY:
    handle_relay_key(self, event->key);
    break;
  case WZP_EVENT_RELAY_CHANGED:
    handle_relay_changed(self, event->key);
    break;
  case WZP_EVENT_MEMBER:
    wzp_session_member_came(self, event);
    break;
  case WZP_EVENT_MEMBER_LEFT:
    wzp_session_member_left(self, event);
    break;
  case WZP_EVENT_MEMBER_ANNOUNCED:
    wzp_session_member_unproven(self, event, TRUE);
    break;
  case WZP_EVENT_MEMBER_WITHDRAWN:
    wzp_session_member_unproven(self, event, FALSE);
    break;
  case WZP_EVENT_MEMBER_UNLISTED:
    wzp_session_member_unlisted(self, event, TRUE);
    break;
  case WZP_EVENT_UNLISTED_LEFT:
    wzp_session_member_unlisted(self, event, FALSE);
    break;
  case WZP_EVENT_WRONG_LIST:
    wzp_session_handle_wrong_list(self);
    break;
  case WZP_EVENT_MEMBER_MOVED:
    wzp_session_member_moved(self, event);
    break;
  case WZP_EVENT_ERROR:
    handle_error(self, event);
    break;
  case WZP_EVENT_CALL:
    wzp_session_handle_call(self, &event->dial);
    break;
  case WZP_EVENT_CARRIER:
    handle_carrier(self, event->by_stream);
    break;
  case WZP_EVENT_PATH:
    wzp_session_path_changed(self, event->direct);
    break;
  case WZP_EVENT_HEARING:
    handle_hearing(self, event->heard);
    break;
  case WZP_EVENT_NAT:
    GST_INFO_OBJECT(self, "NAT, as the relay sees it: %s", wzp_nat_text(event->nat));
    break;
  case WZP_EVENT_CLOSED:
    handle_closed(self, event->reason);
    break;
  }
}

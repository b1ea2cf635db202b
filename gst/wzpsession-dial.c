/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "gstwzpuri.h"
#include "wzp/contacts.h"
#include <string.h>

#define GST_CAT_DEFAULT wzp_session_debug

/* Dialled calls of a session: whom a person means, what people are told, and who is remembered. */

/* --- whom a person means --- */

gboolean
wzp_session_find_person(const gchar *contacts_path, const gchar *text, const gchar *name,
                        WzpSessionPerson *person, GError **error)
{
  g_autoptr(GError) reason = NULL;
  g_autofree gchar *standard = wzp_contacts_default_path();
  g_autoptr(WzpContacts) contacts =
      wzp_contacts_load(contacts_path != NULL ? contacts_path : standard, &reason);
  memset(person, 0, sizeof *person);
  if (contacts == NULL) {
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                "The contacts cannot be used: %s.", reason->message);
    return FALSE;
  }
  gboolean is_fingerprint = wzp_fingerprint_parse(person->fingerprint, text);
  const WzpContact *known = is_fingerprint
                                ? wzp_contacts_by_fingerprint(contacts, person->fingerprint)
                                : wzp_contacts_by_name(contacts, text);
  if (!is_fingerprint && known == NULL) {
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                "'%s' is neither the name of a contact nor a fingerprint (32 hex digits, with or "
                "without colons).",
                text);
    return FALSE;
  }
  const WzpContact *named = name != NULL ? wzp_contacts_by_name(contacts, name) : NULL;
  if (named != NULL && named != known) {
    guint8 theirs[WZP_FINGERPRINT_SIZE];
    gchar expected[WZP_FINGERPRINT_TEXT];
    wzp_fingerprint(theirs, named->key);
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                "STOP: '%s' is known with another key, fingerprint %s, than the one that is to be "
                "called: %s. Somebody may pretend to be %s, or has a new identity: ask in another "
                "way than by this call. Nobody was called.",
                named->name, wzp_fingerprint_format(theirs, expected), text, named->name);
    return FALSE;
  }
  if (known != NULL) {
    person->has_key = TRUE;
    memcpy(person->key, known->key, sizeof person->key);
    wzp_fingerprint(person->fingerprint, known->key);
  }
  return TRUE;
}

/* The name under which a key is known; NULL: under none. */
static gchar *
dup_name(WzpSession *self, const guint8 key[32])
{
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(self->contacts, NULL);
  const WzpContact *known = contacts != NULL ? wzp_contacts_by_key(contacts, key) : NULL;
  return known != NULL ? g_strdup(known->name) : NULL;
}

typedef struct {
  const WzpDialEvent *event;
  const gchar *name; /* for one who is not known yet; NULL: a stranger */
} Remembered;

static bool
change_contacts(WzpContacts *contacts, void *data, GError **error)
{
  const Remembered *remembered = data;
  const WzpDialEvent *event = remembered->event;
  return wzp_contacts_meet(contacts, event->key, remembered->name,
                           g_get_real_time() / G_USEC_PER_SEC, event->sas, error);
}

/* A call is on: the first one with somebody makes a contact of him. */
static void
remember(WzpSession *self, const WzpDialEvent *event)
{
  g_autoptr(GError) error = NULL;
  Remembered remembered = {event, NULL};
  if (event->outgoing && self->peer_name != NULL && self->has_callee &&
      memcmp(event->peer, self->callee, sizeof self->callee) == 0)
    remembered.name = self->peer_name;
  if (wzp_contacts_update(self->contacts, change_contacts, &remembered, &error) || error == NULL)
    return;
  g_autofree gchar *text = g_strdup_printf("This call's other side cannot be remembered, so that a "
                                           "change of its key would go unnoticed: %s.",
                                           error->message);
  wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_WRITE, text);
}

/* --- what people are told --- */

static const gchar *const event_names[] = {
    [WZP_DIAL_EVENT_INCOMING] = "incoming",
    [WZP_DIAL_EVENT_PROVEN] = "proven",
    [WZP_DIAL_EVENT_REMOTE_RINGS] = "ringing",
    [WZP_DIAL_EVENT_ACCEPTED] = "accepted",
    [WZP_DIAL_EVENT_TOGETHER] = "connected",
    [WZP_DIAL_EVENT_ALONE] = "disconnected",
    [WZP_DIAL_EVENT_HELD] = "hold",
    [WZP_DIAL_EVENT_MUTED] = "mute",
    [WZP_DIAL_EVENT_TRANSFER] = "transfer",
    [WZP_DIAL_EVENT_ENDED] = "ended",
    [WZP_DIAL_EVENT_MISSED] = "missed",
    [WZP_DIAL_EVENT_WRONG_IDENTITY] = "wrong-identity",
    [WZP_DIAL_EVENT_UNFINISHED] = "unfinished",
};

static gchar *
end_text(const WzpDialEvent *event, const gchar *who)
{
  switch (event->end) {
  case WZP_END_HUNG_UP:
    return g_strdup_printf(event->theirs ? "%s hung up" : "the call with %s is over", who);
  case WZP_END_DECLINED:
    return g_strdup_printf(
        event->theirs ? "%s does not take the call" : "the call of %s was declined", who);
  case WZP_END_BUSY:
    return g_strdup_printf(event->theirs ? "%s is busy" : "%s was told that you are busy", who);
  case WZP_END_TIMEOUT:
    return g_strdup_printf(
        event->outgoing ? "%s did not take the call" : "the call of %s was missed", who);
  case WZP_END_TRANSFERRED:
    return g_strdup_printf("the call with %s goes on with somebody else", who);
  case WZP_END_UNREACHABLE:
    return g_strdup_printf("%s cannot be reached: nobody with this identity is at the relay", who);
  case WZP_END_NO_ANSWER:
    return g_strdup_printf("the client of %s does not answer", who);
  case WZP_END_LIMITED:
    return g_strdup_printf("%s was called too often; wait a minute", who);
  case WZP_END_NO_PLACE:
    return g_strdup("the relay takes no more calls now");
  case WZP_END_LOST:
    return g_strdup_printf("nothing is heard of %s any more", who);
  case WZP_END_WRONG_IDENTITY:
    return g_strdup_printf("only somebody else answered for %s; nothing was said to him", who);
  case WZP_END_CROSSED:
    return g_strdup_printf("%s called at the same moment: that call goes on", who);
  default:
    return g_strdup_printf("the call with %s failed", who);
  }
}

static gchar *
event_text(const WzpDialEvent *event, const gchar *who)
{
  gchar other[WZP_FINGERPRINT_TEXT];
  guint8 fingerprint[WZP_FINGERPRINT_SIZE];
  switch (event->type) {
  case WZP_DIAL_EVENT_INCOMING:
    return g_strdup_printf("%s calls", who);
  case WZP_DIAL_EVENT_PROVEN:
    return g_strdup_printf("%s was reached", who);
  case WZP_DIAL_EVENT_REMOTE_RINGS:
    return g_strdup_printf("it rings at %s", who);
  case WZP_DIAL_EVENT_ACCEPTED:
    return g_strdup_printf("the call with %s was taken", who);
  case WZP_DIAL_EVENT_TOGETHER:
    return g_strdup_printf("%s can hear and be heard", who);
  case WZP_DIAL_EVENT_ALONE:
    return g_strdup_printf("%s is on the way", who);
  case WZP_DIAL_EVENT_HELD:
    return g_strdup_printf(event->on ? "%s put the call on hold" : "%s goes on with the call", who);
  case WZP_DIAL_EVENT_MUTED:
    return g_strdup_printf(event->on ? "%s is muted" : "%s is not muted any more", who);
  case WZP_DIAL_EVENT_TRANSFER:
    return g_strdup_printf("%s asks to call %s instead", who,
                           wzp_fingerprint_format(event->target, other));
  case WZP_DIAL_EVENT_MISSED:
    return g_strdup_printf("%s called and was told that nobody can take the call", who);
  case WZP_DIAL_EVENT_WRONG_IDENTITY:
    wzp_fingerprint(fingerprint, event->key);
    return g_strdup_printf("Somebody else answers for %s, with the key of %s. Nothing was said "
                           "there; still waiting for the right one.",
                           who, wzp_fingerprint_format(fingerprint, other));
  case WZP_DIAL_EVENT_UNFINISHED:
    return g_strdup_printf("%u calls were begun and never finished; many of them may be tries to "
                           "get between two",
                           event->count);
  default:
    return end_text(event, who);
  }
}

static void
set_sas(GstStructure *structure, const guint8 sas[8])
{
  gchar words[WZP_SAS_WORDS_TEXT], digits[7];
  wzp_sas_words(words, sas);
  wzp_sas_digits(digits, sas);
  gst_structure_set(structure, "sas-words", G_TYPE_STRING, words, "sas-digits", G_TYPE_STRING,
                    digits, NULL);
}

static GstStructure *
event_structure(const WzpDialEvent *event, const gchar *name, const gchar *text)
{
  gchar fingerprint[WZP_FINGERPRINT_TEXT], target[WZP_FINGERPRINT_TEXT];
  gchar id[2 * WZP_CALL_ID_SIZE + 1];
  for (guint i = 0; i < WZP_CALL_ID_SIZE; i++)
    g_snprintf(id + 2 * i, 3, "%02x", event->id[i]);
  GstStructure *structure = gst_structure_new(
      "wzp-call", "event", G_TYPE_STRING, event_names[event->type], "call-id", G_TYPE_STRING, id,
      "fingerprint", G_TYPE_STRING, wzp_fingerprint_format(event->peer, fingerprint), "name",
      G_TYPE_STRING, name != NULL ? name : "", "outgoing", G_TYPE_BOOLEAN,
      (gboolean)event->outgoing, "mode", G_TYPE_STRING, wzp_accept_mode_name(event->mode), "text",
      G_TYPE_STRING, text, NULL);
  if (event->proven)
    set_sas(structure, event->sas);
  if (event->type == WZP_DIAL_EVENT_ENDED)
    gst_structure_set(structure, "reason", G_TYPE_STRING, wzp_call_end_name(event->end), "theirs",
                      G_TYPE_BOOLEAN, (gboolean)event->theirs, NULL);
  if (event->type == WZP_DIAL_EVENT_HELD || event->type == WZP_DIAL_EVENT_MUTED)
    gst_structure_set(structure, "on", G_TYPE_BOOLEAN, (gboolean)event->on, NULL);
  if (event->type == WZP_DIAL_EVENT_TRANSFER)
    gst_structure_set(structure, "target", G_TYPE_STRING,
                      wzp_fingerprint_format(event->target, target), NULL);
  if (event->type == WZP_DIAL_EVENT_UNFINISHED)
    gst_structure_set(structure, "count", G_TYPE_UINT, event->count, NULL);
  return structure;
}

gboolean
wzp_session_is_between_calls(WzpSession *self)
{
  WzpDialInfo info = {.state = WZP_DIAL_IDLE};
  g_mutex_lock(&self->lock);
  if (self->call != NULL && wzp_call_dial(self->call) != NULL)
    wzp_dial_get_info(wzp_call_dial(self->call), &info);
  g_mutex_unlock(&self->lock);
  return info.state == WZP_DIAL_IDLE;
}

/* A call that we made is over before it was one. */
static void
end_without_talk(WzpSession *self, const WzpDialEvent *event, const gchar *text)
{
  if (event->end == WZP_END_WRONG_IDENTITY) {
    wzp_session_fail(self, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
    return;
  }
  if (event->end != WZP_END_HUNG_UP && event->end != WZP_END_CROSSED)
    wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_FOUND, text);
  if (wzp_session_is_between_calls(self))
    wzp_session_emit_member_left(self, event->outgoing ? 1 : 0, 0);
}

/* With the lock. NULL: no dialled calls here. */
static WzpDial *
dial_locked(WzpSession *self)
{
  return self->call != NULL && self->started ? wzp_call_dial(self->call) : NULL;
}

/* Who is proven, and whom the person trusts with the addresses, need not wait for them until the call is taken. */
static void
trust(WzpSession *self, const WzpDialEvent *event)
{
  g_autoptr(WzpContacts) contacts = wzp_contacts_load(self->contacts, NULL);
  const WzpContact *known = contacts != NULL ? wzp_contacts_by_key(contacts, event->key) : NULL;
  WzpTime now = g_get_monotonic_time();
  if (known == NULL || !known->trusted)
    return;
  g_mutex_lock(&self->lock);
  WzpDial *dial = dial_locked(self);
  if (dial != NULL) {
    wzp_dial_trust(dial, now, event->id);
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
}

void
wzp_session_handle_call(WzpSession *self, const WzpDialEvent *event)
{
  gchar fingerprint[WZP_FINGERPRINT_TEXT];
  g_autofree gchar *name = event->proven ? dup_name(self, event->key) : NULL;
  wzp_fingerprint_format(event->peer, fingerprint);
  g_autofree gchar *who =
      name != NULL ? g_strdup_printf("%s (%s)", name, fingerprint) : g_strdup(fingerprint);
  g_autofree gchar *text = event_text(event, who);
  g_autoptr(GstStructure) structure = event_structure(event, name, text);
  GST_INFO_OBJECT(self, "%s", text);
  if (event->type == WZP_DIAL_EVENT_INCOMING || event->type == WZP_DIAL_EVENT_PROVEN)
    trust(self, event);
  if (event->type == WZP_DIAL_EVENT_ACCEPTED) {
    self->talked = TRUE;
    remember(self, event);
  }
  wzp_session_post_structure(self, gst_structure_copy(structure));
  if (event->type == WZP_DIAL_EVENT_WRONG_IDENTITY)
    wzp_session_post_trouble(self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR_NOT_AUTHORIZED, text);
  wzp_session_emit_call_event(self, structure);
  if (event->type == WZP_DIAL_EVENT_ENDED) {
    if (event->outgoing && !self->talked)
      end_without_talk(self, event, text);
    self->talked = FALSE;
  }
}

/* --- what a person wants --- */

static gboolean
parse_id(const gchar *text, guint8 id[WZP_CALL_ID_SIZE])
{
  return text != NULL && *text != '\0' && wzp_hex_read(id, WZP_CALL_ID_SIZE, text);
}

static WzpResult
call_locked(WzpDial *dial, WzpTime now, const WzpSessionPerson *person)
{
  return wzp_dial_call(dial, now, person->fingerprint, person->has_key ? person->key : NULL);
}

gboolean
wzp_session_call_act(WzpSession *self, const WzpSessionAction *action)
{
  WzpTime now = g_get_monotonic_time();
  WzpResult result = WZP_NOT_CONNECTED;
  guint8 id[WZP_CALL_ID_SIZE];
  const guint8 *which = parse_id(action->id, id) ? id : NULL;
  if (which == NULL && action->id != NULL && *action->id != '\0')
    return FALSE;
  g_mutex_lock(&self->lock);
  WzpDial *dial = dial_locked(self);
  if (action->type == WZP_SESSION_SET_MODE && self->call != NULL) {
    wzp_call_set_accept_mode(self->call, now, action->mode); /* rooms have one, too */
    result = WZP_OK;
    if (self->started)
      wzp_session_drain_locked(self, now);
  } else if (dial != NULL) {
    switch (action->type) {
    case WZP_SESSION_ACCEPT:
      result = wzp_dial_accept(dial, now, which, action->mode);
      break;
    case WZP_SESSION_DECLINE:
      result = wzp_dial_decline(dial, now, which, action->end);
      break;
    case WZP_SESSION_HANG_UP:
      result = wzp_dial_hang_up(dial, now, which);
      break;
    case WZP_SESSION_HOLD:
      result = wzp_dial_hold(dial, action->on);
      break;
    case WZP_SESSION_MUTE:
      result = wzp_dial_mute(dial, action->on);
      break;
    case WZP_SESSION_TRANSFER:
      result = wzp_dial_transfer(dial, action->person.fingerprint);
      break;
    case WZP_SESSION_DIAL: /* also in another one's place */
      result = call_locked(dial, now, &action->person);
      if (result == WZP_UNEXPECTED && wzp_dial_hang_up(dial, now, NULL) == WZP_OK)
        result = call_locked(dial, now, &action->person);
      break;
    case WZP_SESSION_SET_MODE:
      break;
    }
    wzp_session_drain_locked(self, now);
  }
  g_mutex_unlock(&self->lock);
  return result == WZP_OK;
}

gchar *
wzp_session_dup_sas(WzpSession *self)
{
  WzpDialInfo info = {0};
  g_mutex_lock(&self->lock);
  WzpDial *dial = dial_locked(self);
  if (dial != NULL)
    wzp_dial_get_info(dial, &info);
  g_mutex_unlock(&self->lock);
  if (!info.proven)
    return NULL;
  gchar words[WZP_SAS_WORDS_TEXT], digits[7];
  wzp_sas_words(words, info.sas);
  wzp_sas_digits(digits, info.sas);
  return g_strdup_printf("%s %s", words, digits);
}

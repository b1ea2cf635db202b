/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpendpoint.h"
#include "gstwzpcontext.h"
#include "wzp/keyfile.h"
#include <string.h>

const gchar *const gst_wzp_endpoint_protocols[] = {"wzp", NULL};

#define READWRITE (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define READ (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

static void
install(GObjectClass *object_class, guint id, GParamSpec *pspec)
{
  g_object_class_install_property(object_class, id, pspec);
}

GType
gst_wzp_accept_mode_get_type(void)
{
  static const GEnumValue values[] = {
      {WZP_ACCEPT_REJECT, "Declines every call", "reject"},
      {WZP_ACCEPT_TRUSTED, "Rings; addresses may be exchanged, end-to-end encrypted", "trusted"},
      {WZP_ACCEPT_PRIVATE, "Rings; by the relay only, and no addresses are gathered", "private"},
      {0, NULL, NULL},
  };
  static gsize type = 0;
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpAcceptMode", values));
  return type;
}

static void
install_read_only(GObjectClass *object_class)
{
  install(object_class, GST_WZP_ENDPOINT_PROP_STATE,
          g_param_spec_string("state", "State",
                              "What the session is doing: idle, connecting, waiting, active, "
                              "reconnecting or ended",
                              "idle", READ));
  install(object_class, GST_WZP_ENDPOINT_PROP_FINGERPRINT,
          g_param_spec_string("fingerprint", "Fingerprint",
                              "Fingerprint of the own identity, once the session started", NULL,
                              READ));
  install(object_class, GST_WZP_ENDPOINT_PROP_ROOM_CODE,
          g_param_spec_string("room-code", "Room code",
                              "Eight words to compare: the same for all members of a room who see "
                              "the same members. Takes some tenths of a second to make",
                              NULL, READ));
  install(object_class, GST_WZP_ENDPOINT_PROP_STATS,
          g_param_spec_boxed("stats", "Statistics",
                             "Counters of the session (application/x-wzp-session-stats)",
                             GST_TYPE_STRUCTURE, READ));
}

static void
install_udp_mode(GObjectClass *object_class)
{
  install(object_class, GST_WZP_ENDPOINT_PROP_HOST,
          g_param_spec_string("host", "Host",
                              "udp mode: the other box; empty waits for it to come here. The URI's "
                              "host stands over this",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_PORT,
          g_param_spec_uint("port", "Port", "udp mode: UDP port of the other box", 1, 65535,
                            GST_WZP_DEFAULT_PORT, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_LOCAL_PORT,
          g_param_spec_uint("local-port", "Local port", "UDP port to send from; 0 is any", 0, 65535,
                            0, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_KEY_FILE,
          g_param_spec_string("key-file", "Key file",
                              "udp mode, without a relay: path of the file with the key that both "
                              "boxes have (64 hex digits, mode 0600)",
                              NULL, READWRITE));
}

static void
install_room(GObjectClass *object_class)
{
  install(object_class, GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE,
          g_param_spec_string("room-passphrase", "Room's passphrase",
                              "A passphrase that closes the room. For programs that ask for it: "
                              "everybody on a machine can read command lines",
                              NULL,
                              G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  install(object_class, GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE_FILE,
          g_param_spec_string("room-passphrase-file", "File of the room's passphrase",
                              "Path of the file whose first line is the passphrase that closes the "
                              "room (mode 0600)",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_LIST,
          g_param_spec_string("list", "List",
                              "Path of the signed list of who may be in the room. Nobody else is "
                              "given a key or heard; a newer version in the file counts at once",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_LIST_OWNER,
          g_param_spec_string("list-owner", "List's owner",
                              "Who must have signed the list: a fingerprint, or a contact's name",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_KNOWN_LISTS,
          g_param_spec_string("known-lists", "Known lists",
                              "Path of the file with the versions of lists seen before, of which "
                              "none older is taken. Unset: wzp/known-lists in the user's "
                              "configuration folder",
                              NULL, READWRITE));
}

void
gst_wzp_endpoint_install_properties(GObjectClass *object_class, gboolean named)
{
  install(object_class, GST_WZP_ENDPOINT_PROP_URI,
          g_param_spec_string("uri", "URI",
                              "wzp://host[:4433]/room[?property=value...][#ROOMSECRET]; the secret "
                              "is not shown when read",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_RELAY,
          g_param_spec_string("relay", "Relay's fingerprint",
                              "Fingerprint that the relay must have; it stands over known-relays",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_IDENTITY,
          g_param_spec_string("identity", "Identity file",
                              "Path of the seed file; made when missing. Unset: a fresh identity "
                              "for this session",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_KNOWN_RELAYS,
          g_param_spec_string("known-relays", "Known relays",
                              "Path of the file with the keys of relays met before. Unset: "
                              "wzp/known-relays in the user's configuration folder",
                              NULL, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_ACCEPT_NEW_RELAY_KEY,
          g_param_spec_boolean("accept-new-relay-key", "Accept a new relay key",
                               "Take whatever key the relay shows, and remember it", FALSE,
                               READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_TOKEN_FILE,
          g_param_spec_string("token-file", "Token file",
                              "Path of the file with the token that the relay asks for (one line, "
                              "mode 0600)",
                              NULL, READWRITE));
  install(
      object_class, GST_WZP_ENDPOINT_PROP_TOKEN_AT_FIRST_USE,
      g_param_spec_boolean("token-at-first-use", "Token at first use",
                           "Show the token also to a relay whose key was taken at first use, or "
                           "is now: it is the right one, and remembered as that",
                           FALSE, READWRITE));
  install_room(object_class);
  install(
      object_class, GST_WZP_ENDPOINT_PROP_ACCEPT_MODE,
      g_param_spec_enum("accept-mode", "Accept mode",
                        "How rooms of two and calls may travel, private when either side says "
                        "so; and whether calls that come in ring",
                        GST_WZP_TYPE_ACCEPT_MODE, WZP_ACCEPT_PRIVATE,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  install(object_class, GST_WZP_ENDPOINT_PROP_TLS_PORT,
          g_param_spec_uint("tls-port", "TLS port",
                            "TCP port of the relay to go to, with TLS, while UDP does not get "
                            "through; 0: never",
                            0, 65535, WZP_SESSION_TLS_PORT, READWRITE));
  install(object_class, GST_WZP_ENDPOINT_PROP_CONNECT_TIMEOUT,
          g_param_spec_uint("connect-timeout", "Connect timeout",
                            "Milliseconds without a first answer until that is an error; 0 tries "
                            "for ever",
                            0, G_MAXINT, WZP_SESSION_CONNECT_TIMEOUT_MSEC, READWRITE));
  if (named)
    install(object_class, GST_WZP_ENDPOINT_PROP_SESSION,
            g_param_spec_string("session", "Session",
                                "Name of the session to take part in; unset: the pipeline's one",
                                NULL, READWRITE));
  install(
      object_class, GST_WZP_ENDPOINT_PROP_END_ON_LEAVE,
      g_param_spec_boolean("end-on-leave", "End on leave",
                           "End the stream (EOS) when the last other member leaves", FALSE,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  install_udp_mode(object_class);
  install_read_only(object_class);
}

void
gst_wzp_endpoint_init(GstWzpEndpoint *self, GstElement *element)
{
  self->element = element;
  self->port = GST_WZP_DEFAULT_PORT;
  self->tls_port = WZP_SESSION_TLS_PORT;
  self->connect_timeout = WZP_SESSION_CONNECT_TIMEOUT_MSEC;
  self->accept_mode = WZP_ACCEPT_PRIVATE;
}

void
gst_wzp_endpoint_clear(GstWzpEndpoint *self)
{
  g_clear_pointer(&self->uri, gst_wzp_uri_free);
  g_clear_error(&self->uri_error);
  g_clear_pointer(&self->relay, g_free);
  g_clear_pointer(&self->identity, g_free);
  g_clear_pointer(&self->known_relays, g_free);
  g_clear_pointer(&self->token_file, g_free);
  g_clear_pointer(&self->passphrase, wzp_secret_text_free);
  g_clear_pointer(&self->passphrase_file, g_free);
  g_clear_pointer(&self->list, g_free);
  g_clear_pointer(&self->list_owner, g_free);
  g_clear_pointer(&self->known_lists, g_free);
  g_clear_pointer(&self->session_name, g_free);
  g_clear_pointer(&self->host, g_free);
  g_clear_pointer(&self->key_file, g_free);
  g_clear_pointer(&self->contacts, g_free);
  g_clear_pointer(&self->peer_name, g_free);
  g_clear_object(&self->session);
}

/* --- URI --- */

gboolean
gst_wzp_endpoint_set_uri(GstWzpEndpoint *self, const gchar *text, GError **error)
{
  GST_OBJECT_LOCK(self->element);
  gboolean running = self->joined;
  GST_OBJECT_UNLOCK(self->element);
  if (running) {
    g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                        "the URI can only be changed in state READY or NULL");
    return FALSE;
  }
  GstWzpUri *uri = NULL;
  if (text != NULL) {
    uri = gst_wzp_uri_parse(text, error);
    if (uri == NULL)
      return FALSE;
    if (!gst_wzp_uri_apply_query(uri, G_OBJECT(self->element), error)) {
      gst_wzp_uri_free(uri);
      return FALSE;
    }
  }
  GST_OBJECT_LOCK(self->element);
  GstWzpUri *old = self->uri;
  self->uri = uri;
  g_clear_error(&self->uri_error);
  GST_OBJECT_UNLOCK(self->element);
  gst_wzp_uri_free(old);
  return TRUE;
}

gchar *
gst_wzp_endpoint_dup_uri(GstWzpEndpoint *self)
{
  GST_OBJECT_LOCK(self->element);
  gchar *text = self->uri != NULL ? g_strdup(self->uri->text) : NULL;
  GST_OBJECT_UNLOCK(self->element);
  return text;
}

static void
set_uri_property(GstWzpEndpoint *self, const gchar *text)
{
  g_autoptr(GError) error = NULL;
  if (gst_wzp_endpoint_set_uri(self, text, &error))
    return;
  GST_WARNING_OBJECT(self->element, "%s", error->message);
  GST_OBJECT_LOCK(self->element);
  g_clear_error(&self->uri_error);
  if (!g_error_matches(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE))
    self->uri_error = g_steal_pointer(&error);
  GST_OBJECT_UNLOCK(self->element);
}

/* --- properties --- */

static gchar **
string_field(GstWzpEndpoint *self, guint id)
{
  switch (id) {
  case GST_WZP_ENDPOINT_PROP_RELAY:
    return &self->relay;
  case GST_WZP_ENDPOINT_PROP_IDENTITY:
    return &self->identity;
  case GST_WZP_ENDPOINT_PROP_KNOWN_RELAYS:
    return &self->known_relays;
  case GST_WZP_ENDPOINT_PROP_TOKEN_FILE:
    return &self->token_file;
  case GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE:
    return &self->passphrase;
  case GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE_FILE:
    return &self->passphrase_file;
  case GST_WZP_ENDPOINT_PROP_LIST:
    return &self->list;
  case GST_WZP_ENDPOINT_PROP_LIST_OWNER:
    return &self->list_owner;
  case GST_WZP_ENDPOINT_PROP_KNOWN_LISTS:
    return &self->known_lists;
  case GST_WZP_ENDPOINT_PROP_SESSION:
    return &self->session_name;
  case GST_WZP_ENDPOINT_PROP_HOST:
    return &self->host;
  case GST_WZP_ENDPOINT_PROP_KEY_FILE:
    return &self->key_file;
  default:
    return NULL;
  }
}

static guint *
number_field(GstWzpEndpoint *self, guint id)
{
  switch (id) {
  case GST_WZP_ENDPOINT_PROP_CONNECT_TIMEOUT:
    return &self->connect_timeout;
  case GST_WZP_ENDPOINT_PROP_TLS_PORT:
    return &self->tls_port;
  case GST_WZP_ENDPOINT_PROP_PORT:
    return &self->port;
  case GST_WZP_ENDPOINT_PROP_LOCAL_PORT:
    return &self->local_port;
  default:
    return NULL;
  }
}

static gboolean *
switch_field(GstWzpEndpoint *self, guint id)
{
  switch (id) {
  case GST_WZP_ENDPOINT_PROP_ACCEPT_NEW_RELAY_KEY:
    return &self->accept_new_relay_key;
  case GST_WZP_ENDPOINT_PROP_TOKEN_AT_FIRST_USE:
    return &self->token_at_first_use;
  case GST_WZP_ENDPOINT_PROP_END_ON_LEAVE:
    return &self->end_on_leave;
  default:
    return NULL;
  }
}

static void
set_accept_mode(GstWzpEndpoint *self, WzpAcceptMode mode)
{
  const WzpSessionAction action = {.type = WZP_SESSION_SET_MODE, .mode = mode};
  g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self);
  GST_OBJECT_LOCK(self->element);
  self->accept_mode = mode;
  GST_OBJECT_UNLOCK(self->element);
  if (session != NULL)
    wzp_session_call_act(session, &action); /* the room, or the calls to come */
}

gboolean
gst_wzp_endpoint_set_property(GstWzpEndpoint *self, guint id, const GValue *value)
{
  if (id == GST_WZP_ENDPOINT_PROP_URI) {
    set_uri_property(self, g_value_get_string(value));
    return TRUE;
  }
  if (id == GST_WZP_ENDPOINT_PROP_ACCEPT_MODE) {
    set_accept_mode(self, (WzpAcceptMode)g_value_get_enum(value));
    return TRUE;
  }
  gchar **text = string_field(self, id);
  guint *number = number_field(self, id);
  gboolean *flag = switch_field(self, id);
  GST_OBJECT_LOCK(self->element);
  if (text != NULL) {
    wzp_secret_text_free(*text); /* one of them is */
    *text = g_value_dup_string(value);
  } else if (number != NULL) {
    *number = g_value_get_uint(value);
  } else if (flag != NULL) {
    *flag = g_value_get_boolean(value);
  }
  GST_OBJECT_UNLOCK(self->element);
  return text != NULL || number != NULL || flag != NULL;
}

static gboolean
get_from_session(GstWzpEndpoint *self, guint id, GValue *value)
{
  g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self);
  switch (id) {
  case GST_WZP_ENDPOINT_PROP_STATE:
    g_value_set_static_string(value, session != NULL ? wzp_session_get_state(session)
                                                     : wzp_call_state_name(WZP_CALL_IDLE));
    return TRUE;
  case GST_WZP_ENDPOINT_PROP_FINGERPRINT:
    g_value_take_string(value, session != NULL ? wzp_session_dup_fingerprint(session) : NULL);
    return TRUE;
  case GST_WZP_ENDPOINT_PROP_ROOM_CODE:
    g_value_take_string(value, session != NULL ? wzp_session_dup_room_code(session) : NULL);
    return TRUE;
  case GST_WZP_ENDPOINT_PROP_STATS:
    if (session == NULL)
      session = wzp_session_new(); /* so that all fields are there, as zeros */
    g_value_take_boxed(value, wzp_session_get_stats(session));
    return TRUE;
  default:
    return FALSE;
  }
}

gboolean
gst_wzp_endpoint_get_property(GstWzpEndpoint *self, guint id, GValue *value)
{
  if (id == GST_WZP_ENDPOINT_PROP_URI) {
    g_value_take_string(value, gst_wzp_endpoint_dup_uri(self));
    return TRUE;
  }
  gchar **text = string_field(self, id);
  guint *number = number_field(self, id);
  gboolean *flag = switch_field(self, id), is_mode = id == GST_WZP_ENDPOINT_PROP_ACCEPT_MODE;
  if (text == NULL && number == NULL && flag == NULL && !is_mode)
    return get_from_session(self, id, value);
  GST_OBJECT_LOCK(self->element);
  if (text != NULL)
    g_value_set_string(value, *text);
  else if (is_mode)
    g_value_set_enum(value, self->accept_mode);
  else if (number != NULL)
    g_value_set_uint(value, *number);
  else
    g_value_set_boolean(value, *flag);
  GST_OBJECT_UNLOCK(self->element);
  return TRUE;
}

gboolean
gst_wzp_endpoint_end_on_leave(GstWzpEndpoint *self)
{
  GST_OBJECT_LOCK(self->element);
  gboolean end = self->end_on_leave;
  GST_OBJECT_UNLOCK(self->element);
  return end;
}

/* --- the session --- */

/* What cannot be together, or NULL. */
static const gchar *
problem_of(const GstWzpEndpoint *self, const WzpSessionConfig *config)
{
  const GstWzpUri *uri = self->uri;
  gboolean in_room = uri != NULL && !config->udp && !config->calls;
  gboolean has_passphrase = self->passphrase != NULL || self->passphrase_file != NULL;
  if (config->calls && !self->dials)
    return "calls to somebody (wzp://host/@...) are made by the element wzpcall";
  if (config->udp && (config->room != NULL || config->calls || config->has_link_key))
    return "with key-file (udp mode) there is no relay and so no room; use wzp://host:port, or "
           "leave key-file out";
  if (has_passphrase && !in_room)
    return "a passphrase closes a room: set it on the element whose uri names the room, or leave "
           "room-passphrase and room-passphrase-file out";
  if (self->list != NULL && !in_room)
    return "a list is of a room: set it on the element whose uri names the room, or leave it out";
  if ((self->list != NULL) != (self->list_owner != NULL))
    return "list and list-owner go together: anybody can sign a list, and the owner is who may";
  if (has_passphrase && config->has_link_key)
    return "a room is closed by a secret ('#' in the URI) or by a passphrase, not by both";
  if (self->passphrase != NULL && self->passphrase_file != NULL)
    return "room-passphrase and room-passphrase-file both say the passphrase; set one";
  if (uri != NULL && uri->wants_passphrase && !has_passphrase)
    return "a passphrase closes this room; ask who sent the link, and set room-passphrase-file to "
           "the file that has it";
  if (uri != NULL && !config->udp && *uri->host == '\0')
    return "the URI names no host; it should look like wzp://host:4433/room";
  if (in_room && uri->room == NULL)
    return "the URI names no room; it should look like wzp://host:4433/room, or "
           "wzp://host:4433/@FINGERPRINT for a call";
  return NULL;
}

/* With the object lock. config borrows the endpoint's strings. FALSE with an error for what cannot be;
 * *given is FALSE when nothing says where to go. */
static gboolean
make_config(const GstWzpEndpoint *self, WzpSessionConfig *config, gboolean *given, GError **error)
{
  const GstWzpUri *uri = self->uri;
  *config = (WzpSessionConfig){
      .udp = self->key_file != NULL,
      .host = uri != NULL          ? uri->host
              : self->host != NULL ? self->host
                                   : "",
      .port = uri != NULL ? uri->port : (guint16)self->port,
      .room = uri != NULL ? uri->room : NULL,
      .calls = uri != NULL && uri->calls,
      .callee = uri != NULL ? uri->callee : NULL,
      .peer_name = self->peer_name,
      .contacts = self->contacts,
      .accept_mode = self->accept_mode,
      .list = self->list,
      .list_owner = self->list_owner,
      .known_lists = self->known_lists,
      .passphrase = self->passphrase,
      .passphrase_file = self->passphrase_file,
      .relay = self->relay,
      .identity = self->identity,
      .known_relays = self->known_relays,
      .token_file = self->token_file,
      .token_at_first_use = self->token_at_first_use,
      .key_file = self->key_file,
      .accept_new_relay_key = self->accept_new_relay_key,
      .connect_timeout = self->connect_timeout,
      .local_port = (guint16)self->local_port,
      .tls_port = (guint16)self->tls_port,
  };
  if (uri != NULL && uri->has_link_key) {
    config->has_link_key = TRUE;
    memcpy(config->link_key, uri->link_key, sizeof config->link_key);
  }
  *given = uri != NULL || config->udp;
  const gchar *wrong =
      self->uri_error != NULL ? self->uri_error->message : problem_of(self, config);
  if (wrong == NULL)
    return TRUE;
  g_set_error_literal(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, wrong);
  return FALSE;
}

static gboolean
join(GstWzpEndpoint *self, WzpSession *session, GstWzpInbox *inbox, GError **error)
{
  /* the strings stay: they may only be set in READY, and the element is just leaving that */
  WzpSessionConfig config;
  gboolean given = FALSE;
  GST_OBJECT_LOCK(self->element);
  gboolean good = make_config(self, &config, &given, error);
  GST_OBJECT_UNLOCK(self->element);
  return good && wzp_session_join(session, self->element, inbox, given ? &config : NULL, error);
}

static void
state_changed(GObject *session, GParamSpec *pspec, gpointer element)
{
  (void)session;
  (void)pspec;
  g_object_notify(G_OBJECT(element), "state");
}

static void
release_element(gpointer element, GClosure *closure)
{
  (void)closure;
  gst_object_unref(element);
}

gulong
gst_wzp_endpoint_connect(GstWzpEndpoint *self, const gchar *signal, GCallback callback)
{
  return g_signal_connect_data(self->session, signal, callback, gst_object_ref(self->element),
                               release_element, 0);
}

static void
find_session(GstWzpEndpoint *self)
{
  GST_OBJECT_LOCK(self->element);
  g_autofree gchar *name = g_strdup(self->session_name);
  GST_OBJECT_UNLOCK(self->element);
  WzpSession *session = gst_wzp_context_find(self->element, name, TRUE);
  GST_OBJECT_LOCK(self->element);
  WzpSession *old = self->session;
  self->session = session;
  GST_OBJECT_UNLOCK(self->element);
  g_clear_object(&old);
}

gboolean
gst_wzp_endpoint_start(GstWzpEndpoint *self, GstWzpInbox *inbox)
{
  g_autoptr(GError) error = NULL;
  if (!self->owner)
    find_session(self);
  GST_OBJECT_LOCK(self->element);
  self->joined = TRUE;
  GST_OBJECT_UNLOCK(self->element);
  self->state_handler = gst_wzp_endpoint_connect(self, "notify::state", G_CALLBACK(state_changed));
  if (join(self, self->session, inbox, &error))
    return TRUE;
  gst_wzp_endpoint_stop(self);
  gst_element_message_full(self->element, GST_MESSAGE_ERROR, error->domain, error->code,
                           g_strdup(error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  return FALSE;
}

void
gst_wzp_endpoint_stop(GstWzpEndpoint *self)
{
  /* the session stays known: what it counted can still be read */
  if (!self->joined)
    return;
  wzp_session_leave(self->session, self->element);
  g_signal_handler_disconnect(self->session, self->state_handler);
  GST_OBJECT_LOCK(self->element);
  self->joined = FALSE;
  GST_OBJECT_UNLOCK(self->element);
}

WzpSession *
gst_wzp_endpoint_dup_session(GstWzpEndpoint *self)
{
  GST_OBJECT_LOCK(self->element);
  WzpSession *session = self->session != NULL ? g_object_ref(self->session) : NULL;
  GST_OBJECT_UNLOCK(self->element);
  return session;
}

gboolean
gst_wzp_endpoint_check_configured(GstWzpEndpoint *self)
{
  g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self);
  return gst_wzp_context_check_configured(self->element, session);
}

gboolean
gst_wzp_endpoint_query_context(GstWzpEndpoint *self, GstQuery *query)
{
  g_autoptr(WzpSession) session = gst_wzp_endpoint_dup_session(self);
  GST_OBJECT_LOCK(self->element);
  g_autofree gchar *name = g_strdup(self->session_name);
  GST_OBJECT_UNLOCK(self->element);
  return gst_wzp_context_answer(query, name, session);
}

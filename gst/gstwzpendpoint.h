/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpuri.h"
#include "wzpsession.h"

G_BEGIN_DECLS

/* What wzpsrc, wzpsink and wzpcall have in common: the properties that say where the call goes, the URI, and the
 * way to the session of the pipeline. A plain struct in the element, which calls these functions from
 * its own hooks. */

enum {
  GST_WZP_ENDPOINT_PROP_0,
  GST_WZP_ENDPOINT_PROP_URI,
  GST_WZP_ENDPOINT_PROP_RELAY,
  GST_WZP_ENDPOINT_PROP_IDENTITY,
  GST_WZP_ENDPOINT_PROP_KNOWN_RELAYS,
  GST_WZP_ENDPOINT_PROP_ACCEPT_NEW_RELAY_KEY,
  GST_WZP_ENDPOINT_PROP_TOKEN_FILE,
  GST_WZP_ENDPOINT_PROP_TOKEN_AT_FIRST_USE,
  GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE,
  GST_WZP_ENDPOINT_PROP_ROOM_PASSPHRASE_FILE,
  GST_WZP_ENDPOINT_PROP_LIST,
  GST_WZP_ENDPOINT_PROP_LIST_OWNER,
  GST_WZP_ENDPOINT_PROP_KNOWN_LISTS,
  GST_WZP_ENDPOINT_PROP_ACCEPT_MODE,
  GST_WZP_ENDPOINT_PROP_TLS_PORT,
  GST_WZP_ENDPOINT_PROP_CONNECT_TIMEOUT,
  GST_WZP_ENDPOINT_PROP_SESSION,
  GST_WZP_ENDPOINT_PROP_HOST,
  GST_WZP_ENDPOINT_PROP_PORT,
  GST_WZP_ENDPOINT_PROP_LOCAL_PORT,
  GST_WZP_ENDPOINT_PROP_KEY_FILE,
  GST_WZP_ENDPOINT_PROP_END_ON_LEAVE,
  GST_WZP_ENDPOINT_PROP_STATE,
  GST_WZP_ENDPOINT_PROP_FINGERPRINT,
  GST_WZP_ENDPOINT_PROP_ROOM_CODE,
  GST_WZP_ENDPOINT_PROP_STATS,
  GST_WZP_ENDPOINT_N_PROPS
};

#define GST_WZP_TYPE_ACCEPT_MODE (gst_wzp_accept_mode_get_type())
GType gst_wzp_accept_mode_get_type(void);

typedef struct {
  GstElement *element; /* the one that this is part of */
  /* The object lock of the element guards these. */
  GstWzpUri *uri;
  GError *uri_error; /* a bad URI set as a property is told at start */
  gchar *relay, *identity, *known_relays, *token_file, *session_name, *host, *key_file;
  gchar *passphrase, *passphrase_file, *list, *list_owner, *known_lists;
  gboolean accept_new_relay_key, token_at_first_use, end_on_leave;
  guint connect_timeout, port, local_port, tls_port;
  WzpAcceptMode accept_mode;
  /* dialled calls: the element takes such URIs, and sets these */
  gboolean dials;
  gchar *contacts, *peer_name;
  WzpSession *session; /* the current one, or the last */
  gboolean owner;      /* the session is the element's own: it looks for no other */
  gboolean joined;
  gulong state_handler;
} GstWzpEndpoint;

/* named: the element may take part in a session of another name. */
void gst_wzp_endpoint_install_properties(GObjectClass *object_class, gboolean named);
void gst_wzp_endpoint_init(GstWzpEndpoint *endpoint, GstElement *element);
void gst_wzp_endpoint_clear(GstWzpEndpoint *endpoint);
/* FALSE: not a property of the endpoint. */
gboolean gst_wzp_endpoint_set_property(GstWzpEndpoint *endpoint, guint id, const GValue *value);
gboolean gst_wzp_endpoint_get_property(GstWzpEndpoint *endpoint, guint id, GValue *value);

/* For the URI handler interface. */
extern const gchar *const gst_wzp_endpoint_protocols[];
gboolean gst_wzp_endpoint_set_uri(GstWzpEndpoint *endpoint, const gchar *text, GError **error);
gchar *gst_wzp_endpoint_dup_uri(GstWzpEndpoint *endpoint);

/* Finds or makes the session and joins it; posts an element error when that is not possible. */
gboolean gst_wzp_endpoint_start(GstWzpEndpoint *endpoint, GstWzpInbox *inbox);
void gst_wzp_endpoint_stop(GstWzpEndpoint *endpoint);
/* Connects to a signal of the session, with the element, which the handler keeps alive, as user data. */
gulong gst_wzp_endpoint_connect(GstWzpEndpoint *endpoint, const gchar *signal, GCallback callback);
/* A reference, or NULL before the first start. */
WzpSession *gst_wzp_endpoint_dup_session(GstWzpEndpoint *endpoint);
/* gst_wzp_context_check_configured() for the endpoint's session. */
gboolean gst_wzp_endpoint_check_configured(GstWzpEndpoint *endpoint);
gboolean gst_wzp_endpoint_end_on_leave(GstWzpEndpoint *endpoint);
/* Answers a CONTEXT query for the endpoint's session; FALSE: not ours. */
gboolean gst_wzp_endpoint_query_context(GstWzpEndpoint *endpoint, GstQuery *query);

G_END_DECLS

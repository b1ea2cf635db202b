/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* wzp://host[:4433]/room[?relay=FINGERPRINT&property=value...][#ROOMSECRET]   through a relay
 * wzp://host[:4433]/@CALLEE[?property=value...]   dials a fingerprint, or a contact's name; /@ alone: is there for calls
 * wzp://[host][:4433]?key-file=PATH[&property=value...]                       udp mode, no relay
 *
 * The host is a name, an IPv4 address or an IPv6 address in brackets; the room is percent-encoded. Each
 * query key is the name of a property of the element that is given the URI. The fragment is the room's
 * link key, 32 hex digits; it never leaves this machine and no getter gives it back. Or it is the word
 * "passphrase": the room is closed by one, which the link does not say. */

#define GST_WZP_DEFAULT_PORT 4433
#define GST_WZP_LINK_KEY_SIZE 16
#define GST_WZP_ROOM_MAX 255
#define GST_WZP_URI_PASSPHRASE "passphrase"

typedef struct {
  gchar *host; /* lower case, no brackets; "" in udp mode: wait for the other box */
  guint16 port;
  gchar *room; /* NULL: none named, which only udp mode and calls allow */
  gboolean calls;
  gchar *callee; /* decoded; NULL: nobody */
  gboolean has_link_key, wants_passphrase;
  guint8 link_key[GST_WZP_LINK_KEY_SIZE];
  gchar **query; /* name, value, name, value, ..., NULL; decoded */
  gchar *text;   /* the URI without its fragment: what getters show */
} GstWzpUri;

/* NULL and a sentence (domain GST_URI_ERROR) when text is not such a URI. */
GstWzpUri *gst_wzp_uri_parse(const gchar *text, GError **error);
void gst_wzp_uri_free(GstWzpUri *uri); /* wipes; NULL is fine */
/* Sets the properties that the query names on object. Names that object does not have, must not be set
 * from a URI, or values that do not fit are errors that name the key. Properties before the bad one
 * stay set. */
gboolean gst_wzp_uri_apply_query(const GstWzpUri *uri, GObject *object, GError **error);
/* "host:4433", "[2001:db8::1]:4433". Free with g_free(). */
gchar *gst_wzp_host_port(const gchar *host, guint port);

G_END_DECLS

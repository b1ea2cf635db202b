/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpcontext.h"
#include <string.h>

#define FIELD "session"

static gchar *
context_type(const gchar *session_name)
{
  if (session_name == NULL || *session_name == '\0')
    return g_strdup(WZP_SESSION_CONTEXT);
  return g_strconcat(WZP_SESSION_CONTEXT ".", session_name, NULL);
}

GstContext *
gst_wzp_context_new(const gchar *session_name, WzpSession *session, gboolean persistent)
{
  g_autofree gchar *type = context_type(session_name);
  GstContext *context = gst_context_new(type, persistent);
  gst_structure_set(gst_context_writable_structure(context), FIELD, WZP_TYPE_SESSION, session,
                    NULL);
  return context;
}

static WzpSession *
session_from_context(GstContext *context)
{
  WzpSession *session = NULL;
  if (context != NULL)
    gst_structure_get(gst_context_get_structure(context), FIELD, WZP_TYPE_SESSION, &session, NULL);
  return session;
}

static WzpSession *
own_session(GstElement *element, const gchar *type)
{
  GstContext *context = gst_element_get_context(element, type);
  WzpSession *session = session_from_context(context);
  if (context != NULL)
    gst_context_unref(context);
  return session;
}

/* gst_element_foreach_pad() stops at the first FALSE: an answer was found. */
static gboolean
ask_peer(GstElement *element, GstPad *pad, gpointer query)
{
  (void)element;
  return !gst_pad_peer_query(pad, query);
}

static void
ask_peers(GstElement *element, const gchar *type)
{
  GstQuery *query = gst_query_new_context(type);
  if (!gst_element_foreach_pad(element, ask_peer, query)) {
    GstContext *context = NULL;
    gst_query_parse_context(query, &context);
    if (context != NULL)
      gst_element_set_context(element, context);
  }
  gst_query_unref(query);
}

WzpSession *
gst_wzp_context_find(GstElement *element, const gchar *session_name, gboolean create)
{
  g_autofree gchar *type = context_type(session_name);
  WzpSession *session = own_session(element, type);
  if (session != NULL)
    return session;
  ask_peers(element, type);
  if ((session = own_session(element, type)) != NULL)
    return session;
  gst_element_post_message(element, gst_message_new_need_context(GST_OBJECT(element), type));
  if ((session = own_session(element, type)) != NULL || !create)
    return session;

  session = wzp_session_new();
  GstContext *context = gst_wzp_context_new(session_name, session, FALSE);
  gst_element_set_context(element, context);
  gst_element_post_message(element, gst_message_new_have_context(GST_OBJECT(element), context));
  return session;
}

gboolean
gst_wzp_context_check_configured(GstElement *element, WzpSession *session)
{
  if (session != NULL && wzp_session_is_configured(session))
    return TRUE;
  GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                    ("No element of this session says where to go: set 'uri' (wzp://host/room), or "
                     "'key-file' for udp mode, on wzpsrc, wzpsink or wzpcall."),
                    (NULL));
  return FALSE;
}

gboolean
gst_wzp_context_answer(GstQuery *query, const gchar *session_name, WzpSession *session)
{
  const gchar *asked = NULL;
  g_autofree gchar *type = context_type(session_name);
  if (session == NULL || !gst_query_parse_context_type(query, &asked) || strcmp(asked, type) != 0)
    return FALSE;
  GstContext *context = gst_wzp_context_new(session_name, session, FALSE);
  gst_query_set_context(query, context);
  gst_context_unref(context);
  return TRUE;
}

gboolean
gst_wzp_context_is_query(GstQuery *query)
{
  const gchar *asked = NULL;
  return GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT &&
         gst_query_parse_context_type(query, &asked) &&
         g_str_has_prefix(asked, WZP_SESSION_CONTEXT) &&
         (asked[strlen(WZP_SESSION_CONTEXT)] == '\0' || asked[strlen(WZP_SESSION_CONTEXT)] == '.');
}

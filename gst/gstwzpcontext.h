/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzpsession.h"

G_BEGIN_DECLS

/* Sharing a session through GstContext: type `wzp.session`, or `wzp.session.NAME` for the property
 * session=NAME, with one field `session` that holds the WzpSession. */

GstContext *gst_wzp_context_new(const gchar *session_name, WzpSession *session,
                                gboolean persistent);
/* Asks the element's own context, its peers, then bins and application (NEED_CONTEXT). With create, a
 * session that nobody has is made and announced (HAVE_CONTEXT). A reference, or NULL. */
WzpSession *gst_wzp_context_find(GstElement *element, const gchar *session_name, gboolean create);
/* TRUE once some element of the session brought a URI or a key file; posts an error of element if none
 * did. To be asked with the first data, when every element had its turn. session may be NULL. */
gboolean gst_wzp_context_check_configured(GstElement *element, WzpSession *session);
/* Answers a CONTEXT query with session, when the query is for that name. */
gboolean gst_wzp_context_answer(GstQuery *query, const gchar *session_name, WzpSession *session);
/* Is this query for a session of any name? */
gboolean gst_wzp_context_is_query(GstQuery *query);

G_END_DECLS

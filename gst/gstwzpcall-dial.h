/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpendpoint.h"

G_BEGIN_DECLS

/* Dialled calls of wzpcall: its properties, signals and actions for them; and, of all calls, what is not let through of what
 * is spoken. */

enum {
  GST_WZP_CALL_DIAL_PROP_CONTACTS,
  GST_WZP_CALL_DIAL_PROP_PEER_NAME,
  GST_WZP_CALL_DIAL_PROP_SAS,
  GST_WZP_CALL_DIAL_PROP_MUTE,
  GST_WZP_CALL_DIAL_PROP_PUSH_TO_TALK,
  GST_WZP_CALL_DIAL_PROP_TALK,
  GST_WZP_CALL_DIAL_N_PROPS
};

typedef struct _GstWzpCallDial GstWzpCallDial;
/* Installs the properties from number first on, and the signals. */
void gst_wzp_call_dial_class_init(GObjectClass *klass, guint first);
/* endpoint: the call's, borrowed */
GstWzpCallDial *gst_wzp_call_dial_new(GstElement *call, GstWzpEndpoint *endpoint);
void gst_wzp_call_dial_free(GstWzpCallDial *dial);

/* What is muted or on hold stops at a new sending chain: encoder takes raw audio without a header in which
 * zero is silence, pace lets each of its frames go at its time. */
void gst_wzp_call_dial_place(GstWzpCallDial *dial, GstElement *encoder, GstElement *pace);
/* n counts from 0; FALSE: not one of these. */
gboolean gst_wzp_call_dial_set_property(GstWzpCallDial *dial, guint n, const GValue *value);
gboolean gst_wzp_call_dial_get_property(GstWzpCallDial *dial, guint n, GValue *value);
/* The session runs from start to stop. */
void gst_wzp_call_dial_start(GstWzpCallDial *dial);
void gst_wzp_call_dial_stop(GstWzpCallDial *dial);
/* The URI dials somebody: the stream ends with that call. */
gboolean gst_wzp_call_dial_calls_somebody(GstWzpCallDial *dial);

G_END_DECLS

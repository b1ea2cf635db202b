/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* Properties of elements inside wzpcall that it shows as its own. */

#define GST_WZP_CALL_INNER_N_PROPS 13

typedef struct {
  GstElement *call;
  GValue values[GST_WZP_CALL_INNER_N_PROPS]; /* the object lock of the call guards them */
} GstWzpCallInner;

/* Installs the properties from number first on. */
void gst_wzp_call_inner_class_init(GObjectClass *klass, guint first);
/* call: borrowed. */
void gst_wzp_call_inner_init(GstWzpCallInner *inner, GstElement *call);
/* n counts from 0; FALSE: not one of these. */
gboolean gst_wzp_call_inner_set_property(GstWzpCallInner *inner, guint n, const GValue *value);
gboolean gst_wzp_call_inner_get_property(GstWzpCallInner *inner, guint n, GValue *value);
/* From now on the element, of this factory, has what the call's properties say. */
void gst_wzp_call_inner_bind(GstBin *call, const gchar *factory, GstElement *element);

G_END_DECLS

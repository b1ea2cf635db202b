/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* The audio ends of wzpcall: its own microphone and speaker, where it is to have them, and what the sound of live people needs:
 * echo cancelling and gain control. */

enum {
  GST_WZP_CALL_ENDS_PROP_MICROPHONE,
  GST_WZP_CALL_ENDS_PROP_SPEAKER,
  GST_WZP_CALL_ENDS_PROP_ECHO_CANCEL,
  GST_WZP_CALL_ENDS_PROP_GAIN_CONTROL,
  GST_WZP_CALL_ENDS_N_PROPS
};

typedef struct _GstWzpCallEnds GstWzpCallEnds;
/* Installs the properties from number first on. */
void gst_wzp_call_ends_class_init(GObjectClass *klass, guint first);
/* input, output: the call's own pads. All are borrowed. */
GstWzpCallEnds *gst_wzp_call_ends_new(GstBin *call, GstPad *input, GstPad *output);
void gst_wzp_call_ends_free(GstWzpCallEnds *ends);
/* n counts from 0; FALSE: not one of these. */
gboolean gst_wzp_call_ends_set_property(GstWzpCallEnds *ends, guint n, const GValue *value);
gboolean gst_wzp_call_ends_get_property(GstWzpCallEnds *ends, guint n, GValue *value);

/* In state NULL: takes the devices that are asked for into the call, in the place of its pads. FALSE: an error was posted. */
gboolean gst_wzp_call_ends_open(GstWzpCallEnds *ends);
/* Borrowed; NULL: there is none. Changes in state NULL only. */
GstElement *gst_wzp_call_ends_get_microphone(GstWzpCallEnds *ends);
GstElement *gst_wzp_call_ends_get_speaker(GstWzpCallEnds *ends);
/* In state NULL: what was taken in by open() and cancel_echo() goes, and the links are as before. */
void gst_wzp_call_ends_close(GstWzpCallEnds *ends);
/* In state NULL, when echo is to be cancelled: between near[0] and near[1], which what is spoken passes, and far[0] and far[1], which
 * what is heard passes, all of them linked children of the call. The factory that is missing, or NULL when all is well. */
const gchar *gst_wzp_call_ends_cancel_echo(GstWzpCallEnds *ends, GstElement *const near[2],
                                           GstElement *const far[2]);
/* Whether it is to. Any thread. */
gboolean gst_wzp_call_ends_has_gain_control(GstWzpCallEnds *ends);
/* Which canceller runs, what it does, and what gain control does in the encoder (NULL: there is none). Any thread. */
void gst_wzp_call_ends_put_stats(GstWzpCallEnds *ends, GstElement *encoder, GstStructure *stats);
/* Whether this is the speaker, or in it. */
gboolean gst_wzp_call_ends_has(GstWzpCallEnds *ends, GstObject *object);

G_END_DECLS

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* The senders that a call hears: a branch of elements each, made and removed while the call is on, and the mix of
 * them all.
 *
 *   wzpdemux ! ( wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ) ! audiomixer
 *
 * wzpjitter and wzpdec of a branch, its voice, are there only while its member speaks: most of a large room never
 * does, and only reports what it hears. A pad of its own takes a member out of the mix. */

G_BEGIN_DECLS

typedef struct _GstWzpBranches GstWzpBranches;

/* Sets up an element of this factory before it is used; call is the bin. */
typedef void (*GstWzpBranchesConfigure)(GstBin *call, const gchar *factory, GstElement *element);

/* call, whose children the branches are and whose property "latency" is that of every voice, and context, which goes to
 * all of them, are borrowed. */
GstWzpBranches *gst_wzp_branches_new(GstBin *call, GstContext *context,
                                     GstWzpBranchesConfigure configure);
void gst_wzp_branches_free(GstWzpBranches *branches);
/* Between these, children of the call that feed the demux from source; in state NULL or before they start. NULL: what
 * was between them is gone. */
void gst_wzp_branches_place(GstWzpBranches *branches, GstElement *source, GstElement *demux,
                            GstElement *mixer);
/* All of them go, and what they counted stays known; after the call stopped. */
void gst_wzp_branches_clear(GstWzpBranches *branches);

/* Pads `sender_%u` of the call, by the member's slot. NULL: not such a name, or taken. */
GstPad *gst_wzp_branches_request_pad(GstWzpBranches *branches, GstPadTemplate *template,
                                     const gchar *name);
void gst_wzp_branches_release_pad(GstWzpBranches *branches, GstPad *pad);

/* What all branches there are and were counted, under the names that it has for the whole call. Any thread. */
void gst_wzp_branches_put_stats(GstWzpBranches *branches, GstStructure *stats);

G_END_DECLS

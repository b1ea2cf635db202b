/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpbranches.h"

/* What the two halves share: gstwzpbranches.c has all senders, the demux before them and the mix behind;
 * gstwzpbranch.c has the elements of one. */

G_BEGIN_DECLS

enum {
  GST_WZP_BRANCH_CRYPT,
  GST_WZP_BRANCH_FEC,
  GST_WZP_BRANCH_JITTER,
  GST_WZP_BRANCH_DECODER,
  GST_WZP_BRANCH_N_KINDS
};
extern const gchar *const gst_wzp_branch_factories[GST_WZP_BRANCH_N_KINDS];

typedef struct {
  gatomicrefcount references; /* the list's, and those of probes and calls that may still come */
  GstWzpBranches *branches;
  guint slot;
  GstPad *input; /* borrowed, of the demux; only compared */
  GstElement *bin;
  GstElement
      *elements[GST_WZP_BRANCH_N_KINDS]; /* of the bin; jitter and decoder: NULL without a voice */
  GstPad *out;                           /* the bin's, with a voice: leads to one of these two */
  GstPad *mix, *own;
  GstClockTime heard; /* streaming thread: arrival of the last frame */
  gint ended;         /* atomic: the sender is gone, the branch follows when all is played */
  gint mixing;        /* atomic: the last of it waits in the mix, and mix stays until then */
  gint reroute;       /* atomic: the voice leads where it should not any more */
} GstWzpBranch;

struct _GstWzpBranches {
  GstBin *call;
  GstContext *context;
  GstWzpBranchesConfigure configure;

  GstElement *source, *demux, *mixer; /* children of the call; NULL: not placed */
  gulong source_probe, mix_probe;
  /* Feeds the mixer nothing at all: with it the mix has its latency, and its end, whoever is there. */
  GstPad *floor, *floor_mix;
  GstClockTime looked; /* streaming thread */
  gint ending;         /* atomic: it is the whole stream that ends, not one sender's */

  GThreadPool *removals; /* of branches, by another thread than the one that plays them */
  GThreadPool *
      ends; /* EOS on pads of their own: it may wait for what is linked there, which nobody else shall */

  GMutex lock; /* guards what follows, and the elements of branches; held, only stats are asked */
  GPtrArray *list;  /* GstWzpBranch */
  GPtrArray *pads;  /* pads of their own, of the call */
  GPtrArray *ended; /* of these, whose member left: no voice leads there any more */
  GHashTable *gone; /* "factory field": sum over the elements that are no more */
  guint serial, n_removing;
  GCond removed;
};

/* Joins the call and the list, linked to the demux's pad; NULL with an error on the bus when an element is missing. In the
 * streaming thread. */
GstWzpBranch *gst_wzp_branch_add(GstWzpBranches *branches, GstPad *input);
/* Off the list and out of the call; whoever is first does it. Any thread. */
void gst_wzp_branch_remove(GstWzpBranch *branch);
/* In the streaming thread; the next frame makes another voice. */
void gst_wzp_branch_drop_voice(GstWzpBranch *branch);
GstWzpBranch *gst_wzp_branch_ref(GstWzpBranch *branch);
void gst_wzp_branch_unref(gpointer branch);

/* gstwzpbranches.c */
/* A voice was played to its end. Any thread. */
void gst_wzp_branches_remove_later(GstWzpBranches *branches, GstWzpBranch *branch);
/* The pad of its own that was requested for a slot, referenced, or NULL; not one whose member left. */
GstPad *gst_wzp_branches_dup_own_pad(GstWzpBranches *branches, guint slot);
void gst_wzp_branches_end_own_pad(GstPad *pad);
/* With the lock: what the element counted stays known. */
void gst_wzp_branches_remember_locked(GstWzpBranches *branches, guint kind, GstElement *element);
/* Running time at which what a probe sees came in; GST_CLOCK_TIME_NONE when that is not known. */
GstClockTime gst_wzp_branches_arrival(GstPadProbeInfo *info);

G_END_DECLS

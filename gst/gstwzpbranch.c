/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpbranches-private.h"
#include <stdio.h>

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_call_debug);
#define GST_CAT_DEFAULT gst_wzp_call_debug

const gchar *const gst_wzp_branch_factories[GST_WZP_BRANCH_N_KINDS] = {"wzpcrypt", "wzpfec",
                                                                       "wzpjitter", "wzpdec"};

GstWzpBranch *
gst_wzp_branch_ref(GstWzpBranch *branch)
{
  g_atomic_ref_count_inc(&branch->references);
  return branch;
}

void
gst_wzp_branch_unref(gpointer data)
{
  GstWzpBranch *branch = data;
  if (g_atomic_ref_count_dec(&branch->references))
    g_free(branch);
}

/* An element that is missing is told of here. */
static GstElement *
make_element(GstWzpBranches *self, guint kind)
{
  GstElement *element = gst_element_factory_make(gst_wzp_branch_factories[kind], NULL);
  if (element == NULL)
    GST_ELEMENT_ERROR(
        self->call, CORE, MISSING_PLUGIN,
        ("wzpcall needs the element '%s', which is missing.", gst_wzp_branch_factories[kind]),
        (NULL));
  else
    self->configure(self->call, gst_wzp_branch_factories[kind], element);
  return element;
}

/* A parent that changes its state meanwhile may have been here first. */
static void
start_child(GstElement *parent, GstElement *child)
{
  GstState state;
  do {
    state = GST_STATE_TARGET(parent);
    gst_element_set_state(child, state);
  } while (GST_STATE_TARGET(parent) != state);
}

static void
stop_child(GstBin *bin, GstElement *child)
{
  gst_element_set_locked_state(child, TRUE);
  gst_element_set_state(child, GST_STATE_NULL);
  gst_bin_remove(bin, child);
}

/* Where the voice leads. */
static gboolean
link_voice(GstWzpBranch *branch)
{
  GstWzpBranches *self = branch->branches;
  GstPad *own = gst_wzp_branches_dup_own_pad(self, branch->slot);
  g_mutex_lock(&self->lock);
  branch->own = own;
  g_mutex_unlock(&self->lock);
  if (own != NULL)
    return gst_ghost_pad_set_target(GST_GHOST_PAD(branch->own), branch->out);
  branch->mix = gst_element_request_pad_simple(self->mixer, "sink_%u");
  return branch->mix != NULL && gst_pad_link(branch->out, branch->mix) == GST_PAD_LINK_OK;
}

/* Whoever pushes to the mixer comes back; nobody is told that something went wrong. */
static void
interrupt_voice(GstWzpBranch *branch)
{
  if (branch->mix != NULL)
    gst_pad_set_active(branch->mix, FALSE);
}

static void
unlink_voice(GstWzpBranch *branch)
{
  if (branch->out != NULL)
    gst_pad_set_active(branch->out, FALSE);
  if (branch->own != NULL)
    gst_ghost_pad_set_target(GST_GHOST_PAD(branch->own), NULL);
  if (branch->mix != NULL)
    gst_element_release_request_pad(branch->branches->mixer, branch->mix);
  if (branch->out != NULL)
    gst_element_remove_pad(branch->bin, branch->out);
  g_mutex_lock(&branch->branches->lock);
  gst_clear_object(&branch->own);
  g_mutex_unlock(&branch->branches->lock);
  gst_clear_object(&branch->mix);
  branch->out = NULL;
}

void
gst_wzp_branch_drop_voice(GstWzpBranch *branch)
{
  GstElement *taken[GST_WZP_BRANCH_N_KINDS] = {NULL};
  GstWzpBranches *self = branch->branches;
  g_mutex_lock(&self->lock);
  for (guint kind = GST_WZP_BRANCH_JITTER; kind <= GST_WZP_BRANCH_DECODER; kind++) {
    taken[kind] = g_steal_pointer(&branch->elements[kind]);
    if (taken[kind] != NULL)
      gst_wzp_branches_remember_locked(self, kind, taken[kind]);
  }
  g_mutex_unlock(&self->lock);
  interrupt_voice(branch);
  for (guint kind = GST_WZP_BRANCH_JITTER; kind <= GST_WZP_BRANCH_DECODER; kind++)
    if (taken[kind] != NULL)
      stop_child(GST_BIN(branch->bin), taken[kind]);
  unlink_voice(branch);
}

void
gst_wzp_branch_remove(GstWzpBranch *branch)
{
  GstWzpBranches *self = branch->branches;
  g_mutex_lock(&self->lock);
  gboolean listed = g_ptr_array_remove(self->list, branch);
  for (guint kind = 0; listed && kind < GST_WZP_BRANCH_N_KINDS; kind++)
    if (branch->elements[kind] != NULL)
      gst_wzp_branches_remember_locked(self, kind, branch->elements[kind]);
  g_mutex_unlock(&self->lock);
  if (!listed)
    return;
  GST_DEBUG_OBJECT(self->call, "no branch for slot %u any more", branch->slot);
  interrupt_voice(branch);
  stop_child(self->call, branch->bin);
  unlink_voice(branch);
  gst_clear_object(&branch->bin); /* its pads have probes that hold the branch */
  gst_wzp_branch_unref(branch);
}

/* What the voice says on its way out, in the thread that plays it. */
static GstPadProbeReturn
voice_leaves(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  GstWzpBranch *branch = data;
  GstWzpBranches *self = branch->branches;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    gboolean nowhere = g_atomic_int_get(&branch->reroute) ||
                       (branch->own != NULL && !gst_pad_is_linked(branch->own));
    return nowhere ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  }
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS ||
      g_atomic_int_get(&self->ending))
    return GST_PAD_PROBE_OK;
  if (branch->own == NULL && g_atomic_int_get(&branch->ended)) {
    g_atomic_int_set(&branch->mixing, TRUE); /* it may have taken in much that is not due yet */
    return GST_PAD_PROBE_OK;
  }
  if (branch->own != NULL)
    gst_wzp_branches_end_own_pad(branch->own);
  gst_wzp_branches_remove_later(self, branch);
  return GST_PAD_PROBE_DROP;
}

/* Streaming thread: the first frame is on its way. */
static gboolean
make_voice(GstWzpBranch *branch)
{
  GstWzpBranches *self = branch->branches;
  GstElement *jitter = make_element(self, GST_WZP_BRANCH_JITTER),
             *decoder = make_element(self, GST_WZP_BRANCH_DECODER);
  if (jitter == NULL || decoder == NULL) {
    gst_clear_object(&jitter);
    gst_clear_object(&decoder);
    return FALSE;
  }
  gst_bin_add_many(GST_BIN(branch->bin), jitter, decoder, NULL);
  g_autoptr(GstPad) last = gst_element_get_static_pad(decoder, "src");
  branch->out = gst_ghost_pad_new("src", last);
  gst_pad_set_active(branch->out, TRUE);
  gst_element_add_pad(branch->bin, branch->out);
  gst_pad_add_probe(branch->out, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                    voice_leaves, gst_wzp_branch_ref(branch), gst_wzp_branch_unref);
  g_mutex_lock(&self->lock);
  branch->elements[GST_WZP_BRANCH_JITTER] = jitter;
  branch->elements[GST_WZP_BRANCH_DECODER] = decoder;
  g_mutex_unlock(&self->lock);
  if (!link_voice(branch) || !gst_element_link(jitter, decoder))
    return FALSE;
  start_child(branch->bin, decoder);
  start_child(branch->bin, jitter);
  return gst_element_link(branch->elements[GST_WZP_BRANCH_FEC], jitter);
}

static GstPadProbeReturn
frames_come(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  GstWzpBranch *branch = data;
  branch->heard = gst_wzp_branches_arrival(info);
  /* in this order: until its thread has ended it must not push to where it should not any more. Who asks meanwhile has
   * changed the pads before, and what is made below finds them */
  if (g_atomic_int_get(&branch->reroute)) {
    if (branch->out != NULL)
      gst_wzp_branch_drop_voice(branch);
    g_atomic_int_set(&branch->reroute, FALSE);
  }
  if (branch->out != NULL || make_voice(branch))
    return GST_PAD_PROBE_OK;
  gst_wzp_branch_drop_voice(branch); /* half of it may be there */
  return GST_PAD_PROBE_DROP;
}

static GstPadProbeReturn
sender_ends(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  GstWzpBranch *branch = data;
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS &&
      !g_atomic_int_get(&branch->branches->ending))
    g_atomic_int_set(&branch->ended, TRUE);
  return GST_PAD_PROBE_OK;
}

static gboolean
fill_branch(GstWzpBranch *branch)
{
  for (guint kind = GST_WZP_BRANCH_CRYPT; kind <= GST_WZP_BRANCH_FEC; kind++) {
    branch->elements[kind] = make_element(branch->branches, kind);
    if (branch->elements[kind] == NULL)
      return FALSE;
    gst_bin_add(GST_BIN(branch->bin), branch->elements[kind]);
  }
  g_autoptr(GstPad) first =
      gst_element_get_static_pad(branch->elements[GST_WZP_BRANCH_CRYPT], "sink");
  g_autoptr(GstPad) frames =
      gst_element_get_static_pad(branch->elements[GST_WZP_BRANCH_FEC], "src");
  gst_pad_add_probe(frames, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, frames_come,
                    gst_wzp_branch_ref(branch), gst_wzp_branch_unref);
  GstPad *in = gst_ghost_pad_new("sink", first);
  gst_pad_set_active(in, TRUE);
  return gst_element_add_pad(branch->bin, in) &&
         gst_element_link(branch->elements[GST_WZP_BRANCH_CRYPT],
                          branch->elements[GST_WZP_BRANCH_FEC]);
}

GstWzpBranch *
gst_wzp_branch_add(GstWzpBranches *self, GstPad *pad)
{
  GstWzpBranch *branch = g_new0(GstWzpBranch, 1);
  g_atomic_ref_count_init(&branch->references);
  branch->branches = self;
  branch->input = pad;
  branch->heard = GST_CLOCK_TIME_NONE;
  sscanf(GST_OBJECT_NAME(pad), "src_%u", &branch->slot);
  g_autofree gchar *name = g_strdup_printf("sender-%u-%u", branch->slot, self->serial++);
  branch->bin = gst_object_ref_sink(gst_bin_new(name));
  if (!fill_branch(branch)) {
    gst_clear_object(&branch->bin);
    gst_wzp_branch_unref(branch);
    return NULL;
  }
  gst_bin_add(self->call, branch->bin);
  gst_element_set_context(branch->bin,
                          self->context); /* not earlier: a bin takes what comes along */
  g_mutex_lock(&self->lock);
  g_ptr_array_add(self->list, branch);
  g_mutex_unlock(&self->lock);
  g_autoptr(GstPad) in = gst_element_get_static_pad(branch->bin, "sink");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, sender_ends,
                    gst_wzp_branch_ref(branch), gst_wzp_branch_unref);
  start_child(GST_ELEMENT(self->call), branch->bin);
  gst_pad_link(pad, in);
  GST_DEBUG_OBJECT(self->call, "a branch for slot %u", branch->slot);
  return branch;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpbranches-private.h"
#include "gstwzpcontext.h"
#include "gstwzpmeta.h"
#include "wzp/packet.h"
#include <gst/base/gstaggregator.h>
#include <string.h>

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_call_debug);
#define GST_CAT_DEFAULT gst_wzp_call_debug

/* A voice from which no frame came for so long goes; the next frame makes another. */
#define VOICE_RESTS_AFTER (10 * GST_SECOND)
#define LOOK_EVERY GST_SECOND
/* What a voice may be late in the mix: threads are not always woken at once. */
#define MIX_SLACK (10 * GST_MSECOND)
/* What the mix is before somebody spoke: as wzpdec decodes. */
#define MIX_CAPS                                                                                   \
  "audio/x-raw,format=(string)S16LE,layout=(string)interleaved,rate=(int)48000,channels=(int)1"

/* --- counters --- */

static guint64
read_field(GstElement *element, const gchar *field)
{
  g_autoptr(GstStructure) stats = NULL;
  guint64 value = 0;
  g_object_get(element, "stats", &stats, NULL);
  gst_structure_get_uint64(stats, field, &value);
  return value;
}

void
gst_wzp_branches_remember_locked(GstWzpBranches *self, guint kind, GstElement *element)
{
  g_autoptr(GstStructure) stats = NULL;
  g_object_get(element, "stats", &stats, NULL);
  for (gint n = 0; n < gst_structure_n_fields(stats); n++) {
    const gchar *field = gst_structure_nth_field_name(stats, (guint)n);
    guint64 value;
    if (!gst_structure_get_uint64(stats, field, &value))
      continue;
    g_autofree gchar *key = g_strdup_printf("%s %s", gst_wzp_branch_factories[kind], field);
    guint64 *sum = g_hash_table_lookup(self->gone, key);
    if (sum == NULL) {
      sum = g_new0(guint64, 1);
      g_hash_table_insert(self->gone, g_steal_pointer(&key), sum);
    }
    *sum += value;
  }
}

static guint64
sum_locked(GstWzpBranches *self, guint kind, const gchar *field)
{
  g_autofree gchar *key = g_strdup_printf("%s %s", gst_wzp_branch_factories[kind], field);
  guint64 *before = g_hash_table_lookup(self->gone, key), sum = before != NULL ? *before : 0;
  for (guint n = 0; n < self->list->len; n++) {
    const GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (branch->elements[kind] != NULL)
      sum += read_field(branch->elements[kind], field);
  }
  return sum;
}

void
gst_wzp_branches_put_stats(GstWzpBranches *self, GstStructure *stats)
{
  static const struct {
    const gchar *name;
    guint kind;
    const gchar *field;
  } sums[] = {
      {"frames-received", GST_WZP_BRANCH_CRYPT, "frames"},
      {"frames-lost", GST_WZP_BRANCH_JITTER, "lost"},
      {"frames-late", GST_WZP_BRANCH_JITTER, "late"},
      {"frames-repaired", GST_WZP_BRANCH_JITTER, "recovered"},
      {"frames-concealed", GST_WZP_BRANCH_JITTER, "concealed"},
  };
  guint64 voices = 0, delay = 0, latency = 0;
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len; n++) {
    const GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (branch->elements[GST_WZP_BRANCH_JITTER] == NULL)
      continue;
    voices++;
    delay = MAX(delay, read_field(branch->elements[GST_WZP_BRANCH_JITTER], "delay"));
    latency = MAX(latency, read_field(branch->elements[GST_WZP_BRANCH_JITTER], "latency"));
  }
  for (guint n = 0; n < G_N_ELEMENTS(sums); n++)
    gst_structure_set(stats, sums[n].name, G_TYPE_UINT64,
                      sum_locked(self, sums[n].kind, sums[n].field), NULL);
  g_mutex_unlock(&self->lock);
  gst_structure_set(stats, "voices", G_TYPE_UINT64, voices, "jitter-delay-ms", G_TYPE_DOUBLE,
                    (gdouble)delay / GST_MSECOND, "latency-ms", G_TYPE_UINT,
                    (guint)(latency / GST_MSECOND), NULL);
}

/* --- what branches ask --- */

GstPad *
gst_wzp_branches_dup_own_pad(GstWzpBranches *self, guint slot)
{
  GstPad *found = NULL;
  g_autofree gchar *name = g_strdup_printf("sender_%u", slot);
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->pads->len && found == NULL; n++) {
    GstPad *pad = g_ptr_array_index(self->pads, n);
    if (g_str_equal(GST_OBJECT_NAME(pad), name) && !g_ptr_array_find(self->ended, pad, NULL))
      found = gst_object_ref(pad);
  }
  g_mutex_unlock(&self->lock);
  return found;
}

void
gst_wzp_branches_end_own_pad(GstPad *pad)
{
  g_autoptr(GstEvent) begun = gst_pad_get_sticky_event(pad, GST_EVENT_STREAM_START, 0);
  if (begun == NULL)
    gst_pad_push_event(pad, gst_event_new_stream_start(GST_OBJECT_NAME(pad)));
  gst_pad_push_event(pad, gst_event_new_eos());
}

GstClockTime
gst_wzp_branches_arrival(GstPadProbeInfo *info)
{
  GstBuffer *buffer = NULL;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  else if (gst_buffer_list_length(GST_PAD_PROBE_INFO_BUFFER_LIST(info)) > 0)
    buffer = gst_buffer_list_get(GST_PAD_PROBE_INFO_BUFFER_LIST(info), 0);
  const GstWzpMeta *meta = buffer != NULL ? gst_wzp_meta_get(buffer) : NULL;
  return meta != NULL ? meta->arrival : GST_CLOCK_TIME_NONE;
}

/* --- the demux: senders come and go, in the streaming thread --- */

static void
sender_came(GstElement *demux, GstPad *pad, gpointer branches)
{
  (void)demux;
  gst_wzp_branch_add(branches, pad);
}

static GstWzpBranch *
dup_branch(GstWzpBranches *self, const GstPad *input)
{
  GstWzpBranch *found = NULL;
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len && found == NULL; n++) {
    GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (branch->input == input)
      found = gst_wzp_branch_ref(branch);
  }
  g_mutex_unlock(&self->lock);
  return found;
}

static void
end_pad(gpointer own, gpointer data)
{
  (void)data;
  gst_wzp_branches_end_own_pad(own);
  gst_object_unref(own);
}

/* The slot may be another's soon, whose voice does not belong on the pad. speaker: who says the end there himself, when all is
 * played; NULL: nobody does. */
static void
retire_own_pad(GstWzpBranches *self, guint slot, const GstWzpBranch *speaker)
{
  g_autoptr(GstPad) own = gst_wzp_branches_dup_own_pad(self, slot);
  if (own == NULL)
    return;
  g_mutex_lock(&self->lock);
  gboolean here = g_ptr_array_find(self->pads, own, NULL); /* not released meanwhile */
  if (here)
    g_ptr_array_add(self->ended, own);
  gboolean speaks = speaker != NULL && speaker->own == own;
  g_mutex_unlock(&self->lock);
  if (here && !speaks)
    g_thread_pool_push(self->ends, gst_object_ref(own), NULL);
}

/* Who never said anything has no branch. */
static void
member_left(GstWzpBranches *self, const GstStructure *structure)
{
  guint slot;
  gboolean spoke = FALSE;
  if (structure == NULL || !gst_structure_has_name(structure, "wzp-member-left") ||
      !gst_structure_get_uint(structure, "slot", &slot))
    return;
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len; n++) {
    const GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    spoke = spoke || (branch->slot == slot && branch->input != NULL);
  }
  g_mutex_unlock(&self->lock);
  if (!spoke)
    retire_own_pad(self, slot, NULL);
}

static void
sender_left(GstElement *demux, GstPad *pad, gpointer data)
{
  (void)demux;
  GstWzpBranches *self = data;
  GstWzpBranch *branch = dup_branch(self, pad);
  if (branch == NULL)
    return;
  branch->input = NULL;
  retire_own_pad(self, branch->slot, branch);
  /* with a voice it goes when all is played */
  if (!g_atomic_int_get(&branch->ended) || branch->out == NULL)
    gst_wzp_branch_remove(branch);
  gst_wzp_branch_unref(branch);
}

static void
remove_played(gpointer data, gpointer branches)
{
  GstWzpBranches *self = branches;
  GstWzpBranch *branch = data;
  if (g_atomic_int_get(&branch->ended)) /* set by the thread that made the branch */
    gst_wzp_branch_remove(branch);
  gst_wzp_branch_unref(branch);
  g_mutex_lock(&self->lock);
  self->n_removing--;
  g_cond_broadcast(&self->removed);
  g_mutex_unlock(&self->lock);
}

void
gst_wzp_branches_remove_later(GstWzpBranches *self, GstWzpBranch *branch)
{
  g_mutex_lock(&self->lock);
  self->n_removing++;
  g_mutex_unlock(&self->lock);
  g_thread_pool_push(self->removals, gst_wzp_branch_ref(branch), NULL);
}

/* One of which the mix has taken the last sample; once. */
static GstWzpBranch *
take_mixed(GstWzpBranches *self)
{
  GstWzpBranch *found = NULL;
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len && found == NULL; n++) {
    GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (g_atomic_int_get(&branch->mixing) &&
        gst_aggregator_pad_is_eos(GST_AGGREGATOR_PAD(branch->mix))) {
      g_atomic_int_set(&branch->mixing, FALSE);
      found = gst_wzp_branch_ref(branch);
    }
  }
  g_mutex_unlock(&self->lock);
  return found;
}

static GstPadProbeReturn
mix_leaves(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  (void)info;
  GstWzpBranches *self = data;
  for (GstWzpBranch *branch; (branch = take_mixed(self)) != NULL;) {
    gst_wzp_branches_remove_later(self, branch);
    gst_wzp_branch_unref(branch);
  }
  return GST_PAD_PROBE_OK;
}

/* Voices that have been silent for long cost a thread each, and 50 turns a second. */
static void
look_for_silence(GstWzpBranches *self, GstClockTime now)
{
  if (!GST_CLOCK_TIME_IS_VALID(now) || (self->looked <= now && now < self->looked + LOOK_EVERY))
    return;
  self->looked = now;
  g_autoptr(GPtrArray) silent = g_ptr_array_new_with_free_func(gst_wzp_branch_unref);
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len; n++) {
    GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (branch->elements[GST_WZP_BRANCH_JITTER] != NULL && !g_atomic_int_get(&branch->ended) &&
        GST_CLOCK_TIME_IS_VALID(branch->heard) && branch->heard + VOICE_RESTS_AFTER < now)
      g_ptr_array_add(silent, gst_wzp_branch_ref(branch));
  }
  g_mutex_unlock(&self->lock);
  for (guint n = 0; n < silent->len; n++)
    gst_wzp_branch_drop_voice(g_ptr_array_index(silent, n));
}

/* --- the floor of the mix --- */

static gboolean
answer_latency(GstWzpBranches *self, GstQuery *query)
{
  guint latency;
  g_object_get(self->call, "latency", &latency, NULL);
  gst_query_set_latency(query, TRUE, latency * GST_MSECOND, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean
floor_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    return answer_latency(gst_pad_get_element_private(pad), query);
  return gst_pad_query_default(pad, parent, query);
}

static void
open_floor(GstWzpBranches *self)
{
  g_autoptr(GstCaps) caps = gst_caps_from_string(MIX_CAPS);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_set_active(self->floor, FALSE); /* forgets an end before */
  gst_pad_set_active(self->floor, TRUE);
  gst_pad_push_event(self->floor, gst_event_new_stream_start("floor"));
  gst_pad_push_event(self->floor, gst_event_new_caps(caps));
  gst_pad_push_event(self->floor, gst_event_new_segment(&segment));
}

static gboolean
has_voice(GstWzpBranches *self, GstPad *own)
{
  gboolean has = FALSE;
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len; n++)
    has = has || ((const GstWzpBranch *)g_ptr_array_index(self->list, n))->own == own;
  g_mutex_unlock(&self->lock);
  return has;
}

static void
end_all(GstWzpBranches *self)
{
  g_atomic_int_set(&self->ending, TRUE);
  gst_pad_push_event(self->floor, gst_event_new_eos());
  g_mutex_lock(&self->lock);
  g_autoptr(GPtrArray) pads =
      g_ptr_array_copy(self->pads, (GCopyFunc)(GCallback)gst_object_ref, NULL);
  g_mutex_unlock(&self->lock);
  g_ptr_array_set_free_func(pads, gst_object_unref);
  for (guint n = 0; n < pads->len; n++)
    if (!has_voice(self, g_ptr_array_index(pads, n)))
      gst_wzp_branches_end_own_pad(g_ptr_array_index(pads, n));
}

static GstPadProbeReturn
source_says(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  GstWzpBranches *self = data;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    look_for_silence(self, gst_wzp_branches_arrival(info));
    return GST_PAD_PROBE_OK;
  }
  switch (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info))) {
  case GST_EVENT_STREAM_START:
    g_atomic_int_set(&self->ending, FALSE);
    self->looked = 0;
    g_mutex_lock(&self->lock);
    g_hash_table_remove_all(self->gone);
    g_mutex_unlock(&self->lock);
    open_floor(self);
    break;
  case GST_EVENT_EOS:
    end_all(self);
    break;
  case GST_EVENT_CUSTOM_DOWNSTREAM:
    member_left(self, gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info)));
    break;
  default:
    break;
  }
  return GST_PAD_PROBE_OK;
}

static void
take_away(GstWzpBranches *self)
{
  g_autoptr(GstPad) pad = gst_element_get_static_pad(self->source, "src");
  g_autoptr(GstPad) mix = gst_element_get_static_pad(self->mixer, "src");
  gst_wzp_branches_clear(self);
  gst_pad_remove_probe(pad, self->source_probe);
  gst_pad_remove_probe(mix, self->mix_probe);
  g_signal_handlers_disconnect_by_data(self->demux, self);
  gst_pad_set_active(self->floor, FALSE);
  gst_pad_unlink(self->floor, self->floor_mix);
  gst_element_release_request_pad(self->mixer, self->floor_mix);
  gst_clear_object(&self->floor_mix);
  gst_clear_object(&self->floor);
  gst_clear_object(&self->source);
  gst_clear_object(&self->demux);
  gst_clear_object(&self->mixer);
}

void
gst_wzp_branches_place(GstWzpBranches *self, GstElement *source, GstElement *demux,
                       GstElement *mixer)
{
  if (self->source != NULL)
    take_away(self);
  if (source == NULL)
    return;
  self->source = gst_object_ref(source);
  self->demux = gst_object_ref(demux);
  self->mixer = gst_object_ref(mixer);
  gst_util_set_object_arg(G_OBJECT(mixer), "start-time-selection", "first");
  g_object_set(mixer, "latency", MIX_SLACK, NULL);
  g_signal_connect(demux, "pad-added", G_CALLBACK(sender_came), self);
  g_signal_connect(demux, "pad-removed", G_CALLBACK(sender_left), self);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(source, "src");
  self->source_probe =
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                        source_says, self, NULL);
  g_autoptr(GstPad) mix = gst_element_get_static_pad(mixer, "src");
  self->mix_probe = gst_pad_add_probe(mix, GST_PAD_PROBE_TYPE_BUFFER, mix_leaves, self, NULL);
  self->floor = gst_object_ref_sink(gst_pad_new("floor", GST_PAD_SRC));
  gst_pad_set_element_private(self->floor, self);
  gst_pad_set_query_function(self->floor, floor_query);
  self->floor_mix = gst_element_request_pad_simple(mixer, "sink_%u");
  gst_pad_link_full(self->floor, self->floor_mix, GST_PAD_LINK_CHECK_NOTHING);
}

/* --- pads of their own --- */

/* A voice that should lead elsewhere now is made anew with its next frame. */
static void
reroute(GstWzpBranches *self, guint slot)
{
  g_mutex_lock(&self->lock);
  for (guint n = 0; n < self->list->len; n++) {
    GstWzpBranch *branch = g_ptr_array_index(self->list, n);
    if (branch->slot == slot)
      g_atomic_int_set(&branch->reroute, TRUE);
  }
  g_mutex_unlock(&self->lock);
}

static gboolean
own_pad_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
  g_autoptr(GstPad) target = gst_ghost_pad_get_target(GST_GHOST_PAD(pad));
  if (gst_wzp_context_is_query(query))
    return FALSE; /* our session is not for others */
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY && target == NULL)
    return answer_latency(gst_pad_get_element_private(pad), query);
  return gst_pad_query_default(pad, parent, query);
}

/* Whatever becomes of what is linked there is no matter of the call: it was taken away, is stopped, or wants no more. */
static GstFlowReturn
own_pad_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn flow = gst_proxy_pad_chain_default(pad, parent, buffer);
  return flow == GST_FLOW_NOT_LINKED || flow == GST_FLOW_FLUSHING || flow == GST_FLOW_EOS
             ? GST_FLOW_OK
             : flow;
}

static gboolean
parse_name(const gchar *name, guint *slot)
{
  guint64 number;
  if (name == NULL || !g_str_has_prefix(name, "sender_") ||
      !g_ascii_string_to_unsigned(name + strlen("sender_"), 10, 0, WZP_SLOT_MAX, &number, NULL))
    return FALSE;
  *slot = (guint)number;
  return TRUE;
}

GstPad *
gst_wzp_branches_request_pad(GstWzpBranches *self, GstPadTemplate *template, const gchar *name)
{
  guint slot;
  if (!parse_name(name, &slot))
    return NULL;
  g_autofree gchar *own_name = g_strdup_printf("sender_%u", slot);
  g_autoptr(GstPad) taken = gst_element_get_static_pad(GST_ELEMENT(self->call), own_name);
  if (taken != NULL)
    return NULL;
  GstPad *pad = gst_ghost_pad_new_no_target_from_template(own_name, template);
  gst_pad_set_element_private(pad, self);
  gst_pad_set_query_function(pad, own_pad_query);
  g_autoptr(GstProxyPad) inside = gst_proxy_pad_get_internal(GST_PROXY_PAD(pad));
  gst_pad_set_chain_function(GST_PAD(inside), own_pad_chain);
  gst_pad_set_active(pad, TRUE);
  g_mutex_lock(&self->lock);
  g_ptr_array_add(self->pads, gst_object_ref(pad));
  g_mutex_unlock(&self->lock);
  gst_element_add_pad(GST_ELEMENT(self->call), pad);
  reroute(self, slot);
  return pad;
}

void
gst_wzp_branches_release_pad(GstWzpBranches *self, GstPad *pad)
{
  guint slot = 0;
  parse_name(GST_OBJECT_NAME(pad), &slot);
  g_mutex_lock(&self->lock);
  g_ptr_array_remove(self->ended, pad);
  g_ptr_array_remove(self->pads, pad);
  g_mutex_unlock(&self->lock);
  reroute(self, slot); /* not before: a voice that is made now must not find it */
  /* a voice that leads here stays linked until its own thread is stopped: unlinked it would call that an error */
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(GST_ELEMENT(self->call), pad);
}

/* --- life --- */

GstWzpBranches *
gst_wzp_branches_new(GstBin *call, GstContext *context, GstWzpBranchesConfigure configure)
{
  GstWzpBranches *self = g_new0(GstWzpBranches, 1);
  self->call = call;
  self->context = context;
  self->configure = configure;
  self->removals = g_thread_pool_new(remove_played, self, 1, FALSE, NULL);
  self->ends = g_thread_pool_new(end_pad, NULL, 1, FALSE, NULL);
  g_mutex_init(&self->lock);
  g_cond_init(&self->removed);
  self->list = g_ptr_array_new();
  self->pads = g_ptr_array_new_with_free_func(gst_object_unref);
  self->ended = g_ptr_array_new();
  self->gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
gst_wzp_branches_clear(GstWzpBranches *self)
{
  g_mutex_lock(&self->lock);
  while (self->list->len > 0) {
    GstWzpBranch *branch = gst_wzp_branch_ref(g_ptr_array_index(self->list, 0));
    g_mutex_unlock(&self->lock);
    gst_wzp_branch_remove(branch);
    gst_wzp_branch_unref(branch);
    g_mutex_lock(&self->lock);
  }
  while (self->n_removing > 0)
    g_cond_wait(&self->removed, &self->lock);
  g_ptr_array_set_size(self->ended, 0);
  g_mutex_unlock(&self->lock);
}

void
gst_wzp_branches_free(GstWzpBranches *self)
{
  gst_wzp_branches_place(self, NULL, NULL, NULL);
  g_thread_pool_free(self->removals, FALSE, TRUE);
  g_thread_pool_free(self->ends, FALSE, FALSE); /* they need nothing of this */
  g_ptr_array_unref(self->list);
  g_ptr_array_unref(self->pads);
  g_ptr_array_unref(self->ended);
  g_hash_table_unref(self->gone);
  g_mutex_clear(&self->lock);
  g_cond_clear(&self->removed);
  g_free(self);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpinbox.h"
#include "gstwzpmeta.h"

struct _GstWzpInbox {
  gatomicrefcount references;
  gconstpointer owner;
  GMutex lock; /* guards everything below; nothing else is locked while it is held */
  GCond changed;
  GQueue queue; /* GstMiniObject */
  guint packets;
  GstClock *clock;
  GstClockTime base_time;
  gboolean flushing, ended;
  gboolean fresh; /* did not play yet */
};

GstWzpInbox *
gst_wzp_inbox_new(gconstpointer owner)
{
  GstWzpInbox *inbox = g_new0(GstWzpInbox, 1);
  inbox->owner = owner;
  g_atomic_ref_count_init(&inbox->references);
  g_mutex_init(&inbox->lock);
  g_cond_init(&inbox->changed);
  g_queue_init(&inbox->queue);
  return inbox;
}

gconstpointer
gst_wzp_inbox_owner(const GstWzpInbox *inbox)
{
  return inbox->owner;
}

GstWzpInbox *
gst_wzp_inbox_ref(GstWzpInbox *inbox)
{
  g_atomic_ref_count_inc(&inbox->references);
  return inbox;
}

void
gst_wzp_inbox_unref(GstWzpInbox *inbox)
{
  if (!g_atomic_ref_count_dec(&inbox->references))
    return;
  gst_wzp_inbox_clear(inbox);
  gst_clear_object(&inbox->clock);
  g_cond_clear(&inbox->changed);
  g_mutex_clear(&inbox->lock);
  g_free(inbox);
}

void
gst_wzp_inbox_set_clock(GstWzpInbox *inbox, GstClock *clock, GstClockTime base_time)
{
  g_mutex_lock(&inbox->lock);
  gst_object_replace((GstObject **)&inbox->clock, (GstObject *)clock);
  inbox->base_time = base_time;
  inbox->fresh = inbox->fresh && clock == NULL;
  g_mutex_unlock(&inbox->lock);
}

void
gst_wzp_inbox_set_flushing(GstWzpInbox *inbox, gboolean flushing)
{
  g_mutex_lock(&inbox->lock);
  inbox->flushing = flushing;
  g_cond_broadcast(&inbox->changed);
  g_mutex_unlock(&inbox->lock);
}

void
gst_wzp_inbox_clear(GstWzpInbox *inbox)
{
  g_mutex_lock(&inbox->lock);
  g_queue_clear_full(&inbox->queue, (GDestroyNotify)gst_mini_object_unref);
  inbox->packets = 0;
  inbox->ended = FALSE;
  inbox->fresh = TRUE;
  g_mutex_unlock(&inbox->lock);
}

static void
drop_oldest_packet_locked(GstWzpInbox *inbox)
{
  for (GList *link = inbox->queue.head; link != NULL; link = link->next) {
    if (!GST_IS_BUFFER(link->data))
      continue;
    gst_mini_object_unref(link->data);
    g_queue_delete_link(&inbox->queue, link);
    inbox->packets--;
    return;
  }
}

gboolean
gst_wzp_inbox_push_packet(GstWzpInbox *inbox, gconstpointer data, gsize length, GstClockTime age,
                          guint8 slot, gboolean *dropped)
{
  *dropped = FALSE;
  g_mutex_lock(&inbox->lock);
  if ((inbox->clock == NULL && !inbox->fresh) || inbox->ended) {
    g_mutex_unlock(&inbox->lock);
    return FALSE;
  }
  /* on the way to PLAYING there is no running time yet: the others may be faster than we are */
  GstClockTime now = inbox->clock != NULL ? gst_clock_get_time(inbox->clock) : 0;
  GstClockTime since = inbox->base_time + age;
  GstBuffer *buffer = gst_buffer_new_memdup(data, length);
  GST_BUFFER_PTS(buffer) = now > since ? now - since : 0;
  GstWzpMeta *meta = gst_wzp_meta_add(buffer);
  meta->arrival = GST_BUFFER_PTS(buffer);
  meta->slot = slot;
  if (inbox->packets >= GST_WZP_INBOX_MAX) {
    drop_oldest_packet_locked(inbox);
    *dropped = TRUE;
  }
  g_queue_push_tail(&inbox->queue, buffer);
  inbox->packets++;
  g_cond_signal(&inbox->changed);
  g_mutex_unlock(&inbox->lock);
  return TRUE;
}

void
gst_wzp_inbox_push_event(GstWzpInbox *inbox, GstEvent *event)
{
  g_mutex_lock(&inbox->lock);
  g_queue_push_tail(&inbox->queue, event);
  g_cond_signal(&inbox->changed);
  g_mutex_unlock(&inbox->lock);
}

void
gst_wzp_inbox_end(GstWzpInbox *inbox)
{
  g_mutex_lock(&inbox->lock);
  inbox->ended = TRUE;
  g_cond_broadcast(&inbox->changed);
  g_mutex_unlock(&inbox->lock);
}

GstMiniObject *
gst_wzp_inbox_pop(GstWzpInbox *inbox, gboolean *ended)
{
  *ended = FALSE;
  GstMiniObject *object = NULL;
  g_mutex_lock(&inbox->lock);
  while (!inbox->flushing && g_queue_is_empty(&inbox->queue) && !inbox->ended)
    g_cond_wait(&inbox->changed, &inbox->lock);
  if (!inbox->flushing) {
    object = g_queue_pop_head(&inbox->queue);
    if (object != NULL && GST_IS_BUFFER(object))
      inbox->packets--;
    *ended = object == NULL;
  }
  g_mutex_unlock(&inbox->lock);
  return object;
}

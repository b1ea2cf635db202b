/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpaudioend-private.h"
#include <string.h>

GST_DEBUG_CATEGORY_EXTERN(gst_wzp_audio_end_debug);
#define GST_CAT_DEFAULT gst_wzp_audio_end_debug

#define PRIVATE(self) gst_wzp_audio_end_private(self)
#define KIND(self) (GST_WZP_AUDIO_END_GET_CLASS(self)->kind)

#define STEP_SAMPLES 480
/* When a device that failed is tried again: doubled each time, until it has worked for as long as the longest pause. */
#define RETRY_FIRST (500 * GST_MSECOND)
#define RETRY_LONGEST (30 * GST_SECOND)

gboolean
gst_wzp_audio_end_is_lost(GstWzpAudioEnd *self)
{
  GST_OBJECT_LOCK(self);
  gboolean lost = PRIVATE(self)->lost;
  GST_OBJECT_UNLOCK(self);
  return lost;
}

static void
tell(GstWzpAudioEnd *self, const gchar *event, const gchar *device, const gchar *text)
{
  GST_INFO_OBJECT(self, "%s", text);
  gst_element_post_message(
      GST_ELEMENT(self),
      gst_message_new_element(GST_OBJECT(self),
                              gst_structure_new("wzp-device", "event", G_TYPE_STRING, event, "kind",
                                                G_TYPE_STRING, gst_wzp_device_word(KIND(self)),
                                                "device", G_TYPE_STRING, device, "text",
                                                G_TYPE_STRING, text, NULL)));
}

static void
tell_taken(GstWzpAudioEnd *self, const gchar *device)
{
  g_autofree gchar *text =
      g_strdup_printf("The %s '%s' is taken.", gst_wzp_device_word(KIND(self)), device);
  tell(self, "taken", device, text);
}

/* --- one element takes the place of another --- */

/* A source that fails ends its stream, too; ours goes on. */
static GstPadProbeReturn
look_at_source(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstWzpAudioEnd *self = data;
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  gboolean end = GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM &&
                 GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS;
  GST_OBJECT_LOCK(self);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    priv->flowed = 2;
  gboolean drop = end && !priv->ending && priv->flowed == 2;
  GST_OBJECT_UNLOCK(self);
  g_autoptr(GstElement) element = gst_pad_get_parent_element(pad);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    gst_wzp_audio_end_proven(self, element);
  if (drop) {
    gst_wzp_audio_end_lose(self, element, "it ended");
  }
  return drop ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static GstPad *
pad_of(GstWzpAudioEnd *self, GstElement *element)
{
  return gst_element_get_static_pad(element, KIND(self) == GST_WZP_MICROPHONE ? "src" : "sink");
}

/* Into the bin with it, not linked yet. NULL: it cannot be used, and is not in the bin. */
static GstPad *
enter(GstWzpAudioEnd *self, GstElement *element)
{
  if (!gst_bin_add(GST_BIN(self), element))
    return NULL;
  GstPad *pad = pad_of(self, element);
  if (pad == NULL)
    gst_bin_remove(GST_BIN(self), element);
  return pad;
}

/* From now on it is the one in the bin. */
static gboolean
use(GstWzpAudioEnd *self, GstElement *element, GstPad *pad)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  priv->element = element;
  GST_OBJECT_UNLOCK(self);
  if (KIND(self) == GST_WZP_MICROPHONE)
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER,
                      look_at_source, self, NULL);
  if (KIND(self) == GST_WZP_SPEAKER && priv->started)
    return TRUE; /* the stream may be on its way */
  return gst_ghost_pad_set_target(GST_GHOST_PAD(priv->pad), pad);
}

gboolean
gst_wzp_audio_end_adopt(GstWzpAudioEnd *self, GstElement *element)
{
  g_autoptr(GstPad) pad = enter(self, element);
  return pad != NULL && use(self, element, pad);
}

static void
news(GstWzpAudioEnd *self)
{
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* No other thread may link: what is just being pushed to the element before, the beginning of the stream, would count as
 * received by the next one, which would get sound without it. */
void
gst_wzp_audio_end_lead(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  g_autoptr(GstElement) element = priv->element != NULL ? gst_object_ref(priv->element) : NULL;
  GST_OBJECT_UNLOCK(self);
  g_autoptr(GstPad) wanted = element != NULL ? pad_of(self, element) : NULL;
  g_autoptr(GstPad) target = gst_ghost_pad_get_target(GST_GHOST_PAD(priv->pad));
  if (wanted != target && gst_ghost_pad_set_target(GST_GHOST_PAD(priv->pad), wanted) &&
      wanted != NULL)
    news(self);
}

/* Out of the bin with it, but it still runs; NULL: there is none. */
static GstElement *
take_out(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  GstElement *element = g_steal_pointer(&priv->element);
  priv->closing += element != NULL;
  GST_OBJECT_UNLOCK(self);
  if (element == NULL)
    return NULL;
  gst_object_ref(element);
  gst_element_set_locked_state(element, TRUE);
  gst_ghost_pad_set_target(GST_GHOST_PAD(priv->pad), NULL);
  gst_bin_remove(GST_BIN(self), element);
  return element;
}

static void
end_closing(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  GST_OBJECT_LOCK(self);
  priv->closing--;
  g_cond_broadcast(&priv->closed);
  GST_OBJECT_UNLOCK(self);
}

/* It waits for the element's thread, and that perhaps for a pipeline that pauses: without the lock swap, and outside of the
 * bin, whose state must not wait for this. */
static void
shut_down(GstWzpAudioEnd *self, GstElement *element)
{
  if (element == NULL)
    return;
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
  end_closing(self);
}

void
gst_wzp_audio_end_close(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  shut_down(self, take_out(self));
  GST_OBJECT_LOCK(self);
  while (priv->closing > 0)
    g_cond_wait(&priv->closed, GST_OBJECT_GET_LOCK(self));
  GST_OBJECT_UNLOCK(self);
}

/* Before the end plays its base time is none yet. */
static GstClockTime
running_time(GstWzpAudioEnd *self)
{
  g_autoptr(GstClock) clock = gst_element_get_clock(GST_ELEMENT(self));
  GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  GST_OBJECT_LOCK(self);
  gboolean plays = PRIVATE(self)->reached == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK(self);
  if (!plays || clock == NULL || !GST_CLOCK_TIME_IS_VALID(base)) {
    GstClockTime start = gst_element_get_start_time(GST_ELEMENT(self));
    return GST_CLOCK_TIME_IS_VALID(start) ? start : 0;
  }
  GstClockTime now = gst_clock_get_time(clock);
  return now > base ? now - base : 0;
}

/* Silence that is marked as such, or a sink that only keeps the pace. */
static GstElement *
stand_in_new(GstWzpAudioEnd *self)
{
  GstElement *element;
  if (KIND(self) == GST_WZP_SPEAKER) {
    element = gst_element_factory_make("fakesink", NULL);
    if (element != NULL)
      g_object_set(element, "sync", TRUE, "async", FALSE, "enable-last-sample", FALSE, NULL);
    return element;
  }
  element = gst_element_factory_make("audiotestsrc", NULL);
  if (element != NULL) {
    gst_util_set_object_arg(G_OBJECT(element), "wave", "silence");
    g_object_set(element, "is-live", TRUE, "samplesperbuffer", STEP_SAMPLES, "timestamp-offset",
                 (gint64)running_time(self), NULL);
  }
  return element;
}

/* With swap. Afterwards, without it, shut_down() for *before, and news() of a microphone: a speaker's have none before it is
 * linked. FALSE: the element does not work, or cannot be used, and what was in the bin still is. */
static gboolean
exchange(GstWzpAudioEnd *self, GstElement *element, GstElement **before)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autoptr(GstPad) pad = element != NULL ? enter(self, element) : NULL;
  if (pad == NULL)
    return FALSE;
  *before = take_out(self);
  /* Not to the state that the end is on its way to: it would play without the base time that it gets there. */
  if (!use(self, element, pad) ||
      gst_element_set_state(element, priv->reached) == GST_STATE_CHANGE_FAILURE)
    return FALSE;
  GST_OBJECT_LOCK(self);
  GstClockTime latency = priv->latency;
  GST_OBJECT_UNLOCK(self);
  if (KIND(self) == GST_WZP_SPEAKER && GST_CLOCK_TIME_IS_VALID(latency))
    gst_element_send_event(element, gst_event_new_latency(latency));
  return TRUE;
}

/* --- a device that failed is tried again --- */

static void retry(GstElement *element, gpointer data);

static gboolean
retry_is_due(GstClock *clock, GstClockTime time, GstClockID id, gpointer data)
{
  (void)clock;
  (void)time;
  (void)id;
  gst_element_call_async(data, retry, NULL, NULL);
  return TRUE;
}

static void
forget_retry(GstWzpAudioEnd *self)
{
  GST_OBJECT_LOCK(self);
  GstClockID id = g_steal_pointer(&PRIVATE(self)->retry);
  GST_OBJECT_UNLOCK(self);
  if (id == NULL)
    return;
  gst_clock_id_unschedule(id);
  gst_clock_id_unref(id);
}

/* With swap. */
static void
retry_later(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  if (!priv->started || !gst_wzp_audio_end_is_lost(self))
    return;
  g_autoptr(GstClock) clock = gst_element_get_clock(GST_ELEMENT(self));
  if (clock == NULL)
    clock = gst_system_clock_obtain();
  forget_retry(self);
  GST_OBJECT_LOCK(self);
  GstClockTime pause = MIN(RETRY_FIRST << MIN(priv->tries, 16), RETRY_LONGEST);
  GstClockID id = gst_clock_new_single_shot_id(clock, gst_clock_get_time(clock) + pause);
  priv->tries++;
  priv->retry = gst_clock_id_ref(id);
  GST_OBJECT_UNLOCK(self);
  gst_clock_id_wait_async(id, retry_is_due, gst_object_ref(self), gst_object_unref);
  gst_clock_id_unref(id);
}

/* In a thread of its own: an element that fails cannot stop itself. */
static void
stand_in(GstElement *element, gpointer data)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  (void)data;
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  gboolean wanted = PRIVATE(self)->started && gst_wzp_audio_end_is_lost(self);
  GstElement *before = NULL;
  gboolean good = !wanted || exchange(self, stand_in_new(self), &before);
  retry_later(self);
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
  shut_down(self, before);
  if (!good)
    GST_ELEMENT_ERROR(
        self, CORE, MISSING_PLUGIN,
        ("Nothing can stand in for the %s; is the package of GStreamer's base plugins "
         "installed?",
         gst_wzp_device_word(KIND(self))),
        (NULL));
  else if (wanted && KIND(self) == GST_WZP_MICROPHONE)
    news(self);
}

void
gst_wzp_audio_end_lose(GstWzpAudioEnd *self, GstElement *element, const gchar *why)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  const gchar *word = gst_wzp_device_word(KIND(self));
  g_autofree gchar *name = gst_wzp_audio_end_dup_name(self);
  GstClockTime now = running_time(self);
  GST_OBJECT_LOCK(self);
  gboolean lost = !priv->lost && element == priv->element;
  gboolean told = lost && priv->proving == element; /* that it is gone */
  gboolean worked = priv->flowed == 2;
  if (lost) {
    priv->lost = TRUE;
    priv->proving = NULL;
    priv->flowed = 2;
    if (!told && now >= priv->taken + RETRY_LONGEST)
      priv->tries = 0;
  }
  GST_OBJECT_UNLOCK(self);
  if (!lost)
    return;
  g_autofree gchar *cause = g_strdup(why), *text = NULL;
  if (g_str_has_suffix(cause, "."))
    cause[strlen(cause) - 1] = '\0';
  if (told) {
    GST_INFO_OBJECT(self, "still gone: %s", why);
  } else {
    if (worked)
      text = g_strdup_printf(
          "The %s%s%s%s is gone: %s. The call goes on without; %s.", word, name != NULL ? " '" : "",
          name != NULL ? name : "", name != NULL ? "'" : "", cause,
          name != NULL ? "it is taken again when it works" : "the next one that works is taken");
    else
      text = g_strdup_printf("There is no %s that works: %s. The call goes on without; the next "
                             "one that does is taken.",
                             word, cause);
    tell(self, "lost", name != NULL ? name : "", text);
    gst_element_message_full(GST_ELEMENT(self), GST_MESSAGE_WARNING, GST_RESOURCE_ERROR,
                             KIND(self) == GST_WZP_MICROPHONE ? GST_RESOURCE_ERROR_READ
                                                              : GST_RESOURCE_ERROR_WRITE,
                             g_steal_pointer(&text), NULL, __FILE__, GST_FUNCTION, __LINE__);
  }
  gst_element_call_async(GST_ELEMENT(self), stand_in, NULL, NULL);
}

void
gst_wzp_audio_end_proven(GstWzpAudioEnd *self, const GstElement *element)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autofree gchar *device = NULL;
  GST_OBJECT_LOCK(self);
  if (priv->proving != NULL && priv->proving == element) {
    device = g_strdup(priv->opened);
    priv->proving = NULL;
  }
  GST_OBJECT_UNLOCK(self);
  if (device != NULL)
    tell_taken(self, device);
}

/* Opened before it takes the place of what stands in, which goes on if it cannot be. */
static GstElement *
open_ahead(GstDevice *device)
{
  GstElement *element = gst_wzp_device_open(device);
  if (element == NULL)
    return NULL;
  gst_object_ref_sink(element);
  if (gst_element_set_state(element, GST_STATE_READY) != GST_STATE_CHANGE_FAILURE)
    return element;
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
  return NULL;
}

/* What is opened ahead is closed before the end is in state NULL, as what is taken out. */
static gboolean
begin_opening(GstWzpAudioEnd *self)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_rec_mutex_lock(&priv->swap);
  GST_OBJECT_LOCK(self);
  gboolean wanted = priv->started && priv->lost;
  priv->closing += wanted;
  GST_OBJECT_UNLOCK(self);
  g_rec_mutex_unlock(&priv->swap);
  return wanted;
}

/* again: nobody did anything to it, so that it works is only told when it does. */
static void
take(GstWzpAudioEnd *self, GstDevice *device, gboolean again)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autofree gchar *display = gst_device_get_display_name(device);
  GstElement *found, *before = NULL;
  gboolean good = FALSE;
  if (!begin_opening(self))
    return;
  found = open_ahead(device);
  g_rec_mutex_lock(&priv->swap);
  gboolean wanted = found != NULL && priv->started && gst_wzp_audio_end_is_lost(self), used = FALSE;
  if (wanted) {
    GST_OBJECT_LOCK(self);
    priv->lost = FALSE; /* from now on it may be lost again */
    priv->proving = again ? found : NULL;
    g_free(priv->opened);
    priv->opened = g_strdup(display);
    GST_OBJECT_UNLOCK(self);
    GstClockTime now = running_time(self);
    GST_OBJECT_LOCK(self);
    priv->taken = now;
    GST_OBJECT_UNLOCK(self);
    good = exchange(self, found, &before);
    GST_OBJECT_LOCK(self);
    used = priv->element == found;
    if (!used) {
      priv->lost = TRUE;
      priv->proving = NULL;
    }
    GST_OBJECT_UNLOCK(self);
  }
  if (!used)
    retry_later(self);
  g_rec_mutex_unlock(&priv->swap);
  shut_down(self, before);
  if (good) {
    if (KIND(self) == GST_WZP_MICROPHONE)
      news(self);
    if (!again)
      tell_taken(self, display);
  } else if (used) {
    gst_wzp_audio_end_lose(self, found, "it cannot be opened");
  } else if (found != NULL) {
    gst_element_set_state(found, GST_STATE_NULL);
  }
  gst_clear_object(&found);
  end_closing(self);
}

static void
retry(GstElement *element, gpointer data)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  (void)data;
  if (!gst_wzp_audio_end_is_lost(self))
    return;
  GST_OBJECT_LOCK(self);
  g_autofree gchar *opened = g_strdup(priv->opened);
  gboolean named = priv->name != NULL;
  GST_OBJECT_UNLOCK(self);
  GstDevice *device = gst_wzp_device_listed(KIND(self), opened);
  if (device == NULL && !named)
    device = gst_wzp_device_listed(KIND(self), NULL);
  if (device != NULL) {
    take(self, device, TRUE);
  } else {
    g_rec_mutex_lock(&priv->swap);
    retry_later(self);
    g_rec_mutex_unlock(&priv->swap);
  }
  gst_clear_object(&device);
}

/* --- devices that come --- */

static void
take_device(GstElement *element, gpointer data)
{
  GstWzpAudioEnd *self = GST_WZP_AUDIO_END(element);
  GstDevice *device = data;
  g_autofree gchar *name = gst_wzp_audio_end_dup_name(self);
  if (name != NULL && !gst_wzp_device_is_meant(KIND(self), name, device))
    return;
  GST_OBJECT_LOCK(self);
  PRIVATE(self)->tries = 0;
  GST_OBJECT_UNLOCK(self);
  take(self, device, FALSE);
}

/* With pulsesrc a device that went away is silent for ever: no error comes. */
static void
device_went(GstWzpAudioEnd *self, GstDevice *device)
{
  GstWzpAudioEndPrivate *priv = PRIVATE(self);
  g_autofree gchar *display = gst_device_get_display_name(device);
  GST_OBJECT_LOCK(self);
  gboolean ours = priv->flowed == 2 && g_strcmp0(priv->opened, display) == 0;
  GstElement *element = ours && priv->element != NULL ? gst_object_ref(priv->element) : NULL;
  GST_OBJECT_UNLOCK(self);
  if (element != NULL)
    gst_wzp_audio_end_lose(self, element, "it was pulled out");
  gst_clear_object(&element);
}

static void
device_told(GstElement *element, GstDevice *device, gboolean came)
{
  if (!came)
    device_went(GST_WZP_AUDIO_END(element), device);
  else if (gst_wzp_audio_end_is_lost(GST_WZP_AUDIO_END(element)))
    gst_element_call_async(element, take_device, gst_object_ref(device), gst_object_unref);
}

static void
set_started(GstWzpAudioEnd *self, gboolean started)
{
  g_rec_mutex_lock(&PRIVATE(self)->swap);
  PRIVATE(self)->started = started;
  g_rec_mutex_unlock(&PRIVATE(self)->swap);
}

void
gst_wzp_audio_end_start(GstWzpAudioEnd *self)
{
  set_started(self, TRUE);
  gst_wzp_device_watch(KIND(self), GST_ELEMENT(self), device_told);
  if (gst_wzp_audio_end_is_lost(self)) /* already */
    gst_element_call_async(GST_ELEMENT(self), stand_in, NULL, NULL);
}

void
gst_wzp_audio_end_stop(GstWzpAudioEnd *self)
{
  gst_wzp_device_unwatch(GST_ELEMENT(self));
  set_started(self, FALSE);
  forget_retry(self);
}

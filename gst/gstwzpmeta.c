/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpmeta.h"
#include "wzp/profile.h"

GType
gst_wzp_meta_api_get_type(void)
{
  static GType type;
  if (g_once_init_enter(&type)) {
    static const gchar *tags[] = {NULL};
    g_once_init_leave(&type, gst_meta_api_type_register("GstWzpMetaAPI", tags));
  }
  return type;
}

static void
gst_wzp_meta_reset(GstWzpMeta *self)
{
  self->code = WZP_CODE_NO_AUDIO;
  self->slot = 0;
  self->stream = 0;
  self->index = 0;
  self->media_time = GST_CLOCK_TIME_NONE;
  self->arrival = GST_CLOCK_TIME_NONE;
  self->flags = 0;
  self->recovered = FALSE;
  self->waited = 0;
  self->stretch = 0;
}

static gboolean
gst_wzp_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  (void)params;
  (void)buffer;
  gst_wzp_meta_reset((GstWzpMeta *)meta);
  return TRUE;
}

static gboolean
gst_wzp_meta_transform(GstBuffer *to, GstMeta *meta, GstBuffer *from, GQuark type, gpointer data)
{
  (void)data;
  if (!GST_META_TRANSFORM_IS_COPY(type) || meta == NULL)
    return FALSE;
  gst_wzp_meta_copy(to, from);
  return TRUE;
}

const GstMetaInfo *
gst_wzp_meta_get_info(void)
{
  static const GstMetaInfo *info;
  if (g_once_init_enter(&info)) {
    const GstMetaInfo *registered =
        gst_meta_register(GST_WZP_META_API_TYPE, "GstWzpMeta", sizeof(GstWzpMeta),
                          gst_wzp_meta_init, NULL, gst_wzp_meta_transform);
    g_once_init_leave(&info, registered);
  }
  return info;
}

GstWzpMeta *
gst_wzp_meta_add(GstBuffer *buffer)
{
  return (GstWzpMeta *)gst_buffer_add_meta(buffer, gst_wzp_meta_get_info(), NULL);
}

GstWzpMeta *
gst_wzp_meta_get(GstBuffer *buffer)
{
  return (GstWzpMeta *)gst_buffer_get_meta(buffer, GST_WZP_META_API_TYPE);
}

void
gst_wzp_meta_copy(GstBuffer *to, GstBuffer *from)
{
  GstWzpMeta *source = gst_wzp_meta_get(from);
  if (source == NULL)
    return;
  GstWzpMeta *copy = gst_wzp_meta_get(to);
  if (copy == NULL)
    copy = gst_wzp_meta_add(to);
  copy->code = source->code;
  copy->slot = source->slot;
  copy->stream = source->stream;
  copy->index = source->index;
  copy->media_time = source->media_time;
  copy->arrival = source->arrival;
  copy->flags = source->flags;
  copy->recovered = source->recovered;
  copy->waited = source->waited;
  copy->stretch = source->stretch;
}

/* --- speech --- */

static GType
gst_wzp_speech_meta_api_get_type(void)
{
  static GType type;
  if (g_once_init_enter(&type)) {
    static const gchar *tags[] = {NULL};
    g_once_init_leave(&type, gst_meta_api_type_register("GstWzpSpeechMetaAPI", tags));
  }
  return type;
}

static gboolean
gst_wzp_speech_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  (void)params;
  (void)buffer;
  ((GstWzpSpeechMeta *)meta)->probability = 0;
  return TRUE;
}

static gboolean
gst_wzp_speech_meta_transform(GstBuffer *to, GstMeta *meta, GstBuffer *from, GQuark type,
                              gpointer data)
{
  (void)from;
  (void)data;
  if (!GST_META_TRANSFORM_IS_COPY(type))
    return FALSE;
  gst_wzp_speech_meta_add(to, ((GstWzpSpeechMeta *)meta)->probability);
  return TRUE;
}

const GstMetaInfo *
gst_wzp_speech_meta_get_info(void)
{
  static const GstMetaInfo *info;
  if (g_once_init_enter(&info)) {
    const GstMetaInfo *registered = gst_meta_register(
        gst_wzp_speech_meta_api_get_type(), "GstWzpSpeechMeta", sizeof(GstWzpSpeechMeta),
        gst_wzp_speech_meta_init, NULL, gst_wzp_speech_meta_transform);
    g_once_init_leave(&info, registered);
  }
  return info;
}

void
gst_wzp_speech_meta_add(GstBuffer *buffer, gfloat probability)
{
  GstMeta *meta = gst_buffer_add_meta(buffer, gst_wzp_speech_meta_get_info(), NULL);
  ((GstWzpSpeechMeta *)meta)->probability = probability;
}

GstWzpSpeechMeta *
gst_wzp_speech_meta_get(GstBuffer *buffer)
{
  return (GstWzpSpeechMeta *)gst_buffer_get_meta(buffer, gst_wzp_speech_meta_api_get_type());
}

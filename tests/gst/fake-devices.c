/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fake-devices.h"
#include <gst/base/gstbasesink.h>
#include <gst/base/gstpushsrc.h>
#include <string.h>

#define CAPS                                                                                       \
  "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, rate=(int)48000, "               \
  "channels=(int)1"
#define FRAME 480
#define PATIENCE (60 * G_TIME_SPAN_SECOND)

typedef struct {
  char name[32];
  gboolean microphone, plugged;
  gboolean slow, held;
  guint passed, users, opened, failing, spoilt;
  GstDevice *device;
} Fake;

static GMutex lock; /* guards all that is static */
static GCond changed;
static Fake fakes[8];
static guint n_fakes;
static gint64 last_buffer_time, last_latency_time;
static gboolean last_async;
static GstDeviceProvider *provider;

static Fake *
find(const char *name, gboolean microphone)
{
  for (guint n = 0; n < n_fakes; n++)
    if (strcmp(fakes[n].name, name) == 0 && fakes[n].microphone == microphone)
      return &fakes[n];
  g_assert_not_reached();
}

/* --- what both elements do --- */

enum { PROP_0, PROP_BUFFER_TIME, PROP_LATENCY_TIME };

static void
end_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  (void)object;
  (void)pspec;
  g_mutex_lock(&lock);
  *(id == PROP_BUFFER_TIME ? &last_buffer_time : &last_latency_time) = g_value_get_int64(value);
  g_mutex_unlock(&lock);
}

static void
end_install(GObjectClass *klass)
{
  klass->set_property = end_set_property;
  g_object_class_install_property(
      klass, PROP_BUFFER_TIME,
      g_param_spec_int64("buffer-time", NULL, NULL, 0, G_MAXINT64, 200000, G_PARAM_WRITABLE));
  g_object_class_install_property(
      klass, PROP_LATENCY_TIME,
      g_param_spec_int64("latency-time", NULL, NULL, 0, G_MAXINT64, 10000, G_PARAM_WRITABLE));
}

static GstFlowReturn
pass(GstElement *element, Fake *fake)
{
  g_mutex_lock(&lock);
  gboolean there = fake->plugged, fails = fake->failing > 0;
  fake->failing -= fails;
  fake->passed++;
  g_cond_broadcast(&changed);
  g_mutex_unlock(&lock);
  if (there && !fails)
    return GST_FLOW_OK;
  GST_ELEMENT_ERROR(element, RESOURCE, READ,
                    (fails ? "It is out of order." : "The device was pulled out."), (NULL));
  return GST_FLOW_ERROR;
}

static void
use(Fake *fake, gint by)
{
  g_mutex_lock(&lock);
  fake->users += (guint)by;
  fake->opened += by > 0;
  g_cond_broadcast(&changed);
  g_mutex_unlock(&lock);
}

/* --- the microphone's --- */

typedef struct {
  GstPushSrc parent;
  Fake *fake;
  guint64 frames;
} FakeSrc;
typedef struct {
  GstPushSrcClass parent;
} FakeSrcClass;
GType fake_src_get_type(void);
G_DEFINE_TYPE(FakeSrc, fake_src, GST_TYPE_PUSH_SRC)

static gboolean
fake_src_start(GstBaseSrc *base)
{
  FakeSrc *self = (FakeSrc *)base;
  self->frames = G_MAXUINT64;
  use(self->fake, 1);
  return TRUE;
}

static gboolean
fake_src_stop(GstBaseSrc *base)
{
  use(((FakeSrc *)base)->fake, -1);
  return TRUE;
}

static void
fake_src_get_times(GstBaseSrc *base, GstBuffer *buffer, GstClockTime *start, GstClockTime *end)
{
  (void)base;
  *start = GST_BUFFER_PTS(buffer) + GST_BUFFER_DURATION(buffer);
  *end = GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
fake_src_create(GstPushSrc *push, GstBuffer **buffer)
{
  FakeSrc *self = (FakeSrc *)push;
  gint16 pcm[FRAME];
  GstFlowReturn flow = pass(GST_ELEMENT(push), self->fake);
  if (flow != GST_FLOW_OK)
    return flow;
  for (guint i = 0; i < FRAME; i++)
    pcm[i] = (gint16)(i / 48 % 2 * 6000 - 3000);
  if (self->frames == G_MAXUINT64) { /* as of a clock that went on meanwhile */
    g_autoptr(GstClock) clock = gst_element_get_clock(GST_ELEMENT(self));
    GstClockTime now = gst_clock_get_time(clock) - gst_element_get_base_time(GST_ELEMENT(self));
    self->frames = now / (10 * GST_MSECOND);
  }
  *buffer = gst_buffer_new_memdup(pcm, sizeof pcm);
  GST_BUFFER_PTS(*buffer) = self->frames++ * 10 * GST_MSECOND;
  GST_BUFFER_DURATION(*buffer) = 10 * GST_MSECOND;
  return GST_FLOW_OK;
}

static void
fake_src_class_init(FakeSrcClass *klass)
{
  static GstStaticPadTemplate template =
      GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
  GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);
  end_install(G_OBJECT_CLASS(klass));
  base->start = fake_src_start;
  base->stop = fake_src_stop;
  base->get_times = fake_src_get_times;
  GST_PUSH_SRC_CLASS(klass)->create = fake_src_create;
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &template);
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Fake", "Source/Audio", "Fake",
                                        "nobody");
}

static void
fake_src_init(FakeSrc *self)
{
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

/* --- the speaker's --- */

typedef struct {
  GstBaseSink parent;
  Fake *fake;
} FakeEnd;
typedef struct {
  GstBaseSinkClass parent;
} FakeEndClass;
GType fake_end_get_type(void);
G_DEFINE_TYPE(FakeEnd, fake_end, GST_TYPE_BASE_SINK)

static gboolean
fake_end_start(GstBaseSink *base)
{
  use(((FakeEnd *)base)->fake, 1);
  g_mutex_lock(&lock);
  last_async = gst_base_sink_is_async_enabled(base);
  g_mutex_unlock(&lock);
  return TRUE;
}

static gboolean
fake_end_stop(GstBaseSink *base)
{
  use(((FakeEnd *)base)->fake, -1);
  return TRUE;
}

static GstFlowReturn
fake_end_render(GstBaseSink *base, GstBuffer *buffer)
{
  (void)buffer;
  return pass(GST_ELEMENT(base), ((FakeEnd *)base)->fake);
}

static gboolean
fake_end_event(GstBaseSink *base, GstEvent *event)
{
  Fake *fake = ((FakeEnd *)base)->fake;
  g_mutex_lock(&lock);
  while (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START && fake->slow) {
    fake->held = TRUE;
    g_cond_broadcast(&changed);
    g_cond_wait(&changed, &lock);
  }
  fake->held = FALSE;
  g_mutex_unlock(&lock);
  return GST_BASE_SINK_CLASS(fake_end_parent_class)->event(base, event);
}

static void
fake_end_class_init(FakeEndClass *klass)
{
  static GstStaticPadTemplate template =
      GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
  GstBaseSinkClass *base = GST_BASE_SINK_CLASS(klass);
  end_install(G_OBJECT_CLASS(klass));
  base->start = fake_end_start;
  base->stop = fake_end_stop;
  base->event = fake_end_event;
  base->render = fake_end_render;
  gst_element_class_add_static_pad_template(GST_ELEMENT_CLASS(klass), &template);
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Fake", "Sink/Audio", "Fake",
                                        "nobody");
}

static void
fake_end_init(FakeEnd *self)
{
  gst_base_sink_set_sync(GST_BASE_SINK(self), TRUE);
}

/* --- devices --- */

typedef struct {
  GstDevice parent;
  Fake *fake;
} FakeDevice;
typedef struct {
  GstDeviceClass parent;
} FakeDeviceClass;
GType fake_device_get_type(void);
G_DEFINE_TYPE(FakeDevice, fake_device, GST_TYPE_DEVICE)

static GstElement *
fake_device_create_element(GstDevice *device, const gchar *name)
{
  Fake *fake = ((FakeDevice *)device)->fake;
  (void)name;
  if (strcmp(fake->name, "Broken") == 0)
    return NULL;
  g_mutex_lock(&lock);
  gboolean spoilt = fake->spoilt > 0;
  fake->spoilt -= spoilt;
  g_mutex_unlock(&lock);
  if (spoilt)
    return gst_bin_new(NULL);
  if (fake->microphone) {
    FakeSrc *source = g_object_new(fake_src_get_type(), NULL);
    source->fake = fake;
    return GST_ELEMENT(source);
  }
  FakeEnd *end = g_object_new(fake_end_get_type(), NULL);
  end->fake = fake;
  return GST_ELEMENT(end);
}

static void
fake_device_class_init(FakeDeviceClass *klass)
{
  GST_DEVICE_CLASS(klass)->create_element = fake_device_create_element;
}

static void
fake_device_init(FakeDevice *self)
{
  (void)self;
}

static GstDevice *
device_new(Fake *fake)
{
  g_autoptr(GstCaps) caps = gst_caps_from_string(CAPS);
  FakeDevice *device =
      g_object_new(fake_device_get_type(), "display-name", fake->name, "device-class",
                   fake->microphone ? "Audio/Source" : "Audio/Sink", "caps", caps, NULL);
  device->fake = fake;
  return GST_DEVICE(device);
}

typedef struct {
  GstDeviceProvider parent;
} FakeProvider;
typedef struct {
  GstDeviceProviderClass parent;
} FakeProviderClass;
GType fake_provider_get_type(void);
G_DEFINE_TYPE(FakeProvider, fake_provider, GST_TYPE_DEVICE_PROVIDER)

static GList *
fake_provider_probe(GstDeviceProvider *self)
{
  GList *list = NULL;
  (void)self;
  g_mutex_lock(&lock);
  for (guint n = 0; n < n_fakes; n++)
    if (fakes[n].plugged)
      list = g_list_append(list, device_new(&fakes[n]));
  g_mutex_unlock(&lock);
  return list;
}

/* The one that monitors start is the same for all of them. */
static gboolean
fake_provider_start(GstDeviceProvider *self)
{
  GList *devices = fake_provider_probe(self);
  for (GList *link = devices; link != NULL; link = link->next) {
    Fake *fake = ((FakeDevice *)link->data)->fake;
    gst_device_provider_device_add(self, link->data);
    g_mutex_lock(&lock);
    fake->device = link->data;
    g_mutex_unlock(&lock);
  }
  g_list_free(devices);
  g_mutex_lock(&lock);
  provider = self;
  g_mutex_unlock(&lock);
  return TRUE;
}

static void
fake_provider_stop(GstDeviceProvider *self)
{
  (void)self;
  g_mutex_lock(&lock);
  provider = NULL;
  for (guint n = 0; n < n_fakes; n++)
    fakes[n].device = NULL;
  g_mutex_unlock(&lock);
}

static void
fake_provider_class_init(FakeProviderClass *klass)
{
  GstDeviceProviderClass *provider_class = GST_DEVICE_PROVIDER_CLASS(klass);
  provider_class->probe = fake_provider_probe;
  provider_class->start = fake_provider_start;
  provider_class->stop = fake_provider_stop;
  gst_device_provider_class_set_static_metadata(provider_class, "Fake devices", "Source/Sink/Audio",
                                                "Devices for tests", "nobody");
}

static void
fake_provider_init(FakeProvider *self)
{
  (void)self;
}

/* --- commands --- */

void
fake_devices_register(void)
{
  static const Fake first[] = {
      {.name = "Headset", .microphone = TRUE, .plugged = TRUE},
      {.name = "Headset Mono", .microphone = TRUE, .plugged = TRUE},
      {.name = "Built-in Mic", .microphone = TRUE, .plugged = TRUE},
      {.name = "Broken", .microphone = TRUE, .plugged = TRUE},
      {.name = "Loudspeaker", .plugged = TRUE},
      {.name = "Headset", .plugged = TRUE},
  };
  memcpy(fakes, first, sizeof first);
  n_fakes = G_N_ELEMENTS(first);
  gst_device_provider_register(NULL, "fakedeviceprovider", GST_RANK_PRIMARY,
                               fake_provider_get_type());
}

static void
take_away(const char *name, gboolean microphone, gboolean fails)
{
  g_mutex_lock(&lock);
  Fake *fake = find(name, microphone);
  fake->plugged = !fails;
  GstDevice *device = fake->device != NULL ? gst_object_ref(fake->device) : NULL;
  GstDeviceProvider *to = provider != NULL ? gst_object_ref(provider) : NULL;
  fake->device = NULL;
  g_mutex_unlock(&lock);
  if (to != NULL && device != NULL)
    gst_device_provider_device_remove(to, device);
  gst_clear_object(&device);
  gst_clear_object(&to);
}

void
fake_device_unplug(const char *name, gboolean microphone)
{
  take_away(name, microphone, TRUE);
}

void
fake_device_vanish(const char *name, gboolean microphone)
{
  take_away(name, microphone, FALSE);
}

void
fake_device_fail(const char *name, gboolean microphone, guint n)
{
  g_mutex_lock(&lock);
  find(name, microphone)->failing = n;
  g_mutex_unlock(&lock);
}

void
fake_device_spoil(const char *name, gboolean microphone, guint n)
{
  g_mutex_lock(&lock);
  find(name, microphone)->spoilt = n;
  g_mutex_unlock(&lock);
}

void
fake_device_plug(const char *name, gboolean microphone)
{
  g_mutex_lock(&lock);
  Fake *fake = find(name, microphone);
  fake->plugged = TRUE;
  fake->device = provider != NULL ? device_new(fake) : NULL;
  GstDevice *device = fake->device;
  GstDeviceProvider *to = provider != NULL ? gst_object_ref(provider) : NULL;
  g_mutex_unlock(&lock);
  if (to != NULL)
    gst_device_provider_device_add(to, device);
  gst_clear_object(&to);
}

static void
set_slow(const char *name, gboolean slow)
{
  g_mutex_lock(&lock);
  find(name, FALSE)->slow = slow;
  g_cond_broadcast(&changed);
  g_mutex_unlock(&lock);
}

void
fake_device_hold(const char *name)
{
  set_slow(name, TRUE);
}

void
fake_device_let_go(const char *name)
{
  set_slow(name, FALSE);
}

void
fake_device_wait_held(const char *name)
{
  gint64 end = g_get_monotonic_time() + PATIENCE;
  g_mutex_lock(&lock);
  while (!find(name, FALSE)->held)
    if (!g_cond_wait_until(&changed, &lock, end))
      g_error("no stream begins at the device '%s'", name);
  g_mutex_unlock(&lock);
}

void
fake_device_wait(const char *name, gboolean microphone, guint n)
{
  gint64 end = g_get_monotonic_time() + PATIENCE;
  g_mutex_lock(&lock);
  Fake *fake = find(name, microphone);
  guint from = fake->passed;
  while (fake->passed < from + n)
    if (!g_cond_wait_until(&changed, &lock, end))
      g_error("no sound at the device '%s'", name);
  g_mutex_unlock(&lock);
}

guint
fake_device_users(const char *name, gboolean microphone)
{
  g_mutex_lock(&lock);
  guint users = find(name, microphone)->users;
  g_mutex_unlock(&lock);
  return users;
}

guint
fake_device_opened(const char *name, gboolean microphone)
{
  g_mutex_lock(&lock);
  guint opened = find(name, microphone)->opened;
  g_mutex_unlock(&lock);
  return opened;
}

void
fake_device_last(gint64 *buffer_time, gint64 *latency_time, gboolean *async)
{
  g_mutex_lock(&lock);
  *buffer_time = last_buffer_time;
  *latency_time = last_latency_time;
  *async = last_async;
  last_buffer_time = last_latency_time = 0;
  last_async = TRUE;
  g_mutex_unlock(&lock);
}

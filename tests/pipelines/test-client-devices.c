/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which device a name means, and how its buffers are set. The devices are of a provider in here. */
#include "pipelines/client-devices.h"
#include <string.h>

/* --- an element with buffers, as those of real devices have --- */

typedef struct {
  GstBin parent;
  gint64 buffer_time, latency_time;
} TestEnd;
typedef struct {
  GstBinClass parent;
} TestEndClass;
enum { PROP_0, PROP_BUFFER_TIME, PROP_LATENCY_TIME };

GType test_end_get_type(void);
G_DEFINE_TYPE(TestEnd, test_end, GST_TYPE_BIN)

static void
test_end_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TestEnd *self = (TestEnd *)object;
  (void)pspec;
  *(id == PROP_BUFFER_TIME ? &self->buffer_time : &self->latency_time) = g_value_get_int64(value);
}

static void
test_end_class_init(TestEndClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = test_end_set_property;
  g_object_class_install_property(
      object_class, PROP_BUFFER_TIME,
      g_param_spec_int64("buffer-time", NULL, NULL, 0, G_MAXINT64, 200000, G_PARAM_WRITABLE));
  g_object_class_install_property(
      object_class, PROP_LATENCY_TIME,
      g_param_spec_int64("latency-time", NULL, NULL, 0, G_MAXINT64, 10000, G_PARAM_WRITABLE));
}

static void
test_end_init(TestEnd *self)
{
  (void)self;
}

/* --- devices --- */

typedef struct {
  GstDevice parent;
} TestDevice;
typedef struct {
  GstDeviceClass parent;
} TestDeviceClass;
GType test_device_get_type(void);
G_DEFINE_TYPE(TestDevice, test_device, GST_TYPE_DEVICE)

static GstElement *
test_device_create_element(GstDevice *device, const gchar *name)
{
  (void)name;
  g_autofree char *display = gst_device_get_display_name(device);
  return strcmp(display, "Broken") == 0 ? NULL : g_object_new(test_end_get_type(), NULL);
}

static void
test_device_class_init(TestDeviceClass *klass)
{
  GST_DEVICE_CLASS(klass)->create_element = test_device_create_element;
}

static void
test_device_init(TestDevice *self)
{
  (void)self;
}

typedef struct {
  GstDeviceProvider parent;
} TestProvider;
typedef struct {
  GstDeviceProviderClass parent;
} TestProviderClass;
GType test_provider_get_type(void);
G_DEFINE_TYPE(TestProvider, test_provider, GST_TYPE_DEVICE_PROVIDER)

static GList *
test_provider_probe(GstDeviceProvider *provider)
{
  static const struct {
    const char *name, *class;
  } devices[] = {
      {"Headset", "Audio/Source"},      {"Headset Mono", "Audio/Source"},
      {"Built-in Mic", "Audio/Source"}, {"Broken", "Audio/Source"},
      {"Loudspeaker", "Audio/Sink"},
  };
  GList *list = NULL;
  (void)provider;
  for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
    GstCaps *caps = gst_caps_new_empty_simple("audio/x-raw");
    list = g_list_append(list, g_object_new(test_device_get_type(), "display-name", devices[i].name,
                                            "device-class", devices[i].class, "caps", caps, NULL));
    gst_caps_unref(caps);
  }
  return list;
}

static void
test_provider_class_init(TestProviderClass *klass)
{
  GST_DEVICE_PROVIDER_CLASS(klass)->probe = test_provider_probe;
  gst_device_provider_class_set_static_metadata(GST_DEVICE_PROVIDER_CLASS(klass), "Test devices",
                                                "Source/Sink/Audio", "Devices for this test",
                                                "nobody");
}

static void
test_provider_init(TestProvider *self)
{
  (void)self;
}

/* --- cases --- */

static void
expect_device(ClientDevice kind, const char *name)
{
  g_autoptr(GError) error = NULL;
  GstElement *element = client_device_new(kind, name, &error);
  g_assert_no_error(error);
  TestEnd *end = (TestEnd *)element;
  g_assert_cmpint(end->buffer_time, ==, 40000);
  g_assert_cmpint(end->latency_time, ==, 10000);
  gst_object_unref(gst_object_ref_sink(element));
}

static void
expect_error(ClientDevice kind, const char *name, const char *word)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(client_device_new(kind, name, &error));
  g_assert_error(error, CLIENT_ERROR, CLIENT_LOCAL);
  g_assert_nonnull(strstr(error->message, word));
}

static void
test_names(void)
{
  expect_device(CLIENT_MICROPHONE, "Headset"); /* and not the other one that has it in its name */
  expect_device(CLIENT_MICROPHONE, "mono");
  expect_device(CLIENT_MICROPHONE, "BUILT-IN");
  expect_device(CLIENT_SPEAKER, "loud");
  expect_error(CLIENT_SPEAKER, "Built-in", "'Loudspeaker'"); /* that is a microphone */
  expect_error(CLIENT_MICROPHONE, "head", "'Headset', 'Headset Mono'");
  expect_error(CLIENT_MICROPHONE, "Broken", "cannot be opened");
}

/* What a bin makes for itself later has such buffers, too. */
static void
test_inside(void)
{
  GstElement *outer = client_device_new(CLIENT_MICROPHONE, "Headset", NULL);
  GstElement *inner = g_object_new(test_end_get_type(), NULL);
  gst_object_ref_sink(outer);
  gst_bin_add(GST_BIN(outer), inner);
  g_assert_cmpint(((TestEnd *)inner)->buffer_time, ==, 40000);
  gst_object_unref(outer);
}

int
main(int argc, char **argv)
{
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  gst_device_provider_register(NULL, "testdeviceprovider", GST_RANK_PRIMARY,
                               test_provider_get_type());
  g_test_add_func("/client-devices/names", test_names);
  g_test_add_func("/client-devices/inside", test_inside);
  return g_test_run();
}

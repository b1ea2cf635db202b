/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-devices.h"
#include <string.h>

#define BUFFER_US 40000
#define STEP_US 10000

static const struct {
  const char *word, *class, *automatic;
} kinds[] = {
    [CLIENT_MICROPHONE] = {"microphone", "Audio/Source", "autoaudiosrc"},
    [CLIENT_SPEAKER] = {"speaker", "Audio/Sink", "autoaudiosink"},
};

/* --- buffers --- */

static void
shorten_buffers(GstElement *element)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS(element);
  if (g_object_class_find_property(klass, "buffer-time") != NULL &&
      g_object_class_find_property(klass, "latency-time") != NULL)
    g_object_set(element, "buffer-time", (gint64)BUFFER_US, "latency-time", (gint64)STEP_US, NULL);
}

static void
child_added(GstBin *bin, GstBin *parent, GstElement *child, gpointer data)
{
  (void)bin;
  (void)parent;
  (void)data;
  shorten_buffers(child);
}

/* A bin may make the element itself later, as autoaudiosrc does. */
static GstElement *
for_a_call(GstElement *element)
{
  shorten_buffers(element);
  if (GST_IS_BIN(element))
    g_signal_connect(element, "deep-element-added", G_CALLBACK(child_added), NULL);
  return element;
}

/* --- by name --- */

static char *
name_of(gpointer device)
{
  return gst_device_get_display_name(device);
}

/* The one of that name, otherwise the only one that has it in its own. */
static GstDevice *
find(GList *devices, const char *name)
{
  g_autofree char *wanted = g_utf8_casefold(name, -1);
  GstDevice *part = NULL;
  guint parts = 0;
  for (GList *link = devices; link != NULL; link = link->next) {
    g_autofree char *display = name_of(link->data), *folded = g_utf8_casefold(display, -1);
    if (strcmp(folded, wanted) == 0)
      return link->data;
    if (strstr(folded, wanted) != NULL) {
      part = link->data;
      parts++;
    }
  }
  return parts == 1 ? part : NULL;
}

static void
tell_devices(GList *devices, ClientDevice kind, const char *name, GError **error)
{
  g_autoptr(GString) names = g_string_new(NULL);
  for (GList *link = devices; link != NULL; link = link->next) {
    g_autofree char *display = name_of(link->data);
    g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", display);
  }
  g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
              "no %s is called '%s', or more than one; there %s%s", kinds[kind].word, name,
              devices != NULL ? "are " : "is none", names->str);
}

static GstElement *
by_name(ClientDevice kind, const char *name, GError **error)
{
  g_autoptr(GstDeviceMonitor) monitor = gst_device_monitor_new();
  gst_device_monitor_add_filter(monitor, kinds[kind].class, NULL);
  gboolean started = gst_device_monitor_start(monitor);
  GList *devices = gst_device_monitor_get_devices(monitor);
  if (started)
    gst_device_monitor_stop(monitor);
  GstDevice *device = find(devices, name);
  GstElement *element = device != NULL ? gst_device_create_element(device, NULL) : NULL;
  if (device == NULL)
    tell_devices(devices, kind, name, error);
  else if (element == NULL)
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "the %s '%s' cannot be opened", kinds[kind].word,
                name);
  g_list_free_full(devices, gst_object_unref);
  return element;
}

GstElement *
client_device_new(ClientDevice kind, const char *name, GError **error)
{
  GstElement *element = name != NULL ? by_name(kind, name, error)
                                     : gst_element_factory_make(kinds[kind].automatic, NULL);
  if (element != NULL)
    return for_a_call(element);
  if (name == NULL)
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
                "the GStreamer element '%s' is missing; is its package installed?",
                kinds[kind].automatic);
  return NULL;
}

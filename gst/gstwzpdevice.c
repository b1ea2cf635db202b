/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpdevice.h"
#include <string.h>

#define BUFFER_US 40000
#define STEP_US 10000

static const struct {
  const gchar *word, *class, *automatic;
} kinds[] = {
    [GST_WZP_MICROPHONE] = {"microphone", "Audio/Source", "autoaudiosrc"},
    [GST_WZP_SPEAKER] = {"speaker", "Audio/Sink", "autoaudiosink"},
};

const gchar *
gst_wzp_device_word(GstWzpDeviceKind kind)
{
  return kinds[kind].word;
}

/* --- elements --- */

static gboolean
has_property(GstElement *element, const gchar *name)
{
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != NULL;
}

static void
suit_call(GstElement *element)
{
  if (has_property(element, "buffer-time") && has_property(element, "latency-time"))
    g_object_set(element, "buffer-time", (gint64)BUFFER_US, "latency-time", (gint64)STEP_US, NULL);
  if (GST_OBJECT_FLAG_IS_SET(element, GST_ELEMENT_FLAG_SINK) && has_property(element, "async"))
    g_object_set(element, "async", FALSE, NULL); /* what is live does not preroll */
}

static void
child_added(GstBin *bin, GstBin *parent, GstElement *child, gpointer data)
{
  (void)bin;
  (void)parent;
  (void)data;
  suit_call(child);
}

/* A bin may make the element itself later, as autoaudiosrc does. */
static GstElement *
for_a_call(GstElement *element)
{
  if (element == NULL)
    return NULL;
  suit_call(element);
  if (GST_IS_BIN(element))
    g_signal_connect(element, "deep-element-added", G_CALLBACK(child_added), NULL);
  return element;
}

GstElement *
gst_wzp_device_open(GstDevice *device)
{
  return for_a_call(gst_device_create_element(device, NULL));
}

/* --- by name --- */

GstDeviceMonitor *
gst_wzp_device_monitor_new(GstWzpDeviceKind kind)
{
  GstDeviceMonitor *monitor = gst_device_monitor_new();
  gst_device_monitor_add_filter(monitor, kinds[kind].class, NULL);
  return monitor;
}

/* Some providers know their devices only while they run. One is for all monitors of the process, and with GStreamer 1.22 another
 * monitor was deaf after this one had stopped: that is kept for when nothing else helps. */
static GList *
list_devices(GstWzpDeviceKind kind)
{
  g_autoptr(GstDeviceMonitor) monitor = gst_wzp_device_monitor_new(kind);
  GList *devices = gst_device_monitor_get_devices(monitor);
  if (devices != NULL || !gst_device_monitor_start(monitor))
    return devices;
  devices = gst_device_monitor_get_devices(monitor);
  gst_device_monitor_stop(monitor);
  return devices;
}

static gchar *
folded_name(GstDevice *device)
{
  g_autofree gchar *display = gst_device_get_display_name(device);
  return g_utf8_casefold(display, -1);
}

/* The one of that name, otherwise the only one that has it in its own. */
static GstDevice *
find(GList *devices, const gchar *name)
{
  g_autofree gchar *wanted = g_utf8_casefold(name, -1);
  GstDevice *part = NULL;
  guint parts = 0;
  for (GList *link = devices; link != NULL; link = link->next) {
    g_autofree gchar *folded = folded_name(link->data);
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
tell_devices(GList *devices, GstWzpDeviceKind kind, const gchar *name, GError **error)
{
  g_autoptr(GString) names = g_string_new(NULL);
  for (GList *link = devices; link != NULL; link = link->next) {
    g_autofree gchar *display = gst_device_get_display_name(link->data);
    g_string_append_printf(names, "%s'%s'", names->len > 0 ? ", " : "", display);
  }
  g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
              "no %s is called '%s', or more than one; there %s%s", kinds[kind].word, name,
              devices != NULL ? "are " : "is none", names->str);
}

static GstElement *
by_name(GstWzpDeviceKind kind, const gchar *name, GError **error)
{
  GList *devices = list_devices(kind);
  GstDevice *device = find(devices, name);
  GstElement *element = device != NULL ? gst_wzp_device_open(device) : NULL;
  if (device == NULL)
    tell_devices(devices, kind, name, error);
  else if (element == NULL)
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE,
                "the %s '%s' cannot be opened", kinds[kind].word, name);
  g_list_free_full(devices, gst_object_unref);
  return element;
}

gboolean
gst_wzp_device_is_meant(GstDeviceMonitor *monitor, const gchar *name, GstDevice *device)
{
  GList *devices = gst_device_monitor_get_devices(monitor);
  GstDevice *meant = find(devices, name);
  g_autofree gchar *theirs = meant != NULL ? folded_name(meant) : NULL;
  g_autofree gchar *ours = folded_name(device);
  g_list_free_full(devices, gst_object_unref);
  return g_strcmp0(theirs, ours) == 0;
}

GstElement *
gst_wzp_device_new(GstWzpDeviceKind kind, const gchar *name, GError **error)
{
  if (name != NULL)
    return by_name(kind, name, error);
  GstElement *element = for_a_call(gst_element_factory_make(kinds[kind].automatic, NULL));
  if (element == NULL)
    g_set_error(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                "the GStreamer element '%s' is missing; is its package installed?",
                kinds[kind].automatic);
  return element;
}

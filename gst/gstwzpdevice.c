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

/* --- what there is, and what comes --- */

/* One for the process and for good: a provider of devices tells only the monitor that came last (GStreamer 1.22). */
typedef struct {
  GstWzpDeviceKind kind;
  GstElement *element;
  GstWzpDeviceTold told;
} Watcher;

static GMutex watching; /* guards watchers; nothing foreign is called while it is held */
static GList *watchers; /* of Watcher */
static GMutex running;  /* held while the monitor starts or stops */
static guint n_running; /* with running: who wants it to run */

static gboolean
is_of_kind(GstDevice *device, GstWzpDeviceKind kind)
{
  return gst_device_has_classes(device, kinds[kind].class);
}

static GstBusSyncReply
on_device(GstBus *bus, GstMessage *message, gpointer data)
{
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
  GstDevice *device = NULL;
  (void)bus;
  (void)data;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_DEVICE_ADDED)
    gst_message_parse_device_added(message, &device);
  else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_DEVICE_REMOVED)
    gst_message_parse_device_removed(message, &device);
  gboolean came = GST_MESSAGE_TYPE(message) == GST_MESSAGE_DEVICE_ADDED;
  g_mutex_lock(&watching);
  for (GList *link = watchers; device != NULL && link != NULL; link = link->next) {
    Watcher *watcher = g_memdup2(link->data, sizeof *watcher);
    gst_object_ref(watcher->element);
    g_ptr_array_add(list, watcher);
  }
  g_mutex_unlock(&watching);
  for (guint n = 0; n < list->len; n++) {
    Watcher *watcher = list->pdata[n];
    if (is_of_kind(device, watcher->kind))
      watcher->told(watcher->element, device, came);
    gst_object_unref(watcher->element);
  }
  gst_clear_object(&device);
  gst_message_unref(message);
  return GST_BUS_DROP;
}

static GstDeviceMonitor *
get_monitor(void)
{
  static gsize monitor;
  if (g_once_init_enter(&monitor)) {
    GstDeviceMonitor *made = gst_object_ref_sink(gst_device_monitor_new());
    g_autoptr(GstBus) bus = gst_device_monitor_get_bus(made);
    for (guint n = 0; n < G_N_ELEMENTS(kinds); n++)
      gst_device_monitor_add_filter(made, kinds[n].class, NULL);
    gst_bus_set_sync_handler(bus, on_device, NULL, NULL);
    GST_OBJECT_FLAG_SET(made, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    g_once_init_leave(&monitor, (gsize)made);
  }
  return (GstDeviceMonitor *)monitor;
}

static gboolean
run_monitor(gint by)
{
  gboolean runs = TRUE;
  g_mutex_lock(&running);
  if (by > 0 && n_running == 0)
    runs = gst_device_monitor_start(get_monitor());
  if (by < 0 && n_running == 1)
    gst_device_monitor_stop(get_monitor());
  n_running = (guint)((gint)n_running + by);
  g_mutex_unlock(&running);
  return runs;
}

void
gst_wzp_device_watch(GstWzpDeviceKind kind, GstElement *element, GstWzpDeviceTold told)
{
  const Watcher watcher = {kind, element, told};
  g_mutex_lock(&watching);
  watchers = g_list_prepend(watchers, g_memdup2(&watcher, sizeof watcher));
  g_mutex_unlock(&watching);
  if (!run_monitor(1))
    GST_INFO_OBJECT(element, "devices that come are not told of here");
}

void
gst_wzp_device_unwatch(GstElement *element)
{
  gboolean found = FALSE;
  g_mutex_lock(&watching);
  for (GList *link = watchers; link != NULL && !found; link = link->next) {
    found = ((Watcher *)link->data)->element == element;
    if (found) {
      g_free(link->data);
      watchers = g_list_delete_link(watchers, link);
      break;
    }
  }
  g_mutex_unlock(&watching);
  if (found)
    run_monitor(-1);
}

static GList *
devices_of_kind(GstWzpDeviceKind kind)
{
  GList *all = gst_device_monitor_get_devices(get_monitor()), *devices = NULL;
  for (GList *link = all; link != NULL; link = link->next)
    if (is_of_kind(link->data, kind))
      devices = g_list_prepend(devices, gst_object_ref(link->data));
  g_list_free_full(all, gst_object_unref);
  return g_list_reverse(devices);
}

/* Some providers know their devices only while they run. */
static GList *
list_devices(GstWzpDeviceKind kind)
{
  GList *devices = devices_of_kind(kind);
  if (devices != NULL)
    return devices;
  run_monitor(1);
  devices = devices_of_kind(kind);
  run_monitor(-1);
  return devices;
}

/* --- by name --- */

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
by_name(GstWzpDeviceKind kind, const gchar *name, gchar **found, GError **error)
{
  GList *devices = list_devices(kind);
  GstDevice *device = find(devices, name);
  GstElement *element = device != NULL ? gst_wzp_device_open(device) : NULL;
  if (device == NULL)
    tell_devices(devices, kind, name, error);
  else if (element == NULL)
    g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ_WRITE,
                "the %s '%s' cannot be opened", kinds[kind].word, name);
  if (element != NULL)
    *found = gst_device_get_display_name(device);
  g_list_free_full(devices, gst_object_unref);
  return element;
}

static gboolean
is_preferred(GstDevice *device)
{
  g_autoptr(GstStructure) properties = gst_device_get_properties(device);
  gboolean preferred = FALSE;
  return properties != NULL && gst_structure_get_boolean(properties, "is-default", &preferred) &&
         preferred;
}

GstDevice *
gst_wzp_device_listed(GstWzpDeviceKind kind, const gchar *display)
{
  GList *devices = list_devices(kind);
  GstDevice *listed = NULL;
  for (GList *link = devices; link != NULL; link = link->next) {
    g_autofree gchar *theirs = gst_device_get_display_name(link->data);
    gboolean meant = display != NULL ? g_strcmp0(theirs, display) == 0
                                     : listed == NULL || is_preferred(link->data);
    if (meant)
      listed = link->data;
  }
  if (listed != NULL)
    gst_object_ref(listed);
  g_list_free_full(devices, gst_object_unref);
  return listed;
}

gboolean
gst_wzp_device_is_meant(GstWzpDeviceKind kind, const gchar *name, GstDevice *device)
{
  GList *devices = list_devices(kind);
  GstDevice *meant = find(devices, name);
  g_autofree gchar *theirs = meant != NULL ? folded_name(meant) : NULL;
  g_autofree gchar *ours = folded_name(device);
  g_list_free_full(devices, gst_object_unref);
  return g_strcmp0(theirs, ours) == 0;
}

GstElement *
gst_wzp_device_new(GstWzpDeviceKind kind, const gchar *name, gchar **found, GError **error)
{
  *found = NULL;
  if (name != NULL)
    return by_name(kind, name, found, error);
  GstElement *element = for_a_call(gst_element_factory_make(kinds[kind].automatic, NULL));
  if (element == NULL)
    g_set_error(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                "the GStreamer element '%s' is missing; is its package installed?",
                kinds[kind].automatic);
  return element;
}

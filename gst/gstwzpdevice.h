/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* The devices that the system has for sound, by name. Elements of them have buffers short enough for a call where they
 * can: 40 ms, filled and emptied 10 ms at a time (stock ones hold 200 ms). */

typedef enum { GST_WZP_MICROPHONE, GST_WZP_SPEAKER } GstWzpDeviceKind;

/* "microphone", "speaker". */
const gchar *gst_wzp_device_word(GstWzpDeviceKind kind);
/* The element of a device: the one of that name, or the only one whose name has this in it, case aside. NULL: the one that the
 * system prefers. Floating; NULL: error, of GST_RESOURCE_ERROR or GST_CORE_ERROR, says which devices there are. found: the whole
 * name of the one that was named, otherwise NULL; free with g_free(). */
GstElement *gst_wzp_device_new(GstWzpDeviceKind kind, const gchar *name, gchar **found,
                               GError **error);
/* Whether name means this device among all there are. */
gboolean gst_wzp_device_is_meant(GstWzpDeviceKind kind, const gchar *name, GstDevice *device);
/* The device with this whole name; NULL: the one that the system prefers, or the first. NULL: there is none. */
GstDevice *gst_wzp_device_listed(GstWzpDeviceKind kind, const gchar *display);
/* Its element, floating, or NULL. */
GstElement *gst_wzp_device_open(GstDevice *device);

/* From now on told() hears of each device of this kind that comes or goes, in any thread; it may not watch or unwatch. */
typedef void (*GstWzpDeviceTold)(GstElement *watcher, GstDevice *device, gboolean came);
void gst_wzp_device_watch(GstWzpDeviceKind kind, GstElement *watcher, GstWzpDeviceTold told);
/* What is being told may still be. */
void gst_wzp_device_unwatch(GstElement *watcher);

G_END_DECLS

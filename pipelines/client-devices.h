/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-options.h"
#include <gst/gst.h>

typedef enum { CLIENT_MICROPHONE, CLIENT_SPEAKER } ClientDevice;

/* The element of a device, with buffers short enough for a call: 40 ms, filled and emptied 10 ms at a time (stock ones
 * hold 200 ms). name: the one of that name, or the only one whose name has this in it, case aside; NULL: the one that the
 * system prefers. Floating; NULL: error says which devices there are, its code is CLIENT_LOCAL. */
GstElement *client_device_new(ClientDevice kind, const char *name, GError **error);

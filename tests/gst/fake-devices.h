/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* Sound devices of a provider of this process: they come, fail and go on command. A microphone gives a tone, 10 ms at a time. The
 * device "Broken" has no element. */

/* Behind gst_init(); at first there are "Headset", "Headset Mono", "Built-in Mic" and "Broken" to speak into and "Loudspeaker" and
 * "Headset" to listen to. */
void fake_devices_register(void);
/* The device fails (its element says so at its next buffer) and is no longer there. */
void fake_device_unplug(const char *name, gboolean microphone);
/* It is no longer there, but its element says nothing. */
void fake_device_vanish(const char *name, gboolean microphone);
/* It stays where it is, but its element fails at the next buffer, and the n - 1 that are made next at their first. */
void fake_device_fail(const char *name, gboolean microphone, guint n);
/* The n elements that are made next have no pad. */
void fake_device_spoil(const char *name, gboolean microphone, guint n);
void fake_device_plug(const char *name, gboolean microphone);
/* A loudspeaker's element that is made next is slow: the beginning of its stream does not come through before it is let go. */
void fake_device_hold(const char *name);
void fake_device_wait_held(const char *name);
void fake_device_let_go(const char *name);
/* Waits until n more buffers went through its element. */
void fake_device_wait(const char *name, gboolean microphone, guint n);
/* Elements of it that are running now. */
guint fake_device_users(const char *name, gboolean microphone);
/* Elements of it that ran so far. */
guint fake_device_opened(const char *name, gboolean microphone);
/* Of the element that was made last, us: buffer-time and latency-time; and "async", of a speaker. */
void fake_device_last(gint64 *buffer_time, gint64 *latency_time, gboolean *async);

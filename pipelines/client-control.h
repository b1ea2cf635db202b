/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* --control: lines of standard input steer a call: accept, decline, hold, ... The end of the input changes nothing. */
typedef struct ClientControl ClientControl;

/* What a person should read is told by say(user, text). */
typedef void (*ClientControlSay)(gpointer user, const char *text);

/* Reads from descriptor fd in the default main context; call: a wzpcall. */
ClientControl *client_control_new(int fd, GstElement *call, gboolean trusted, ClientControlSay say,
                                  gpointer user);
void client_control_free(ClientControl *control); /* NULL is fine */

/* The mode that a call is taken in. */
int client_control_mode(GstElement *call, gboolean trusted);

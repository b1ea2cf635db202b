/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* A QR code in lines of text, for a telephone to read off the screen. With colors it is black on white whatever the
 * terminal's own are; without, it is made for light letters on a dark ground. Free with g_free(). */
char *client_qr_draw(const char *text, gboolean colors, gboolean utf8, GError **error);

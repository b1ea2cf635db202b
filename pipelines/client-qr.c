/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-qr.h"
#include "client-options.h"
#include <errno.h>
#include <qrencode.h>

#define QUIET_ZONE 4 /* modules around it that the standard asks for */
#define WHITE_ON_BLACK "\033[38;5;231;48;5;16m"
#define BLACK_ON_WHITE "\033[38;5;16;48;5;231m"
#define PLAIN "\033[0m"

static gboolean
is_light(const QRcode *code, int x, int y)
{
  if (x < 0 || y < 0 || x >= code->width || y >= code->width)
    return TRUE;
  return !(code->data[y * code->width + x] & 1);
}

/* Two rows of modules a line. */
static void
draw_halves(GString *out, const QRcode *code, gboolean colors)
{
  static const char *const blocks[] = {" ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88"};
  const int end = code->width + QUIET_ZONE;
  for (int y = -QUIET_ZONE; y < end; y += 2) {
    g_string_append(out, colors ? WHITE_ON_BLACK : "");
    for (int x = -QUIET_ZONE; x < end; x++)
      g_string_append(out, blocks[2 * is_light(code, x, y) + is_light(code, x, y + 1)]);
    g_string_append(out, colors ? PLAIN "\n" : "\n");
  }
}

/* One row a line, a module two letters wide. */
static void
draw_wholes(GString *out, const QRcode *code, gboolean colors)
{
  const int end = code->width + QUIET_ZONE;
  for (int y = -QUIET_ZONE; y < end; y++) {
    for (int x = -QUIET_ZONE; x < end; x++) {
      const gboolean light = is_light(code, x, y);
      if (colors)
        g_string_append_printf(out, "%s  ", light ? BLACK_ON_WHITE : WHITE_ON_BLACK);
      else
        g_string_append(out, light ? "##" : "  ");
    }
    g_string_append(out, colors ? PLAIN "\n" : "\n");
  }
}

char *
client_qr_draw(const char *text, gboolean colors, gboolean utf8, GError **error)
{
  /* in capitals, letters and digits need less room */
  QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
  if (!code) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "no QR code can be made of it: %s",
                g_strerror(errno));
    return NULL;
  }
  GString *out = g_string_new(NULL);
  if (utf8)
    draw_halves(out, code, colors);
  else
    draw_wholes(out, code, colors);
  QRcode_free(code);
  return g_string_free(out, FALSE);
}

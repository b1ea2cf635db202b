/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads a capture of a call (lossy-hop --capture) and proves that it shows nothing: only specified kinds
 * of datagram, headers as specified, random-looking sealed bytes, and none of the plaintexts that it is
 * given. Exit code 0: all holds; 1: something does not; 2: usage or an unreadable file. */
#include "wire-audit.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

static gboolean
add_frames(WireSecrets *secrets, const char *path, gint size, GError **error)
{
  char *text;
  gsize length;
  if (!g_file_get_contents(path, &text, &length, error))
    return FALSE;
  guint added = 0;
  char *what = g_strdup_printf("a frame of %s", path);
  for (gsize at = 0; at < length; at += (gsize)size)
    added += wire_secrets_add(secrets, what, text + at, MIN((gsize)size, length - at));
  g_free(what);
  g_free(text);
  if (!added)
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s holds no frames that could be looked for", path);
  return added > 0;
}

static gboolean
add_text(WireSecrets *secrets, const char *text, GError **error)
{
  if (wire_secrets_add(secrets, text, text, strlen(text)))
    return TRUE;
  g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
              "--text '%s' is too short or too plain: finding it would prove nothing; at least %d "
              "different letters are needed",
              text, WIRE_PIECE);
  return FALSE;
}

/* Looks for the bytes and for their usual spellings. */
static gboolean
add_hex(WireSecrets *secrets, const char *hex, GError **error)
{
  GByteArray *bytes = g_byte_array_new();
  GString *plain = g_string_new(NULL);
  for (const char *c = hex; *c; c++)
    if (*c != ':')
      g_string_append_c(plain, g_ascii_tolower(*c));
  gboolean good = plain->len % 2 == 0;
  for (gsize i = 0; good && i < plain->len; i += 2) {
    good = g_ascii_isxdigit(plain->str[i]) && g_ascii_isxdigit(plain->str[i + 1]);
    const uint8_t byte = (uint8_t)(g_ascii_xdigit_value(plain->str[i]) << 4 |
                                   g_ascii_xdigit_value(plain->str[i + 1]));
    g_byte_array_append(bytes, &byte, 1);
  }
  good = good && wire_secrets_add(secrets, hex, bytes->data, bytes->len) > 0;
  wire_secrets_add(secrets, hex, plain->str, plain->len);
  wire_secrets_add(secrets, hex, hex, strlen(hex));
  if (!good)
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--hex '%s' is not hexadecimal of at least %d bytes", hex, WIRE_PIECE);
  g_byte_array_unref(bytes);
  g_string_free(plain, TRUE);
  return good;
}

static void
print_text(const WireReport *report)
{
  static const char *const names[] = {"unknown",    "STUN",     "HS1",     "HS2",
                                      "HS3",        "cookie",   "control", "trunk",
                                      "path probe", "pairwise", "media"};
  G_STATIC_ASSERT(G_N_ELEMENTS(names) == WZP_DATAGRAM_MEDIA + 1);
  printf("datagrams    %" G_GUINT64_FORMAT ":", report->datagrams);
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (report->kinds[i])
      printf(" %" G_GUINT64_FORMAT " %s", report->kinds[i], names[i]);
  printf("\nmedia        %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT
         " with full and %" G_GUINT64_FORMAT " with mini header\n",
         report->media_packets, report->full_headers, report->mini_headers);
  printf("clear text   %" G_GUINT64_FORMAT " found of %u known pieces of %d bytes\n", report->clear,
         report->pieces, WIRE_PIECE);
  if (report->judged)
    printf("sealed       %" G_GUINT64_FORMAT " bytes, chi-square %.1f, p = %.3g: %s\n",
           report->sealed_bytes, report->chi_square, report->p,
           report->p < WIRE_RANDOM_P ? "NOT RANDOM" : "random");
  else
    printf("sealed       %" G_GUINT64_FORMAT " bytes: too few to judge, %d are needed\n",
           report->sealed_bytes, WIRE_RANDOM_BYTES_MIN);
  for (guint i = 0; i < report->flows->len; i++) {
    const WireFlow *flow = &g_array_index(report->flows, WireFlow, i);
    char from[WZP_ADDRESS_TEXT], to[WZP_ADDRESS_TEXT];
    printf("%s > %s  %" G_GUINT64_FORMAT " datagrams, %" G_GUINT64_FORMAT
           " with media, %.1f kbit/s all-in\n",
           wzp_address_format(&flow->from, from), wzp_address_format(&flow->to, to),
           flow->datagrams, flow->media, flow->kbit_s);
  }
  for (guint i = 0; i < report->complaints->len; i++)
    printf("! %s\n", (const char *)g_ptr_array_index(report->complaints, i));
  if (report->violations > report->complaints->len)
    printf("! and %" G_GUINT64_FORMAT " more\n", report->violations - report->complaints->len);
}

/* One line, for scripts; the numbers of print_text(). */
static void
print_json(const WireReport *report)
{
  printf("{\"ok\":%s,\"datagrams\":%" G_GUINT64_FORMAT ",\"media_packets\":%" G_GUINT64_FORMAT
         ",\"known_pieces\":%u,\"clear\":%" G_GUINT64_FORMAT ",\"sealed_bytes\":%" G_GUINT64_FORMAT
         ",\"judged\":%s,\"chi_square\":%.1f,\"p\":%.6g,\"violations\":%" G_GUINT64_FORMAT
         ",\"flows\":[",
         report->violations ? "false" : "true", report->datagrams, report->media_packets,
         report->pieces, report->clear, report->sealed_bytes, report->judged ? "true" : "false",
         report->chi_square, report->p, report->violations);
  for (guint i = 0; i < report->flows->len; i++) {
    const WireFlow *flow = &g_array_index(report->flows, WireFlow, i);
    char from[WZP_ADDRESS_TEXT], to[WZP_ADDRESS_TEXT];
    printf("%s{\"from\":\"%s\",\"to\":\"%s\",\"datagrams\":%" G_GUINT64_FORMAT
           ",\"media\":%" G_GUINT64_FORMAT ",\"kbit_s\":%.1f}",
           i ? "," : "", wzp_address_format(&flow->from, from), wzp_address_format(&flow->to, to),
           flow->datagrams, flow->media, flow->kbit_s);
  }
  printf("]}\n");
}

int
main(int argc, char **argv)
{
  char **frames = NULL, **texts = NULL, **hexes = NULL;
  gint frame_size = 0;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"frames", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &frames,
       "Codec frames that were sent, one behind the other (again for more files)", "FILE"},
      {"frame-size", 's', 0, G_OPTION_ARG_INT, &frame_size, "Bytes of each of these frames",
       "BYTES"},
      {"text", 't', 0, G_OPTION_ARG_STRING_ARRAY, &texts,
       "Text that must not be there, like the room's name (again for more)", "TEXT"},
      {"hex", 'x', 0, G_OPTION_ARG_STRING_ARRAY, &hexes,
       "Key or fingerprint that must not be there (again for more)", "HEX"},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "One JSON object instead of text", NULL},
      {0}};
  GError *error = NULL;
  setlocale(LC_NUMERIC, "C");
  GOptionContext *context = g_option_context_new("CAPTURE");
  g_option_context_set_summary(context,
                               "Proves that a captured call shows nothing but what it must.");
  g_option_context_add_main_entries(context, entries, NULL);
  gboolean good = g_option_context_parse(context, &argc, &argv, &error);
  g_option_context_free(context);
  if (good && argc != 2) {
    g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "name one capture file");
    good = FALSE;
  }
  if (good && (frames != NULL) != (frame_size >= WIRE_PIECE)) {
    g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--frames and --frame-size belong together, and a frame has at least %d bytes",
                WIRE_PIECE);
    good = FALSE;
  }

  WireSecrets *secrets = wire_secrets_new();
  for (guint i = 0; good && frames && frames[i]; i++)
    good = add_frames(secrets, frames[i], frame_size, &error);
  for (guint i = 0; good && texts && texts[i]; i++)
    good = add_text(secrets, texts[i], &error);
  for (guint i = 0; good && hexes && hexes[i]; i++)
    good = add_hex(secrets, hexes[i], &error);
  GPtrArray *datagrams = good ? capture_read(argv[1], &error) : NULL;
  g_strfreev(frames);
  g_strfreev(texts);
  g_strfreev(hexes);
  if (!datagrams) {
    g_printerr("wire-check: %s\n", error->message);
    g_error_free(error);
    wire_secrets_free(secrets);
    return 2;
  }
  WireReport report;
  wire_audit(&report, datagrams, secrets);
  if (json)
    print_json(&report);
  else
    print_text(&report);
  const int status = report.violations ? 1 : 0;
  wire_report_clear(&report);
  g_ptr_array_unref(datagrams);
  wire_secrets_free(secrets);
  return status;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a whole call costs: two sides that talk to each other over UDP, in one process, by the elements; ours beside the
 * stock pipeline. Counted are instructions, by valgrind's callgrind, of a second of call: a run of 6 s less one of 2 s, so that
 * what is done once does not count.
 *
 *   bench-call [--kbps N] [SPEECH.wav]               N: 64, 48, 32 or 24, the bitrate of both (24 and 64)
 *   bench-call --run WHAT-Nk [--seconds N] [--slow N] [SPEECH.wav]
 *                                                    one of them alone, for a profile: valgrind --tool=callgrind ...
 *
 * WHAT: ours; bare: ours without repair, as stock has none; stock: opusenc as it comes, for general audio; tuned: set for voice.
 * The clock of the pipelines goes slower by --slow, since callgrind is some fifty times slower than the machine. Without
 * gstreamer1.0-plugins-bad there is no SRTP, and the stock pipelines encrypt nothing; that is said. */
#include "bench-gst.h"
#include "callgrind.h"
#include "tests/tools/speech.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RATE BENCH_RATE
#define SHORT 2
#define LONG 6

static GMainLoop *loop;

/* Without speech: vowels of changing pitch, half of the time. */
static gint16 *
make_sound(const char *path, gsize n)
{
  gint16 *pcm = g_new0(gint16, n);
  g_autoptr(GError) error = NULL;
  if (path == NULL) {
    double turn = 0;
    for (gsize i = 0; i < n; i++) {
      double t = (double)i / RATE, x = 0;
      turn += 2 * G_PI * (120 + 30 * sin(7 * t)) / RATE;
      for (guint k = 1; k <= 20 && fmod(t, 1) < 0.5; k++)
        x += sin(k * turn + k * k) / k;
      pcm[i] = (gint16)(3000 * x);
    }
    return pcm;
  }
  Speech *read = speech_read(path, &error);
  if (read == NULL) {
    g_printerr("bench-call: %s\n", error->message);
    exit(2);
  }
  Speech *speech = speech_resample(read, RATE);
  for (gsize i = 0; i < n; i++)
    pcm[i] = (gint16)CLAMP(lrint(speech->samples[i % speech->length] * 32767), -32768, 32767);
  speech_free(read);
  speech_free(speech);
  return pcm;
}

static gboolean
on_message(GstBus *bus, GstMessage *message, gpointer data)
{
  g_autoptr(GError) error = NULL;
  (void)bus;
  (void)data;
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
    return TRUE;
  gst_message_parse_error(message, &error, NULL);
  g_printerr("bench-call: %s: %s\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message);
  exit(1);
}

static gboolean
time_is_over(GstClock *clock, GstClockTime time, GstClockID id, gpointer data)
{
  (void)clock;
  (void)time;
  (void)id;
  (void)data;
  g_main_loop_quit(loop);
  return TRUE;
}

#define SINK "fakesink sync=true async=false "

static char *
describe_ours(const char *key_file, const char *voice, const char *repair)
{
  guint port = bench_gst_free_port();
  GString *text = g_string_new(NULL);
  for (char side = 'a'; side <= 'b'; side++) {
    g_autofree char *end =
        side == 'a' ? g_strdup_printf("local-port=%u key-file=%s", port, key_file)
                    : g_strdup_printf("host=127.0.0.1 port=%u key-file=%s", port, key_file);
    g_string_append_printf(text,
                           side == 'a'
                               ? BENCH_SOURCE("a") "clocksync ! "
                                                   "wzpenc %s ! wzpfec session=a %s ! wzpcrypt "
                                                   "session=a ! wzpsink session=a %s "
                               : BENCH_SOURCE("b") "clocksync ! "
                                                   "wzpenc %s ! wzpfec session=b %s ! wzpcrypt "
                                                   "session=b ! wzpsink session=b %s ",
                           voice, repair, end);
    g_string_append_printf(
        text,
        "wzpsrc session=%c ! wzpcrypt session=%c ! wzpfec session=%c ! wzpjitter "
        "! wzpdec name=out%c ! " SINK,
        side, side, side, side);
  }
  return g_string_free(text, FALSE);
}

static char *
describe_stock(const char *options, gboolean encrypts)
{
  guint ports[2] = {bench_gst_free_port(), bench_gst_free_port()};
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < 2; i++) {
    g_string_append(text,
                    i == 0 ? BENCH_SOURCE("a") "clocksync ! " : BENCH_SOURCE("b") "clocksync ! ");
    g_string_append_printf(text, "opusenc %s ! rtpopuspay pt=96 ssrc=%u ! ", options, i + 1);
    if (encrypts)
      g_string_append_printf(text, "srtpenc key=%s ! ", BENCH_KEY);
    g_string_append_printf(text, "udpsink host=127.0.0.1 port=%u sync=false async=false ",
                           ports[i]);
    g_string_append_printf(text,
                           "udpsrc port=%u caps=\"application/x-%s,media=audio,clock-rate=48000,"
                           "encoding-name=OPUS,payload=96,ssrc=(uint)%u",
                           ports[i], encrypts ? "srtp" : "rtp", i + 1);
    if (encrypts)
      g_string_append(text, ",srtp-key=(buffer)" BENCH_KEY
                            ",srtp-cipher=aes-128-icm,srtp-auth=hmac-sha1-80,"
                            "srtcp-cipher=aes-128-icm,srtcp-auth=hmac-sha1-80");
    g_string_append_printf(text,
                           "\" ! %srtpjitterbuffer ! rtpopusdepay ! opusdec name=out%c ! " SINK,
                           encrypts ? "srtpdec ! " : "", 'a' + i);
  }
  return g_string_free(text, FALSE);
}

static gboolean
can_encrypt(void)
{
  g_autoptr(GstElementFactory) factory = gst_element_factory_find("srtpenc");
  return factory != NULL;
}

static GstPadProbeReturn
count_sound(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  *(guint64 *)data += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_OK;
}

/* A call that is not heard would be cheap. */
static void
watch_sound(GstElement *pipeline, const char *name, guint64 *bytes)
{
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(element, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_sound, bytes, NULL);
}

static int
run(const char *what, guint seconds, guint slow, const char *speech)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *key_file = bench_gst_key_file();
  g_autofree char *text = NULL;
  g_auto(GStrv) parts = g_strsplit(what, "-", 2);
  guint kbps = parts[0] != NULL && parts[1] != NULL ? (guint)strtoul(parts[1], NULL, 10) : 0;
  if (parts[0] == NULL || parts[1] == NULL || kbps == 0) {
    g_printerr("bench-call: '%s' is nothing to run; ours-24k is, for example\n", what);
    return 2;
  }
  g_autofree char *voice = g_strdup_printf("profile=opus-%uk", kbps);
  g_autofree char *typed = g_strdup_printf("bitrate=%u", kbps * 1000);
  g_autofree char *tuned =
      g_strdup_printf("%s bitrate-type=cbr audio-type=voice bandwidth=auto", typed);
  if (strcmp(parts[0], "ours") == 0)
    text = describe_ours(key_file, voice, "tier=manual");
  else if (strcmp(parts[0], "bare") == 0)
    text = describe_ours(key_file, voice, "tier=manual scheme=none");
  else
    text = describe_stock(strcmp(parts[0], "tuned") == 0 ? tuned : typed, can_encrypt());

  GstElement *pipeline = gst_parse_launch(text, &error);
  if (error != NULL) {
    g_printerr("bench-call: %s\n", error->message);
    return 1;
  }
  gsize n = (gsize)seconds * RATE;
  g_autofree gint16 *pcm = make_sound(speech, MAX(n, (gsize)LONG * RATE)); /* costs all the same */
  guint64 heard[2] = {0};
  bench_gst_feed(pipeline, "a", pcm, n);
  bench_gst_feed(pipeline, "b", pcm, n);
  watch_sound(pipeline, "outa", &heard[0]);
  watch_sound(pipeline, "outb", &heard[1]);

  g_autoptr(GstClock) clock =
      g_object_ref_sink(g_object_new(GST_TYPE_SYSTEM_CLOCK, "name", "slow", NULL));
  GstClockTime start = gst_clock_get_internal_time(clock);
  gst_clock_set_calibration(clock, start, 0, 1, slow);
  gst_pipeline_use_clock(GST_PIPELINE(pipeline), clock);
  loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(GstBus) bus = gst_pipeline_get_bus(GST_PIPELINE(pipeline));
  gst_bus_add_watch(bus, on_message, NULL);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstClockID end =
      gst_clock_new_single_shot_id(clock, gst_clock_get_time(clock) + (seconds * GST_SECOND));
  gst_clock_id_wait_async(end, time_is_over, NULL, NULL);
  g_main_loop_run(loop);
  gst_clock_id_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_bus_remove_watch(bus);
  gst_object_unref(pipeline);
  unlink(key_file);
  for (guint i = 0; i < 2; i++)
    if (heard[i] < (seconds * 2 - 1) * (guint64)RATE * 3 / 4) {
      g_printerr("bench-call: side %u heard %.2f s of %u\n", i, (double)heard[i] / 2 / RATE,
                 seconds);
      return 1;
    }
  return 0;
}

/* Instructions of a run, or -1. */
static double
count(const char *self, const char *what, guint seconds, guint slow, const char *speech)
{
  g_autofree char *number = g_strdup_printf("%u", seconds), *slowly = g_strdup_printf("%u", slow);
  const char *command[] = {self,     "--run", what,   "--seconds", number,
                           "--slow", slowly,  speech, NULL};
  g_autoptr(GError) error = NULL;
  double instructions = callgrind_instructions(NULL, command, &error);
  if (instructions < 0)
    g_printerr("bench-call: %s: %s\n", what, error->message);
  return instructions;
}

/* 0, or 1: nothing was counted. */
static int
compare(const char *self, guint kbps, guint slow, const char *speech)
{
  static const char *const kinds[] = {"ours", "bare", "stock", "tuned"};
  double costs[G_N_ELEMENTS(kinds)];
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autofree char *what = g_strdup_printf("%s-%uk", kinds[i], kbps);
    double few = count(self, what, SHORT, slow, speech);
    double many = count(self, what, LONG, slow, speech);
    if (few < 0 || many < 0)
      return 1;
    costs[i] = (many - few) / (LONG - SHORT) / 2;
    printf("%-9s %8.1f million instructions a second of one side%s\n", what, costs[i] / 1e6,
           i >= 2 && !can_encrypt() ? ", without SRTP: not installed" : "");
    fflush(stdout);
  }
  printf("%uk: ours/stock %.2f, bare/stock %.2f, ours/tuned %.2f, bare/tuned %.2f\n", kbps,
         costs[0] / costs[2], costs[1] / costs[2], costs[0] / costs[3], costs[1] / costs[3]);
  return 0;
}

int
main(int argc, char **argv)
{
  g_autofree char *what = NULL;
  g_auto(GStrv) paths = NULL;
  int seconds = LONG, slow = 0, kbps = 0;
  const GOptionEntry options[] = {
      {"run", 0, 0, G_OPTION_ARG_STRING, &what, "One alone", "ours-24k, ..."},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "Length of one alone", "N"},
      {"kbps", 0, 0, G_OPTION_ARG_INT, &kbps, "The bitrate (24 and 64)", "N"},
      {"slow", 0, 0, G_OPTION_ARG_INT, &slow, "The clock's slowness (1; counting: 20)", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "[SPEECH.wav]"},
      {0},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error)) {
    g_printerr("bench-call: %s\n", error->message);
    return 2;
  }
  bench_gst_init();
  const char *speech = paths != NULL ? paths[0] : NULL;
  if (speech != NULL && !g_file_test(speech, G_FILE_TEST_IS_REGULAR)) {
    g_printerr("bench-call: there is no file '%s'\n", speech);
    return 1;
  }
  if (what != NULL)
    return run(what, (guint)MAX(seconds, 1), (guint)MAX(slow, 1), speech);

  guint slowly = slow > 0 ? (guint)slow : 20;
  if (kbps > 0)
    return compare(argv[0], (guint)kbps, slowly, speech);
  return compare(argv[0], 24, slowly, speech) || compare(argv[0], 64, slowly, speech);
}

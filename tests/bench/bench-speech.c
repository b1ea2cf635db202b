/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How much of speech is understood behind a whole call through a bad network, by STOI and ESTOI, beside the stock pipeline.
 *
 *   bench-speech [--json] [--seed N] [--ours] [--start] [--dtx] [--trace] [--write FOLDER] [--only NAME]
 *                [--min-stoi STOI] SPEECH.wav...
 *
 * Of each file come the first 12 s, at -26 dBFS; all of them one behind the other are what is said. Ours: two clients and a
 * relay in virtual time (tests/sim), with the codec, repair, playout and time stretch that the elements are made of. With
 * --dtx the speech is laid out as in a conversation (spurts.h), in a room of -70 dBFS, and silence is left out. Stock: opusenc for voice
 * with in-band FEC for the true loss, rtpredenc distance=1, rtpreddec, rtpjitterbuffer of 200 ms, opusdec with in-band FEC
 * and concealment, by the elements. The call is 10 s old when the speech
 * begins, or with --start it begins with it. --trace: plan and playout of ours second by second, and the score of each
 * piece of 3 s. kbit/s: all-in, ours with control packets, reports and the trailer, stock with the tag of SRTP. Delay: between
 * the moment at which a frame is complete and its playing, without the network; stock's is what its elements report. By
 * loud.: STOI of pieces found by their loudness (speech.h). */
#include "bench-stock.h"
#include "gst/wzpdecoder.h"
#include "gst/wzpencoder.h"
#include "noise.h"
#include "spurts.h"
#include "tests/sim/sim-call.h"
#include "tests/tools/speech.h"
#include "wzp/stretch.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RATE WZP_VOICE_RATE
#define SPEAKER (12 * RATE)
#define LEVEL_DB -26.0
#define ROOM_DB -70.0
#define WARM_UP (10 * RATE)
#define TAIL (3 * RATE)
#define ROUND_TRIP (100 * WZP_MSEC)
#define CONNECT_LIMIT (30 * WZP_SECOND)

static gboolean trace, from_start, dtx;

typedef struct {
  const char *name, *profile;
  bool may_lower;
  double loss, burst;
  unsigned kbps, max_delay_ms;
  double aim;
} Condition;

static const Condition conditions[] = {
    {"loss 0", "opus-24k", true, 0, 0, 60, 360, 0},
    {"loss 10", "opus-24k", true, .1, 0, 60, 360, .990},
    {"loss 20", "opus-24k", true, .2, 0, 60, 360, .985},
    {"loss 30", "opus-24k", true, .3, 0, 60, 360, .970},
    {"loss 50", "opus-24k", true, .5, 0, 60, 360, .935},
    {"loss 70", "opus-24k", true, .7, 0, 60, 360, .86},
    {"bursts 30", "opus-24k", true, .3, 4, 60, 360, .93},
    {"catastrophic 50", "codec2-1200", false, .5, 0, 11, 360, .73},
};

typedef struct {
  guint8 code;
  gsize size;
  guint8 data[1276];
} Encoded;

typedef struct {
  const gint16 *said; /* warm-up, speech, tail */
  gsize n_said, at;   /* samples */
  WzpEncoder *encoder;
  GArray *frames; /* of Encoded, by the talker's number */
  WzpDecoder *decoder;
  WzpStretch *stretch;
  GArray *heard;  /* of gint16 */
  GArray *delays; /* of double, ms */
  SimCall *sim;
} Voice;

/* With silence left out there must be some, and a room. */
static gint16 *
read_speech(char **paths, gsize *n)
{
  GArray *pcm = g_array_new(FALSE, FALSE, sizeof(gint16));
  g_autoptr(GRand) random = g_rand_new_with_seed(59);
  for (guint i = 0; paths[i] != NULL; i++) {
    g_autoptr(GError) error = NULL;
    Speech *read = speech_read(paths[i], &error);
    if (read == NULL) {
      fprintf(stderr, "bench-speech: %s\n", error->message);
      exit(2);
    }
    Speech *speech = speech_resample(read, RATE);
    speech->length = MIN(speech->length, (gsize)SPEAKER);
    Spurts *spurts = spurts_new();
    double gain = 1;
    if (dtx)
      spurts_add(spurts, speech, random);
    else
      gain = pow(10, (LEVEL_DB - speech_level(speech)) / 20);
    const double *samples = dtx ? (const double *)(gpointer)spurts->samples->data : speech->samples;
    gsize length = dtx ? spurts->samples->len : speech->length;
    g_autofree double *room = g_new0(double, length + 1);
    if (dtx)
      noise_pink(room, length, ROOM_DB, random);
    for (gsize k = 0; k < length; k++) {
      gint16 sample = (gint16)CLAMP(lrint((samples[k] * gain + room[k]) * 32768), -32768, 32767);
      g_array_append_val(pcm, sample);
    }
    spurts_free(spurts);
    speech_free(read);
    speech_free(speech);
  }
  *n = pcm->len;
  return (gint16 *)(gpointer)g_array_free(pcm, FALSE);
}

static Speech *
speech_of(const gint16 *pcm, gsize n)
{
  Speech *speech = g_new0(Speech, 1);
  *speech = (Speech){RATE, n, g_new0(double, MAX(n, 1))};
  for (gsize i = 0; i < n; i++)
    speech->samples[i] = pcm[i] / 32768.0;
  return speech;
}

/* --- ours --- */

static void
say(void *user, unsigned party, int16_t *pcm, size_t samples)
{
  Voice *voice = user;
  memset(pcm, 0, samples * sizeof *pcm);
  if (party != 0)
    return;
  if (voice->at < voice->n_said)
    memcpy(pcm, voice->said + voice->at, MIN(samples, voice->n_said - voice->at) * sizeof *pcm);
  voice->at += samples;
}

static void
spoken(void *user, unsigned party, unsigned number, const WzpProfile *profile, const int16_t *pcm)
{
  Voice *voice = user;
  Encoded frame = {.code = (guint8)wzp_framing_frame_code(profile->codec, profile->frame_ms),
                   .size = profile->frame_bytes};
  if (party != 0)
    return;
  g_assert_null(wzp_encoder_set_profile(voice->encoder, profile));
  g_assert_true(wzp_encoder_encode(voice->encoder, pcm, frame.data));
  g_array_set_size(voice->frames, MAX(voice->frames->len, number + 1));
  g_array_index(voice->frames, Encoded, number) = frame;
}

/* What wzpdec does with frames and GAP events. */
static int64_t
played(void *user, unsigned party, const WzpJitterOutput *output, unsigned from, unsigned number,
       const uint8_t *descriptor)
{
  Voice *voice = user;
  static gint16 pcm[RATE], out[WZP_STRETCH_FRAME_MAX + WZP_STRETCH_LONGER_MAX];
  gsize n = (gsize)(output->duration * RATE / 1000000000);
  int wish = 0;
  if (party != 1)
    return 0;
  if (descriptor != NULL) {
    n = wzp_decoder_decode(voice->decoder, WZP_CODE_COMFORT_NOISE, descriptor, WZP_COMFORT_SIZE,
                           pcm);
  } else if (output->action == WZP_JITTER_PLAY) {
    const Encoded *frame = &g_array_index(voice->frames, Encoded, number);
    const SimFrame *record = &g_array_index(voice->sim->parties[from].frames, SimFrame, number);
    double delay = (double)(output->due / 1000 - record->captured - ROUND_TRIP / 2) / WZP_MSEC;
    n = wzp_decoder_decode(voice->decoder, frame->code, frame->data, frame->size, pcm);
    wish = (int)(output->stretch * RATE / 1000000000);
    g_array_append_val(voice->delays, delay);
  } else if (output->action == WZP_JITTER_LOST) {
    const unsigned next = (uint32_t)output->id;
    if (output->ahead > 0 && next < voice->frames->len) {
      const Encoded *frame = &g_array_index(voice->frames, Encoded, next);
      wzp_decoder_expect(voice->decoder, frame->code, frame->data, frame->size,
                         (gsize)(output->ahead * RATE / 1000000000));
    }
    wzp_decoder_conceal(voice->decoder, pcm, n);
  } else {
    wzp_decoder_rest(voice->decoder, pcm, n);
  }
  gsize made = n;
  if (n <= WZP_STRETCH_FRAME_MAX) {
    made = wzp_stretch_run(voice->stretch, pcm, n, wish, out);
    g_array_append_vals(voice->heard, out, (guint)made);
  } else {
    g_array_append_vals(voice->heard, pcm, (guint)n);
  }
  return ((int64_t)made - (int64_t)n) * 1000000000 / RATE;
}

typedef struct {
  SpeechScore score;
  double kbps, delay, delay_p95, concealed;
} Result;

static int
by_value(gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;
  return (*left > *right) - (*left < *right);
}

/* Judges heard, which begins with the call, against what was said behind the warm-up. */
static void
judge(const gint16 *said, gsize n_speech, const gint16 *heard, gsize n_heard, const char *write_to,
      Result *result)
{
  /* what was heard first may have been said later than the first */
  gsize skip = from_start ? 0 : MIN((gsize)(WARM_UP - RATE / 2), n_heard);
  Speech *reference = speech_of(said + (from_start ? 0 : WARM_UP), n_speech);
  Speech *degraded = speech_of(heard + skip, n_heard - skip);
  g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(SpeechPiece));
  result->score = speech_score_pieces(reference, degraded, pieces);
  for (guint i = 0; trace && i < pieces->len; i++) {
    const SpeechPiece *piece = &g_array_index(pieces, SpeechPiece, i);
    printf("  piece at %3.0f s: STOI %.3f, ESTOI %.3f, %4.0f ms off\n", piece->at, piece->stoi,
           piece->estoi, piece->shift * 1000);
  }
  if (write_to != NULL) {
    bench_stock_write_wav(write_to, heard + skip, n_heard - skip);
  }
  speech_free(reference);
  speech_free(degraded);
}

static void
run_traced(Voice *voice, WzpTime length)
{
  SimCall *sim = voice->sim;
  const WzpTime begin = sim->now;
  WzpJitterStats before = {0};
  while (sim->now < begin + length) {
    const WzpFecPlan *plan = wzp_fec_sender_plan(sim->parties[0].fec_sender);
    WzpFecSenderStats sender;
    WzpJitterStats stats;
    sim_call_run(sim, MIN(WZP_SECOND, begin + length - sim->now));
    wzp_fec_sender_get_stats(sim->parties[0].fec_sender, sim->now, &sender);
    wzp_jitter_get_stats(sim->parties[1].jitter, &stats);
    printf("  %3.0f s: loss %.3f memory %.2f: %s x %u, %s %.2f", (double)(sim->now - begin) / 1e6,
           sender.channel.loss, sender.channel.memory, plan->profile->name, plan->frames_per_packet,
           wzp_fec_scheme_name(plan->scheme), plan->symbols_256 / 256.0);
    for (unsigned n = 0; n < plan->n_programs; n++)
      printf(" (%u, %u)", plan->programs[n].offset, plan->programs[n].window);
    printf(" expects %.4f; target %.0f told %.0f ms, concealed %.0f, stretched %.0f\n",
           plan->expected_loss, (double)stats.latency / 1e6, (double)stats.playout / 1e6,
           (double)stats.concealed - (double)before.concealed,
           (double)(stats.stretched - before.stretched));
    before = stats;
  }
}

static Result
run_ours(const Condition *condition, uint64_t seed, const gint16 *said, gsize n_said,
         gsize n_speech, const char *write_to)
{
  const gchar *why;
  const WzpTime length = (WzpTime)((guint64)n_said * WZP_SECOND / RATE);
  Voice voice = {.said = said, .n_said = n_said};
  const SimVoice hooks = {say, spoken, played, &voice};
  const SimLinkConfig clean = {.delay = ROUND_TRIP / 4};
  const SimCallConfig call = {.seed = seed,
                              .mode = WZP_CALL_RELAY,
                              .out = clean,
                              .in = clean,
                              .latency = SIM_ADAPTIVE,
                              .profile = wzp_profile_by_name(condition->profile),
                              .repair = true,
                              .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                                         .budget = condition->kbps * 1000,
                                         .max_delay = condition->max_delay_ms * WZP_MSEC,
                                         .may_lower_profile = condition->may_lower},
                              .voice = &hooks,
                              .dtx = dtx};
  SimLinkConfig bad = clean;
  bad.loss = condition->loss;
  bad.burst = condition->burst;
  voice.encoder = wzp_encoder_new(&why);
  voice.decoder = wzp_decoder_new(&why);
  voice.stretch = wzp_stretch_new();
  voice.frames = g_array_new(FALSE, TRUE, sizeof(Encoded));
  voice.heard = g_array_new(FALSE, FALSE, sizeof(gint16));
  voice.delays = g_array_new(FALSE, FALSE, sizeof(double));
  SimCall *sim = voice.sim = sim_call_new(&call);
  sim_call_start_relay(sim);
  for (unsigned i = 0; i < 2; i++) {
    sim_call_start_party(sim, i);
    sim_call_talk(sim, i, false);
  }
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, CONNECT_LIMIT));
  for (unsigned i = 0; i < 2; i++) {
    wzp_jitter_set_max_latency(sim->parties[i].jitter, condition->max_delay_ms * INT64_C(1000000));
    sim_link_set_config(sim->parties[i].out, &bad);
    sim_link_set_origin(sim->parties[i].out, sim->now);
    sim_call_talk(sim, i, true);
  }
  const uint64_t before = sim->parties[0].wire_bytes;
  if (trace)
    run_traced(&voice, length);
  else
    sim_call_run(sim, length);
  Result result = {.kbps = (double)(sim->parties[0].wire_bytes - before) * 8 / 1000 /
                           ((double)length / WZP_SECOND)};
  judge(said, n_speech, (const gint16 *)(gpointer)voice.heard->data, voice.heard->len, write_to,
        &result);
  WzpJitterStats stats;
  wzp_jitter_get_stats(sim->parties[1].jitter, &stats);
  result.concealed =
      100.0 * (double)stats.concealed / (double)MAX(stats.concealed + stats.played, 1);
  for (guint i = 0; i < voice.delays->len; i++)
    result.delay += g_array_index(voice.delays, double, i) / voice.delays->len;
  g_array_sort(voice.delays, by_value);
  if (voice.delays->len > 0)
    result.delay_p95 = g_array_index(voice.delays, double, (voice.delays->len - 1) * 95 / 100);
  sim_call_free(sim);
  wzp_encoder_free(voice.encoder);
  wzp_decoder_free(voice.decoder);
  wzp_stretch_free(voice.stretch);
  g_array_unref(voice.frames);
  g_array_unref(voice.heard);
  g_array_unref(voice.delays);
  return result;
}

static Result
run_stock(const Condition *condition, uint64_t seed, const gint16 *said, gsize n_said,
          gsize n_speech, const char *write_to)
{
  const SimLinkConfig bad = {.loss = condition->loss, .burst = condition->burst};
  const BenchStockConfig config = {.link = &bad,
                                   .seed = seed,
                                   .bitrate = condition->kbps < 20 ? 6000 : 24000,
                                   .frame_ms = condition->kbps < 20 ? 40 : 20,
                                   .red = condition->kbps >= 20};
  BenchStockResult stock;
  bench_stock_run(&config, said, n_said, &stock);
  Result result = {.kbps = stock.kbps, .delay = stock.latency_ms, .delay_p95 = stock.latency_ms};
  judge(said, n_speech, stock.heard, stock.n_heard, write_to, &result);
  g_free(stock.heard);
  return result;
}

static void
print(const Condition *condition, const char *who, const Result *result, bool json)
{
  printf(json ? "{\"condition\":\"%s\",\"who\":\"%s\",\"stoi\":%.4f,\"estoi\":%.4f,\"kbps\":%.1f,"
                "\"delay_mean_ms\":%.0f,\"delay_p95_ms\":%.0f,\"concealed_pct\":%.2f,"
                "\"loudness_stoi\":%.4f}\n"
              : "%-16s %-6s %6.3f %6.3f %7.1f %7.0f %7.0f %8.2f %8.3f",
         condition->name, who, result->score.stoi, result->score.estoi, result->kbps, result->delay,
         result->delay_p95, result->concealed, result->score.loudness_stoi);
  if (!json && strcmp(who, "ours") == 0 && condition->aim > 0)
    printf("   aim %.3f at %u kbit/s, %u ms: %s", condition->aim, condition->kbps,
           condition->max_delay_ms,
           result->score.stoi >= condition->aim && result->kbps <= condition->kbps &&
                   result->delay_p95 <= condition->max_delay_ms
               ? "met"
               : "missed");
  if (!json)
    printf("\n");
  fflush(stdout);
}

int
main(int argc, char **argv)
{
  gboolean json = FALSE, ours_only = FALSE, understood = TRUE;
  double least = 0;
  int seed = 1;
  g_autofree char *folder = NULL, *only = NULL;
  g_auto(GStrv) paths = NULL;
  const GOptionEntry options[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object a line", NULL},
      {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "Of the network (1)", "N"},
      {"ours", 0, 0, G_OPTION_ARG_NONE, &ours_only, "Without the stock pipeline", NULL},
      {"start", 0, 0, G_OPTION_ARG_NONE, &from_start, "Judge from the start of the call", NULL},
      {"dtx", 0, 0, G_OPTION_ARG_NONE, &dtx, "Ours leaves silence out", NULL},
      {"min-stoi", 0, 0, G_OPTION_ARG_DOUBLE, &least, "Fail where ours is below", "STOI"},
      {"trace", 0, 0, G_OPTION_ARG_NONE, &trace, "What ours did, second by second", NULL},
      {"only", 0, 0, G_OPTION_ARG_STRING, &only, "One condition", "NAME"},
      {"write", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Keep what was heard", "FOLDER"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "SPEECH.wav..."},
      {0},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;
  g_option_context_add_main_entries(context, options, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || paths == NULL) {
    fprintf(stderr, "bench-speech: %s\n", error != NULL ? error->message : "name recorded speech");
    return 2;
  }
  bench_stock_init();
  gsize n_speech;
  g_autofree gint16 *speech = read_speech(paths, &n_speech);
  gsize warm_up = from_start ? 0 : WARM_UP, n_said = warm_up + n_speech + TAIL;
  g_autofree gint16 *said = g_new0(gint16, n_said);
  for (gsize i = 0; i < warm_up; i++)
    said[i] = speech[i % n_speech];
  memcpy(said + warm_up, speech, n_speech * sizeof *speech);
  if (folder != NULL) {
    g_autofree char *path = g_build_filename(folder, "said.wav", NULL);
    bench_stock_write_wav(path, speech, n_speech);
  }

  if (!json)
    printf("%-16s %-6s %6s %6s %7s %7s %7s %8s %8s\n", "network", "", "STOI", "ESTOI", "kbit/s",
           "mean ms", "p95 ms", "conc. %", "by loud.");
  for (guint i = 0; i < G_N_ELEMENTS(conditions); i++) {
    const Condition *condition = &conditions[i];
    if (only != NULL && strcmp(only, condition->name) != 0)
      continue;
    for (guint who = 0; who < (ours_only ? 1 : 2); who++) {
      const char *name = who == 0 ? "ours" : "stock";
      g_autofree char *file = g_strdup_printf("%s-%s.wav", condition->name, name);
      g_autofree char *path = folder != NULL ? g_build_filename(folder, file, NULL) : NULL;
      Result result = (who == 0 ? run_ours : run_stock)(condition, (uint64_t)seed, said, n_said,
                                                        n_speech, path);
      print(condition, name, &result, json);
      understood = understood && (who > 0 || result.score.stoi >= least);
    }
  }
  return understood ? 0 : 1;
}

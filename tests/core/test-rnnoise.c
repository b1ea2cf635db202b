/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sound.h"
#include "test-util.h"
#include "tests/tools/speech.h"
#include "wzp/denoise-private.h"
#include <gio/gio.h>

/* Our RNNoise against RNNoise itself, frame by frame: the WebAssembly in which the weights came, run in node.
 * And what ours does otherwise, behind a word.
 *
 *   test-rnnoise NODE rnnoise-module.mjs RNNOISE.wasm [SPEECH.wav...]      without speech: vowels in noise, and silence */

#define SAMPLES WZP_DENOISE_SAMPLES
#define NEAR 1e-3        /* of the level, */
#define ROUNDING 0.1     /* and of a step of 16 bits */
#define SPEECH_NEAR 2e-3 /* of the probability */
/* part of the frames that may differ: a tie between two pitches falls so or so, and some frames remember it */
#define FAR_FRAMES 0.015

static gchar **arguments; /* node, script, module, recordings */

static float *
ask_module(const float *in, gsize frames)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GSubprocess) node =
      g_subprocess_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                       arguments[0], arguments[1], arguments[2], NULL);
  g_assert_no_error(error);
  g_autoptr(GBytes) input = g_bytes_new_static(in, frames * SAMPLES * sizeof *in);
  GBytes *output;
  g_subprocess_communicate(node, input, NULL, &output, NULL, &error);
  g_assert_no_error(error);
  g_assert_true(g_subprocess_get_successful(node));
  gsize size;
  float *out = g_bytes_unref_to_data(output, &size);
  g_assert_cmpuint(size, ==, frames * (SAMPLES + 1) * sizeof *out);
  return out;
}

static double
level_of(const float *x, const float *minus)
{
  double sum = 0;
  for (guint i = 0; i < SAMPLES; i++) {
    double d = x[i] - (minus != NULL ? minus[i] : 0);
    sum += d * d;
  }
  return sqrt(sum / SAMPLES);
}

static void
compare(const float *in, gsize frames)
{
  g_autofree float *theirs = ask_module(in, frames);
  void *state = wzp_denoiser_rnnoise_published.create();
  gsize far = 0;
  double farthest = 0, farthest_speech = 0;
  for (gsize k = 0; k < frames; k++) {
    float ours[SAMPLES];
    const float *their = theirs + k * (SAMPLES + 1);
    double speech = wzp_denoiser_rnnoise_published.frame(state, in + k * SAMPLES, ours);
    double away = level_of(ours, their) / (level_of(their, NULL) + ROUNDING / NEAR);
    double speech_away = fabs(speech - (double)their[SAMPLES]);
    far += away > NEAR || speech_away > SPEECH_NEAR;
    farthest = MAX(farthest, away);
    farthest_speech = MAX(farthest_speech, speech_away);
  }
  wzp_denoiser_rnnoise_published.free(state);
  g_test_message("%" G_GSIZE_FORMAT " frames, %" G_GSIZE_FORMAT
                 " not alike; farthest %.2g of the level, probability %.2g",
                 frames, far, farthest, farthest_speech);
  g_assert_cmpfloat((double)far, <=, FAR_FRAMES * (double)frames);
}

/* Vowels of half a second in a room that is now loud, now soft, now not there. Their pitch changes: of one that does not
 * every multiple is as good a period. */
static void
test_vowels(void)
{
  const gsize frames = 1000;
  double turn = 0;
  g_autofree float *in = g_new0(float, frames *SAMPLES);
  GRand *random = g_rand_new_with_seed(18);
  SoundRoom room;
  sound_room_init(&room, random, -45, 500);
  for (gsize i = 0; i < frames * SAMPLES; i++) {
    double x = 0;
    if (i % (9 * 48000) < 8 * 48000)
      x = sound_room_next(&room) * (i / 48000 % 4 == 3 ? 8 : 1);
    turn += 2 * G_PI * (130 + 40 * sin((double)i / 9000)) / 48000;
    for (guint n = 1; n <= 20 && i / 24000 % 3 == 1; n++)
      x += 1500 * sin(n * turn + n * n) / n;
    in[i] = sound_sample(x);
  }
  g_rand_free(random);
  compare(in, frames);
}

static void
test_recording(gconstpointer path)
{
  g_autoptr(GError) error = NULL;
  Speech *recorded = speech_read(path, &error);
  g_assert_no_error(error);
  Speech *speech = speech_resample(recorded, 48000);
  gsize frames = speech->length / SAMPLES;
  g_autofree float *in = g_new(float, frames *SAMPLES);
  GRand *random = g_rand_new_with_seed(18);
  SoundRoom room;
  sound_room_init(&room, random, -40, 500);
  for (gsize i = 0; i < frames * SAMPLES; i++)
    in[i] = sound_sample(speech->samples[i] * 32767 + sound_room_next(&room));
  g_rand_free(random);
  speech_free(speech);
  speech_free(recorded);
  compare(in, frames);
}

#define WORD 40   /* frames from one vowel to the next; it sounds in the first */
#define SPOKEN 20 /* of them */
#define FIRST 25  /* of what is looked at behind it, */
#define LAST 30   /* and the last one */
#define WORDS 20

/* Behind each vowel, from frame `at` on, noise that decays by 60 dB in so many samples. */
static float *
make_words(guint at, double level, double decay)
{
  float *in = g_new0(float, WORDS *WORD *SAMPLES);
  GRand *random = g_rand_new_with_seed(18);
  for (gsize i = 0; i < WORDS * WORD * SAMPLES; i++) {
    double behind = (double)(i % (WORD * SAMPLES)) - at * SAMPLES;
    if (i / SAMPLES % WORD < SPOKEN)
      in[i] = (float)sound_vowel(-20, i);
    else if (behind >= 0)
      in[i] = (float)(level * pow(10, -3 * behind / decay) * sound_gauss(random));
  }
  g_rand_free(random);
  return in;
}

static double
level_behind_words(const WzpDenoiser *denoiser, const float *in)
{
  void *state = denoiser->create();
  double power = 0;
  for (gsize k = 0; k < WORDS * WORD; k++) {
    float out[SAMPLES];
    denoiser->frame(state, in + k * SAMPLES, out);
    if (k % WORD >= FIRST && k % WORD <= LAST)
      power += pow(level_of(out, NULL), 2);
  }
  denoiser->free(state);
  return 10 * log10(power);
}

/* How much softer ours is there. */
static double
softer(guint at, double level, double decay)
{
  g_autofree float *in = make_words(at, level, decay);
  double by = level_behind_words(&wzp_denoiser_rnnoise_published, in) -
              level_behind_words(&wzp_denoiser_rnnoise, in);
  g_test_message("%.1f dB softer", by);
  return by;
}

/* A room that decays is left next to as RNNoise leaves it. */
static void
test_end_of_word(void)
{
  g_assert_cmpfloat(softer(SPOKEN, 3000, 0.4 * 48000), <, 2);
}

/* A key that is struck is not. */
static void
test_key_behind_word(void)
{
  g_assert_cmpfloat(softer(FIRST, 2000, 0.02 * 48000), >, 2);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (argc < 4) {
    g_printerr("test-rnnoise: give node, the script and the module\n");
    return 2;
  }
  arguments = argv + 1;
  if (argc == 4) {
    g_test_add_func("/rnnoise/vowels", test_vowels);
    g_test_add_func("/rnnoise/end-of-word", test_end_of_word);
    g_test_add_func("/rnnoise/key-behind-word", test_key_behind_word);
  }
  for (int i = 4; i < argc; i++) {
    g_autofree gchar *name = g_strdup_printf("/rnnoise/recording-%d", i - 3);
    g_test_add_data_func(name, argv[i], test_recording);
  }
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/gain.h"
#include "sound.h"
#include "test-util.h"
#include "wzp/talk.h"

#define FRAME WZP_GAIN_SAMPLES
#define SPURT 50 /* frames of speech, */
#define PAUSE 75 /* and of none behind it */
#define SECONDS(n) ((n)*50)

typedef struct {
  WzpTalk *talk;
  WzpGain *gain; /* NULL: what is decided only */
  SoundRoom room;
  GRand *random;
  unsigned frames;
  /* of the last ones */
  double in, out, noise_in, noise_out;
  int peak;
  guint8 *decided; /* of each frame */
} Line;

static double period[400]; /* of the vowel, at 0 dB */

static void
line_init(Line *line, guint32 seed, double room, gboolean gain)
{
  *line = (Line){.talk = wzp_talk_new(), .random = g_rand_new_with_seed(seed)};
  line->gain = gain ? wzp_gain_new() : NULL;
  line->decided = g_malloc0(SECONDS(200));
  wzp_talk_set_listening(line->talk, true);
  sound_room_init(&line->room, line->random, room, 300);
}

static void
line_clear(Line *line)
{
  wzp_talk_free(line->talk);
  wzp_gain_free(line->gain);
  g_rand_free(line->random);
  g_free(line->decided);
}

/* Speech in spurts of one second at this level, -200: none; the levels of the last eight seconds stay. */
static void
run(Line *line, unsigned frames, double level, bool suppression)
{
  double in = 1e-9, out = 1e-9, noise_in = 1e-9, noise_out = 1e-9;
  unsigned n = 0, n_noise = 0;
  line->peak = 0;
  wzp_talk_set_suppression(line->talk, suppression);
  for (unsigned f = 0; f < frames; f++, line->frames++) {
    gint16 pcm[FRAME], raised[FRAME];
    bool speech = level > -100 && f % (SPURT + PAUSE) < SPURT;
    WzpTalkOutput part;
    for (unsigned i = 0; i < FRAME; i++) {
      double x = sound_room_next(&line->room);
      if (speech)
        x += pow(10, level / 20) * period[(line->frames * FRAME + i) % G_N_ELEMENTS(period)];
      pcm[i] = sound_sample(x);
    }
    wzp_talk_frame(line->talk, pcm, FRAME);
    while (wzp_talk_next(line->talk, &part)) {
      line->decided[line->frames] |= (guint8)(1 << part.action | (part.speech ? 128 : 0));
      if (line->gain == NULL || part.action != WZP_TALK_SEND)
        continue;
      wzp_gain_frame(line->gain, part.pcm, raised, FRAME, part.speech, wzp_talk_room(line->talk));
      if (suppression || f + SECONDS(8) < frames)
        continue;
      for (unsigned i = 0; i < FRAME; i++)
        line->peak = MAX(line->peak, ABS((int)raised[i]));
      double before = pow(10, sound_level(part.pcm, FRAME) / 10);
      double after = pow(10, sound_level(raised, FRAME) / 10);
      /* pauses between words are none */
      if (speech)
        n++, in += before, out += after;
      else if (level < -100 || f % (SPURT + PAUSE) >= SPURT + 60)
        n_noise++, noise_in += before, noise_out += after;
    }
  }
  line->in = 10 * log10(in / MAX(n, 1));
  line->out = 10 * log10(out / MAX(n, 1));
  line->noise_in = 10 * log10(noise_in / MAX(n_noise, 1));
  line->noise_out = 10 * log10(noise_out / MAX(n_noise, 1));
}

static void
test_levels(void)
{
  static const struct {
    double level, least, most;
  } talkers[] = {
      {-42, -27, -23}, /* raised */
      {-35, -27, -23}, /* */
      {-12, -26, -22}, /* lowered */
      {-55, -37, -33}, /* by no more than 20 dB */
  };
  for (guint n = 0; n < G_N_ELEMENTS(talkers); n++) {
    Line line;
    line_init(&line, g_test_rand_int(), -75, TRUE);
    run(&line, SECONDS(25), talkers[n].level, false);
    g_test_message("%g dB: %.2f dB in, %.2f dB out; pauses %.2f and %.2f dB", talkers[n].level,
                   line.in, line.out, line.noise_in, line.noise_out);
    g_assert_cmpfloat(line.out, >, talkers[n].least);
    g_assert_cmpfloat(line.out, <, talkers[n].most);
    g_assert_cmpfloat(line.noise_out, <, line.noise_in + 0.01); /* pauses are not raised */
    line_clear(&line);
  }
}

/* What is right stays as it is. */
static void
test_right(void)
{
  for (double level = -25.5; level < -23; level += 1) {
    Line line;
    line_init(&line, g_test_rand_int(), -60, TRUE);
    run(&line, SECONDS(25), level, false);
    g_assert_cmpfloat(fabs(line.out - line.in), <, 1);
    line_clear(&line);
  }
}

/* Noise is not speech, and nothing becomes of it; nor does it become loud with a soft voice in it. */
static void
test_noise(void)
{
  for (double level = -70; level < -30; level += 15) {
    Line line;
    line_init(&line, g_test_rand_int(), level, TRUE);
    run(&line, SECONDS(25), -200, false);
    g_test_message("noise of %g dB: gain %.2f dB", level, wzp_gain_db(line.gain));
    g_assert_cmpfloat(fabs(line.noise_out - line.noise_in), <, 0.01);
    line_clear(&line);
  }
  Line line;
  line_init(&line, g_test_rand_int(), -52, TRUE);
  run(&line, SECONDS(25), -40, false);
  g_assert_cmpfloat(wzp_gain_db(line.gain), <, 8.5);
  line_clear(&line);
}

/* What is decided is decided before. */
static void
test_decisions(void)
{
  guint32 seed = g_test_rand_int();
  for (guint suppression = 0; suppression < 2; suppression++) {
    Line with, without;
    line_init(&with, seed, -58, TRUE);
    line_init(&without, seed, -58, FALSE);
    run(&with, SECONDS(25), -38, suppression);
    run(&without, SECONDS(25), -38, suppression);
    g_assert_cmpmem(with.decided, with.frames, without.decided, without.frames);
    g_assert_cmpfloat(wzp_gain_db(with.gain), >, 5);
    line_clear(&with);
    line_clear(&without);
  }
}

/* A soft talker who shouts: the gain is still high, and nothing clips; what came in above the limit is not touched. */
static void
test_limiter(void)
{
  Line line;
  line_init(&line, g_test_rand_int(), -75, TRUE);
  run(&line, SECONDS(25), -42, false);
  g_assert_cmpfloat(wzp_gain_db(line.gain), >, 12);
  gint16 loud[FRAME], out[FRAME];
  const WzpNoise room = {0};
  for (guint f = 0; f < 10; f++) {
    for (guint i = 0; i < FRAME; i++)
      loud[i] = (gint16)lrint(15000 * sin(2 * G_PI * 997 * (f * FRAME + i) / 48000.));
    wzp_gain_frame(line.gain, loud, out, FRAME, true, &room);
    for (guint i = 0; i < FRAME; i++)
      g_assert_cmpint(ABS((int)out[i]), <=, (int)(32768 * pow(10, WZP_GAIN_PEAK_DB / 20)) + 1);
  }
  line_clear(&line);

  WzpGain *gain = wzp_gain_new();
  gint16 full[FRAME];
  for (guint i = 0; i < FRAME; i++)
    full[i] = i % 97 < 48 ? G_MAXINT16 : G_MININT16;
  wzp_gain_frame(gain, full, out, FRAME, true, &room);
  g_assert_cmpmem(full, sizeof full, out, sizeof out);
  wzp_gain_free(gain);
}

/* From a loud to a soft talker and back. */
static void
test_changes(void)
{
  Line line;
  line_init(&line, g_test_rand_int(), -75, TRUE);
  static const double levels[] = {-14, -40, -20, -44};
  for (guint n = 0; n < G_N_ELEMENTS(levels); n++) {
    run(&line, SECONDS(40), levels[n], false);
    g_test_message("%g dB: %.2f dB out", levels[n], line.out);
    g_assert_cmpfloat(line.out, >, -28);
    g_assert_cmpfloat(line.out, <, -21);
  }
  line_clear(&line);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(period); i++)
    period[i] = sound_vowel(0, i);
  g_test_add_func("/gain/levels", test_levels);
  g_test_add_func("/gain/right", test_right);
  g_test_add_func("/gain/noise", test_noise);
  g_test_add_func("/gain/decisions", test_decisions);
  g_test_add_func("/gain/limiter", test_limiter);
  g_test_add_func("/gain/changes", test_changes);
  return g_test_run();
}

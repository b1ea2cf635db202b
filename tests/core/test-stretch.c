/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "test-util.h"
#include "wzp/stretch.h"
#include <math.h>

#define RATE 48000
#define FRAME 960
#define SECONDS 10
#define LENGTH (SECONDS * RATE)

/* A voice: harmonics of a pitch that glides by a fifth. */
static void
make_voice(int16_t *pcm, double pitch, double level)
{
  double phase = 0;
  for (unsigned i = 0; i < LENGTH; i++) {
    phase += 2 * G_PI * pitch * (1 + 0.2 * sin(2 * G_PI * i / RATE)) / RATE;
    double sum = 0;
    for (unsigned harmonic = 1; harmonic <= 8; harmonic++)
      sum += cos(harmonic * phase) / harmonic;
    pcm[i] = (int16_t)(level * sum / 3);
  }
}

/* Runs frame after frame with the wish, and returns what came out; *out belongs to the caller. */
static size_t
run(const int16_t *in, int wish, int16_t **out)
{
  WzpStretch *stretch = wzp_stretch_new();
  size_t n = 0;
  *out = g_new(int16_t, 2 * LENGTH);
  for (size_t at = 0; at + FRAME <= LENGTH; at += FRAME) {
    size_t made = wzp_stretch_run(stretch, in + at, FRAME, wish, *out + n);
    g_assert_cmpuint(made, <=, FRAME + WZP_STRETCH_LONGER_MAX);
    if (wish < 0)
      g_assert_cmpint((int)made, >=, FRAME + wish);
    n += made;
  }
  wzp_stretch_free(stretch);
  return n;
}

/* Rising zero crossings of the lowest harmonic a second: smoothed over a twentieth of the period's band. */
static double
pitch_of(const int16_t *pcm, size_t n)
{
  double low = 0, lower = 0, before = 0;
  unsigned crossings = 0;
  for (size_t i = 0; i < n; i++) {
    low += (pcm[i] - low) * 0.02;
    lower += (low - lower) * 0.02;
    crossings += before < 0 && lower >= 0;
    before = lower;
  }
  return crossings / ((double)n / RATE);
}

static double
largest_step(const int16_t *pcm, size_t n)
{
  double most = 0;
  for (size_t i = 1; i < n; i++)
    most = MAX(most, fabs((double)pcm[i] - pcm[i - 1]));
  return most;
}

static void
test_unchanged(void)
{
  g_autofree int16_t *in = g_new(int16_t, LENGTH), *out = NULL;
  make_voice(in, 120, 8000);
  g_assert_cmpuint(run(in, 0, &out), ==, LENGTH);
  g_assert_cmpint(memcmp(in, out, LENGTH * sizeof *in), ==, 0);
}

/* By nearly a quarter, at the same pitch, without a click. */
static void
test_voice(void)
{
  static const double pitches[] = {90, 120, 210, 300};
  for (unsigned i = 0; i < G_N_ELEMENTS(pitches); i++) {
    g_autofree int16_t *in = g_new(int16_t, LENGTH);
    make_voice(in, pitches[i], 8000);
    double pitch = pitch_of(in, LENGTH), step = largest_step(in, LENGTH);
    for (int wish = -1200; wish <= 1200; wish += 2400) {
      g_autofree int16_t *out = NULL;
      size_t n = run(in, wish, &out);
      double changed = ((double)n - LENGTH) / LENGTH * (wish > 0 ? 1 : -1);
      g_assert_cmpfloat(changed, >, 0.12);
      g_assert_cmpfloat(changed, <, 0.26);
      g_assert_cmpfloat(fabs(pitch_of(out, n) - pitch), <, 0.04 * pitch);
      g_assert_cmpfloat(largest_step(out, n), <, 1.5 * step);
    }
  }
}

/* Near silence is cut by much more, noise that is loud is not. */
static void
test_noise(void)
{
  TestRandom random;
  test_random_init(&random);
  for (int loud = 0; loud < 2; loud++) {
    g_autofree int16_t *in = g_new(int16_t, LENGTH), *out = NULL;
    int span = loud ? 20000 : 10;
    for (unsigned i = 0; i < LENGTH; i++)
      in[i] = (int16_t)((int)test_random_below(&random, (unsigned)span) - span / 2);
    size_t n = run(in, -800, &out);
    if (loud)
      g_assert_cmpuint(n, >, LENGTH * 98 / 100);
    else
      g_assert_cmpuint(n, <, LENGTH / 4);
  }
}

/* A pause in a voice is what gives most. */
static void
test_pause(void)
{
  g_autofree int16_t *in = g_new(int16_t, LENGTH), *out = NULL;
  make_voice(in, 150, 8000);
  memset(in + 3 * RATE, 0, 2 * RATE * sizeof *in);
  size_t n = run(in, -864, &out);
  g_assert_cmpuint(n, <, LENGTH - 2 * RATE * 85 / 100);
}

/* Any length, any wish, any sound: never more than there is room for. */
static void
test_random(void)
{
  TestRandom random;
  test_random_init(&random);
  WzpStretch *stretch = wzp_stretch_new();
  g_autofree int16_t *in = g_new(int16_t, WZP_STRETCH_FRAME_MAX);
  for (unsigned round = 0; round < 2000; round++) {
    size_t n = 1 + test_random_below(&random, round % 2 ? WZP_STRETCH_FRAME_MAX : 300);
    int wish = (int)test_random_below(&random, 12000) - 6000;
    int loud = test_random_below(&random, 3) == 0 ? 1 : 65536;
    unsigned period = 1 + test_random_below(&random, 700);
    for (size_t i = 0; i < n; i++)
      in[i] = i >= period && loud > 1
                  ? in[i - period]
                  : (int16_t)((int)test_random_below(&random, (unsigned)loud) - loud / 2);
    g_autofree int16_t *out =
        g_new(int16_t, n + WZP_STRETCH_LONGER_MAX); /* a step beyond is seen */
    size_t made = wzp_stretch_run(stretch, in, n, wish, out);
    g_assert_cmpuint(made, <=, n + WZP_STRETCH_LONGER_MAX);
    g_assert_cmpuint(made, >, 0);
    if (wish < 0)
      g_assert_cmpint((int)made - (int)n, >=, wish);
  }
  wzp_stretch_reset(stretch);
  wzp_stretch_free(stretch);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/stretch/unchanged", test_unchanged);
  g_test_add_func("/stretch/voice", test_voice);
  g_test_add_func("/stretch/noise", test_noise);
  g_test_add_func("/stretch/pause", test_pause);
  g_test_add_func("/stretch/random", test_random);
  return g_test_run();
}

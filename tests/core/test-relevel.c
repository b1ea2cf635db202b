/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/relevel.h"
#include "test-util.h"
#include "wzp/waveform.h"
#include <math.h>
#include <string.h>

#define N 320 /* 40 ms of 8 kHz */
#define USUAL 3000

static double
level_db(const int16_t *pcm)
{
  return 10 * log10(wzp_waveform_power(pcm, N) + 1e-3);
}

/* Noise, softer or louder than usual by so many dB. */
static void
make(int16_t pcm[N], double db)
{
  for (unsigned i = 0; i < N; i++) {
    const double sample = g_test_rand_double_range(-1, 1) * USUAL * pow(10, db / 20);
    pcm[i] = (int16_t)CLAMP(sample, -32768, 32767);
  }
}

static void
hear_some(WzpRelevel *relevel)
{
  int16_t pcm[N], before[N];
  for (unsigned i = 0; i < 100; i++) {
    make(pcm, g_test_rand_double_range(-8, 8));
    memcpy(before, pcm, sizeof pcm);
    wzp_relevel_frame(relevel, pcm, N);
    g_assert_cmpint(memcmp(before, pcm, sizeof pcm), ==, 0); /* no gap: nothing is changed */
  }
}

/* Too loud and too soft: in the first frame two fifths are gone, at no time it is worse, and then it is left alone. */
static void
test_offset(void)
{
  for (int off = -15; off <= 15; off += 30) {
    WzpRelevel relevel = {0};
    double left = off;
    hear_some(&relevel);
    wzp_relevel_lost(&relevel, 3);
    for (unsigned i = 0; i < 30; i++, left *= 0.82) {
      int16_t pcm[N];
      make(pcm, left);
      const double before = level_db(pcm);
      wzp_relevel_frame(&relevel, pcm, N);
      const double usual = 10 * log10(USUAL * (double)USUAL / 3), after = level_db(pcm);
      if (i == 0)
        g_assert_cmpfloat(fabs(after - usual), <, 0.6 * fabs(before - usual));
      g_assert_cmpfloat(fabs(after - usual), <, fabs(before - usual) + 2.5);
      if (i > 20)
        g_assert_cmpfloat(fabs(after - before), <, 0.01);
    }
  }
}

/* The longer the gap the less is known; half a frame is little. */
static void
test_length(void)
{
  double changed[2];
  for (unsigned round = 0; round < 2; round++) {
    WzpRelevel relevel = {0};
    int16_t pcm[N];
    hear_some(&relevel);
    wzp_relevel_lost(&relevel, round == 0 ? 0.1f : 8);
    make(pcm, 15);
    changed[round] = -level_db(pcm);
    wzp_relevel_frame(&relevel, pcm, N);
    changed[round] += level_db(pcm);
  }
  g_assert_cmpfloat(changed[0], >, -4);
  g_assert_cmpfloat(changed[1], <, -6);
}

/* A pause behind a gap is left as it is; and before enough was heard nothing is usual. */
static void
test_pause(void)
{
  WzpRelevel relevel = {0};
  int16_t pcm[N], before[N];
  make(before, -60);
  memcpy(pcm, before, sizeof pcm);
  wzp_relevel_lost(&relevel, 5);
  wzp_relevel_frame(&relevel, pcm, N);
  g_assert_cmpint(memcmp(before, pcm, sizeof pcm), ==, 0);
  hear_some(&relevel);
  wzp_relevel_lost(&relevel, 5);
  for (unsigned i = 0; i < 10; i++) {
    memcpy(pcm, before, sizeof pcm);
    wzp_relevel_frame(&relevel, pcm, N);
    g_assert_cmpint(memcmp(before, pcm, sizeof pcm), ==, 0);
  }
}

/* Where frames are lost all the time the usual level is learnt all the same; what was heard first does not stay it. */
static void
test_often(void)
{
  WzpRelevel relevel = {0};
  int16_t pcm[N];
  double off = 0;
  make(pcm, -30);
  wzp_relevel_frame(&relevel, pcm, N);
  for (unsigned i = 0; i < 200; i++) {
    const double sent = g_test_rand_double_range(-5, 5);
    make(pcm, sent);
    if (i % 4 == 0)
      wzp_relevel_lost(&relevel, 1);
    const double before = level_db(pcm);
    wzp_relevel_frame(&relevel, pcm, N);
    off += i >= 100 ? (level_db(pcm) - before) / 100 : 0;
  }
  g_assert_cmpfloat(fabs(off), <, 2);
}

static void
test_any(void)
{
  WzpRelevel relevel = {0};
  for (unsigned i = 0; i < 1000; i++) {
    int16_t pcm[N];
    const double db = g_test_rand_double_range(-100, 40);
    make(pcm, db);
    if (g_test_rand_bit())
      wzp_relevel_lost(&relevel, (float)g_test_rand_double_range(0.01, 50));
    wzp_relevel_frame(&relevel, pcm, N);
    g_assert_true(isfinite(relevel.offset) && isfinite(relevel.gain));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relevel/offset", test_offset);
  g_test_add_func("/relevel/length", test_length);
  g_test_add_func("/relevel/pause", test_pause);
  g_test_add_func("/relevel/often", test_often);
  g_test_add_func("/relevel/any", test_any);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/lead-in.h"
#include "test-util.h"
#include "wzp/waveform.h"
#include <math.h>
#include <string.h>

#define RATE WZP_LEAD_IN_RATE
#define FRAME (RATE / 50)

static double
level(const int16_t *pcm, unsigned n)
{
  return sqrt(wzp_waveform_power(pcm, n));
}

static int16_t
vowel(unsigned hz, int at)
{
  const double t = 2 * G_PI * hz * at / RATE;
  return (int16_t)(4000 * sin(t) + 2500 * sin(2 * t + 1) + 1500 * sin(3 * t + 2));
}

/* Before a voice is that voice, at its pitch, and it runs into it without a step. */
static void
test_voice(void)
{
  for (unsigned hz = 110; hz <= 380; hz += 27) {
    WzpLeadIn lead_in = {0};
    int16_t speech[FRAME], gap[3 * FRAME] = {0};
    for (int i = 0; i < FRAME; i++)
      speech[i] = vowel(hz, i);
    wzp_lead_in_begin(&lead_in, speech, FRAME, 3 * FRAME);
    for (unsigned at = 0; at < 3 * FRAME; at += 120) /* in pieces, as gaps come */
      wzp_lead_in_mix(&lead_in, gap + at, 120);
    double off = 0;
    for (int i = 0; i < FRAME; i++) {
      const double miss = gap[2 * FRAME + i] - vowel(hz, i - FRAME);
      off += miss * miss;
    }
    g_assert_cmpfloat(sqrt(off / FRAME), <, level(speech, FRAME) / 5);
    g_assert_cmpint(ABS(gap[0]), <, 100); /* it fades in */
    g_assert_cmpfloat(wzp_lead_in_share(&lead_in), >=, 1);
    wzp_lead_in_end(&lead_in, speech, FRAME);
    g_assert_cmpint(ABS(speech[0] - gap[3 * FRAME - 1]), <, 2500);
    for (int i = 0; i < FRAME; i++)
      g_assert_cmpint(ABS(speech[i] - vowel(hz, i)), <=, i < WZP_LEAD_IN_OVERLAP ? 200 : 0);
    g_assert_cmpfloat(wzp_lead_in_share(&lead_in), ==, 0);
  }
}

/* Before noise is noise as loud, and while the two fade the whole is no louder or softer. */
static void
test_noise(void)
{
  WzpLeadIn lead_in = {0};
  int16_t speech[2 * FRAME], gap[WZP_LEAD_IN_MAX];
  for (unsigned i = 0; i < G_N_ELEMENTS(speech); i++)
    speech[i] = (int16_t)g_test_rand_int_range(-3000, 3000);
  for (unsigned i = 0; i < G_N_ELEMENTS(gap); i++)
    gap[i] = (int16_t)g_test_rand_int_range(-3000, 3000);
  wzp_lead_in_begin(&lead_in, speech, G_N_ELEMENTS(speech), WZP_LEAD_IN_MAX);
  wzp_lead_in_mix(&lead_in, gap, WZP_LEAD_IN_MAX);
  for (unsigned at = 0; at < WZP_LEAD_IN_MAX; at += FRAME / 2) {
    g_assert_cmpfloat(level(gap + at, FRAME / 2), >, level(speech, FRAME) * 0.75);
    g_assert_cmpfloat(level(gap + at, FRAME / 2), <, level(speech, FRAME) * 1.33);
  }
  g_assert_cmpint(gap[WZP_LEAD_IN_MAX - 1], ==, speech[0]); /* its mirror image */
}

/* The largest step from one sample to the next. */
static int
step(const int16_t *pcm, unsigned n)
{
  int most = 0;
  for (unsigned i = 1; i < n; i++)
    most = MAX(most, ABS(pcm[i] - pcm[i - 1]));
  return most;
}

/* Half a voice, half hiss: nowhere is a step that the sound itself has not. The speech comes in time, a little or much later,
 * or something else sooner. */
static void
test_joins(void)
{
  const unsigned gaps[] = {3 * FRAME, 3 * FRAME - 10, 3 * FRAME + 100, 5 * FRAME, FRAME, FRAME / 2};
  for (unsigned round = 0; round < 40; round++)
    for (unsigned which = 0; which < G_N_ELEMENTS(gaps); which++) {
      const unsigned gap = gaps[which];
      const double hiss = g_test_rand_double_range(0, 1);
      WzpLeadIn lead_in = {0};
      int16_t sound[6 * FRAME] = {0}, speech[FRAME];
      double low = 0;
      for (int i = 0; i < FRAME; i++) {
        low += 0.3 * (g_test_rand_double_range(-8000, 8000) - low);
        speech[i] = (int16_t)(vowel(200, i) * (1 - hiss) + low * hiss);
      }
      const bool sooner = gap < 2 * FRAME;
      const int most = step(speech, FRAME);
      wzp_lead_in_begin(&lead_in, speech, FRAME, 3 * FRAME);
      wzp_lead_in_mix(&lead_in, sound, gap);
      if (!sooner)
        memcpy(sound + gap, speech, sizeof speech);
      wzp_lead_in_end(&lead_in, sound + gap, FRAME);
      /* a gap that ends later leaves nothing of it, and the speech begins as it does */
      const unsigned judged = gap > 3 * FRAME ? gap : gap + FRAME;
      g_assert_cmpint(step(sound, judged), <=, most + most / 2 + 100);
      if (gap > 4 * FRAME)
        g_assert_cmpfloat(level(sound + 4 * FRAME, FRAME), ==, 0);
    }
}

/* What comes instead is left as it is. */
static void
test_left(void)
{
  WzpLeadIn lead_in = {0};
  int16_t speech[FRAME], other[FRAME], gap[FRAME] = {0};
  for (int i = 0; i < FRAME; i++) {
    speech[i] = vowel(200, i);
    other[i] = 77;
  }
  wzp_lead_in_begin(&lead_in, speech, FRAME, FRAME);
  wzp_lead_in_mix(&lead_in, gap, FRAME);
  g_assert_cmpfloat(level(gap, FRAME), >, 0);
  wzp_lead_in_leave(&lead_in);
  wzp_lead_in_end(&lead_in, other, FRAME);
  wzp_lead_in_mix(&lead_in, other, FRAME);
  for (int i = 0; i < FRAME; i++)
    g_assert_cmpint(other[i], ==, 77);
}

/* Any sound of any length, the loudest too. */
static void
test_any(void)
{
  for (unsigned round = 0; round < 200; round++) {
    WzpLeadIn lead_in = {0};
    int16_t speech[2880], gap[WZP_LEAD_IN_MAX];
    const unsigned n = (unsigned)g_test_rand_int_range(WZP_LEAD_IN_SPEECH_MIN, 2881);
    const unsigned ahead = (unsigned)g_test_rand_int_range(1, WZP_LEAD_IN_MAX + 1);
    const int kind = g_test_rand_int_range(0, 3);
    for (unsigned i = 0; i < n; i++)
      speech[i] = (int16_t)(kind == 0   ? 0
                            : kind == 1 ? g_test_rand_int_range(-32768, 32768)
                                        : (i / 100 % 2 == 0 ? 32767 : -32768));
    for (unsigned i = 0; i < WZP_LEAD_IN_MAX; i++)
      gap[i] = (int16_t)g_test_rand_int_range(-32768, 32768);
    wzp_lead_in_begin(&lead_in, speech, n, ahead);
    wzp_lead_in_mix(&lead_in, gap, (unsigned)g_test_rand_int_range(0, WZP_LEAD_IN_MAX + 1));
    wzp_lead_in_end(&lead_in, speech, n);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/lead-in/voice", test_voice);
  g_test_add_func("/lead-in/noise", test_noise);
  g_test_add_func("/lead-in/joins", test_joins);
  g_test_add_func("/lead-in/left", test_left);
  g_test_add_func("/lead-in/any", test_any);
  return g_test_run();
}

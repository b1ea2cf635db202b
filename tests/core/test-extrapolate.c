/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/extrapolate.h"
#include "test-util.h"
#include "wzp/waveform.h"
#include <math.h>

#define N 800

static double
level(const int16_t *pcm, unsigned n)
{
  return sqrt(wzp_waveform_power(pcm, n));
}

/* A periodic sound goes on at its pitch and without a step, and dies away. */
static void
test_periodic(void)
{
  for (unsigned hz = 60; hz <= 380; hz += 20) {
    WzpExtrapolator extrapolator = {0};
    int16_t pcm[N], made[WZP_EXTRAPOLATE_FADE + 160];
    for (unsigned i = 0; i < N; i++) {
      double t = 2 * G_PI * hz * i / 8000;
      pcm[i] = (int16_t)(4000 * sin(t) + 2500 * sin(2 * t + 1) + 1500 * sin(3 * t + 2));
    }
    wzp_extrapolator_hear(&extrapolator, pcm, N);
    for (unsigned at = 0; at < G_N_ELEMENTS(made); at += 20)
      wzp_extrapolator_make(&extrapolator, made + at, 20);
    double t = 2 * G_PI * hz * N / 8000;
    double next = 4000 * sin(t) + 2500 * sin(2 * t + 1) + 1500 * sin(3 * t + 2);
    g_assert_cmpfloat(fabs(made[0] - next), <, 1500);
    /* the first period is what would have come */
    double off = 0;
    unsigned period = 8000 / hz;
    for (unsigned i = 0; i < period; i++) {
      t = 2 * G_PI * hz * (N + i) / 8000;
      next = 4000 * sin(t) + 2500 * sin(2 * t + 1) + 1500 * sin(3 * t + 2);
      off += (made[i] - next) * (made[i] - next);
    }
    g_assert_cmpfloat(sqrt(off / period), <, level(pcm, N) / 2);
    g_assert_cmpfloat(level(made, 160), >, level(pcm, N) / 2);
    g_assert_cmpfloat(level(made + WZP_EXTRAPOLATE_FADE, 160), <, 1);
  }
}

/* Noise goes on as noise: as loud, and not the same again. */
static void
test_noise(void)
{
  WzpExtrapolator extrapolator = {0};
  int16_t pcm[N], made[480];
  for (unsigned i = 0; i < N; i++)
    pcm[i] = (int16_t)g_test_rand_int_range(-3000, 3000);
  wzp_extrapolator_hear(&extrapolator, pcm, N);
  wzp_extrapolator_make(&extrapolator, made, 480);
  g_assert_cmpfloat(level(made, 120), >, level(pcm, N) / 3);
  g_assert_cmpfloat(level(made, 120), <, level(pcm, N) * 2);
  double same = 0;
  for (unsigned lag = 20; lag <= 160; lag++) {
    double sum = 0, own = 0;
    for (unsigned i = 0; i < 240; i++) {
      sum += made[i] * made[i + lag];
      own += made[i] * made[i];
    }
    same = MAX(same, sum / own);
  }
  g_assert_cmpfloat(same, <, 0.7);
}

/* Whatever came before, even the loudest: nothing overflows, and silence stays silent. */
static void
test_extremes(void)
{
  for (unsigned kind = 0; kind < 200; kind++) {
    WzpExtrapolator extrapolator = {0};
    int16_t pcm[WZP_EXTRAPOLATE_HISTORY * 2], made[2000];
    unsigned n = (unsigned)g_test_rand_int_range(1, G_N_ELEMENTS(pcm));
    for (unsigned i = 0; i < n; i++)
      pcm[i] = kind == 0                    ? 0
               : kind % 3 == 0              ? (i / kind % 2 ? INT16_MAX : INT16_MIN)
               : g_test_rand_int() % 9 == 0 ? (int16_t)g_test_rand_int()
                                            : 0;
    wzp_extrapolator_hear(&extrapolator, pcm, n);
    wzp_extrapolator_make(&extrapolator, made, 2000);
    g_assert_cmpfloat(level(made + 1500, 500), <, 1);
    if (kind == 0)
      g_assert_cmpfloat(level(made, 2000), <, 2);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/extrapolate/periodic", test_periodic);
  g_test_add_func("/extrapolate/noise", test_noise);
  g_test_add_func("/extrapolate/extremes", test_extremes);
  return g_test_run();
}

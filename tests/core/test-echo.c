/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/echo.h"
#include "sound.h"
#include "test-util.h"
#include "tests/tools/echo-room.h"

/* What is played sounds like speech to the filter: syllables of noise and of vowels, with pauses. Seeds are fixed: it is the
 * figure that is tested. */

#define RATE 48000
#define FRAME WZP_ECHO_SAMPLES
#define FRAME_NS 10000000

typedef struct {
  gsize n;
  double *played, *spoken, *heard, *out; /* in the range of 16 bits */
} Scene;

static void
talk(double *x, gsize n, guint32 seed, double level)
{
  GRand *random = g_rand_new_with_seed(seed);
  SoundRoom noise;
  sound_room_init(&noise, random, level, 1500);
  for (gsize at = 0; at < n;) {
    gsize length = (gsize)g_rand_int_range(random, RATE / 12, RATE / 3);
    gboolean voiced = g_rand_double(random) < 0.6, pause = g_rand_double(random) < 0.2;
    double pitch = 90 + 60 * g_rand_double(random), phase = 0;
    for (gsize i = 0; i < length && at < n; i++, at++) {
      double shape = sin(G_PI * (double)i / (double)length),
             y = sound_room_next(&noise) * (voiced ? .15 : 1);
      phase += pitch / RATE * (1 + 0.2 * shape);
      for (guint k = 1; voiced && k <= 8; k++)
        y += sin(2 * G_PI * k * phase + k) / k * pow(10, level / 20) * 32768;
      x[at] = pause ? 0 : y * shape;
    }
  }
  g_rand_free(random);
}

static Scene *
scene_new(guint seconds, const EchoRoom *room, gsize speech_from)
{
  Scene *scene = g_new0(Scene, 1);
  gsize n = scene->n = (gsize)seconds * RATE;
  scene->played = g_new0(double, n);
  scene->spoken = g_new0(double, n);
  scene->heard = g_new0(double, n);
  scene->out = g_new0(double, n);
  talk(scene->played, n, room->seed, -20);
  if (speech_from < n)
    talk(scene->spoken + speech_from, n - speech_from, room->seed + 1, -20);
  echo_room_add(room, scene->played, scene->heard, n);
  GRand *random = g_rand_new_with_seed(room->seed + 2);
  for (gsize i = 0; i < n; i++)
    scene->heard[i] += scene->spoken[i] + 8 * sound_gauss(random);
  g_rand_free(random);
  return scene;
}

static void
scene_free(Scene *scene)
{
  g_free(scene->played);
  g_free(scene->spoken);
  g_free(scene->heard);
  g_free(scene->out);
  g_free(scene);
}

static double
level_of(const double *x, gsize from, gsize to)
{
  double sum = 1e-9;
  for (gsize i = from; i < to; i++)
    sum += x[i] * x[i];
  return 10 * log10(sum / (double)(to - from)) - 20 * log10(32768);
}

static void
frame_of(gint16 pcm[FRAME], const double *x, gsize at)
{
  for (guint i = 0; i < FRAME; i++)
    pcm[i] = sound_sample(x[at + i]);
}

/* Plays two frames ahead of what is heard. far_ns, near_ns: added to the times of either; jitter: of them, at most. */
static void
run(WzpEcho *echo, Scene *scene, gint64 start, gint64 jitter)
{
  GRand *random = g_rand_new_with_seed(9);
  gint16 far[FRAME], near[FRAME];
  for (gsize at = 0; at + FRAME <= scene->n; at += FRAME) {
    gint64 time = start + (gint64)(at / FRAME) * FRAME_NS;
    gint64 off = jitter > 0 ? g_rand_int_range(random, (gint32)-jitter, (gint32)jitter) : 0;
    frame_of(far, scene->played, at);
    wzp_echo_play(echo, time + off, far, FRAME);
    if (at < 2 * FRAME)
      continue;
    off = jitter > 0 ? g_rand_int_range(random, (gint32)-jitter, (gint32)jitter) : 0;
    frame_of(near, scene->heard, at - 2 * FRAME);
    wzp_echo_hear(echo, time - 2 * FRAME_NS + off, near, near);
    for (guint i = 0; at >= 3 * FRAME && i < FRAME; i++)
      scene->out[at - 3 * FRAME + i] = near[i];
  }
  g_rand_free(random);
}

static double
erle(const Scene *scene, double from, double to)
{
  gsize a = (gsize)(from * RATE), b = (gsize)(to * RATE);
  return level_of(scene->heard, a, b) - level_of(scene->out, a, b);
}

static const EchoRoom near_wall = {30, 90, 6, 11}, far_wall = {150, 90, 9, 12};

static void
test_reduction(void)
{
  static const struct {
    const EchoRoom *room;
    gint64 jitter, start;
    guint realigned;
  } cases[] = {
      {&near_wall, 0, 0, 0},
      {&near_wall, 2000000, G_GINT64_CONSTANT(3600000000000000),
       0},                   /* times that jitter; after 1000 hours */
      {&far_wall, 0, 77, 1}, /* beyond the filter */
  };
  for (guint n = 0; n < G_N_ELEMENTS(cases); n++) {
    WzpEcho *echo = wzp_echo_new();
    WzpEchoState state;
    Scene *scene = scene_new(n == 2 ? 8 : 6, cases[n].room, G_MAXSIZE);
    run(echo, scene, cases[n].start, cases[n].jitter);
    wzp_echo_get_state(echo, &state);
    double left = erle(scene, n == 2 ? 5 : 3, n == 2 ? 7.9 : 5.9);
    g_test_message("case %u: ERLE %.1f dB, said to be %.1f; late %d ms", n, left,
                   (double)state.reduction_db, state.late_ms);
    g_assert_cmpfloat(left, >, 25);
    g_assert_cmpfloat(state.reduction_db, >, 20);
    g_assert_cmpuint(state.realigned, ==, cases[n].realigned);
    scene_free(scene);
    wzp_echo_free(echo);
  }
}

/* Somebody speaks here while the other one does: that is heard. */
static void
test_two_at_once(void)
{
  WzpEcho *echo = wzp_echo_new();
  Scene *scene = scene_new(8, &near_wall, 4 * RATE);
  run(echo, scene, 0, 0);
  double spoken = level_of(scene->spoken, 5 * RATE, 7 * RATE);
  double out = level_of(scene->out, 5 * RATE, 7 * RATE);
  g_test_message("spoken %.1f dB, came out %.1f dB", spoken, out);
  g_assert_cmpfloat(fabs(out - spoken), <, 2);
  scene_free(scene);
  wzp_echo_free(echo);
}

/* Nothing is played, or never what is heard: it goes through. */
static void
test_untouched(void)
{
  for (guint n = 0; n < 2; n++) {
    const EchoRoom deaf = {30, 10, 150, 13};
    WzpEcho *echo = wzp_echo_new();
    Scene *scene = scene_new(5, &deaf, 0);
    if (n == 0)
      memset(scene->played, 0, scene->n * sizeof *scene->played);
    run(echo, scene, 0, 0);
    double in = level_of(scene->heard, RATE, 4 * RATE);
    double out = level_of(scene->out, RATE, 4 * RATE);
    g_test_message("%s: %.1f dB in, %.1f dB out", n == 0 ? "silence" : "no echo", in, out);
    g_assert_cmpfloat(fabs(out - in), <, 2.5); /* the filter takes away what is below 60 Hz */
    scene_free(scene);
    wzp_echo_free(echo);
  }
}

/* The far end pauses and goes on, its time with it; the room is still known. Then all is forgotten. */
static void
test_pauses(void)
{
  WzpEcho *echo = wzp_echo_new();
  Scene *scene = scene_new(6, &near_wall, G_MAXSIZE);
  gint16 nothing[FRAME] = {0};
  run(echo, scene, 0, 0);
  for (guint i = 0; i < 300; i++) /* nothing is said to be played */
    wzp_echo_hear(echo, 6000000000 + i * (gint64)FRAME_NS, nothing, nothing);
  run(echo, scene, 9000000000, 0);
  g_assert_cmpfloat(erle(scene, 0.5, 5.9), >, 25);
  wzp_echo_reset(echo);
  WzpEchoState state;
  wzp_echo_get_state(echo, &state);
  g_assert_cmpfloat(state.reduction_db, ==, 0);
  run(echo, scene, 0, 0);
  g_assert_cmpfloat(erle(scene, 3, 5.9), >, 25);
  scene_free(scene);
  wzp_echo_free(echo);
}

/* Times that make no sense are of no harm. */
static void
test_times(void)
{
  static const gint64 times[] = {G_MAXINT64, G_MININT64, 0, -1, 1, 5000000000, G_MAXINT64 / 2};
  WzpEcho *echo = wzp_echo_new();
  gint16 pcm[FRAME] = {1, 2, 3};
  for (guint i = 0; i < 500; i++) {
    wzp_echo_play(echo, times[g_test_rand_int_range(0, G_N_ELEMENTS(times))], pcm, FRAME);
    wzp_echo_hear(echo, times[g_test_rand_int_range(0, G_N_ELEMENTS(times))], pcm, pcm);
  }
  wzp_echo_free(echo);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/echo/reduction", test_reduction);
  g_test_add_func("/echo/two-at-once", test_two_at_once);
  g_test_add_func("/echo/untouched", test_untouched);
  g_test_add_func("/echo/pauses", test_pauses);
  g_test_add_func("/echo/times", test_times);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/talk.h"
#include "sound.h"
#include "test-util.h"

#define FRAME WZP_VAD_SAMPLES
#define TALK 50   /* frames of speech, */
#define PAUSE 100 /* and of silence behind it */
#define CYCLE (TALK + PAUSE)

typedef struct {
  WzpTalk *talk;
  SoundRoom room;
  GRand *random;
  unsigned frames, out;
  bool sent[4096];
  unsigned n_comfort, n_silent, n_starts;
  WzpTalkAction last;
} Line;

static void
line_init(Line *line, double room_level)
{
  *line = (Line){.talk = wzp_talk_new(), .random = g_rand_new_with_seed(g_test_rand_int())};
  sound_room_init(&line->room, line->random, room_level, 300);
}

static void
line_clear(Line *line)
{
  wzp_talk_free(line->talk);
  g_rand_free(line->random);
}

static void
take(Line *line)
{
  WzpTalkOutput output;
  while (wzp_talk_next(line->talk, &output)) {
    g_assert_true(output.samples == FRAME || output.samples == 2 * FRAME);
    unsigned n = output.samples / FRAME;
    for (unsigned i = 0; i < n; i++)
      line->sent[line->out++] = output.action == WZP_TALK_SEND;
    line->n_comfort += output.action == WZP_TALK_COMFORT;
    line->n_silent += output.action == WZP_TALK_SILENT;
    if (output.start)
      line->n_starts++;
    line->last = output.action;
  }
}

static bool
is_speech(unsigned frame)
{
  return frame >= PAUSE / 2 && (frame - PAUSE / 2) % CYCLE < TALK;
}

/* Frames of `n` times 20 ms. */
static void
hear(Line *line, unsigned n, bool speech, double level)
{
  int16_t pcm[2 * FRAME];
  for (unsigned i = 0; i < n * FRAME; i++) {
    double x = sound_room_next(&line->room);
    if (speech)
      x += sound_vowel(level, (guint64)line->frames * FRAME + i);
    pcm[i] = sound_sample(x);
  }
  line->frames += n;
  wzp_talk_frame(line->talk, pcm, n * FRAME);
  take(line);
}

typedef struct {
  const char *name;
  double room;
  unsigned n;
} Room;

static const Room rooms[] = {
    {"silent", -120, 1}, {"quiet", -65, 1}, {"noisy", -45, 1}, {"quiet-40-ms", -65, 2}};

/* In every room: all speech is sent, with what comes shortly before, and most silence is not. */
static void
test_rooms(gconstpointer data)
{
  const Room *room = data;
  Line line;
  line_init(&line, room->room);
  while (line.frames < PAUSE / 2 + 5 * CYCLE)
    hear(&line, room->n, is_speech(line.frames), -26);
  wzp_talk_drain(line.talk);
  take(&line);
  g_assert_cmpuint(line.out, ==, line.frames); /* each came out, as something */
  unsigned unsent = 0, cut = 0;
  for (unsigned k = 0; k < line.out; k++) {
    unsent += !line.sent[k];
    cut += is_speech(k) && !line.sent[k];
  }
  g_test_message("%u of %u frames not sent, %u cut, %u descriptors", unsent, line.out, cut,
                 line.n_comfort);
  g_assert_cmpuint(cut, ==, 0);
  g_assert_cmpuint(unsent, >, 5 * (PAUSE - 20));
  /* two frames before each word, or one where noise hides its first frame; and behind it */
  unsigned before = 0;
  for (unsigned word = 0; word < 5; word++) {
    unsigned begin = PAUSE / 2 + word * CYCLE;
    before += line.sent[begin - 1] + line.sent[begin - 2];
    g_assert_true(line.sent[begin + TALK] && line.sent[begin + TALK + 3]);
  }
  g_assert_cmpuint(before, >=, 8);
  g_assert_cmpuint(line.n_starts, >=, 5);  /* a loud room is learnt by the first word */
  g_assert_cmpuint(line.n_starts, <=, 10); /* and noise is taken for speech now and then */
  /* at the start of each silence, and the same again only each 1.6 s */
  g_assert_cmpuint(line.n_comfort, >=, 5);
  g_assert_cmpuint(line.n_comfort, <=, 30);
  line_clear(&line);
}

/* A room that becomes louder is learnt; until then it is sent. */
static void
test_louder_room(void)
{
  Line line;
  line_init(&line, -65);
  for (unsigned k = 0; k < 100; k++)
    hear(&line, 1, false, 0);
  g_assert_cmpint(line.last, !=, WZP_TALK_SEND);
  sound_room_init(&line.room, line.random, -42, 300);
  for (unsigned k = 0; k < 10; k++)
    hear(&line, 1, false, 0);
  g_assert_cmpint(line.last, ==, WZP_TALK_SEND);
  unsigned sent = 0; /* of the third second: noise is taken for speech now and then */
  for (unsigned k = 0; k < 150; k++) {
    hear(&line, 1, false, 0);
    sent += k >= 100 && line.last == WZP_TALK_SEND;
  }
  g_assert_cmpuint(sent, <=, 15);
  line_clear(&line);
}

/* What is periodic and loud is never the room, however long it lasts: a held tone is sent. */
static void
test_held_tone(void)
{
  Line line;
  line_init(&line, -65);
  for (unsigned k = 0; k < 400; k++)
    hear(&line, 1, true, -30);
  g_assert_cmpuint(line.n_comfort + line.n_silent, ==, 0);
  line_clear(&line);
}

/* At a constant rate nothing is left out; switched on and off in between, no frame is lost or out of turn. */
static void
test_constant_rate(void)
{
  Line line;
  line_init(&line, -65);
  wzp_talk_set_suppression(line.talk, false);
  for (unsigned k = 0; k < 200; k++)
    hear(&line, 1, false, 0);
  g_assert_cmpuint(line.n_comfort + line.n_silent, ==, 0);
  g_assert_cmpuint(line.out, ==, 200);
  for (unsigned k = 0; k < 400; k++) {
    wzp_talk_set_suppression(line.talk, k / 70 % 2 == 0);
    hear(&line, 1, false, 0);
  }
  wzp_talk_drain(line.talk);
  take(&line);
  g_assert_cmpuint(line.out, ==, line.frames);
  g_assert_cmpuint(line.n_silent, >, 0);
  line_clear(&line);
}

/* How often the room is described: at once, then as asked for when it changes, else four times more rarely. */
static void
test_interval(void)
{
  Line line;
  line_init(&line, -60);
  wzp_talk_set_interval(line.talk, 400);
  for (unsigned k = 0; k < 60; k++)
    hear(&line, 1, false, 0);
  unsigned before = line.n_comfort;
  g_assert_cmpuint(before, >=, 1);
  for (unsigned k = 0; k < 400; k++) /* 8 s */
    hear(&line, 1, false, 0);
  g_assert_cmpuint(line.n_comfort - before, >=, 5);
  g_assert_cmpuint(line.n_comfort - before, <=, 14);
  wzp_talk_set_interval(line.talk, 1200);
  before = line.n_comfort;
  for (unsigned k = 0; k < 500; k++)
    hear(&line, 1, false, 0);
  g_assert_cmpuint(line.n_comfort - before, >=, 1);
  g_assert_cmpuint(line.n_comfort - before, <=, 10);
  line_clear(&line);
}

/* What is described is the room: its level within 3 dB, through speech and all. */
static void
test_description(void)
{
  for (double level = -70; level <= -40; level += 10) {
    Line line;
    line_init(&line, level);
    while (line.frames < PAUSE / 2 + 3 * CYCLE)
      hear(&line, 1, is_speech(line.frames), -26);
    double sum = 0;
    for (unsigned b = 0; b < WZP_NOISE_BANDS; b++)
      sum += wzp_talk_room(line.talk)->power[b];
    /* of this room a ninth lies below the lowest band */
    g_assert_cmpfloat(fabs(10 * log10(sum) - level), <, 3);
    line_clear(&line);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(rooms); i++) {
    g_autofree char *path = g_strdup_printf("/talk/room/%s", rooms[i].name);
    g_test_add_data_func(path, &rooms[i], test_rooms);
  }
  g_test_add_func("/talk/louder-room", test_louder_room);
  g_test_add_func("/talk/held-tone", test_held_tone);
  g_test_add_func("/talk/constant-rate", test_constant_rate);
  g_test_add_func("/talk/interval", test_interval);
  g_test_add_func("/talk/description", test_description);
  return g_test_run();
}

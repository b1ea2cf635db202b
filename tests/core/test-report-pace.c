/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/listeners.h"
#include "wzp/report-pace.h"
#include "test-util.h"

#define TICK (20 * WZP_MSEC)
#define VOICE 100    /* bytes of a packet of 24 kbit/s with some repair, from header to tag */
#define BELOW_UDP 28 /* IP and UDP */

/* --- one listener --- */

static void
hear_voices(WzpReportPace *pace, WzpTime from, WzpTime until, unsigned talkers)
{
  for (WzpTime now = from; now < until; now += TICK)
    for (unsigned n = 0; n < talkers; n++)
      wzp_report_pace_media(pace, now, VOICE);
}

/* In a call of two nobody waits. */
static void
test_two(void)
{
  WzpReportPace *pace = wzp_report_pace_new(0.9);
  hear_voices(pace, 0, WZP_SECOND, 1);
  for (WzpTime now = WZP_SECOND; now < 2 * WZP_SECOND; now += WZP_MSEC) {
    g_assert_cmpint(wzp_report_pace_next(pace, now, 1), ==, now);
    wzp_report_pace_turn(pace, now);
  }
  wzp_report_pace_free(pace);
}

/* All together: a twentieth of what is said, whatever that is and however many they are. */
static void
test_share(void)
{
  for (unsigned talkers = 1; talkers <= 16; talkers *= 4) {
    WzpReportPace *pace = wzp_report_pace_new(0.5);
    double said = talkers * 50.0 * (VOICE + BELOW_UDP);
    double packet = BELOW_UDP + 12 + 16 + talkers * (double)WZP_REPORT_ELEMENT_SIZE;
    hear_voices(pace, 0, 30 * WZP_SECOND, talkers);
    for (unsigned members = 3; members <= 64; members++) {
      wzp_report_pace_set_members(pace, members);
      double interval = (double)wzp_report_pace_interval(pace, talkers) / (double)WZP_SECOND;
      if (interval < 15)
        g_assert_cmpfloat_with_epsilon(members * packet / interval / said, 0.05, 0.001);
      g_assert_cmpfloat(interval, <=, 15);
    }
    wzp_report_pace_free(pace);
  }
}

/* Before something was said, and after a silence, the turns are those of a voice, not of nothing. */
static void
test_silence(void)
{
  WzpReportPace *pace = wzp_report_pace_new(0.5);
  wzp_report_pace_set_members(pace, 5);
  WzpTime at_first = wzp_report_pace_interval(pace, 1);
  g_assert_cmpint(at_first, >, WZP_SECOND / 2);
  g_assert_cmpint(at_first, <, 2 * WZP_SECOND);
  hear_voices(pace, 0, 30 * WZP_SECOND, 1);
  WzpTime talking = wzp_report_pace_interval(pace, 1);
  wzp_report_pace_media(pace, 1000 * WZP_SECOND, VOICE);
  g_assert_cmpint(ABS(wzp_report_pace_interval(pace, 1) - talking), <, talking / 10);
  wzp_report_pace_media(pace, 999 * WZP_SECOND, VOICE); /* time that goes back is none */
  g_assert_cmpint(ABS(wzp_report_pace_interval(pace, 1) - talking), <, talking / 10);
  wzp_report_pace_free(pace);
}

/* After a pause each waits for another part of a turn; while it goes on, for a whole one. */
static void
test_phase(void)
{
  for (unsigned n = 0; n < 10; n++) {
    WzpReportPace *pace = wzp_report_pace_new(n / 10.0);
    wzp_report_pace_set_members(pace, 10);
    WzpTime interval = wzp_report_pace_interval(pace, 1);
    WzpTime first = wzp_report_pace_next(pace, 0, 1);
    g_assert_cmpint(ABS(first - interval * n / 10), <=, 1);
    wzp_report_pace_turn(pace, first);
    g_assert_cmpint(wzp_report_pace_next(pace, first + 1, 1), ==, first + interval);
    WzpTime later = first + 3 * interval;
    g_assert_cmpint(ABS(wzp_report_pace_next(pace, later, 1) - later - interval * n / 10), <=, 1);
    wzp_report_pace_free(pace);
  }
}

/* --- a room --- */

#define MEMBERS 64
#define TALKERS 16 /* the first ones */
#define SECONDS 25
#define WEAK 40 /* a member that loses more than the others */

typedef struct {
  double loss;
  WzpReportPace *pace;
  WzpReception *heard[TALKERS];
  bool waits[TALKERS];
  WzpReport waiting[TALKERS];
  WzpTime since;
  unsigned n_waiting, posted, turns, bytes;
} Member;

typedef struct {
  TestRandom random;
  Member members[MEMBERS];
  WzpListeners listeners[TALKERS]; /* what each talker knows */
  WzpTime of_weak[TALKERS], longest[TALKERS];
  unsigned busiest, in_second; /* packets with reports */
} Room;

static bool
gets_lost(Room *room, double loss)
{
  return test_random_below(&room->random, 10000) < loss * 10000;
}

/* What wzp_session and wzpfec do with a report that is due. */
static void
post(Member *member, WzpTime now, const WzpReport *report)
{
  wzp_report_pace_own(member->pace, now, report);
  if (member->n_waiting == 0)
    member->since = now;
  member->n_waiting += !member->waits[report->slot];
  member->waits[report->slot] = true;
  member->waiting[report->slot] = *report;
  member->posted++;
}

static void
arrive(Room *room, WzpTime now, unsigned from, unsigned to, const WzpReport *report)
{
  if (report->slot != to) {
    wzp_report_pace_heard(room->members[to].pace, now, (uint8_t)from, report);
    return;
  }
  wzp_listeners_report(&room->listeners[to], now, (uint8_t)from, report);
  if (from == WEAK) {
    room->longest[to] = MAX(room->longest[to], now - room->of_weak[to]);
    room->of_weak[to] = now;
  }
}

static void
take_turn(Room *room, WzpTime now, unsigned n)
{
  Member *member = &room->members[n];
  if (member->n_waiting == 0 ||
      now < wzp_report_pace_next(member->pace, member->since, member->n_waiting))
    return;
  wzp_report_pace_turn(member->pace, now);
  for (unsigned to = 0; to < MEMBERS; to++) {
    if (to == n || gets_lost(room, room->members[to].loss))
      continue;
    for (unsigned slot = 0; slot < TALKERS; slot++)
      if (member->waits[slot])
        arrive(room, now, n, to, &member->waiting[slot]);
  }
  member->turns++;
  member->bytes +=
      member->n_waiting * WZP_REPORT_ELEMENT_SIZE + (n < TALKERS ? 0 : BELOW_UDP + 12 + 16);
  room->in_second += n < TALKERS ? 0 : 1; /* who talks has packets that take them along */
  member->n_waiting = 0;
  memset(member->waits, 0, sizeof member->waits);
}

static void
run_tick(Room *room, uint64_t tick)
{
  WzpTime now = (WzpTime)tick * TICK;
  for (unsigned n = 0; n < MEMBERS; n++) {
    Member *member = &room->members[n];
    for (uint8_t slot = 0; slot < TALKERS; slot++) {
      WzpReport report;
      if (slot == n || gets_lost(room, member->loss))
        continue;
      wzp_report_pace_media(member->pace, now, VOICE);
      wzp_reception_packet(member->heard[slot], now, tick);
      if (wzp_reception_report(member->heard[slot], now, &report)) {
        report.slot = slot;
        post(member, now, &report);
      }
    }
    take_turn(room, now, n);
  }
  if (tick % 50 == 49) {
    if (tick > 500) /* in the first ten seconds all is new */
      room->busiest = MAX(room->busiest, room->in_second);
    room->in_second = 0;
  }
}

static void
test_room(gconstpointer weak_loss)
{
  Room *room = g_new0(Room, 1);
  unsigned posted = 0, turns = 0, bytes = 0, seconds = SECONDS;
  test_random_init(&room->random);
  for (unsigned n = 0; n < MEMBERS; n++) {
    room->members[n].loss = n == WEAK ? *(const double *)weak_loss : 0.05;
    room->members[n].pace = wzp_report_pace_new((n * 29 % MEMBERS) / (double)MEMBERS);
    wzp_report_pace_set_members(room->members[n].pace, MEMBERS);
    for (unsigned slot = 0; slot < TALKERS; slot++)
      room->members[n].heard[slot] = wzp_reception_new();
  }
  for (uint64_t tick = 0; tick < seconds * 50; tick++)
    run_tick(room, tick);
  for (unsigned n = 0; n < MEMBERS; n++) {
    posted += n < TALKERS ? 0 : room->members[n].posted;
    turns += n < TALKERS ? 0 : room->members[n].turns;
    bytes += room->members[n].bytes;
  }
  double said = TALKERS * 50.0 * (VOICE + BELOW_UDP) * seconds;
  g_test_message(
      "packets with reports a second: %.0f, one for each report; %.1f, in turns; at most "
      "%u; bytes: %.1f %% of what is said",
      (double)posted / seconds, (double)turns / seconds, room->busiest, 100 * bytes / said);
  g_assert_cmpuint(posted, >, 700 * seconds);
  g_assert_cmpuint(turns, <, 30 * seconds);
  g_assert_cmpuint(room->busiest, <, 60);
  g_assert_cmpfloat(bytes, <, 0.07 * said);
  for (unsigned slot = 0; slot < TALKERS; slot++) {
    WzpTime longest = MAX(room->longest[slot], seconds * WZP_SECOND - room->of_weak[slot]);
    g_test_message("talker %u: nothing of the weakest for %.2f s at most, knows of %u", slot,
                   (double)longest / WZP_SECOND, room->listeners[slot].n);
    /* whose last three got lost may be missing */
    g_assert_cmpuint(room->listeners[slot].n, >=, MEMBERS - 9);
    if (room->members[WEAK].loss > 0.1) {
      g_assert_cmpuint(room->listeners[slot].followed, ==, WEAK);
      g_assert_cmpint(longest, <, 10 * WZP_SECOND);
    }
  }
  if (room->members[WEAK].loss > 0.1) /* it takes more turns than the others */
    g_assert_cmpuint(room->members[WEAK].turns * (MEMBERS - TALKERS), >, 2 * turns);
  for (unsigned n = 0; n < MEMBERS; n++) {
    wzp_report_pace_free(room->members[n].pace);
    for (unsigned slot = 0; slot < TALKERS; slot++)
      wzp_reception_free(room->members[n].heard[slot]);
  }
  g_free(room);
}

int
main(int argc, char **argv)
{
  static const double weak = 0.3, equal = 0.05;
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/report-pace/two", test_two);
  g_test_add_func("/report-pace/share", test_share);
  g_test_add_func("/report-pace/silence", test_silence);
  g_test_add_func("/report-pace/phase", test_phase);
  g_test_add_data_func("/report-pace/room-with-a-weak-one", &weak, test_room);
  g_test_add_data_func("/report-pace/room-of-equals", &equal, test_room);
  return g_test_run();
}

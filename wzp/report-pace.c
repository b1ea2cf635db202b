/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report-pace.h"
#include "listeners.h"
#include "seal.h"
#include <glib.h>
#include <math.h>

/* Of what is said in the room. */
#define SHARE 0.05
/* Rarer than this a report is no news any more, however little is said. */
#define INTERVAL_MAX (15 * WZP_SECOND)
/* Who loses most takes so many turns for each of the others'. */
#define URGENT 4

/* What a packet costs before anything is said in it: IP, UDP. */
#define BELOW 28
#define PACKET (BELOW + WZP_HEADER_FULL_SIZE + WZP_TAG_SIZE)

/* What is said is measured while somebody speaks: longer gaps are silence, and count as so much. */
#define GAP (200 * WZP_MSEC)
#define MEMORY 5.0 /* seconds */
/* until something is known: a voice of 24 kbit/s, all headers counted */
#define USUAL_RATE 6400.0
/* One estimate of our own loss a second, from enough packets: others judge by no fewer. */
#define OWN_EVERY WZP_SECOND

#define OURSELVES (WZP_SLOT_MAX + 1)
#define STREAMS_MAX 64
#define STREAM_LIFE (60 * WZP_SECOND)

typedef struct {
  uint8_t slot;
  WzpTime own_at;
  WzpListeners listeners;
} Stream;

struct WzpReportPace {
  double phase;
  unsigned members;

  bool measuring;
  WzpTime media_at;
  double bytes, seconds;

  bool turned;
  WzpTime turned_at;
  GPtrArray *streams; /* Stream: those of which we report */
};

WzpReportPace *
wzp_report_pace_new(double phase)
{
  WzpReportPace *pace = g_new0(WzpReportPace, 1);
  pace->phase = phase;
  pace->streams = g_ptr_array_new_with_free_func(g_free);
  wzp_report_pace_reset(pace);
  return pace;
}

void
wzp_report_pace_free(WzpReportPace *pace)
{
  if (pace == NULL)
    return;
  g_ptr_array_unref(pace->streams);
  g_free(pace);
}

void
wzp_report_pace_reset(WzpReportPace *pace)
{
  g_ptr_array_set_size(pace->streams, 0);
  pace->members = 2;
  pace->measuring = pace->turned = false;
  pace->bytes = USUAL_RATE;
  pace->seconds = 1;
}

void
wzp_report_pace_set_members(WzpReportPace *pace, unsigned members)
{
  pace->members = members;
}

void
wzp_report_pace_media(WzpReportPace *pace, WzpTime now, size_t length)
{
  WzpTime gap = pace->measuring ? CLAMP(now - pace->media_at, 0, GAP) : 0;
  double seconds = (double)gap / (double)WZP_SECOND;
  double kept = exp(-seconds / MEMORY);
  pace->measuring = true;
  pace->media_at = now;
  pace->bytes = pace->bytes * kept + (double)(length + BELOW);
  pace->seconds = pace->seconds * kept + seconds;
}

/* --- who loses most --- */

static Stream *
nth(const WzpReportPace *pace, unsigned n)
{
  return g_ptr_array_index(pace->streams, n);
}

static Stream *
find(const WzpReportPace *pace, uint8_t slot)
{
  for (unsigned n = 0; n < pace->streams->len; n++)
    if (nth(pace, n)->slot == slot)
      return nth(pace, n);
  return NULL;
}

static void
forget_ended(WzpReportPace *pace, WzpTime now)
{
  for (unsigned n = pace->streams->len; n-- > 0;)
    if (now - nth(pace, n)->own_at > STREAM_LIFE)
      g_ptr_array_remove_index_fast(pace->streams, n);
}

void
wzp_report_pace_own(WzpReportPace *pace, WzpTime now, const WzpReport *report)
{
  Stream *stream = find(pace, report->slot);
  if (stream != NULL && now - stream->own_at < OWN_EVERY)
    return;
  if (stream == NULL) {
    forget_ended(pace, now);
    if (pace->streams->len == STREAMS_MAX)
      return;
    stream = g_new0(Stream, 1);
    stream->slot = report->slot;
    g_ptr_array_add(pace->streams, stream);
  }
  stream->own_at = now;
  wzp_listeners_report(&stream->listeners, now, OURSELVES, report);
}

void
wzp_report_pace_heard(WzpReportPace *pace, WzpTime now, uint8_t listener, const WzpReport *report)
{
  Stream *stream = find(pace, report->slot);
  if (stream != NULL)
    wzp_listeners_report(&stream->listeners, now, listener, report);
}

void
wzp_report_pace_forget(WzpReportPace *pace, uint8_t slot)
{
  for (unsigned n = pace->streams->len; n-- > 0;) {
    if (nth(pace, n)->slot == slot)
      g_ptr_array_remove_index_fast(pace->streams, n);
    else
      wzp_listeners_forget(&nth(pace, n)->listeners, slot);
  }
}

static bool
is_urgent(const WzpReportPace *pace)
{
  for (unsigned n = 0; n < pace->streams->len; n++)
    if (wzp_listeners_stands_out(&nth(pace, n)->listeners, OURSELVES))
      return true;
  return false;
}

/* --- turns --- */

WzpTime
wzp_report_pace_interval(const WzpReportPace *pace, unsigned reports)
{
  if (pace->members <= 2)
    return 0;
  double packet = PACKET + (double)reports * WZP_REPORT_ELEMENT_SIZE;
  double rate = MAX(pace->bytes / pace->seconds, 1);
  double seconds = pace->members * packet / (SHARE * rate);
  return MIN((WzpTime)(seconds * (double)WZP_SECOND), INTERVAL_MAX);
}

WzpTime
wzp_report_pace_next(const WzpReportPace *pace, WzpTime since, unsigned reports)
{
  WzpTime interval = wzp_report_pace_interval(pace, reports);
  if (pace->turned && is_urgent(pace))
    return MAX(since, pace->turned_at + interval / URGENT);
  if (pace->turned && since < pace->turned_at + interval)
    return pace->turned_at + interval;
  return since + (WzpTime)((double)interval * pace->phase);
}

void
wzp_report_pace_turn(WzpReportPace *pace, WzpTime now)
{
  pace->turned = true;
  pace->turned_at = now;
}

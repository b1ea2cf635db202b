/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How long playout should wait: the delay that costs the listener least. Times are nanoseconds; the clock is the
 * caller's.
 *
 * Each arrival is taken relative to the fastest way of the last minute (base; the drift between the two clocks is
 * estimated and taken out; a way that became longer than can be waited for is the new base after 10 to 15 s, if it is
 * steady). For every delay that could be chosen a playout is kept that holds it: it shows by what
 * the network really did how long listeners would have waited and how much of their time would have been filled.
 * Both are remembered at two speeds (about 13 s, and 0.2 s) that are mixed. The target is the delay of least
 * impairment by ITU-T G.107: Id of round trip / 2 + 30 ms + delay, and Ie of what is lost anyway and what would come
 * too late, 5 + 90 P / (P + 20), mostly on top of what the last minute lost. On a long way a percent is worth some 30 ms, on a short one more than 100.
 *
 * The first of a packet's frames waited in it for the others: so long playout waits beside that, as long as such packets come.
 *
 * What repair brings back is waited for as long as the sender was told that it would be: from the first frame on, since
 * each later move of the delay is heard. What it needed is learnt meanwhile: more is waited at once when that pays, less
 * after 90 s. When nothing was lost in 4 s of speech, nothing is waited for. Silence teaches nothing: only arrivals do. */

typedef struct WzpDelay WzpDelay;

#define WZP_DELAY_LIMIT_NS INT64_C(2000000000)     /* of max_delay */
#define WZP_DELAY_ROUND_TRIP_NS INT64_C(500000000) /* assumed while it is not known */
#define WZP_DELAY_MAX_DEFAULT_NS INT64_C(600000000)

typedef struct {
  uint64_t order; /* number in the stream */
  int64_t media, duration, arrival;
  int64_t waited; /* in its packet, for the frames behind it */
  bool recovered; /* by repair: says when it came, but nothing about the way */
  bool guessed;   /* so is one of the times: nothing about the way, either */
} WzpDelayArrival;

WzpDelay *wzp_delay_new(void);
void wzp_delay_free(WzpDelay *delay);
/* Forgets the stream, not the settings. */
void wzp_delay_reset(WzpDelay *delay);
/* The target is at most this, 0..WZP_DELAY_LIMIT_NS; what comes later is of no use. */
void wzp_delay_set_max(WzpDelay *delay, int64_t max_ns);
int64_t wzp_delay_max(const WzpDelay *delay);
void wzp_delay_set_round_trip(WzpDelay *delay, int64_t round_trip_ns); /* below 0: unknown */
/* Every frame once, as it comes, late ones too; duplicates not. */
void wzp_delay_arrived(WzpDelay *delay, const WzpDelayArrival *arrival);
/* arrival - media of the fastest frames, as if each had 20 ms and a packet of its own, as of `now`. INT64_MIN before the first frame. */
int64_t wzp_delay_base(const WzpDelay *delay, int64_t now);
/* The delay beyond base that playout should have. */
int64_t wzp_delay_target(const WzpDelay *delay);
/* What of it the sender was told that its repair may use, since some came: it changes seldom, and then by much. */
int64_t wzp_delay_told(const WzpDelay *delay);
/* What comes later than this beyond base is better not played, though nothing else is there. At most the max. */
int64_t wzp_delay_limit(const WzpDelay *delay);
/* How long it pays to wait for repair of what is lost lately: two thirds of the gain if all of it came back in time,
 * spent on delay. The sender may plan for so much. At least the target. */
int64_t wzp_delay_worth_waiting(const WzpDelay *delay);
/* Repair brought something back lately. */
bool wzp_delay_repairs(const WzpDelay *delay);
/* The sender's clock against ours, in parts per million; above 0 it is slow. */
double wzp_delay_drift_ppm(const WzpDelay *delay);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-element.h"
#include "report.h"

/* From bundles to frames: those that came, at once, and those that repair brings back, as soon as the equations
 * determine them. It never holds a frame back. It numbers the frames of the stream: numbers follow each other
 * without a hole while media time does, a missing number is a lost frame, silence takes no numbers. */

typedef struct {
  uint8_t code;
  uint64_t index; /* of the packet in the stream */
  bool has_media_ms;
  uint64_t media_ms;
  bool talk_start; /* the header's flag */
} WzpFecPacketInfo;

typedef struct {
  uint64_t number;
  uint8_t code; /* framing of one frame */
  bool has_media_ms;
  uint64_t media_ms;
  bool recovered;      /* by repair */
  uint32_t waited_ms;  /* in its packet, for the frames behind it; 0 for what repair brought */
  const uint8_t *data; /* own frames: inside the bundle. Recovered: valid until the next push */
  size_t length;
} WzpFecFrame;

typedef struct WzpFecReceiver WzpFecReceiver;
WzpFecReceiver *wzp_fec_receiver_new(void);
void wzp_fec_receiver_free(WzpFecReceiver *receiver);
void wzp_fec_receiver_reset(WzpFecReceiver *receiver);

/* A bundle came. That no packet comes twice is up to the replay window; an index that is there again, or some in a row
 * farther back than that window, are the start of another stream. WZP_OK; a bundle that does not read is WZP_MALFORMED or WZP_TRUNCATED, and what was good before
 * the flaw is used. WZP_TOO_OLD: behind all that could be numbered. Then take frames until next() is false. */
WzpResult wzp_fec_receiver_push(WzpFecReceiver *receiver, WzpTime now, const WzpFecPacketInfo *info,
                                const uint8_t *bundle, size_t length);
bool wzp_fec_receiver_next(WzpFecReceiver *receiver, WzpFecFrame *frame);
/* The reports that the last bundle carried, one by one; false: no more. */
bool wzp_fec_receiver_peer_report(WzpFecReceiver *receiver, WzpReport *report);
/* Our own report about this stream, when one is due. slot: the stream's sender. playout: see WzpReport, as time. */
bool wzp_fec_receiver_report(WzpFecReceiver *receiver, WzpTime now, uint8_t slot, WzpTime playout,
                             WzpReport *report);
/* Until which packet media time (ms) repair can still bring the frame, by the windows seen lately. False: never
 * (not a missing frame, or no repair covers it any more). */
bool wzp_fec_receiver_horizon(const WzpFecReceiver *receiver, uint64_t number, uint64_t *media_ms);

typedef struct {
  uint64_t packets, frames, recovered, late_packets /* behind all that could be numbered */,
      late_repairs /* symbols that say nothing of the frames remembered */, redundant,
      repair_symbols,
      misplaced /* frames and symbols whose media time contradicts what other packets say */,
      restarts /* streams that began anew on their own */, unknown_elements, malformed,
      hopeless;     /* frames that no repair can bring any more */
  unsigned pending; /* equations that wait */
  WzpReceptionStats reception;
} WzpFecReceiverStats;
void wzp_fec_receiver_get_stats(const WzpFecReceiver *receiver, WzpFecReceiverStats *stats);

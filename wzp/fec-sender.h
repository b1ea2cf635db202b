/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-plan.h"
#include "packet.h"

/* From frames to bundles: packets of one or more frames, with repair for older ones and now and then a report
 * inside. Sans-I/O, no allocation per packet.
 *
 * Repair says in which packets the frames were, counted back from the one it is in. So every packet must take its own
 * number in the stream, in order, also when it is not sent: see wzp_call_leave_out(), wzp_fec_sender_skip(). */

typedef struct {
  uint8_t code; /* framing of one frame (profile.h) */
  uint64_t media_ms;
  bool talk_start; /* the stream was interrupted before it: start, silence, discont */
  const uint8_t *data;
  size_t length;
} WzpFecSourceFrame;

typedef struct {
  uint64_t position;     /* in the stream: repair counts packets back by it */
  uint8_t code;          /* of the packet; WZP_CODE_NO_AUDIO, _COMFORT_NOISE: without frames */
  uint64_t media_ms;     /* of the first frame (no audio: the time that repair counts back from) */
  bool gap;              /* for the header policy: the stream was interrupted before it */
  bool talk_start;       /* for the header's flag */
  unsigned n_frames;     /* inside */
  uint64_t first;        /* which: frames are counted from 0 as they were pushed */
  const uint8_t *bundle; /* valid until the next call */
  size_t length;
} WzpFecPacket;

typedef struct WzpFecSender WzpFecSender;
/* limits->profile may be NULL: the profile follows from the frames. */
WzpFecSender *wzp_fec_sender_new(const WzpFecLimits *limits);
void wzp_fec_sender_free(WzpFecSender *sender);
void wzp_fec_sender_set_limits(WzpFecSender *sender, const WzpFecLimits *limits);
void
wzp_fec_sender_reset(WzpFecSender *sender); /* the stream, not what was learnt of the channel */

/* A report about this stream came from the other side. */
WzpResult wzp_fec_sender_handle_report(WzpFecSender *sender, WzpTime now, const WzpReport *report);
/* Another listener is followed from now on; see wzp_channel_follow(). */
void wzp_fec_sender_follow(WzpFecSender *sender, WzpTime now, const WzpReport *last, double loss);
/* Channel known from elsewhere (tests, benches); NULL: from reports again. */
void wzp_fec_sender_set_channel(WzpFecSender *sender, const WzpChannelState *state);
/* So many packets of the stream that are not this sender's went since its newest one. */
void wzp_fec_sender_skip(WzpFecSender *sender, uint64_t packets);
/* So many bytes, all-in, went beside the stream: the budget has them no more. */
void wzp_fec_sender_spent(WzpFecSender *sender, uint64_t bytes);
/* A report to carry in the next packet. */
void wzp_fec_sender_carry_report(WzpFecSender *sender, WzpTime now, const WzpReport *report);

/* WZP_OK: taken; poll for packets. WZP_MALFORMED: no frame of the table, empty, or too long. */
WzpResult wzp_fec_sender_push(WzpFecSender *sender, WzpTime now, const WzpFecSourceFrame *frame);
/* Time goes on without a frame (silence, a gap): closes a packet that waits for frames, and gives the next packet
 * of repair that is still owed to the last frames, or carries the report; to be called once a frame time of silence.
 * media_ms: of this moment. */
void wzp_fec_sender_silence(WzpFecSender *sender, WzpTime now, uint64_t media_ms);
/* Silence begins, or goes on with another noise: a packet says so and brings the descriptor of comfort-noise.h. Until the
 * next frame all other packets bring it, too: one of them may be lost. WZP_MALFORMED: not of WZP_COMFORT_SIZE. */
WzpResult wzp_fec_sender_comfort(WzpFecSender *sender, WzpTime now, uint64_t media_ms,
                                 const uint8_t *descriptor, size_t length);
/* No frame follows these, or none like them: everything owed at once. */
void wzp_fec_sender_finish(WzpFecSender *sender, WzpTime now);
/* The stream ends: as finish, and unless silence was said before, three packets say that it begins. The next frame, if
 * there will be one, is a talk start. */
void wzp_fec_sender_end(WzpFecSender *sender, WzpTime now);
bool wzp_fec_sender_poll(WzpFecSender *sender, WzpFecPacket *packet);

const WzpFecPlan *wzp_fec_sender_plan(const WzpFecSender *sender);
typedef struct {
  uint64_t frames, packets, repair_symbols, repair_bytes, frame_bytes, bundle_bytes,
      reports_carried, reports_handled, reports_stale, invalid, plans; /* plans: changes of it */
  WzpChannelState channel;
} WzpFecSenderStats;
void wzp_fec_sender_get_stats(const WzpFecSender *sender, WzpTime now, WzpFecSenderStats *stats);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "comfort-noise.h"
#include "fec-element.h"
#include "fec-private.h"
#include "fec-sender.h"
#include "seal.h"

/* The two halves of the sender: fec-sender.c makes packets of frames and keeps the plan; fec-sender-repair.c
 * chooses what a packet repairs, within what the budget has left, and writes the bundle. */

#define WZP_FEC_HISTORY 256 /* frames; more than any offset and window reach back */
#define WZP_FEC_QUEUE 8     /* packets that one call makes at most */
#define WZP_FEC_BLOCKS 8
#define WZP_FEC_REPAIRS 8       /* repair elements of a packet */
#define WZP_FEC_BUNDLE_MAX 1196 /* one that grows by repair stays below 1280 bytes of IPv6 packet */

typedef struct {
  uint8_t code;
  uint64_t media_ms;
  uint64_t packet; /* that it went in */
  uint8_t packet_code;
  unsigned behind;  /* frames behind it in that packet */
  uint64_t segment; /* the first frame of its segment */
  size_t length;
  uint8_t symbol[WZP_FEC_SYMBOL_SIZE]; /* length(2) | frame | zeros */
} WzpFecHistoryFrame;

/* Frames of one framing at regular times: no window reaches over its ends. Frames are counted from 0.
 * The packets of a stretch that follow each other and have one code are a segment. A window lies in one: from the
 * packet's own number alone a receiver then knows in which packet, and where in it, each of its frames was. */
typedef struct {
  uint8_t code;
  unsigned frame_ms;
  uint64_t media_ms;   /* of its first frame */
  uint64_t start, end; /* end: of the frames that went into packets */
  WzpFecPlan plan;     /* the last one that was for such frames */
} WzpFecStretch;

/* What is still owed to the frames of a stretch that ended: the repair of the packets that would have come, when they
 * would have, whatever comes meanwhile. */
typedef struct {
  WzpFecStretch stretch;
  uint64_t position; /* the first frame of the next of those packets */
  unsigned owed_256;
  unsigned waited_ms; /* since the last of them */
} WzpFecTail;

typedef struct {
  uint64_t first;
  unsigned n, left, sent;
  uint64_t due; /* not before this packet */
} WzpFecBlock;

typedef struct {
  WzpFecPacket packet;
  uint8_t bytes[WZP_DATAGRAM_MAX];
} WzpFecQueued;

/* One repair element to be. */
typedef struct {
  uint64_t oldest;
  unsigned window, n, esi_step;
  bool of_tail;
} WzpFecRepair;

struct WzpFecSender {
  WzpFecLimits limits;
  WzpChannel *channel;
  bool channel_given;
  WzpChannelState given;

  /* the plan and what it was made of */
  WzpFecPlan plan;
  WzpChannelState planned_state;
  WzpTime planned_delay, planned_at;
  unsigned planned_budget;
  bool plan_unfit;                  /* another is due when this one held long enough */
  const WzpProfile *frames_profile; /* what came last; NULL: nothing yet */
  WzpTime now;

  WzpFecHistoryFrame history[WZP_FEC_HISTORY];
  uint64_t n_frames;
  unsigned n_waiting; /* the newest frames, not yet in a packet */
  WzpFecStretch stretch;
  bool in_stretch;
  WzpFecTail tail;
  bool has_tail;
  unsigned owed_256;
  unsigned turn; /* of the programs */
  unsigned esi_turn[2];
  bool oldest_first; /* of copies, when not all of a window fit */

  WzpFecBlock blocks[WZP_FEC_BLOCKS]; /* oldest first */
  unsigned n_blocks;
  uint64_t block_start; /* of the one that is being filled */
  uint64_t n_packets;
  uint64_t position; /* of the next packet */

  bool gap;
  unsigned talk_start_left;
  uint64_t last_ms;      /* where media time has come to */
  uint64_t segment;      /* the first frame of the newest one, */
  uint8_t segment_code;  /* the code of its packets, */
  uint64_t segment_next; /* and the packet that would go on from it */
  uint32_t pieces;       /* windows that had to be cut, so far */
  bool has_report;
  WzpReport report;
  WzpTime report_at;
  bool in_silence;                 /* since a descriptor came */
  bool comfort_due, comfort_again; /* it must go even alone: for the first time, again */
  uint8_t comfort[WZP_COMFORT_SIZE];

  WzpHeaderPolicy headers; /* as the packet's sender will decide, for the budget */
  WzpTime spent_at;
  int64_t tokens; /* millionths of a byte */
  bool spending;

  WzpFecQueued queue[WZP_FEC_QUEUE];
  unsigned queue_first, queue_n;
  WzpFecSenderStats stats;
};

/* A packet that is being made. */
typedef struct {
  uint8_t code;
  unsigned frame_ms;
  uint64_t media_ms;
  bool full;               /* it will have a full header */
  WzpHeaderPolicy headers; /* what the policy then knows */
  WzpFecRepair repairs[WZP_FEC_REPAIRS];
  unsigned n_repairs;
  unsigned tail_frames; /* of the tail, for which it has repair */
  size_t padding;       /* bytes that only fill */
} WzpFecDraft;

/* fec-sender-choose.c: puts a repair into the draft, if it can be made and there is a place. */
void wzp_fec_sender_add_repair(const WzpFecSender *sender, WzpFecDraft *draft, WzpFecRepair repair);
/* The symbols of `packets` packets of the stretch's plan, of which the first begins with the frame `position`. */
void wzp_fec_sender_choose_sliding(WzpFecSender *sender, WzpFecDraft *draft,
                                   const WzpFecStretch *stretch, uint64_t position,
                                   unsigned packets, unsigned *owed_256);
/* ms: so much time goes by with this packet. */
void wzp_fec_sender_choose_tail(WzpFecSender *sender, WzpFecDraft *draft, unsigned ms);
/* Blocks take turns, each in every third packet. */
void wzp_fec_sender_choose_blocks(WzpFecSender *sender, WzpFecDraft *draft, unsigned packets);
void wzp_fec_sender_close_block(WzpFecSender *sender, uint64_t end);
/* Closes each that is full. */
void wzp_fec_sender_fill_blocks(WzpFecSender *sender);

/* Makes a packet of the n oldest waiting frames. */
void wzp_fec_sender_emit_frames(WzpFecSender *sender, unsigned n, uint8_t code);
/* The oldest waiting frame, for which there is no code, goes as a copy without a packet of its own. */
void wzp_fec_sender_emit_copy(WzpFecSender *sender);
/* Makes a packet of what is owed for the next `frames` frame times, of the report and of the descriptor that is due; none
 * when there is nothing.
 * unlimited: whatever the budget. */
void wzp_fec_sender_emit_owed(WzpFecSender *sender, uint64_t media_ms, unsigned frames,
                              bool unlimited);
/* fec-sender-size.c: what a bundle is filled up to, with limits.constant_size, else 0; and the repair symbols in it,
 * when a frame came. */
size_t wzp_fec_sender_constant_size(const WzpFecSender *sender);
/* What a budget leaves for a bundle. */
size_t wzp_fec_sender_room(const WzpFecSender *sender, unsigned budget);
unsigned wzp_fec_sender_constant_symbols(const WzpFecSender *sender);
/* The stretch is over: what it is still owed becomes the tail. */
void wzp_fec_sender_end_stretch(WzpFecSender *sender);
/* Frame times until nothing is owed any more. */
unsigned wzp_fec_sender_owed_frames(const WzpFecSender *sender);

/* By which a repair was chosen. */
static inline const WzpFecPlan *
wzp_fec_sender_plan_of(const WzpFecSender *sender, const WzpFecRepair *repair)
{
  return repair->of_tail ? &sender->tail.stretch.plan : &sender->stretch.plan;
}

static inline const WzpFecHistoryFrame *
wzp_fec_sender_frame(const WzpFecSender *sender, uint64_t number)
{
  return &sender->history[number % WZP_FEC_HISTORY];
}

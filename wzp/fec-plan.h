/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "channel.h"
#include "profile.h"

/* The policy of repair: from the channel, the delay that playout allows and the bytes that may be spent, to
 * what the sender does. A pure function. */

typedef enum {
  WZP_FEC_AUTO,    /* sliding or copies, whichever loses less */
  WZP_FEC_SLIDING, /* repairs over a window that moves with the frames */
  WZP_FEC_BLOCK,   /* RaptorQ blocks, repairs of three blocks interleaved */
  WZP_FEC_COPIES,  /* older frames again, as they were */
  WZP_FEC_NONE
} WzpFecScheme;
const char *wzp_fec_scheme_name(WzpFecScheme scheme); /* "auto"; NULL outside */
bool wzp_fec_scheme_by_name(const char *name, WzpFecScheme *scheme);

#define WZP_FEC_OVERHEAD_AUTO (-1)
#define WZP_FEC_OVERHEAD_MAX 600
#define WZP_FEC_CONSTANT_PERIOD (5 * WZP_SECOND)
#define WZP_FEC_WINDOW_MAX 64
#define WZP_FEC_BLOCK_SIZE_MAX 32
#define WZP_FEC_SYMBOLS_MAX 32 /* in one packet */

typedef struct {
  WzpFecScheme scheme;
  int overhead; /* repair in percent of the frames' bytes, or WZP_FEC_OVERHEAD_AUTO */
  WzpTime
      max_delay; /* a frame repaired later than this after its own packet's arrival is useless */
  unsigned frames_per_packet; /* 0: the policy's choice */
  unsigned block_size;        /* frames in a block of WZP_FEC_BLOCK; 0: 5 */
  unsigned window;            /* frames; 0: the policy's choice */
  unsigned budget; /* bit/s on the wire, all-in; 0: what the target needs, within 200 % */
  unsigned
      packet_overhead; /* bytes of a packet besides the bundle; 0: 56 (IPv4 20, UDP 8, header 4, tag 16, hop 8) */
  const WzpProfile *profile; /* of the frames */
  /* Every bundle is filled up to the plan's longest, with repair and padding, and a plan holds for WZP_FEC_CONSTANT_PERIOD
   * at least, unless the budget becomes less than they take, so that lengths say nothing of what is said, and little of how the
   * network is. */
  bool constant_size;
  bool may_lower_profile;           /* the caller follows plan->profile, */
  const WzpProfile *lowest_profile; /* which is then no lower than this; NULL: the codec's lowest */
  unsigned more; /* percent of repair beyond the floor that is always there (overhead AUTO) */
  bool fill;  /* the whole budget, repair first and then padding, to see whether it gets through */
  bool empty; /* no queue stands: when the budget grows, what was spent beside media is through */
  const WzpProfile *
      held_profile; /* of the plan in use, with its frames_per_packet: they are kept while another */
  unsigned held_frames; /* packing is hardly better. NULL and 0: none is in use */
} WzpFecLimits;

#define WZP_FEC_PACKET_OVERHEAD 56
/* Bytes of a packet besides its bundle. */
static inline unsigned
wzp_fec_packet_overhead(const WzpFecLimits *limits)
{
  return limits->packet_overhead != 0 ? limits->packet_overhead : WZP_FEC_PACKET_OVERHEAD;
}

/* A repair over `window` frames, of which the newest is `offset` frames before the first frame of the packet that
 * carries it (0: the frame just before). */
typedef struct {
  uint8_t offset, window;
} WzpFecProgram;

typedef struct {
  WzpFecScheme scheme; /* never AUTO */
  const WzpProfile *profile;
  unsigned frames_per_packet;
  WzpFecProgram programs
      [2]; /* symbols take turns; of copies a packet has no more than the program has frames */
  unsigned n_programs;
  unsigned
      symbols_256; /* repair symbols per packet, in 1/256; a packet with as many symbols as the window has
                           frames sends copies */
  unsigned block_size, block_repairs;
  double expected_loss; /* of frames after repair, 0..1 */
  /* bit/s; less than this does not hold even the frames, which are sent all the same */
  unsigned least_budget;
} WzpFecPlan;

void wzp_fec_plan(WzpFecPlan *plan, const WzpChannelState *channel, const WzpFecLimits *limits);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay/relay-core.h"
#include "sim-network.h"
#include "wzp/call.h"
#include "wzp/fec-holes.h"
#include "wzp/fec-receiver.h"
#include "wzp/fec-sender.h"
#include "wzp/jitter.h"
#include "wzp/quality.h"
#include "wzp/talk.h"
#include <glib.h>

/* Whole calls in virtual time: clients, a relay, links between them, and on
 * each client somebody who talks without a pause (opus-24k if not said
 * otherwise: a frame of 60 bytes each 20 ms), with repair or without, and a
 * receiver with a jitter buffer. A run is a function of its configuration: the
 * same seed gives the same run. */

#define SIM_PARTIES_MAX 3
#define SIM_FRAME_TIME (20 * WZP_MSEC)
#define SIM_ADAPTIVE (-1) /* as latency */
#define SIM_STALL (200 * WZP_MSEC)

typedef struct {
  WzpTime sent, delay; /* of one frame that was played: when it was captured,
                          how long it took */
} SimPlayed;

/* What became of one frame on its way to the next party. */
typedef struct {
  WzpTime captured;
  WzpTime expected; /* when its own packet arrives, or would have if it was not
                       lost; WZP_NEVER: it waits */
  WzpTime arrived;  /* WZP_NEVER: not yet */
  uint32_t media_ms;
  uint16_t length;
  bool own; /* its own packet came too, or alone */
} SimFrame;

/* An ICE agent, as far as its owner sees it. */
typedef struct {
  bool alive, has_remote, connected;
  bool opened;       /* something was sent to the remote one */
  WzpAddress remote; /* the first that is known */
  uint32_t serial;
  uint16_t k;
  bool asks;           /* the relay what it looks like */
  WzpTime gathered_at; /* when its candidate, or the next one, is found; WZP_NEVER: it was */
  WzpTime check_at, check_interval;
} SimAgent;

typedef struct {
  unsigned index;
  WzpAddress address;
  WzpCall *call; /* NULL: not running */
  WzpIdentity *identity;
  WzpSeededRandom random_state;
  SimLink *out, *in; /* to and from the relay; UDP mode: out alone, to the other */
  bool knows_others; /* UDP: has the other's address */
  bool has_tls;      /* can open a stream to the relay; set before the start */
  bool tls_blocked;  /* and now it cannot */
  uint32_t stream;   /* the open one, 0: none */
  uint32_t n_opened;
  WzpTime stream_opens; /* WZP_NEVER: none is being opened */
  SimLink *direct;      /* to the others, past the relay; NULL: there is no such way */
  SimAgent agents[2];
  uint64_t datagrams_direct;
  WzpTime last_arrival, longest_gap; /* between frames that came, while both talk */
  unsigned n_starts;

  bool talking, was_silent;
  const WzpProfile *profile; /* of the next frame */
  WzpTime next_frame;
  uint32_t timestamp;   /* of the next frame */
  WzpTalk *talk;        /* dtx, or NULL */
  uint32_t held_back;   /* ms of what was said but not decided */
  GArray *frames;       /* SimFrame, of all calls of the party */
  unsigned first_frame; /* of this call */
  WzpFecSender *fec_sender;
  WzpQuality *quality; /* NULL: nobody chooses tiers */
  uint8_t own_slot;
  unsigned epochs;        /* of what it says, so far */
  uint8_t epoch;          /* its low bits */
  WzpTime path_delay;     /* of the last packet */
  uint64_t session_bytes; /* of its session so far */
  uint64_t frames_sent;
  uint64_t datagrams_sent, wire_bytes; /* with SIM_IP_UDP_BYTES each */

  WzpFecReceiver *fec_receivers[WZP_SLOT_MAX + 1]; /* by the sender's slot */
  WzpFecHoles *holes[WZP_SLOT_MAX + 1];            /* of each */
  unsigned n_streams;                              /* receivers that there are */

  WzpJitter *jitter;
  uint64_t frames_received;              /* of the other party, content as it was sent; with
                               the recovered ones */
  uint64_t frames_from[SIM_PARTIES_MAX]; /* of these, by who made them */
  uint64_t frames_recovered;
  uint64_t frames_wrong;    /* not what was sent: none, or sim_call_free() complains */
  uint64_t frames_twice;    /* not counted as received again */
  uint64_t frames_mistimed; /* after a gap whose full headers were lost, until
                               the next one */
  uint64_t bundles_refused;
  WzpTime last_received;
  GArray *played;      /* SimPlayed */
  GArray *descriptors; /* of silences that were heard, WZP_COMFORT_SIZE each */
  uint64_t frames_lost, frames_silent;
  WzpTime longest_stall; /* between two frames that were played */
  WzpTime unheard;       /* all stalls longer than SIM_STALL */

  GArray *events;                                              /* WzpEvent */
  WzpTime started_at, connected_at, active_at, first_media_at; /* WZP_NEVER: not yet */
} SimParty;

/* Whoever has real sound for the frames. */
typedef struct {
  /* What the party says next, at 48 kHz. */
  void (*said)(void *user, unsigned party, int16_t *pcm, size_t samples);
  /* The party's frame `number` is made of this sound. */
  void (*spoken)(void *user, unsigned party, unsigned number, const WzpProfile *profile,
                 const int16_t *pcm);
  /* What the party plays, DROP aside. For PLAY: the frame `number` of party `from`, or the descriptor of a silence, with
   * which both say nothing. Returns by how much longer it was made, ns. */
  int64_t (*played)(void *user, unsigned party, const WzpJitterOutput *output, unsigned from,
                    unsigned number, const uint8_t *descriptor);
  void *user;
} SimVoice;

typedef struct {
  uint64_t seed;
  WzpCallMode mode;
  unsigned n_parties;        /* 0: two */
  SimLinkConfig out, in;     /* of each party; UDP mode uses out in both directions */
  WzpTime latency;           /* of playout; 0: 200 ms; SIM_ADAPTIVE */
  bool no_playout;           /* frames are counted, not played */
  const WzpProfile *profile; /* NULL: opus-24k */
  bool repair;               /* false: each frame travels once, alone, and nothing is reported
                */
  WzpFecLimits limits;       /* of repair; its profile is the one above */
  bool quality;              /* the quality controller runs, */
  WzpQualityMode quality_mode;
  WzpTier tier;                /* of AUTO: this one only; WZP_N_TIERS: as it chooses */
  const char *room;            /* NULL: "room" */
  const uint8_t *link_key;     /* a keyed room */
  const SimVoice *voice;       /* borrowed; NULL: silent frames */
  bool dtx;                    /* with a voice: silence is not sent */
  const SimLinkConfig *direct; /* NULL: the parties cannot reach each other without the relay */
  bool cones;                  /* both are behind port-restricted cones; else on one LAN */
} SimCallConfig;

typedef struct SimCall SimCall;
/* Sees every datagram as it enters the network; party -1 is the relay. False:
 * it is taken away. */
typedef bool (*SimTap)(void *user, int party, const WzpAddress *to, const uint8_t *data,
                       size_t length);

struct SimCall {
  SimCallConfig config;
  WzpTime now;
  SimNetwork *network;
  SimParty parties[SIM_PARTIES_MAX];
  SimLink *stream_out[SIM_PARTIES_MAX], *stream_in[SIM_PARTIES_MAX];
  unsigned n_parties;

  RelayCore *relay; /* NULL: not running */
  WzpIdentity *relay_identity;
  WzpAddress relay_address;
  WzpSeededRandom relay_random_state;
  unsigned n_relay_starts;
  RelayLimits limits; /* of the next start */
  WzpFecLimits limits_of_repair;

  SimTap tap;
  void *tap_user;
};

/* Of a room by the relay in which everything follows the network: both ends of each leg are this link, playout and the
 * controller adapt, repair is as the plan says. */
SimCallConfig sim_call_adaptive_config(uint64_t seed, const SimLinkConfig *link);
/* Nobody runs yet. */
SimCall *sim_call_new(const SimCallConfig *config);
void sim_call_free(SimCall *sim);

/* Same identity, empty memory. */
void sim_call_start_relay(SimCall *sim);
void sim_call_kill_relay(SimCall *sim);
/* SIGTERM: goodbye to all, then gone. */
void sim_call_stop_relay(SimCall *sim);

/* What the party would start with; a test may change it before
 * sim_call_start_with(). */
WzpCallConfig sim_call_party_config(SimCall *sim, unsigned party);
void sim_call_start_with(SimCall *sim, unsigned party, const WzpCallConfig *config);
/* A new call, the same identity (RELAY); talks from the start. */
void sim_call_start_party(SimCall *sim, unsigned party);
/* The relay and every party, until parties 0 and 1 are in a call, 30 s at most. */
void sim_call_start_all(SimCall *sim);
/* Both fall silent, and all that they sent arrives within a second. */
void sim_call_check_nothing_lost(SimCall *sim);
void sim_call_kill_party(SimCall *sim, unsigned party); /* without a word */
void sim_call_leave_party(SimCall *sim, unsigned party);

/* A party that was started talks; this makes it fall silent, or go on. */
void sim_call_talk(SimCall *sim, unsigned party, bool talk);
/* What the party says ends, and the others are told. */
void sim_call_end_talk(SimCall *sim, unsigned party);
/* The party speaks to the network from another address from now on; nothing
 * that is on its way to the old one arrives. */
void sim_call_move_party(SimCall *sim, unsigned party, const char *address);

/* Nothing of UDP passes between the party and the relay. Streams do: as late as datagrams, without loss. */
void sim_call_block_udp(SimCall *sim, unsigned party, bool blocked);
/* Cuts the party's stream, if one is open. */
void sim_call_cut_stream(SimCall *sim, unsigned party);
/* The way past the relay is cut, in both directions or what this party sends, or whole again. */
void sim_call_cut_direct(SimCall *sim, bool cut);
void sim_call_cut_direct_of(SimCall *sim, unsigned party, bool cut);

void sim_call_run(SimCall *sim, WzpTime duration);
/* Runs until the condition holds; false when it did not within limit. */
bool sim_call_run_until(SimCall *sim, bool (*condition)(SimCall *sim), WzpTime limit);

/* A datagram that appears at a party (or, -1, at the relay) as if from this
 * address. */
WzpResult sim_call_inject(SimCall *sim, int party, const WzpAddress *from, const uint8_t *data,
                          size_t length);

bool sim_call_is_active(SimCall *sim); /* parties 0 and 1 */
unsigned sim_party_count_events(const SimParty *party, WzpEventType type);
const WzpEvent *sim_party_find_event(const SimParty *party, WzpEventType type); /* first, or NULL */
WzpCallStats sim_party_stats(const SimParty *party);
WzpCallState sim_call_state(const SimCall *sim, unsigned party);
WzpPathStats sim_party_path(const SimCall *sim, unsigned party); /* zeros: there is none */
/* Mean delay of the frames that were captured in from..to. */
double sim_party_mean_delay(const SimParty *party, WzpTime from, WzpTime to);
/* Of a GArray of WzpTime, which is sorted; in seconds. */
double sim_quantile(GArray *times, double q);

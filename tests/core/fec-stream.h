/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "test-util.h"
#include "wzp/fec-receiver.h"
#include "wzp/fec-sender.h"
#include "wzp/seal-private.h"

/* A stream of frames from a sender over a lossy way to a receiver. What each frame holds follows from its place in
 * the stream, so that every frame that comes out is compared with what went in: bytes, framing, media time, and that
 * it comes once and in the order of its number. */

typedef struct {
  uint8_t code;
  uint64_t media_ms;
  size_t length;
  unsigned came; /* how often */
  bool recovered;
  uint64_t number;
} FecSent;

typedef struct FecStream FecStream;
/* True: the packet does not arrive. */
typedef bool (*FecLose)(FecStream *stream, uint64_t index, const WzpFecPacket *packet);

struct FecStream {
  WzpFecSender *sender;
  WzpFecReceiver *receiver;
  TestRandom random;
  FecLose lose; /* NULL: by loss alone */
  double loss;
  void *user;
  WzpTime now;
  uint64_t media_ms; /* of the next frame */
  uint64_t index;    /* of the next packet */
  bool talk_start;   /* the next frame is one */
  bool untimed;      /* media time does not arrive */
  bool by_header;    /* media time is what a receiver knows from the headers that came */
  WzpMediaTime time;
  GArray *sent;    /* FecSent */
  GPtrArray *held; /* packets that wait in fec_stream_hold() */
  bool hold;
  WzpHeaderPolicy headers;
  uint64_t wire_bytes, packets, no_audio;
  bool ended;                          /* descriptors are of the end */
  unsigned comforts;                   /* descriptors that came, */
  uint64_t comfort_number, comfort_ms; /* and the last of them */
};

/* Repair of `overhead` percent within 400 ms, for the scheme; the rest is the policy's choice. */
WzpFecLimits fec_stream_limits(WzpFecScheme scheme, int overhead, unsigned frames_per_packet);
void fec_stream_init(FecStream *stream, const WzpFecLimits *limits);
void fec_stream_clear(FecStream *stream);
void fec_stream_channel(FecStream *stream, double loss, double burst);
/* n frames of a profile, each frame time one; bytes: another size than the profile's, 0: that one. */
void fec_stream_talk(FecStream *stream, const char *profile, size_t bytes, unsigned n);
/* n frame times of 20 ms of silence, then the next frame starts talking. */
void fec_stream_silence(FecStream *stream, unsigned n);
/* Silence begins, or goes on, with a descriptor, which takes 20 ms. */
void fec_stream_comfort(FecStream *stream);
void fec_stream_finish(FecStream *stream);
/* Nothing follows; the next frame, if there is one, starts talking. */
void fec_stream_end(FecStream *stream);
/* Takes the packets that the sender has made. */
void fec_stream_deliver(FecStream *stream);
/* Gives a packet to the receiver. */
typedef struct {
  WzpFecPacketInfo info;
  WzpHeader header;
  size_t length;
  uint8_t bundle[WZP_DATAGRAM_MAX];
} FecHeld;
void fec_stream_give(FecStream *stream, const FecHeld *packet);

unsigned fec_stream_lost(const FecStream *stream);
unsigned fec_stream_recovered(const FecStream *stream);
/* Numbers grow with the frames and leave room for the lost ones; at most `holes` numbers more are left out.
 * UINT64_MAX: they grow. */
void fec_stream_check_numbers(const FecStream *stream, uint64_t holes);
/* The first repair element of a bundle; false without one. */
bool fec_stream_repair(const WzpFecPacket *packet, WzpFecElement *element);

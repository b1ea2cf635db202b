/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/group.h"

/* A client made by hand of handshake and control channel, for tests of the relay: it does what it is
 * told, also what no real client would do. Datagrams in, datagrams out; no sockets, no clock. */

typedef struct {
  WzpSeededRandom random_state;
  WzpRandom random;
  WzpIdentity *identity;
  WzpAddress address; /* where it sends from */
  WzpGroup *group;    /* its JOIN; NULL: HS3 goes out empty */
  const char *token;  /* goes before the JOIN; borrowed */
  WzpInitiator *initiator;
  WzpHandshakeKeys keys;
  WzpControl *control; /* NULL until HS3 was made */
  uint8_t session_id[4];
  uint32_t wraps;      /* of seq, in the trailers that are made */
  WzpAddress observed; /* what HS2 said */
  uint8_t relay_key[32];
  bool connected;  /* a record of the relay opened */
  bool challenged; /* the last challenge that came; the test answers */
  uint8_t challenge[WZP_CHALLENGE_SIZE];
  bool closed;
  WzpCloseReason close_reason;
  GQueue out;      /* GBytes to send */
  GQueue signals;  /* WzpSignal, in order */
  GQueue members;  /* GBytes: slot, JOIN blob */
  GQueue pairwise; /* GBytes: bodies */
  GQueue messages; /* GBytes: all of these whole, in the order in which they came */
  GQueue media;    /* GBytes: datagrams that are not the relay's own */
  unsigned cookies, hello_answers;
  int slot; /* as "joined" said; -1 */
} RelayClient;

RelayClient *relay_client_new(uint64_t seed, const WzpAddress *address);
void relay_client_free(RelayClient *client);
/* The room that the next handshake joins; makes a new JOIN. name NULL: none. */
void relay_client_set_room(RelayClient *client, const char *name, const uint8_t relay_key[32]);
/* Drops the session without a word and queues a fresh HS1. */
void relay_client_connect(RelayClient *client);
/* Queues the handshake's current message again. */
void relay_client_resend(RelayClient *client);
void relay_client_receive(RelayClient *client, WzpTime now, const uint8_t *data, size_t length);
/* Moves what the control channel has to send to out. */
void relay_client_poll(RelayClient *client, WzpTime now);
/* A message with its kind byte; relay_client_poll() sends it. */
void relay_client_send(RelayClient *client, const void *message, size_t length);
/* An answer to a challenge; not through out: the test chooses from where it comes. */
GBytes *relay_client_answer(RelayClient *client, WzpTime now,
                            const uint8_t challenge[WZP_CHALLENGE_SIZE]);
void relay_client_send_join(RelayClient *client);
/* AUTH with the JOIN, if there is a room. */
void relay_client_send_auth(RelayClient *client, const char *token);
void relay_client_send_leave(RelayClient *client);
void relay_client_send_pairwise(RelayClient *client, uint8_t to, uint8_t from, const char *text);
/* A media packet of the client's slot (or another) with a good trailer. */
GBytes *relay_client_media(const RelayClient *client, uint8_t slot, uint16_t seq);
GBytes *relay_client_with_trailer(const RelayClient *client, const void *data, size_t length);
/* The next signal of this type, those before it are dropped; false when there is none. */
bool relay_client_take_signal(RelayClient *client, WzpSignalType type, WzpSignal *signal);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-client.h"
#include "relay/relay-core.h"

/* One relay and some hand-made clients in virtual time, joined by a network without loss or delay. */

#define RELAY_WORLD_CLIENTS_MAX 16

typedef struct {
  WzpSeededRandom random_state;
  WzpRandom random;
  WzpIdentity *identity;
  RelayLimits limits;
  RelayCore *core;
  WzpTime now;
  RelayClient *clients[RELAY_WORLD_CLIENTS_MAX];
  unsigned n_clients;
  bool tokens_required;
  const RelayAccess *access; /* NULL: none */
  bool deaf;                 /* what the relay sends is counted and lost */
  uint64_t datagrams_out, bytes_out;
  size_t last_length; /* of the last datagram out */
} RelayWorld;

/* limits NULL: the defaults. */
RelayWorld *relay_world_new(const RelayLimits *limits);
void relay_world_free(RelayWorld *world);
/* From here on, restarts included. */
void relay_world_require_tokens(RelayWorld *world);
void relay_world_set_access(RelayWorld *world, const RelayAccess *access);
/* The process ends and a new one starts with the same identity. */
void relay_world_restart(RelayWorld *world);
WzpAddress relay_world_address(unsigned host, uint16_t port); /* 10.0.host/256.host%256 */
/* A client at an address of its own, not connected. */
RelayClient *relay_world_add(RelayWorld *world);
/* A client that finished its handshake and, when name is not NULL, asked to join that room. */
RelayClient *relay_world_join(RelayWorld *world, const char *name);
/* One datagram in; what the relay answers goes where it belongs, and so on until all is quiet. */
WzpResult relay_world_send(RelayWorld *world, const WzpAddress *from, const void *data,
                           size_t length);
WzpResult relay_world_send_bytes(RelayWorld *world, const RelayClient *client, GBytes *datagram);
/* Delivers what waits until all is quiet. */
void relay_world_settle(RelayWorld *world);
/* Lets time pass, with all the timers in it. */
void relay_world_advance(RelayWorld *world, WzpTime duration);
/* The next question about a token; its id, or 0 when there is none. token may be NULL. */
uint64_t relay_world_question(RelayWorld *world, char **token);
/* The answer; owner NULL: nobody's. What the relay says to it goes out. */
void relay_world_answer(RelayWorld *world, uint64_t id, RelayTokenVerdict verdict,
                        const RelayClient *owner);
RelayStats relay_world_stats(const RelayWorld *world);

/* The signal names exactly these slots. */
void relay_assert_members(const WzpSignal *signal, unsigned n, const uint8_t *slots);
/* The next MEMBER message is that client's JOIN in its slot. */
void relay_assert_member_message(RelayClient *client, const RelayClient *of);
/* Forgets what the relay told so far. */
void relay_client_clear_news(RelayClient *client);
/* Nothing came from the relay that was not taken yet. */
void relay_assert_no_news(const RelayClient *client);
WzpResult relay_world_send_copy(RelayWorld *world, const RelayClient *client, GBytes *datagram);
/* The next media datagram is this one without its trailer. */
void relay_assert_media(RelayClient *client, GBytes *sent);

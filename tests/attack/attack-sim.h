/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "nonce-watch.h"
#include "sim-call.h"

/* Whole calls (tests/sim) whose network belongs to somebody who wishes them ill. */

/* 20 ms each way, nothing lost. */
SimCall *attack_sim_new(uint64_t seed, unsigned n_parties);
/* Relay and two parties, both active and talking. */
SimCall *attack_sim_call(uint64_t seed);
/* The index of the party at this address; -1: the relay. */
int attack_sim_at(const SimCall *sim, const WzpAddress *address);
/* Where what this party (-1: the relay) says comes from. */
const WzpAddress *attack_sim_address(const SimCall *sim, int party);
/* Both fall silent, what is on its way arrives; then each has heard all that the other said. */
void attack_sim_assert_all_heard(SimCall *sim);

/* Datagrams that an attacker keeps, to show them again at their time. */
typedef struct {
  WzpTime at; /* when it is shown */
  int to;     /* as attack_sim_at() */
  WzpAddress from;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} AttackCopy;

/* A row of copies, each `delay` later than it was pushed. */
typedef struct {
  GQueue copies; /* AttackCopy */
  WzpTime delay;
  uint64_t shown;
} AttackRow;

void attack_row_push(AttackRow *row, const SimCall *sim, int to, const WzpAddress *from,
                     const uint8_t *data, size_t length);
/* Shows what is due. */
void attack_row_show(AttackRow *row, SimCall *sim);
void attack_row_clear(AttackRow *row);

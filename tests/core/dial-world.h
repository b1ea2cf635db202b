/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/dial-private.h"

/* Dialled calls without a network: some who call each other, and a relay that hands over everything at once, and may
 * do what it likes. The recorder (--wrap) fails every program in which a key and a nonce meet twice. */

#define WORLD_PEOPLE 3
typedef struct World World;
typedef bool (*Tap)(World *world, unsigned from, GBytes *message); /* false: it is lost */
struct World {
  WzpTime now;
  struct {
    WzpSeededRandom state;
    WzpIdentity *identity;
    WzpDial *dial;
    GArray *events;
    WzpCallRoute joined; /* the call that its media are in at the relay */
  } people[WORLD_PEOPLE];
  Tap tap;
  GPtrArray *taken; /* what the tap kept */
  unsigned lose;    /* of eight messages so many are lost */
  unsigned deaf;    /* for the tap: a bit for each whose messages are lost */
  uint32_t luck;
  unsigned carried;
};

void world_init(World *world);
void world_clear(World *world);
/* A client of this person, new and connected; no two have the same keys. */
void world_start(World *world, unsigned i, WzpAcceptMode mode);
WzpRandom world_random(World *world, unsigned i);
const uint8_t *world_fingerprint(const World *world, unsigned i);

/* --- The relay --- */
WzpResult world_give(World *world, unsigned to, GBytes *message);
void world_tell(World *world, unsigned to, const WzpCallRoute *route, WzpCallStatus status);
/* Carries all that is to be said now; events are kept. */
void world_settle(World *world);
/* The same, while time goes on. */
void world_run(World *world, WzpTime duration);

/* --- Calls --- */
void world_call(World *world, unsigned caller, unsigned callee);
void world_call_and_talk(World *world); /* person 0 calls person 1 */
/* One packet from one to the other. */
WzpResult world_speak(World *world, unsigned from, unsigned to, uint8_t code);
void world_assert_talk(World *world);
unsigned world_count(const World *world, unsigned i, WzpDialEventType type);
const WzpDialEvent *world_last(const World *world, unsigned i, WzpDialEventType type);
WzpDialInfo world_info(const World *world, unsigned i);

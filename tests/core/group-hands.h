/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/group-private.h"

/* Groups whose records a test carries by hand. */

#define ROOM "kitchen"
extern const uint8_t hands_relay_key[32];

typedef struct {
  WzpSeededRandom state;
  WzpRandom random;
  WzpIdentity *identity[4];
  WzpGroup *group[4];
} Hands;

/* n groups with slots 0..n-1 that know nothing of each other. secret NULL: the open room. */
void hands_init(Hands *hands, unsigned n, const WzpRoomSecret *secret);
void hands_clear(Hands *hands);
/* MEMBER: `who` at the slot. */
WzpResult show(WzpGroup *to, WzpTime now, uint8_t slot, const WzpGroup *who);
/* A record arrives. */
WzpResult give(WzpGroup *to, WzpTime now, GBytes *record);
/* Carries records until nobody has any. Returns how many. */
unsigned carry(Hands *hands, WzpTime now);
/* One packet "hello"; packet has 64 bytes. */
WzpResult say(WzpGroup *group, uint32_t timestamp, uint8_t packet[64], size_t *length);
WzpResult listen_to(WzpGroup *group, WzpTime now, const uint8_t *packet, size_t length);
/* What one seals the other opens. */
void assert_talks(WzpGroup *from, WzpGroup *to, WzpTime now);
/* The nth other. */
WzpMemberInfo member(const WzpGroup *group, unsigned n);
/* Of those who proved themselves. */
WzpGroupEvent next_told(WzpGroup *group);
WzpGroupEventType next_event(WzpGroup *group);
/* Three in a room that takes three; the first speaks, the others hear. */
void three_talking(Hands *hands, WzpTime now);

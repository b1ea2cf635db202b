/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "sim-call.h"

/* sim-talk.c: what is said and heard. sim-call.c: who runs, the network, time. */

void sim_talk_init(SimCall *sim, SimParty *party);
void sim_talk_clear(SimParty *party);
/* A new call of the party: it talks from now on. */
void sim_talk_begin(SimCall *sim, SimParty *party);
/* A member came to this slot: another stream. */
void sim_talk_new_stream(SimParty *party, uint8_t slot);
/* When the party has something to say, or to play. */
WzpTime sim_talk_next(SimCall *sim, const SimParty *party);
void sim_talk_act(SimCall *sim, SimParty *party);
WzpTime sim_play_next(SimCall *sim, SimParty *party);
void sim_play_act(SimCall *sim, SimParty *party);
void sim_talk_listen(SimCall *sim, SimParty *party, const uint8_t *packet, size_t length);

/* Returns when it arrives, or would have; WZP_NEVER if nobody lives there. sender NULL: the relay. */
WzpTime sim_send_datagram(SimCall *sim, SimParty *sender, const WzpAddress *to, const uint8_t *data,
                          size_t length);

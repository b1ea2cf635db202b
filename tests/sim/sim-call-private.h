/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "sim-call.h"

/* sim-talk.c: what is said and heard. sim-direct.c: agents and the way past the relay. sim-call.c: who runs, the
 * network, time. */

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

void sim_direct_init(SimCall *sim, SimParty *party);
/* What the party's call asks of its agents. */
void sim_direct_take(SimCall *sim, SimParty *party, const WzpOutput *output);
WzpTime sim_direct_next(const SimParty *party);
void sim_direct_act(SimCall *sim, SimParty *party);
/* A datagram between two agents? */
bool sim_direct_deliver(SimCall *sim, const SimDatagram *datagram);
/* A media packet by agent k. When it arrives, or would have; WZP_NEVER: there is no agent. */
WzpTime sim_direct_send(SimCall *sim, SimParty *party, uint16_t k, const uint8_t *data,
                        size_t length);
void sim_call_drain_party(SimCall *sim, SimParty *party);
/* A media packet that came, by whatever way. */
void sim_call_media(SimCall *sim, SimParty *party, WzpWay way, uint16_t k, const uint8_t *data,
                    size_t length);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "attack-sim.h"
#include <string.h>

SimCall *
attack_sim_new(uint64_t seed, unsigned n_parties)
{
  static const SimLinkConfig link = {.delay = 20 * WZP_MSEC};
  SimCallConfig config = {.seed = seed, .n_parties = n_parties, .out = link, .in = link};
  nonce_watch_reset();
  return sim_call_new(&config);
}

SimCall *
attack_sim_call(uint64_t seed)
{
  SimCall *sim = attack_sim_new(seed, 2);
  sim_call_start_relay(sim);
  sim_call_start_party(sim, 0);
  sim_call_start_party(sim, 1);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 5 * WZP_SECOND));
  return sim;
}

int
attack_sim_at(const SimCall *sim, const WzpAddress *address)
{
  for (unsigned i = 0; i < sim->n_parties; i++)
    if (wzp_address_equal(address, &sim->parties[i].address))
      return (int)i;
  return -1;
}

const WzpAddress *
attack_sim_address(const SimCall *sim, int party)
{
  return party < 0 ? &sim->relay_address : &sim->parties[party].address;
}

void
attack_sim_assert_all_heard(SimCall *sim)
{
  sim->parties[0].talking = sim->parties[1].talking = false;
  sim_call_run(sim, WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(sim->parties[i].frames_received, ==, sim->parties[1 - i].frames_sent);
}

void
attack_row_push(AttackRow *row, const SimCall *sim, int to, const WzpAddress *from,
                const uint8_t *data, size_t length)
{
  AttackCopy *copy = g_malloc(G_STRUCT_OFFSET(AttackCopy, data) + length);
  copy->at = sim->now + row->delay;
  copy->to = to;
  copy->from = *from;
  copy->length = length;
  memcpy(copy->data, data, length);
  g_queue_push_tail(&row->copies, copy);
}

void
attack_row_show(AttackRow *row, SimCall *sim)
{
  const AttackCopy *next;
  while ((next = g_queue_peek_head(&row->copies)) != NULL && next->at <= sim->now) {
    AttackCopy *copy = g_queue_pop_head(&row->copies);
    sim_call_inject(sim, copy->to, &copy->from, copy->data, copy->length);
    row->shown++;
    g_free(copy);
  }
}

void
attack_row_clear(AttackRow *row)
{
  g_queue_clear_full(&row->copies, g_free);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call-private.h"
#include <string.h>

/* so many steps without time going on mean that somebody's timeout is stuck */
#define STUCK 20000

/* --- Setting up --- */

static WzpAddress
address_of(const char *text)
{
  WzpAddress address;
  g_assert_true(wzp_address_parse(&address, text));
  return address;
}

static WzpIdentity *
make_identity(uint64_t seed, uint64_t who)
{
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, seed * 1000 + who);
  return wzp_identity_new_random(&random);
}

SimCallConfig
sim_call_adaptive_config(uint64_t seed, const SimLinkConfig *link)
{
  return (SimCallConfig){.seed = seed,
                         .mode = WZP_CALL_RELAY,
                         .out = *link,
                         .in = *link,
                         .latency = SIM_ADAPTIVE,
                         .quality = true,
                         .tier = WZP_N_TIERS,
                         .repair = true,
                         .limits = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                                    .max_delay = 200 * WZP_MSEC,
                                    .frames_per_packet = 1}};
}

SimCall *
sim_call_new(const SimCallConfig *config)
{
  static const char *const addresses[SIM_PARTIES_MAX] = {"198.51.100.1:5001", "198.51.100.2:5002",
                                                         "[2001:db8::3]:5003"};
  wzp_init();
  SimCall *sim = g_new0(SimCall, 1);
  sim->config = *config;
  sim->now = WZP_SECOND;
  sim->network = sim_network_new();
  sim->n_parties = config->n_parties > 0 ? config->n_parties : 2;
  sim->relay_address = address_of("192.0.2.1:4433");
  sim->relay_identity = make_identity(config->seed, 100);
  relay_limits_default(&sim->limits);
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    party->index = i;
    party->address = address_of(addresses[i]);
    party->identity = make_identity(config->seed, i);
    party->out = sim_link_new(&config->out, config->seed * 100 + i * 2);
    party->in = sim_link_new(&config->in, config->seed * 100 + i * 2 + 1);
    party->knows_others = true;
    party->stream_opens = WZP_NEVER;
    const SimLinkConfig wire_out = {.delay = config->out.delay},
                        wire_in = {.delay = config->in.delay};
    sim->stream_out[i] = sim_link_new(&wire_out, 1);
    sim->stream_in[i] = sim_link_new(&wire_in, 1);
    party->events = g_array_new(FALSE, FALSE, sizeof(WzpEvent));
    sim_talk_init(sim, party);
    sim_direct_init(sim, party);
    party->started_at = party->connected_at = party->active_at = party->first_media_at = WZP_NEVER;
  }
  return sim;
}

void
sim_call_free(SimCall *sim)
{
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    wzp_call_free(party->call);
    sim_talk_clear(party);
    wzp_identity_free(party->identity);
    sim_link_free(party->out);
    sim_link_free(party->in);
    sim_link_free(sim->stream_out[i]);
    sim_link_free(sim->stream_in[i]);
    if (party->direct != NULL)
      sim_link_free(party->direct);
    g_array_unref(party->events);
  }
  relay_core_free(sim->relay);
  wzp_identity_free(sim->relay_identity);
  sim_network_free(sim->network);
  g_free(sim);
}

/* --- The network --- */

/* A party's stream, as the relay sees it: numbers of its own, as sockets have. */
static WzpAddress
stream_end(const SimParty *party)
{
  WzpAddress address = party->address;
  address.port++;
  address.stream = party->stream * SIM_PARTIES_MAX + party->index;
  return address;
}

static SimParty *
party_at(SimCall *sim, const WzpAddress *address)
{
  for (unsigned i = 0; i < sim->n_parties; i++) {
    WzpAddress stream = stream_end(&sim->parties[i]);
    if (wzp_address_equal(&sim->parties[i].address, address) ||
        (sim->parties[i].stream != 0 && wzp_address_equal(&stream, address)))
      return &sim->parties[i];
  }
  return NULL;
}

/* The relay's end of it, as the party sees it. */
static WzpAddress
relay_stream(const SimCall *sim, const SimParty *party)
{
  WzpAddress address = sim->relay_address;
  address.port = 443;
  address.stream = party->stream;
  return address;
}

WzpTime
sim_send_datagram(SimCall *sim, SimParty *sender, const WzpAddress *to, const uint8_t *data,
                  size_t length)
{
  if (sim->tap != NULL &&
      !sim->tap(sim->tap_user, sender != NULL ? (int)sender->index : -1, to, data, length))
    return WZP_NEVER;
  SimParty *receiver = party_at(sim, to);
  const SimParty *end = sender != NULL ? sender : receiver;
  WzpAddress from = sender != NULL ? sender->address : sim->relay_address,
             relay = sim->relay_address;
  SimLink *link = sender != NULL ? sender->out : receiver != NULL ? receiver->in : NULL;
  if (to->stream != 0 && end != NULL) {
    relay = relay_stream(sim, end);
    from = sender != NULL ? stream_end(sender) : relay;
    link = sender != NULL ? sim->stream_out[end->index] : sim->stream_in[end->index];
  }
  const bool to_relay = wzp_address_equal(to, &relay);
  if (sender != NULL) {
    sender->datagrams_sent++;
    sender->wire_bytes += length + SIM_IP_UDP_BYTES;
  }
  if (receiver == NULL && !to_relay)
    return WZP_NEVER; /* nobody lives there */
  WzpTime at = sim_network_send(sim->network, link, sim->now, &from, to, data, length);
  return to_relay ? at + sim->config.in.delay : at; /* on to the other party */
}

static void
drain_relay(SimCall *sim)
{
  RelayDatagram datagram;
  while (sim->relay != NULL && relay_core_poll(sim->relay, sim->now, &datagram))
    sim_send_datagram(sim, NULL, &datagram.to, datagram.data, datagram.length);
}

/* Opens what the call wants, in the time that TCP and TLS take, and closes what it does not. */
static void
mind_stream(SimCall *sim, SimParty *party)
{
  bool wanted = party->has_tls && wzp_call_wants_stream(party->call, sim->now);
  bool ended = sim_party_stats(party).state == WZP_CALL_ENDED;
  if (wanted && party->stream == 0 && party->stream_opens == WZP_NEVER)
    party->stream_opens = sim->now + 4 * sim->config.out.delay + WZP_MSEC;
  if (!wanted && !ended && party->stream_opens != WZP_NEVER) {
    party->stream_opens = WZP_NEVER;
    wzp_call_stream_down(party->call, sim->now);
  }
  if (!wanted && !ended && party->stream != 0)
    sim_call_cut_stream(sim, party->index);
}

static void
open_stream(SimCall *sim, SimParty *party)
{
  party->stream_opens = WZP_NEVER;
  if (sim->relay == NULL || party->tls_blocked) {
    wzp_call_stream_down(party->call, sim->now);
    return;
  }
  party->stream = ++party->n_opened;
  WzpAddress relay = relay_stream(sim, party);
  wzp_call_stream_up(party->call, sim->now, &relay);
}

void
sim_call_drain_party(SimCall *sim, SimParty *party)
{
  WzpOutput output;
  while (party->call != NULL && wzp_call_poll(party->call, sim->now, &output)) {
    if (output.kind == WZP_OUTPUT_DATAGRAM) {
      sim_send_datagram(sim, party, &output.to, output.data, output.length);
      continue;
    }
    if (output.kind == WZP_OUTPUT_PATH) {
      sim_direct_take(sim, party, &output);
      continue;
    }
    g_array_append_val(party->events, output.event);
    if (output.event.type == WZP_EVENT_MEMBER)
      sim_talk_new_stream(party, output.event.slot);
    if (output.event.type == WZP_EVENT_STATE && output.event.state == WZP_CALL_ACTIVE)
      party->active_at = MIN(party->active_at, sim->now);
  }
  if (party->call != NULL)
    mind_stream(sim, party);
  if (party->connected_at == WZP_NEVER && sim_party_stats(party).handshakes_completed > 0)
    party->connected_at = sim->now;
}

/* --- Delivering --- */

void
sim_call_cut_stream(SimCall *sim, unsigned index)
{
  SimParty *party = &sim->parties[index];
  if (party->stream == 0)
    return;
  party->stream = 0;
  wzp_call_stream_down(party->call, sim->now);
  sim_call_drain_party(sim, party);
}

void
sim_call_block_udp(SimCall *sim, unsigned index, bool blocked)
{
  sim_link_set_down(sim->parties[index].out, blocked);
  sim_link_set_down(sim->parties[index].in, blocked);
}

void
sim_call_media(SimCall *sim, SimParty *party, WzpWay way, uint16_t k, const uint8_t *data,
               size_t length)
{
  if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_MEDIA &&
      wzp_call_packet_arrived(party->call, sim->now, way, k, data, length))
    sim_talk_listen(sim, party, data, length);
}

static WzpResult
deliver_to_party(SimCall *sim, SimParty *party, const WzpAddress *from, const uint8_t *data,
                 size_t length)
{
  bool media = false;
  if (party->call == NULL)
    return WZP_NOT_CONNECTED;
  WzpResult result = wzp_call_handle_datagram(party->call, sim->now, from, data, length, &media);
  if (media)
    sim_call_media(sim, party, WZP_WAY_RELAY, 0, data, length);
  sim_call_drain_party(sim, party);
  return result;
}

static WzpResult
deliver_to_relay(SimCall *sim, const WzpAddress *from, const uint8_t *data, size_t length)
{
  if (sim->relay == NULL)
    return WZP_NOT_CONNECTED;
  WzpResult result = relay_core_handle_datagram(sim->relay, sim->now, from, data, length);
  drain_relay(sim);
  return result;
}

WzpResult
sim_call_inject(SimCall *sim, int party, const WzpAddress *from, const uint8_t *data, size_t length)
{
  return party < 0 ? deliver_to_relay(sim, from, data, length)
                   : deliver_to_party(sim, &sim->parties[party], from, data, length);
}

/* --- Who runs --- */

void
sim_call_start_relay(SimCall *sim)
{
  g_assert_null(sim->relay);
  WzpRandom random = wzp_random_seeded(&sim->relay_random_state,
                                       sim->config.seed * 1000 + 200 + sim->n_relay_starts++);
  sim->relay = relay_core_new(&sim->limits, sim->relay_identity, &random, sim->now);
}

void
sim_call_kill_relay(SimCall *sim)
{
  g_clear_pointer(&sim->relay, relay_core_free);
  for (unsigned i = 0; i < sim->n_parties; i++)
    if (sim->parties[i].call != NULL)
      sim_call_cut_stream(sim, i);
}

void
sim_call_stop_relay(SimCall *sim)
{
  relay_core_shutdown(sim->relay, sim->now);
  drain_relay(sim);
  sim_call_kill_relay(sim);
}

WzpCallConfig
sim_call_party_config(SimCall *sim, unsigned index)
{
  SimParty *party = &sim->parties[index];
  WzpCallConfig config = {.mode = sim->config.mode, .identity = party->identity};
  uint64_t seed = sim->config.seed * 1000 + 300 + index * 100 + party->n_starts;
  config.random = wzp_random_seeded(&party->random_state, seed);
  if (config.mode == WZP_CALL_RELAY) {
    config.remotes[0] = sim->relay_address;
    config.n_remotes = 1;
    config.tls = party->has_tls;
    if (sim->config.link_key != NULL)
      wzp_room_secret_keyed(&config.room, sim->config.link_key);
    else
      wzp_room_secret_open(&config.room, sim->config.room != NULL ? sim->config.room : "room");
  } else {
    if (party->knows_others) {
      config.remotes[0] = sim->parties[1 - index].address;
      config.n_remotes = 1;
    }
    memset(config.psk, 0x5a, sizeof config.psk);
  }
  return config;
}

void
sim_call_start_with(SimCall *sim, unsigned index, const WzpCallConfig *config)
{
  SimParty *party = &sim->parties[index];
  g_assert_null(party->call);
  party->n_starts++;
  party->call = wzp_call_new(config);
  sim_talk_begin(sim, party);
  party->started_at = sim->now;
  party->connected_at = party->active_at = party->first_media_at = WZP_NEVER;
  wzp_call_start(party->call, sim->now);
  sim_call_drain_party(sim, party);
}

void
sim_call_start_party(SimCall *sim, unsigned index)
{
  WzpCallConfig config = sim_call_party_config(sim, index);
  sim_call_start_with(sim, index, &config);
}

void
sim_call_start_all(SimCall *sim)
{
  sim_call_start_relay(sim);
  for (unsigned i = 0; i < sim->n_parties; i++)
    sim_call_start_party(sim, i);
  g_assert_true(sim_call_run_until(sim, sim_call_is_active, 30 * WZP_SECOND));
}

void
sim_call_check_nothing_lost(SimCall *sim)
{
  sim->parties[0].talking = sim->parties[1].talking = false;
  sim_call_run(sim, WZP_SECOND);
  for (unsigned i = 0; i < 2; i++)
    g_assert_cmpuint(sim->parties[i].frames_received, ==, sim->parties[1 - i].frames_sent);
}

void
sim_call_kill_party(SimCall *sim, unsigned index)
{
  g_clear_pointer(&sim->parties[index].call, wzp_call_free);
}

void
sim_call_leave_party(SimCall *sim, unsigned index)
{
  SimParty *party = &sim->parties[index];
  wzp_call_leave(party->call, sim->now);
  sim_call_drain_party(sim, party);
  WzpTime next;
  while ((next = wzp_call_next_timeout(party->call)) != WZP_NEVER)
    sim_call_run(sim, MAX(next - sim->now, 1));
  sim_call_kill_party(sim, index);
}

void
sim_call_move_party(SimCall *sim, unsigned index, const char *address)
{
  sim->parties[index].address = address_of(address);
}

/* --- Time --- */

static WzpTime
next_of_party(SimCall *sim, SimParty *party)
{
  WzpTime next = sim_play_next(sim, party);
  if (party->call != NULL) {
    next = MIN(next, sim_direct_next(party));
    next = MIN(next, MIN(wzp_call_next_timeout(party->call), party->stream_opens));
    next = MIN(next, sim_talk_next(sim, party));
  }
  return next;
}

static WzpTime
next_event(SimCall *sim)
{
  WzpTime next = sim_network_next(sim->network);
  if (sim->relay != NULL)
    next = MIN(next, relay_core_next_timeout(sim->relay));
  for (unsigned i = 0; i < sim->n_parties; i++)
    next = MIN(next, next_of_party(sim, &sim->parties[i]));
  return next;
}

static void
act(SimCall *sim)
{
  SimDatagram datagram;
  while (sim_network_receive(sim->network, sim->now, &datagram)) {
    SimParty *party = party_at(sim, &datagram.to);
    if (sim_direct_deliver(sim, &datagram))
      continue;
    if (party != NULL)
      deliver_to_party(sim, party, &datagram.from, datagram.data, datagram.length);
    else if (wzp_address_equal(&datagram.to, &sim->relay_address) || datagram.to.stream != 0)
      deliver_to_relay(sim, &datagram.from, datagram.data, datagram.length);
  }
  if (sim->relay != NULL && sim->now >= relay_core_next_timeout(sim->relay)) {
    relay_core_handle_timeout(sim->relay, sim->now);
    drain_relay(sim);
  }
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    sim_play_act(sim, party);
    if (party->call == NULL)
      continue;
    if (sim->now >= party->stream_opens) {
      open_stream(sim, party);
      sim_call_drain_party(sim, party);
    }
    sim_direct_act(sim, party);
    if (sim->now >= wzp_call_next_timeout(party->call)) {
      wzp_call_handle_timeout(party->call, sim->now);
      sim_call_drain_party(sim, party);
    }
    sim_talk_act(sim, party);
  }
}

bool
sim_call_run_until(SimCall *sim, bool (*condition)(SimCall *sim), WzpTime limit)
{
  WzpTime end = sim->now + limit;
  unsigned steps_at_once = 0;
  while (condition == NULL || !condition(sim)) {
    act(sim);
    WzpTime next = next_event(sim);
    if (next > end) {
      sim->now = end;
      return condition != NULL && condition(sim);
    }
    steps_at_once = next > sim->now ? 0 : steps_at_once + 1;
    g_assert_cmpuint(steps_at_once, <, STUCK);
    sim->now = MAX(sim->now, next);
  }
  return true;
}

void
sim_call_run(SimCall *sim, WzpTime duration)
{
  sim_call_run_until(sim, NULL, duration);
}

/* --- Looking --- */

bool
sim_call_is_active(SimCall *sim)
{
  for (unsigned i = 0; i < 2; i++)
    if (sim->parties[i].call == NULL || sim_party_stats(&sim->parties[i]).state != WZP_CALL_ACTIVE)
      return false;
  return true;
}

unsigned
sim_party_count_events(const SimParty *party, WzpEventType type)
{
  unsigned n = 0;
  for (unsigned i = 0; i < party->events->len; i++)
    n += g_array_index(party->events, WzpEvent, i).type == type;
  return n;
}

const WzpEvent *
sim_party_find_event(const SimParty *party, WzpEventType type)
{
  for (unsigned i = 0; i < party->events->len; i++)
    if (g_array_index(party->events, WzpEvent, i).type == type)
      return &g_array_index(party->events, WzpEvent, i);
  return NULL;
}

WzpCallStats
sim_party_stats(const SimParty *party)
{
  WzpCallStats stats = {0};
  if (party->call != NULL)
    wzp_call_get_stats(party->call, &stats);
  return stats;
}

WzpCallState
sim_call_state(const SimCall *sim, unsigned party)
{
  return sim_party_stats(&sim->parties[party]).state;
}

double
sim_party_mean_delay(const SimParty *party, WzpTime from, WzpTime to)
{
  double sum = 0;
  unsigned n = 0;
  for (unsigned i = 0; i < party->played->len; i++) {
    const SimPlayed *played = &g_array_index(party->played, SimPlayed, i);
    if (played->sent < from || played->sent >= to)
      continue;
    sum += (double)played->delay;
    n++;
  }
  g_assert_cmpuint(n, >, 0);
  return sum / n;
}

static gint
compare_times(gconstpointer a, gconstpointer b)
{
  const WzpTime *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

double
sim_quantile(GArray *times, double q)
{
  g_array_sort(times, compare_times);
  unsigned at = MIN((unsigned)(q * times->len), times->len - 1);
  return (double)g_array_index(times, WzpTime, at) / WZP_SECOND;
}

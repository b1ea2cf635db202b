/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call.h"
#include <string.h>

#define JITTER_QUEUE 500
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
    party->events = g_array_new(FALSE, FALSE, sizeof(WzpEvent));
    party->played = g_array_new(FALSE, FALSE, sizeof(SimPlayed));
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
    wzp_jitter_free(party->jitter);
    wzp_identity_free(party->identity);
    sim_link_free(party->out);
    sim_link_free(party->in);
    g_array_unref(party->events);
    g_array_unref(party->played);
  }
  relay_core_free(sim->relay);
  wzp_identity_free(sim->relay_identity);
  sim_network_free(sim->network);
  g_free(sim);
}

/* --- The network --- */

static SimParty *
party_at(SimCall *sim, const WzpAddress *address)
{
  for (unsigned i = 0; i < sim->n_parties; i++)
    if (wzp_address_equal(&sim->parties[i].address, address))
      return &sim->parties[i];
  return NULL;
}

/* sender NULL: the relay. */
static void
send_datagram(SimCall *sim, SimParty *sender, const WzpAddress *to, const uint8_t *data,
              size_t length)
{
  if (sim->tap != NULL &&
      !sim->tap(sim->tap_user, sender != NULL ? (int)sender->index : -1, to, data, length))
    return;
  const WzpAddress *from = sender != NULL ? &sender->address : &sim->relay_address;
  SimParty *receiver = party_at(sim, to);
  SimLink *link = sender != NULL ? sender->out : receiver != NULL ? receiver->in : NULL;
  if (receiver == NULL && !wzp_address_equal(to, &sim->relay_address))
    return; /* nobody lives there */
  sim_network_send(sim->network, link, sim->now, from, to, data, length);
}

static void
drain_relay(SimCall *sim)
{
  RelayDatagram datagram;
  while (sim->relay != NULL && relay_core_poll(sim->relay, sim->now, &datagram))
    send_datagram(sim, NULL, &datagram.to, datagram.data, datagram.length);
}

static void
drain_party(SimCall *sim, SimParty *party)
{
  WzpOutput output;
  while (party->call != NULL && wzp_call_poll(party->call, sim->now, &output)) {
    if (output.kind == WZP_OUTPUT_DATAGRAM) {
      send_datagram(sim, party, &output.to, output.data, output.length);
      continue;
    }
    g_array_append_val(party->events, output.event);
    if (output.event.type == WZP_EVENT_STATE && output.event.state == WZP_CALL_ACTIVE)
      party->active_at = MIN(party->active_at, sim->now);
  }
  if (party->connected_at == WZP_NEVER && sim_party_stats(party).handshakes_completed > 0)
    party->connected_at = sim->now;
}

/* --- Talking and listening --- */

static void
fill_frame(uint8_t frame[SIM_FRAME_BYTES], unsigned party, uint64_t number, WzpTime captured)
{
  WzpWriter writer;
  wzp_writer_init(&writer, frame, SIM_FRAME_BYTES);
  wzp_writer_u8(&writer, (uint8_t)party);
  wzp_writer_u64(&writer, number);
  wzp_writer_u64(&writer, (uint64_t)captured);
  while (writer.length < SIM_FRAME_BYTES)
    wzp_writer_u8(&writer, (uint8_t)(number + writer.length));
}

static void
talk(SimCall *sim, SimParty *party)
{
  uint8_t frame[SIM_FRAME_BYTES], bundle[SIM_FRAME_BYTES + 1];
  uint8_t packet[WZP_DATAGRAM_MAX];
  size_t length;
  WzpHeader header;
  WzpAddress to;
  WzpWriter writer;
  bool first = party->frames_made == 0;

  fill_frame(frame, party->index, party->frames_made++, sim->now);
  wzp_writer_init(&writer, bundle, sizeof bundle);
  wzp_bundle_write(&writer, WZP_ELEMENT_FRAMES, frame, sizeof frame, true);
  WzpResult result =
      wzp_call_seal(party->call, sim->now, (uint8_t)wzp_framing_code(WZP_CODEC_OPUS, 20, 1),
                    party->timestamp, first ? WZP_FLAG_TALK_START : 0, first, bundle, writer.length,
                    packet, sizeof packet, &length, &header);
  party->timestamp += (uint32_t)(SIM_FRAME_TIME / WZP_MSEC);
  party->next_frame += SIM_FRAME_TIME;
  if (result == WZP_OK)
    result = wzp_call_frame_media(party->call, sim->now, packet, length, packet, &length, &to);
  if (result != WZP_OK)
    return;
  party->frames_sent++;
  send_datagram(sim, party, &to, packet, length);
}

static void
play(SimCall *sim, SimParty *party)
{
  for (;;) {
    WzpJitterOutput output = wzp_jitter_poll(party->jitter, sim->now * 1000);
    switch (output.action) {
    case WZP_JITTER_WAIT:
      return;
    case WZP_JITTER_PLAY: {
      SimPlayed played = {.sent = (WzpTime)output.id, .delay = sim->now - (WzpTime)output.id};
      if (party->played->len > 0) {
        const SimPlayed *last = &g_array_index(party->played, SimPlayed, party->played->len - 1);
        party->longest_stall =
            MAX(party->longest_stall, sim->now - (last->sent + last->delay) - SIM_FRAME_TIME);
      }
      g_array_append_val(party->played, played);
      break;
    }
    case WZP_JITTER_LOST:
      party->frames_lost++;
      break;
    case WZP_JITTER_SILENCE:
      party->frames_silent++;
      break;
    default:
      break;
    }
  }
}

static void
listen_to(SimCall *sim, SimParty *party, const uint8_t *packet, size_t length)
{
  uint8_t plain[WZP_DATAGRAM_MAX], expected[SIM_FRAME_BYTES];
  size_t plain_length;
  WzpOpened opened;
  WzpBundleReader bundle;
  WzpElement element;

  if (wzp_call_open(party->call, sim->now, packet, length, plain, &plain_length, &opened) != WZP_OK)
    return;
  wzp_bundle_reader_init(&bundle, plain, plain_length);
  g_assert_true(wzp_bundle_reader_next(&bundle, &element));
  g_assert_cmpint(element.type, ==, WZP_ELEMENT_FRAMES);
  g_assert_cmpuint(element.length, ==, SIM_FRAME_BYTES);
  WzpReader reader;
  wzp_reader_init(&reader, element.data, element.length);
  unsigned from = wzp_reader_u8(&reader);
  uint64_t number = wzp_reader_u64(&reader);
  WzpTime captured = (WzpTime)wzp_reader_u64(&reader);
  g_assert_cmpuint(from, !=, party->index);
  fill_frame(expected, from, number, captured);
  g_assert_cmpmem(element.data, element.length, expected, sizeof expected);

  party->frames_received++;
  party->last_received = sim->now;
  party->first_media_at = MIN(party->first_media_at, sim->now);
  WzpJitterFrame frame = {
      .index = opened.index,
      .media_time = opened.has_media_ms ? (int64_t)opened.media_ms * 1000000 : -1,
      .duration = SIM_FRAME_TIME * 1000,
      .arrival = sim->now * 1000,
      .id = (uint64_t)captured,
  };
  wzp_jitter_push(party->jitter, &frame, NULL);
}

static WzpResult
deliver_to_party(SimCall *sim, SimParty *party, const WzpAddress *from, const uint8_t *data,
                 size_t length)
{
  bool media = false;
  if (party->call == NULL)
    return WZP_NOT_CONNECTED;
  WzpResult result = wzp_call_handle_datagram(party->call, sim->now, from, data, length, &media);
  if (media && wzp_datagram_kind(data, length) == WZP_DATAGRAM_MEDIA)
    listen_to(sim, party, data, length);
  drain_party(sim, party);
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
  wzp_jitter_free(party->jitter);
  party->jitter = wzp_jitter_new(
      (sim->config.latency > 0 ? sim->config.latency : 200 * WZP_MSEC) * 1000, JITTER_QUEUE);
  party->talking = true;
  party->next_frame = sim->now;
  party->frames_made = 0;
  party->timestamp = 0;
  party->started_at = sim->now;
  party->connected_at = party->active_at = party->first_media_at = WZP_NEVER;
  wzp_call_start(party->call, sim->now);
  drain_party(sim, party);
}

void
sim_call_start_party(SimCall *sim, unsigned index)
{
  WzpCallConfig config = sim_call_party_config(sim, index);
  sim_call_start_with(sim, index, &config);
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
  drain_party(sim, party);
  WzpTime next;
  while ((next = wzp_call_next_timeout(party->call)) != WZP_NEVER)
    sim_call_run(sim, MAX(next - sim->now, 1));
  sim_call_kill_party(sim, index);
}

/* --- Time --- */

static WzpTime
next_of_party(const SimParty *party)
{
  if (party->call == NULL)
    return WZP_NEVER;
  WzpTime next = wzp_call_next_timeout(party->call);
  return party->talking ? MIN(next, party->next_frame) : next;
}

/* When the party's jitter buffer has something to do; polling changes nothing before. */
static WzpTime
next_playout(SimCall *sim, SimParty *party)
{
  if (party->jitter == NULL)
    return WZP_NEVER;
  WzpJitterOutput output = wzp_jitter_poll(party->jitter, sim->now * 1000);
  g_assert_cmpint(output.action, ==, WZP_JITTER_WAIT); /* play() left nothing */
  return output.until == INT64_MAX ? WZP_NEVER : (output.until + 999) / 1000;
}

static WzpTime
next_event(SimCall *sim)
{
  WzpTime next = sim_network_next(sim->network);
  if (sim->relay != NULL)
    next = MIN(next, relay_core_next_timeout(sim->relay));
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    next = MIN(next, next_of_party(party));
    next = MIN(next, next_playout(sim, party));
  }
  return next;
}

static void
act(SimCall *sim)
{
  SimDatagram datagram;
  while (sim_network_receive(sim->network, sim->now, &datagram)) {
    SimParty *party = party_at(sim, &datagram.to);
    if (party != NULL)
      deliver_to_party(sim, party, &datagram.from, datagram.data, datagram.length);
    else
      deliver_to_relay(sim, &datagram.from, datagram.data, datagram.length);
  }
  if (sim->relay != NULL && sim->now >= relay_core_next_timeout(sim->relay)) {
    relay_core_handle_timeout(sim->relay, sim->now);
    drain_relay(sim);
  }
  for (unsigned i = 0; i < sim->n_parties; i++) {
    SimParty *party = &sim->parties[i];
    if (party->jitter != NULL)
      play(sim, party);
    if (party->call == NULL)
      continue;
    if (sim->now >= wzp_call_next_timeout(party->call)) {
      wzp_call_handle_timeout(party->call, sim->now);
      drain_party(sim, party);
    }
    if (party->talking && sim->now >= party->next_frame)
      talk(sim, party);
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

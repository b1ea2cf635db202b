/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-call-private.h"
#include <string.h>

#define JITTER_QUEUE 500
#define NUMBER_MAX 0xffffff
#define DESCRIPTOR 0x80000000u /* in an id: not the number of a frame, but of a descriptor */

void
sim_talk_init(SimCall *sim, SimParty *party)
{
  const SimCallConfig *config = &sim->config;
  sim->limits_of_repair = config->repair
                              ? config->limits
                              : (WzpFecLimits){.scheme = WZP_FEC_NONE, .frames_per_packet = 1};
  sim->limits_of_repair.profile =
      config->profile != NULL ? config->profile : wzp_profile_by_name(WZP_PROFILE_DEFAULT);
  party->frames = g_array_new(FALSE, FALSE, sizeof(SimFrame));
  party->played = g_array_new(FALSE, FALSE, sizeof(SimPlayed));
  party->descriptors = g_array_new(FALSE, FALSE, WZP_COMFORT_SIZE);
  if (config->dtx && config->voice != NULL)
    party->talk = wzp_talk_new();
  party->path_delay = config->out.delay + config->in.delay;
}

void
sim_talk_clear(SimParty *party)
{
  /* whatever came out on the other side is what went in */
  g_assert_cmpuint(party->frames_wrong, ==, 0);
  wzp_fec_sender_free(party->fec_sender);
  wzp_quality_free(party->quality);
  for (unsigned slot = 0; slot < G_N_ELEMENTS(party->fec_receivers); slot++) {
    wzp_fec_receiver_free(party->fec_receivers[slot]);
    wzp_fec_holes_free(party->holes[slot]);
  }
  wzp_jitter_free(party->jitter);
  wzp_talk_free(party->talk);
  g_array_unref(party->frames);
  g_array_unref(party->played);
  g_array_unref(party->descriptors);
}

static void
begin_quality(SimCall *sim, SimParty *party)
{
  if (!sim->config.quality)
    return;
  wzp_quality_free(party->quality);
  party->quality = wzp_quality_new();
  wzp_quality_set_mode(party->quality, sim->config.quality_mode);
  wzp_quality_set_profile(party->quality, sim->limits_of_repair.profile);
  wzp_quality_set_tier(party->quality, sim->config.tier);
}

static void
apply_quality(SimCall *sim, SimParty *party)
{
  if (party->quality == NULL)
    return;
  const WzpFecLimits limits = wzp_quality_limits(party->quality, &sim->limits_of_repair);
  wzp_fec_sender_set_limits(party->fec_sender, &limits);
}

void
sim_talk_begin(SimCall *sim, SimParty *party)
{
  const SimCallConfig *config = &sim->config;
  const WzpTime latency = config->latency > 0 ? config->latency : 200 * WZP_MSEC;
  const bool adaptive = config->latency == SIM_ADAPTIVE;
  wzp_jitter_free(party->jitter);
  party->jitter =
      config->no_playout
          ? NULL
          : wzp_jitter_new(adaptive ? WZP_JITTER_ADAPTIVE : latency * 1000, JITTER_QUEUE);
  if (party->jitter != NULL && adaptive)
    wzp_jitter_set_round_trip(party->jitter, 2 * (config->out.delay + config->in.delay) * 1000);
  wzp_fec_sender_free(party->fec_sender);
  begin_quality(sim, party);
  party->fec_sender = wzp_fec_sender_new(&sim->limits_of_repair);
  apply_quality(sim, party);
  party->first_frame = party->frames->len;
  party->profile = sim->limits_of_repair.profile;
  party->talking = true;
  party->was_silent = true;
  party->next_frame = sim->now;
  party->timestamp = party->held_back = 0;
  if (party->talk != NULL)
    wzp_talk_reset(party->talk);
}

void
sim_talk_new_stream(SimParty *party, uint8_t slot)
{
  if (party->fec_receivers[slot] == NULL)
    return;
  wzp_fec_receiver_reset(party->fec_receivers[slot]);
  wzp_fec_holes_reset(party->holes[slot]);
}

void
sim_call_talk(SimCall *sim, unsigned index, bool talk)
{
  SimParty *party = &sim->parties[index];
  party->talking = talk;
  party->next_frame = MAX(party->next_frame, sim->now);
}

/* --- Talking --- */

/* Frames differ in every byte, and say whose they are and which. */
static void
fill_frame(uint8_t *frame, size_t length, unsigned party, uint32_t number)
{
  WzpWriter writer;
  wzp_writer_init(&writer, frame, length);
  wzp_writer_u8(&writer, (uint8_t)party);
  wzp_writer_u8(&writer, (uint8_t)(number >> 16));
  wzp_writer_u16(&writer, (uint16_t)number);
  for (uint32_t state = number * 2 + party + 1; writer.length < length;) {
    state = state * 1664525 + 1013904223;
    wzp_writer_u8(&writer, (uint8_t)(state >> 24));
  }
}

static WzpTime
frame_time(const SimParty *party)
{
  return party->profile->frame_ms * WZP_MSEC;
}

static void
note_epoch(SimParty *party, uint8_t low)
{
  if (party->epochs == 0 || ((low ^ party->epoch) & 3) != 0)
    party->epochs++;
  party->epoch = low;
}

static void
send_packet(SimCall *sim, SimParty *party, const WzpFecPacket *fec)
{
  uint8_t packet[WZP_DATAGRAM_MAX];
  size_t length;
  WzpHeader header;
  WzpAddress to;
  uint16_t k;
  unsigned ways = 0;
  WzpTime expected = WZP_NEVER;
  WzpResult result = wzp_call_seal(party->call, sim->now, fec->code, (uint32_t)fec->media_ms,
                                   fec->talk_start ? WZP_FLAG_TALK_START : 0, fec->gap, fec->bundle,
                                   fec->length, packet, sizeof packet, &length, &header);
  if (result == WZP_OK) {
    party->own_slot = header.slot;
    note_epoch(party, header.epoch_low);
    ways = wzp_call_route(party->call, sim->now, &k);
  }
  if (ways & WZP_WAY_DIRECT)
    expected = sim_direct_send(sim, party, k, packet, length);
  if (ways & WZP_WAY_RELAY) {
    result = wzp_call_frame_media(party->call, sim->now, packet, length, packet, &length, &to);
    WzpTime at = result == WZP_OK ? sim_send_datagram(sim, party, &to, packet, length) : WZP_NEVER;
    expected = MIN(expected, at);
  }
  party->frames_sent += result == WZP_OK || expected != WZP_NEVER ? fec->n_frames : 0;
  if (expected != WZP_NEVER && party->quality != NULL) {
    wzp_quality_set_way(party->quality, wzp_call_way_changes(party->call));
    wzp_quality_sent(party->quality, sim->now, fec->media_ms, fec->n_frames > 0,
                     (unsigned)length + SIM_IP_UDP_BYTES);
  }
  /* what was never sent would have taken as long as what was */
  if (expected == WZP_NEVER)
    expected = sim->now + party->path_delay;
  party->path_delay = expected - sim->now;
  for (unsigned i = 0; i < fec->n_frames; i++)
    g_array_index(party->frames, SimFrame, party->first_frame + fec->first + i).expected = expected;
}

static void
send_packets(SimCall *sim, SimParty *party)
{
  WzpFecPacket packet;
  while (wzp_fec_sender_poll(party->fec_sender, &packet))
    send_packet(sim, party, &packet);
}

/* How long playout waits for repair. */
static WzpTime
playout(const SimCall *sim, const SimParty *party)
{
  WzpJitterStats stats;
  if (party->jitter == NULL || sim->config.latency != SIM_ADAPTIVE)
    return party->quality != NULL ? 0 : sim->limits_of_repair.max_delay;
  wzp_jitter_get_stats(party->jitter, &stats);
  return stats.playout / 1000;
}

static void
report(SimCall *sim, SimParty *party)
{
  WzpReport report;
  for (unsigned slot = 0; slot < G_N_ELEMENTS(party->fec_receivers); slot++)
    if (party->fec_receivers[slot] != NULL &&
        wzp_fec_receiver_report(party->fec_receivers[slot], sim->now, (uint8_t)slot,
                                playout(sim, party), &report)) {
      wzp_fec_sender_carry_report(party->fec_sender, sim->now, &report);
      if (party->quality != NULL)
        wzp_quality_own_report(party->quality, sim->now, &report);
      return; /* a packet takes one; the next one another's */
    }
}

static bool
is_paused(const SimCall *sim, const SimParty *party)
{
  return party->quality != NULL && wzp_quality_is_paused(party->quality, sim->now);
}

/* A frame, which was complete `held` ms ago. pcm: NULL without a voice. */
static void
send_frame(SimCall *sim, SimParty *party, const int16_t *pcm, bool start, uint32_t held)
{
  uint8_t data[WZP_DATAGRAM_MAX];
  const WzpProfile *profile = party->profile;
  const uint32_t number = party->frames->len;
  const SimFrame record = {.captured = sim->now - held * WZP_MSEC,
                           .expected = WZP_NEVER,
                           .arrived = WZP_NEVER,
                           .media_ms = party->timestamp,
                           .length = profile->frame_bytes};
  g_assert_cmpint(number, <=, NUMBER_MAX);
  fill_frame(data, profile->frame_bytes, party->index, number);
  if (pcm != NULL)
    sim->config.voice->spoken(sim->config.voice->user, party->index, number, profile, pcm);
  g_array_append_val(party->frames, record);
  const WzpFecSourceFrame frame = {
      .code = (uint8_t)wzp_framing_frame_code(profile->codec, profile->frame_ms),
      .media_ms = party->timestamp,
      .talk_start = party->was_silent || start,
      .data = data,
      .length = profile->frame_bytes};
  g_assert_cmpint(wzp_fec_sender_push(party->fec_sender, sim->now, &frame), ==, WZP_OK);
  party->was_silent = false;
  party->timestamp += profile->frame_ms;
  send_packets(sim, party);
}

void
sim_call_end_talk(SimCall *sim, unsigned index)
{
  SimParty *party = &sim->parties[index];
  sim_call_talk(sim, index, false);
  party->was_silent = true;
  wzp_fec_sender_end(party->fec_sender, sim->now);
  send_packets(sim, party);
}

static void
be_silent(SimCall *sim, SimParty *party)
{
  party->was_silent = true;
  wzp_fec_sender_silence(party->fec_sender, sim->now, party->timestamp);
  party->timestamp += party->profile->frame_ms;
  send_packets(sim, party);
}

static void
describe(SimCall *sim, SimParty *party)
{
  uint8_t descriptor[WZP_COMFORT_SIZE];
  wzp_comfort_write(wzp_talk_room(party->talk), party->profile->bandwidth, descriptor);
  wzp_fec_sender_comfort(party->fec_sender, sim->now, party->timestamp, descriptor,
                         sizeof descriptor);
  party->timestamp += party->profile->frame_ms;
  send_packets(sim, party);
}

/* What wzpenc makes of a frame of sound. */
static void
take_parts(SimCall *sim, SimParty *party)
{
  WzpTalkOutput part;
  while (wzp_talk_next(party->talk, &part)) {
    const uint32_t held = party->held_back -= party->profile->frame_ms;
    if (is_paused(sim, party) || part.action == WZP_TALK_SILENT)
      be_silent(sim, party);
    else if (part.action == WZP_TALK_COMFORT)
      describe(sim, party);
    else
      send_frame(sim, party, part.pcm, part.start, held);
  }
}

static void
talk(SimCall *sim, SimParty *party)
{
  int16_t pcm[WZP_TALK_FRAME_MAX];
  const unsigned samples = party->profile->frame_ms * (WZP_NOISE_RATE / 1000);
  if (sim->config.voice != NULL)
    sim->config.voice->said(sim->config.voice->user, party->index, pcm, samples);
  if (party->talk != NULL) {
    party->held_back += party->profile->frame_ms;
    wzp_talk_frame(party->talk, pcm, samples);
    take_parts(sim, party);
  } else if (is_paused(sim, party)) {
    be_silent(sim, party);
  } else {
    send_frame(sim, party, sim->config.voice != NULL ? pcm : NULL, false, 0);
  }
}

/* What is held back has the length of the profile's frames: it must go before that changes. */
static void
follow_plan(SimCall *sim, SimParty *party)
{
  const WzpProfile *profile = wzp_fec_sender_plan(party->fec_sender)->profile;
  if (party->talk != NULL && profile->frame_ms != party->profile->frame_ms) {
    wzp_talk_drain(party->talk);
    take_parts(sim, party);
  }
  party->profile = profile;
}

WzpTime
sim_talk_next(SimCall *sim, const SimParty *party)
{
  /* in silence too there may be repair to give, or a report */
  const bool owes =
      sim->config.repair && (party->frames->len > party->first_frame || party->n_streams > 0);
  return party->talking || owes ? party->next_frame : WZP_NEVER;
}

/* What the session says goes the same way. */
static void
share_way(const SimCall *sim, SimParty *party)
{
  const uint64_t bytes = wzp_call_session_bytes(party->call) - party->session_bytes;
  party->session_bytes += bytes;
  wzp_quality_sent_beside(party->quality, bytes);
  wzp_fec_sender_spent(party->fec_sender, bytes);
  wzp_call_set_session_rate(party->call, wzp_quality_session_rate(party->quality, sim->now));
}

void
sim_talk_act(SimCall *sim, SimParty *party)
{
  if (sim->now < sim_talk_next(sim, party))
    return;
  if (party->quality != NULL)
    share_way(sim, party);
  if (party->quality != NULL && wzp_quality_tick(party->quality, sim->now))
    apply_quality(sim, party);
  if (sim->config.repair)
    report(sim, party);
  if (party->talking)
    talk(sim, party);
  else
    be_silent(sim, party);
  if (sim->limits_of_repair.may_lower_profile || party->quality != NULL)
    follow_plan(sim, party);
  party->next_frame += frame_time(party); /* a frame is there when the last of it was spoken */
}

/* --- Listening --- */

WzpTime
sim_play_next(SimCall *sim, SimParty *party)
{
  if (party->jitter == NULL)
    return WZP_NEVER;
  WzpJitterOutput output = wzp_jitter_poll(party->jitter, sim->now * 1000);
  g_assert_cmpint(output.action, ==, WZP_JITTER_WAIT); /* sim_play_act() left nothing */
  return output.until == INT64_MAX ? WZP_NEVER : (output.until + 999) / 1000;
}

/* A frame's id in the jitter buffer says whose it is, and which. */
static uint64_t
id_of_frame(unsigned from, unsigned number)
{
  return (uint64_t)from << 32 | number;
}

static void
note_played(SimCall *sim, SimParty *party, const SimFrame *frame)
{
  SimPlayed played = {.sent = frame->captured, .delay = sim->now - frame->captured};
  if (party->played->len > 0) {
    const SimPlayed *last = &g_array_index(party->played, SimPlayed, party->played->len - 1);
    const WzpTime stall = sim->now - (last->sent + last->delay) - SIM_FRAME_TIME;
    party->longest_stall = MAX(party->longest_stall, stall);
    party->unheard += stall > SIM_STALL ? stall : 0;
  }
  g_array_append_val(party->played, played);
}

void
sim_play_act(SimCall *sim, SimParty *party)
{
  const SimVoice *voice = sim->config.voice;
  while (party->jitter != NULL) {
    WzpJitterOutput output = wzp_jitter_poll(party->jitter, sim->now * 1000);
    const unsigned from = (unsigned)(output.id >> 32), number = (uint32_t)output.id;
    if (output.action == WZP_JITTER_WAIT)
      return;
    const bool described = output.action == WZP_JITTER_PLAY && (number & DESCRIPTOR) != 0;
    const uint8_t *descriptor = NULL;
    if (described)
      descriptor =
          (const uint8_t *)party->descriptors->data + (number & ~DESCRIPTOR) * WZP_COMFORT_SIZE;
    else if (output.action == WZP_JITTER_PLAY)
      note_played(sim, party, &g_array_index(sim->parties[from].frames, SimFrame, number));
    party->frames_lost += output.action == WZP_JITTER_LOST;
    party->frames_silent += output.action == WZP_JITTER_SILENCE;
    if (voice == NULL && output.action == WZP_JITTER_PLAY && sim->config.latency == SIM_ADAPTIVE)
      wzp_jitter_stretched(party->jitter, output.stretch); /* as a decoder would, at its ease */
    if (voice == NULL || output.action == WZP_JITTER_DROP)
      continue;
    const int64_t by = voice->played(voice->user, party->index, &output, from, number, descriptor);
    if (by != 0)
      wzp_jitter_stretched(party->jitter, by);
  }
}

/* The record of a frame that came, if it is what was sent; NULL if not. */
static SimFrame *
recognise(SimCall *sim, const SimParty *party, const uint8_t *data, size_t length, unsigned *from,
          uint32_t *number)
{
  uint8_t expected[WZP_DATAGRAM_MAX];
  WzpReader reader;
  wzp_reader_init(&reader, data, length);
  *from = wzp_reader_u8(&reader);
  const uint32_t high = wzp_reader_u8(&reader);
  *number = high << 16 | wzp_reader_u16(&reader);
  if (*from >= sim->n_parties || *from == party->index ||
      *number >= sim->parties[*from].frames->len)
    return NULL;
  SimFrame *record = &g_array_index(sim->parties[*from].frames, SimFrame, *number);
  if (length != record->length)
    return NULL;
  fill_frame(expected, length, *from, *number);
  return memcmp(data, expected, length) == 0 ? record : NULL;
}

/* Whether repair was faster than a frame's own packet is no matter: that came too. */
static void
note_own_frames(SimCall *sim, const SimParty *party, uint8_t code, const uint8_t *plain,
                size_t plain_length)
{
  const unsigned n = wzp_framing_from_code(code)->frames_per_packet;
  WzpBundleReader bundle;
  WzpElement element;
  wzp_bundle_reader_init(&bundle, plain, plain_length);
  while (n > 0 && wzp_bundle_reader_next(&bundle, &element)) {
    const size_t length = element.length / n;
    for (unsigned i = 0; element.type == WZP_ELEMENT_FRAMES && i < n; i++) {
      unsigned from;
      uint32_t number;
      SimFrame *record = recognise(sim, party, element.data + i * length, length, &from, &number);
      if (record != NULL && party->index == (from + 1) % sim->n_parties)
        record->own = true;
    }
  }
}

static void
queue(SimCall *sim, SimParty *party, const WzpFecFrame *frame, unsigned ms, bool held_back,
      uint64_t id)
{
  if (party->jitter == NULL)
    return;
  WzpJitterFrame jitter_frame = {
      .index = frame->number,
      .media_time = frame->has_media_ms ? (int64_t)frame->media_ms * 1000000 : -1,
      .duration = ms * INT64_C(1000000),
      .arrival = sim->now * 1000,
      .waited = frame->waited_ms * INT64_C(1000000),
      .id = id,
      .recovered = frame->recovered,
      .silence = frame->code == WZP_CODE_COMFORT_NOISE,
      .held_back = held_back,
  };
  wzp_jitter_push(party->jitter, &jitter_frame, NULL);
}

static void
hear(SimCall *sim, SimParty *party, const WzpFecFrame *frame, bool held_back)
{
  if (frame->code == WZP_CODE_COMFORT_NOISE) {
    g_assert_cmpuint(frame->length, >=, WZP_COMFORT_SIZE);
    g_array_append_vals(party->descriptors, frame->data, 1);
    queue(sim, party, frame, WZP_COMFORT_FRAME_MS, held_back,
          id_of_frame(0, DESCRIPTOR | (party->descriptors->len - 1)));
    return;
  }
  unsigned from;
  uint32_t number;
  SimFrame *record = recognise(sim, party, frame->data, frame->length, &from, &number);
  if (record == NULL) {
    party->frames_wrong++;
    return;
  }
  if (party->index == (from + 1) % sim->n_parties) {
    if (record->arrived != WZP_NEVER) {
      party->frames_twice++;
      return;
    }
    record->arrived = sim->now;
  }
  party->frames_mistimed += frame->has_media_ms && (uint32_t)frame->media_ms != record->media_ms;
  party->frames_received++;
  party->frames_from[from]++;
  party->frames_recovered += frame->recovered;
  party->last_received = sim->now;
  if (party->last_arrival > 0)
    party->longest_gap = MAX(party->longest_gap, sim->now - party->last_arrival);
  party->last_arrival = sim->now;
  party->first_media_at = MIN(party->first_media_at, sim->now);
  queue(sim, party, frame, wzp_framing_from_code(frame->code)->frame_ms, held_back,
        id_of_frame(from, number));
}

void
sim_talk_listen(SimCall *sim, SimParty *party, const uint8_t *packet, size_t length)
{
  uint8_t plain[WZP_DATAGRAM_MAX];
  size_t plain_length;
  WzpOpened opened;
  WzpFecFrame frame;
  WzpReport report;

  if (wzp_call_open(party->call, sim->now, packet, length, plain, &plain_length, &opened) != WZP_OK)
    return;
  WzpFecReceiver **receiver = &party->fec_receivers[opened.header.slot];
  if (*receiver == NULL) {
    *receiver = wzp_fec_receiver_new();
    party->holes[opened.header.slot] = wzp_fec_holes_new();
    party->n_streams++;
    party->next_frame =
        MAX(party->next_frame, sim->now); /* who was silent so far begins to report */
  }
  const WzpFecPacketInfo info = {
      .code = opened.header.code,
      .index = opened.index,
      .has_media_ms = opened.has_media_ms,
      .media_ms = opened.media_ms,
      .talk_start = opened.header.full && (opened.header.flags & WZP_FLAG_TALK_START) != 0,
  };
  note_own_frames(sim, party, info.code, plain, plain_length);
  if (wzp_fec_receiver_push(*receiver, sim->now, &info, plain, plain_length) != WZP_OK)
    party->bundles_refused++;
  WzpFecHoles *holes = party->holes[opened.header.slot];
  wzp_fec_holes_pushed(holes, *receiver);
  while (wzp_fec_receiver_next(*receiver, &frame)) {
    hear(sim, party, &frame, info.talk_start && !frame.recovered);
    wzp_fec_holes_came(holes, frame.number);
  }
  wzp_fec_holes_find(holes, *receiver);
  uint64_t number;
  while (wzp_fec_holes_next(holes, &number))
    if (party->jitter != NULL)
      wzp_jitter_hopeless(party->jitter, number);
  if (wzp_fec_receiver_peer_report(*receiver, &report) && report.slot == party->own_slot &&
      party->fec_sender != NULL) {
    WzpFecSenderStats stats;
    wzp_fec_sender_handle_report(party->fec_sender, sim->now, &report);
    wzp_fec_sender_get_stats(party->fec_sender, sim->now, &stats);
    wzp_call_set_loss(party->call, stats.channel.loss);
    if (party->quality != NULL &&
        wzp_quality_report(party->quality, sim->now, opened.header.slot, &report,
                           &sim->limits_of_repair, wzp_fec_sender_plan(party->fec_sender),
                           &stats.channel))
      apply_quality(sim, party);
  }
}

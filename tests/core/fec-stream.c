/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-stream.h"
#include "wzp/comfort-noise.h"

#define OVERHEAD 56

WzpFecLimits
fec_stream_limits(WzpFecScheme scheme, int overhead, unsigned frames_per_packet)
{
  return (WzpFecLimits){.scheme = scheme,
                        .overhead = overhead,
                        .max_delay = 400 * WZP_MSEC,
                        .frames_per_packet = frames_per_packet};
}

void
fec_stream_init(FecStream *stream, const WzpFecLimits *limits)
{
  *stream = (FecStream){
      .sender = wzp_fec_sender_new(limits),
      .receiver = wzp_fec_receiver_new(),
      .talk_start = true,
      .sent = g_array_new(FALSE, TRUE, sizeof(FecSent)),
      .held = g_ptr_array_new_with_free_func(g_free),
  };
  test_random_init(&stream->random);
}

void
fec_stream_clear(FecStream *stream)
{
  wzp_fec_sender_free(stream->sender);
  wzp_fec_receiver_free(stream->receiver);
  g_array_unref(stream->sent);
  g_ptr_array_unref(stream->held);
}

void
fec_stream_channel(FecStream *stream, double loss, double burst)
{
  WzpChannelState state = wzp_channel_of_burst(loss, burst);
  wzp_fec_sender_set_channel(stream->sender, &state);
}

/* Four bytes of the place, then bytes that follow from it. */
static void
content(uint8_t *out, uint32_t place, size_t length)
{
  g_assert_cmpuint(length, >=, 4);
  memcpy(out, &place, 4);
  for (size_t i = 4; i < length; i++)
    out[i] = (uint8_t)(place * 7 + i * (place / 5 + 3));
}

static const uint8_t comfort[WZP_COMFORT_SIZE] = {0x68, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};

static void
take_frames(FecStream *stream)
{
  WzpFecFrame frame;
  uint8_t expected[WZP_DATAGRAM_MAX];
  while (wzp_fec_receiver_next(stream->receiver, &frame)) {
    if (frame.code == WZP_CODE_COMFORT_NOISE) {
      uint8_t nothing[WZP_COMFORT_SIZE];
      wzp_comfort_write_nothing(nothing);
      g_assert_cmpmem(frame.data, frame.length, stream->ended ? nothing : comfort, sizeof comfort);
      g_assert_false(frame.recovered);
      g_assert_true(stream->comforts == 0 || frame.number > stream->comfort_number);
      stream->comforts++;
      stream->comfort_number = frame.number;
      stream->comfort_ms = frame.media_ms;
      continue;
    }
    uint32_t place;
    g_assert_cmpuint(frame.length, >=, 4);
    memcpy(&place, frame.data, 4);
    g_assert_cmpuint(place, <, stream->sent->len);
    FecSent *sent = &g_array_index(stream->sent, FecSent, place);
    content(expected, place, sent->length);
    g_assert_cmpmem(frame.data, frame.length, expected, sent->length);
    g_assert_cmpuint(frame.code, ==, sent->code);
    if (!stream->by_header) {
      g_assert_cmpint(frame.has_media_ms, ==, !stream->untimed);
      g_assert_true(stream->untimed || frame.media_ms == sent->media_ms);
    }
    g_assert_cmpuint(++sent->came, ==, 1);
    sent->recovered = frame.recovered;
    sent->number = frame.number;
  }
}

void
fec_stream_give(FecStream *stream, const FecHeld *packet)
{
  WzpFecPacketInfo info = packet->info;
  if (stream->by_header)
    info.has_media_ms =
        wzp_media_time_of(&stream->time, &packet->header, info.index, &info.media_ms);
  WzpResult result =
      wzp_fec_receiver_push(stream->receiver, stream->now, &info, packet->bundle, packet->length);
  g_assert_true(result == WZP_OK || (result == WZP_TOO_OLD && stream->hold));
  take_frames(stream);
}

void
fec_stream_deliver(FecStream *stream)
{
  WzpFecPacket packet;
  while (wzp_fec_sender_poll(stream->sender, &packet)) {
    uint64_t index = stream->index++;
    bool full = wzp_header_policy_full(&stream->headers, packet.code, 0, (uint32_t)packet.media_ms,
                                       packet.gap);
    stream->wire_bytes += OVERHEAD + (full ? 8 : 0) + packet.length;
    stream->packets++;
    stream->no_audio += packet.code == WZP_CODE_NO_AUDIO;
    bool lost = stream->lose != NULL
                    ? stream->lose(stream, index, &packet)
                    : (double)test_random_below(&stream->random, 1000000) < stream->loss * 1e6;
    if (lost)
      continue;
    FecHeld *held = g_new(FecHeld, 1);
    held->info = (WzpFecPacketInfo){.code = packet.code,
                                    .index = index,
                                    .has_media_ms = !stream->untimed,
                                    .media_ms = stream->untimed ? 0 : packet.media_ms,
                                    .talk_start = full && packet.talk_start};
    held->header =
        (WzpHeader){.full = full, .code = packet.code, .timestamp = (uint32_t)packet.media_ms};
    held->length = packet.length;
    memcpy(held->bundle, packet.bundle, packet.length);
    if (stream->hold) {
      g_ptr_array_add(stream->held, held);
    } else {
      fec_stream_give(stream, held);
      g_free(held);
    }
  }
}

void
fec_stream_talk(FecStream *stream, const char *name, size_t bytes, unsigned n)
{
  const WzpProfile *profile = wzp_profile_by_name(name);
  g_assert_nonnull(profile);
  int code = wzp_framing_frame_code(profile->codec, profile->frame_ms);
  uint8_t data[WZP_DATAGRAM_MAX];
  for (unsigned i = 0; i < n; i++) {
    FecSent sent = {.code = (uint8_t)code,
                    .media_ms = stream->media_ms,
                    .length = bytes != 0 ? bytes : profile->frame_bytes};
    content(data, stream->sent->len, sent.length);
    WzpFecSourceFrame frame = {.code = sent.code,
                               .media_ms = sent.media_ms,
                               .talk_start = stream->talk_start,
                               .data = data,
                               .length = sent.length};
    g_array_append_val(stream->sent, sent);
    stream->talk_start = false;
    g_assert_cmpint(wzp_fec_sender_push(stream->sender, stream->now, &frame), ==, WZP_OK);
    fec_stream_deliver(stream);
    stream->media_ms += profile->frame_ms;
    stream->now += profile->frame_ms * WZP_MSEC;
  }
}

void
fec_stream_silence(FecStream *stream, unsigned n)
{
  for (unsigned i = 0; i < n; i++) {
    wzp_fec_sender_silence(stream->sender, stream->now, stream->media_ms);
    fec_stream_deliver(stream);
    stream->media_ms += 20;
    stream->now += 20 * WZP_MSEC;
  }
  stream->talk_start = true;
}

void
fec_stream_comfort(FecStream *stream)
{
  g_assert_cmpint(wzp_fec_sender_comfort(stream->sender, stream->now, stream->media_ms, comfort,
                                         sizeof comfort),
                  ==, WZP_OK);
  fec_stream_deliver(stream);
  stream->media_ms += 20;
  stream->now += 20 * WZP_MSEC;
  stream->talk_start = true;
}

void
fec_stream_finish(FecStream *stream)
{
  wzp_fec_sender_finish(stream->sender, stream->now);
  fec_stream_deliver(stream);
}

void
fec_stream_end(FecStream *stream)
{
  stream->ended = true;
  wzp_fec_sender_end(stream->sender, stream->now);
  fec_stream_deliver(stream);
  stream->talk_start = true;
}

unsigned
fec_stream_lost(const FecStream *stream)
{
  unsigned lost = 0;
  for (unsigned i = 0; i < stream->sent->len; i++)
    lost += g_array_index(stream->sent, FecSent, i).came == 0;
  return lost;
}

unsigned
fec_stream_recovered(const FecStream *stream)
{
  unsigned recovered = 0;
  for (unsigned i = 0; i < stream->sent->len; i++)
    recovered += g_array_index(stream->sent, FecSent, i).recovered;
  return recovered;
}

void
fec_stream_check_numbers(const FecStream *stream, uint64_t holes)
{
  const FecSent *before = NULL;
  uint64_t left_out = 0;
  unsigned lost = 0;
  for (unsigned i = 0; i < stream->sent->len; i++) {
    const FecSent *sent = &g_array_index(stream->sent, FecSent, i);
    if (sent->came == 0) {
      lost += before != NULL;
      continue;
    }
    if (before != NULL) {
      uint64_t step = sent->number - before->number;
      g_assert_cmpuint(sent->number, >, before->number);
      g_assert_true(step > lost || holes == UINT64_MAX);
      left_out += step > lost ? step - 1 - lost : 0;
    }
    before = sent;
    lost = 0;
  }
  g_assert_cmpuint(left_out, <=, holes);
}

bool
fec_stream_repair(const WzpFecPacket *packet, WzpFecElement *element)
{
  WzpBundleReader bundle;
  WzpElement part;
  wzp_bundle_reader_init(&bundle, packet->bundle, packet->length);
  while (wzp_bundle_reader_next(&bundle, &part)) {
    if (part.type != WZP_ELEMENT_REPAIR)
      continue;
    g_assert_cmpint(wzp_fec_element_parse(element, part.data, part.length), ==, WZP_OK);
    return true;
  }
  return false;
}

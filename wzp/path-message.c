/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-message.h"
#include <sodium.h>
#include <string.h>

#define PROBE_KIND 0x46
#define PROBE_HEAD 7
#define PROBE_PLAIN (WZP_PATH_PROBE_SIZE - PROBE_HEAD - WZP_TAG_SIZE)
#define TYPE_PING 1
#define TYPE_PONG 2

/* --- Messages --- */

static WzpResult
read_candidates(WzpPathMessage *message, WzpReader *reader, unsigned *refused)
{
  unsigned n = wzp_reader_u8(reader);
  for (unsigned i = 0; i < n; i++) {
    WzpCandidate candidate;
    WzpResult result = wzp_candidate_read(&candidate, reader);
    if (reader->failed)
      return result;
    if (result == WZP_OK && message->n_candidates < WZP_CANDIDATES_MAX)
      message->candidates[message->n_candidates++] = candidate;
    else
      ++*refused;
  }
  if (reader->failed)
    return WZP_TRUNCATED;
  uint8_t nat = wzp_reader_left(reader) > 0 ? wzp_reader_u8(reader) : 0;
  message->nat = nat < WZP_N_NATS ? (WzpNat)nat : WZP_NAT_UNKNOWN;
  return WZP_OK;
}

WzpResult
wzp_path_message_parse(WzpPathMessage *message, const uint8_t *data, size_t length,
                       unsigned *refused)
{
  WzpReader reader;
  memset(message, 0, sizeof *message);
  *refused = 0;
  wzp_reader_init(&reader, data, length);
  message->type = (WzpPathMessageType)wzp_reader_u8(&reader);
  message->k = wzp_reader_u16(&reader);
  if (reader.failed)
    return WZP_TRUNCATED;
  switch (message->type) {
  case WZP_PATH_SETUP:
    return read_candidates(message, &reader, refused);
  case WZP_PATH_REPORT:
    message->flags = wzp_reader_u8(&reader);
    message->round_trip = wzp_reader_u16(&reader);
    message->hop_round_trip = wzp_reader_u16(&reader);
    return reader.failed ? WZP_TRUNCATED : WZP_OK;
  default:
    return WZP_UNKNOWN_KIND;
  }
}

size_t
wzp_path_message_write(uint8_t out[WZP_PATH_MESSAGE_MAX], const WzpPathMessage *message)
{
  WzpWriter writer;
  wzp_writer_init(&writer, out, WZP_PATH_MESSAGE_MAX);
  wzp_writer_u8(&writer, (uint8_t)message->type);
  wzp_writer_u16(&writer, message->k);
  if (message->type == WZP_PATH_SETUP) {
    wzp_writer_u8(&writer, (uint8_t)message->n_candidates);
    for (unsigned i = 0; i < message->n_candidates; i++)
      wzp_candidate_write(&message->candidates[i], &writer);
    wzp_writer_u8(&writer, (uint8_t)message->nat);
  } else {
    wzp_writer_u8(&writer, message->flags);
    wzp_writer_u16(&writer, message->round_trip);
    wzp_writer_u16(&writer, message->hop_round_trip);
  }
  return writer.length;
}

/* --- Probes --- */

static void
probe_nonce(uint8_t nonce[WZP_NONCE_SIZE], const uint8_t *head)
{
  memset(nonce, 0, 6);
  memcpy(nonce + 6, head + 1, 6); /* k and seq */
}

void
wzp_path_probe_seal(uint8_t out[WZP_PATH_PROBE_SIZE], const uint8_t key[32],
                    const WzpPathProbe *probe)
{
  uint8_t plain[PROBE_PLAIN], nonce[WZP_NONCE_SIZE];
  WzpWriter writer;
  wzp_writer_init(&writer, out, PROBE_HEAD);
  wzp_writer_u8(&writer, PROBE_KIND);
  wzp_writer_u16(&writer, probe->k);
  wzp_writer_u32(&writer, probe->seq);
  wzp_writer_init(&writer, plain, sizeof plain);
  wzp_writer_u8(&writer, probe->pong ? TYPE_PONG : TYPE_PING);
  wzp_writer_u32(&writer, probe->echoed);
  wzp_writer_u32(&writer, probe->time);
  wzp_writer_u8(&writer, probe->flags);
  wzp_writer_u8(&writer, probe->loss);
  wzp_writer_u8(&writer, probe->relay_loss);
  probe_nonce(nonce, out);
  wzp_aead_seal(out + PROBE_HEAD, key, nonce, out, PROBE_HEAD, plain, sizeof plain);
}

WzpResult
wzp_path_probe_open(WzpPathProbe *probe, const uint8_t key[32], uint16_t k, WzpWindow *window,
                    const uint8_t *data, size_t length)
{
  uint8_t plain[PROBE_PLAIN], nonce[WZP_NONCE_SIZE];
  WzpReader reader;
  if (length != WZP_PATH_PROBE_SIZE)
    return length < WZP_PATH_PROBE_SIZE ? WZP_TRUNCATED : WZP_TOO_LONG;
  wzp_reader_init(&reader, data, PROBE_HEAD);
  if (wzp_reader_u8(&reader) != PROBE_KIND)
    return WZP_UNKNOWN_KIND;
  probe->k = wzp_reader_u16(&reader);
  probe->seq = wzp_reader_u32(&reader);
  if (probe->k != k)
    return WZP_UNKNOWN_SESSION;
  WzpResult result = wzp_window_admit(window, probe->seq);
  if (result != WZP_OK)
    return result;
  probe_nonce(nonce, data);
  if (!wzp_aead_open(plain, key, nonce, data, PROBE_HEAD, data + PROBE_HEAD, length - PROBE_HEAD))
    return WZP_BAD_TAG;
  wzp_window_mark(window, probe->seq);
  wzp_reader_init(&reader, plain, sizeof plain);
  uint8_t type = wzp_reader_u8(&reader);
  probe->pong = type == TYPE_PONG;
  probe->echoed = wzp_reader_u32(&reader);
  probe->time = wzp_reader_u32(&reader);
  probe->flags = wzp_reader_u8(&reader);
  probe->loss = wzp_reader_u8(&reader);
  probe->relay_loss = wzp_reader_u8(&reader);
  return type == TYPE_PING || type == TYPE_PONG ? WZP_OK : WZP_UNKNOWN_KIND;
}

/* --- ICE --- */

static void
expand(char *text, size_t text_size, size_t size, const uint8_t ice[32], const char *label,
       uint16_t k, bool initiator)
{
  uint8_t info[16], bytes[24];
  WzpWriter writer;
  wzp_writer_init(&writer, info, sizeof info);
  wzp_writer_label(&writer, label);
  wzp_writer_u16(&writer, k);
  wzp_writer_u8(&writer, initiator ? 'i' : 'r');
  wzp_hkdf_expand(bytes, size, ice, info, writer.length);
  sodium_bin2base64(text, text_size, bytes, size, sodium_base64_VARIANT_ORIGINAL);
  sodium_memzero(bytes, sizeof bytes);
}

void
wzp_ice_credentials(WzpIceCredentials *credentials, const uint8_t ice[32], uint16_t k,
                    bool initiator)
{
  expand(credentials->ufrag, sizeof credentials->ufrag, 6, ice, "wz1 ufrag", k, initiator);
  expand(credentials->password, sizeof credentials->password, 24, ice, "wz1 pwd", k, initiator);
}

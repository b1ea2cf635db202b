/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "packet.h"
#include "kdf.h"
#include "profile.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

#define FULL_PREFIX 0x80
#define MINI_PREFIX 0xc0
#define TRUNK_BYTE 0x45
#define TRAILER_TAG_SIZE 4

WzpDatagramKind
wzp_datagram_kind(const uint8_t *data, size_t length)
{
  if (length == 0)
    return WZP_DATAGRAM_UNKNOWN;
  if (data[0] >= FULL_PREFIX)
    return WZP_DATAGRAM_MEDIA;
  if (data[0] <= 0x03)
    return WZP_DATAGRAM_STUN;
  switch (data[0]) {
  case 0x40:
    return WZP_DATAGRAM_HS1;
  case 0x41:
    return WZP_DATAGRAM_HS2;
  case 0x42:
    return WZP_DATAGRAM_HS3;
  case 0x43:
    return WZP_DATAGRAM_COOKIE;
  case 0x44:
    return WZP_DATAGRAM_CONTROL;
  case TRUNK_BYTE:
    return WZP_DATAGRAM_TRUNK;
  case 0x46:
    return WZP_DATAGRAM_PATH_PROBE;
  case WZP_PAIRWISE_BYTE:
    return WZP_DATAGRAM_PAIRWISE;
  default:
    return WZP_DATAGRAM_UNKNOWN;
  }
}

WzpResult
wzp_header_parse(WzpHeader *header, const uint8_t *packet, size_t length, size_t *header_length)
{
  WzpReader reader;
  wzp_reader_init(&reader, packet, length);

  uint8_t first = wzp_reader_u8(&reader);
  *header = (WzpHeader){
      .full = first < MINI_PREFIX,
      .epoch_low = first >> 4 & 3,
      .code = first & 15,
  };
  *header_length = 0;
  if (reader.failed)
    return WZP_TRUNCATED;
  if (first < FULL_PREFIX || wzp_framing_from_code(header->code) == NULL)
    return WZP_UNKNOWN_KIND;

  header->slot = wzp_reader_u8(&reader);
  header->seq = wzp_reader_u16(&reader);
  uint16_t zero = 0;
  if (header->full) {
    header->timestamp = wzp_reader_u32(&reader);
    header->epoch8 = wzp_reader_u8(&reader);
    header->flags = wzp_reader_u8(&reader);
    zero = wzp_reader_u16(&reader);
  }
  if (reader.failed)
    return WZP_TRUNCATED;
  if (header->full && (zero != 0 || (header->epoch8 & 3) != header->epoch_low))
    return WZP_MALFORMED;

  *header_length = reader.position;
  return WZP_OK;
}

size_t
wzp_header_write(const WzpHeader *header, uint8_t out[WZP_HEADER_FULL_SIZE])
{
  uint8_t epoch_low = (header->full ? header->epoch8 : header->epoch_low) & 3;
  uint8_t prefix = header->full ? FULL_PREFIX : MINI_PREFIX;
  WzpWriter writer;

  wzp_writer_init(&writer, out, WZP_HEADER_FULL_SIZE);
  wzp_writer_u8(&writer, (uint8_t)(prefix | epoch_low << 4 | (header->code & 15)));
  wzp_writer_u8(&writer, header->slot);
  wzp_writer_u16(&writer, header->seq);
  if (header->full) {
    wzp_writer_u32(&writer, header->timestamp);
    wzp_writer_u8(&writer, header->epoch8);
    wzp_writer_u8(&writer, header->flags & WZP_FLAG_TALK_START);
    wzp_writer_u16(&writer, 0);
  }
  return writer.length;
}

void
wzp_bundle_reader_init(WzpBundleReader *bundle, const void *data, size_t length)
{
  wzp_reader_init(&bundle->reader, data, length);
  bundle->result = WZP_OK;
}

bool
wzp_bundle_reader_next(WzpBundleReader *bundle, WzpElement *element)
{
  WzpReader *reader = &bundle->reader;

  *element = (WzpElement){0};
  if (bundle->result != WZP_OK || wzp_reader_left(reader) == 0)
    return false;

  uint8_t first = wzp_reader_u8(reader);
  element->type = first >> 4;
  switch (first & 15) {
  case 0:
    element->length = wzp_reader_left(reader);
    break;
  case 1:
    element->length = wzp_reader_u8(reader);
    break;
  case 2:
    element->length = wzp_reader_u16(reader);
    break;
  default:
    bundle->result = WZP_MALFORMED;
    return false;
  }
  element->data = wzp_reader_bytes(reader, element->length);
  if (reader->failed) {
    bundle->result = WZP_TRUNCATED;
    *element = (WzpElement){0};
    return false;
  }
  return true;
}

void
wzp_bundle_write(WzpWriter *writer, uint8_t type, const void *data, size_t length, bool last)
{
  if (type > 15 || length > UINT16_MAX) {
    writer->failed = true;
    return;
  }
  unsigned form = last ? 0 : length <= UINT8_MAX ? 1 : 2;
  wzp_writer_u8(writer, (uint8_t)(type << 4 | form));
  if (form == 1)
    wzp_writer_u8(writer, (uint8_t)length);
  else if (form == 2)
    wzp_writer_u16(writer, (uint16_t)length);
  wzp_writer_bytes(writer, data, length);
}

static bool
fits_in_trunk(const uint8_t *packet, size_t length)
{
  return length >= WZP_HEADER_MINI_SIZE && length <= UINT16_MAX &&
         wzp_datagram_kind(packet, length) == WZP_DATAGRAM_MEDIA;
}

bool
wzp_trunk_next(const uint8_t *data, size_t length, size_t *position, const uint8_t **packet,
               size_t *packet_length)
{
  WzpReader reader;

  *packet = NULL;
  *packet_length = 0;
  if (wzp_datagram_kind(data, length) != WZP_DATAGRAM_TRUNK || *position > length)
    return false;
  wzp_reader_init(&reader, data, length);
  wzp_reader_bytes(&reader, *position == 0 ? 1 : *position);
  size_t entry_length = wzp_reader_u16(&reader);
  const uint8_t *entry = wzp_reader_bytes(&reader, entry_length);
  if (reader.failed || !fits_in_trunk(entry, entry_length))
    return false;

  *position = reader.position;
  *packet = entry;
  *packet_length = entry_length;
  return true;
}

bool
wzp_trunk_valid(const uint8_t *data, size_t length)
{
  const uint8_t *packet;
  size_t packet_length, position = 0;

  while (wzp_trunk_next(data, length, &position, &packet, &packet_length)) {
  }
  return position > 0 && position == length;
}

bool
wzp_trunk_append(WzpWriter *writer, const uint8_t *packet, size_t length)
{
  size_t lead = writer->length == 0 ? 1 : 0;
  if (writer->failed || !fits_in_trunk(packet, length) ||
      lead + 2 + length > writer->capacity - writer->length)
    return false;
  if (lead > 0)
    wzp_writer_u8(writer, TRUNK_BYTE);
  wzp_writer_lp(writer, packet, length);
  return true;
}

uint16_t
wzp_datagram_seq(const uint8_t *datagram, size_t length)
{
  /* slot and seq stand at the same place in both headers */
  const size_t at = length > 0 && datagram[0] == TRUNK_BYTE ? 3 + 2 : 2;
  return length >= at + 2 ? (uint16_t)(datagram[at] << 8 | datagram[at + 1]) : 0;
}

void
wzp_hop_keys_init(WzpHopKeys *keys, const uint8_t hop_key[16])
{
  memcpy(keys->first, hop_key, sizeof keys->first);
  for (unsigned i = 0; i < G_N_ELEMENTS(keys->cached); i++) {
    memcpy(keys->cached[i].key, hop_key, sizeof keys->first);
    keys->cached[i].wraps = 0; /* right for the first, and looked for by none of the others */
  }
}

const uint8_t *
wzp_hop_keys_at(WzpHopKeys *keys, uint32_t wraps)
{
  const unsigned place = wraps % G_N_ELEMENTS(keys->cached);
  if (keys->cached[place].wraps != wraps) {
    static const char label[] = "wz1 hop wrap";
    uint8_t prk[32], info[sizeof label - 1 + 4];
    WzpWriter w;
    keys->cached[place].wraps = wraps;
    if (wraps == 0) {
      memcpy(keys->cached[place].key, keys->first, sizeof keys->first);
      return keys->cached[place].key;
    }
    wzp_writer_init(&w, info, sizeof info);
    wzp_writer_label(&w, label);
    wzp_writer_u32(&w, wraps);
    wzp_hkdf_extract(prk, NULL, 0, keys->first, sizeof keys->first);
    wzp_hkdf_expand(keys->cached[place].key, sizeof keys->cached[place].key, prk, info, w.length);
    sodium_memzero(prk, sizeof prk);
  }
  return keys->cached[place].key;
}

static void
trailer_tag(uint8_t tag[TRAILER_TAG_SIZE], const uint8_t *data, size_t length,
            const uint8_t hop_key[16])
{
  uint8_t hash[crypto_shorthash_BYTES];
  crypto_shorthash(hash, data, length, hop_key);
  memcpy(tag, hash, TRAILER_TAG_SIZE);
}

void
wzp_trailer_append(uint8_t *datagram, size_t length, const uint8_t session_id[4],
                   const uint8_t hop_key[16])
{
  memcpy(datagram + length, session_id, 4);
  trailer_tag(datagram + length + 4, datagram, length + 4, hop_key);
}

bool
wzp_trailer_check(const uint8_t *datagram, size_t length, const uint8_t hop_key[16])
{
  if (length < WZP_TRAILER_SIZE)
    return false;
  uint8_t tag[TRAILER_TAG_SIZE];
  size_t covered = length - TRAILER_TAG_SIZE;
  trailer_tag(tag, datagram, covered, hop_key);
  return sodium_memcmp(tag, datagram + covered, TRAILER_TAG_SIZE) == 0;
}

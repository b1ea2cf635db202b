/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bytes.h"
#include <sodium.h>
#include <string.h>

static const uint8_t nothing[1];

bool
wzp_hex_read(uint8_t *out, size_t size, const char *hex)
{
  size_t n_bytes = 0;
  return strlen(hex) == 2 * size &&
         sodium_hex2bin(out, size, hex, 2 * size, NULL, &n_bytes, NULL) == 0 && n_bytes == size;
}

void
wzp_reader_init(WzpReader *reader, const void *data, size_t length)
{
  *reader = (WzpReader){.data = length > 0 ? data : nothing, .length = length};
}

const uint8_t *
wzp_reader_bytes(WzpReader *reader, size_t length)
{
  if (reader->failed || length > reader->length - reader->position) {
    reader->failed = true;
    return NULL;
  }
  const uint8_t *bytes = reader->data + reader->position;
  reader->position += length;
  return bytes;
}

static uint64_t
read_number(WzpReader *reader, size_t size)
{
  const uint8_t *bytes = wzp_reader_bytes(reader, size);
  uint64_t value = 0;
  for (size_t i = 0; bytes != NULL && i < size; i++)
    value = value << 8 | bytes[i];
  return value;
}

uint8_t
wzp_reader_u8(WzpReader *reader)
{
  return (uint8_t)read_number(reader, 1);
}

uint16_t
wzp_reader_u16(WzpReader *reader)
{
  return (uint16_t)read_number(reader, 2);
}

uint32_t
wzp_reader_u32(WzpReader *reader)
{
  return (uint32_t)read_number(reader, 4);
}

uint64_t
wzp_reader_u64(WzpReader *reader)
{
  return read_number(reader, 8);
}

bool
wzp_reader_copy(WzpReader *reader, void *out, size_t length)
{
  const uint8_t *bytes = wzp_reader_bytes(reader, length);
  if (length == 0)
    return bytes != NULL;
  if (bytes == NULL)
    memset(out, 0, length);
  else
    memcpy(out, bytes, length);
  return bytes != NULL;
}

const uint8_t *
wzp_reader_rest(WzpReader *reader, size_t *length)
{
  *length = wzp_reader_left(reader);
  return wzp_reader_bytes(reader, *length);
}

size_t
wzp_reader_left(const WzpReader *reader)
{
  return reader->failed ? 0 : reader->length - reader->position;
}

bool
wzp_reader_done(const WzpReader *reader)
{
  return !reader->failed && reader->position == reader->length;
}

void
wzp_writer_init(WzpWriter *writer, void *data, size_t capacity)
{
  *writer = (WzpWriter){.data = data, .capacity = capacity};
}

uint8_t *
wzp_writer_reserve(WzpWriter *writer, size_t length)
{
  if (writer->failed || length > writer->capacity - writer->length) {
    writer->failed = true;
    return NULL;
  }
  uint8_t *room = writer->data + writer->length;
  writer->length += length;
  return room;
}

static void
write_number(WzpWriter *writer, uint64_t value, size_t size)
{
  uint8_t *room = wzp_writer_reserve(writer, size);
  if (room == NULL)
    return;
  for (size_t i = size; i > 0; i--) {
    room[i - 1] = (uint8_t)value;
    value >>= 8;
  }
}

void
wzp_writer_u8(WzpWriter *writer, uint8_t value)
{
  write_number(writer, value, 1);
}

void
wzp_writer_u16(WzpWriter *writer, uint16_t value)
{
  write_number(writer, value, 2);
}

void
wzp_writer_u32(WzpWriter *writer, uint32_t value)
{
  write_number(writer, value, 4);
}

void
wzp_writer_u64(WzpWriter *writer, uint64_t value)
{
  write_number(writer, value, 8);
}

void
wzp_writer_bytes(WzpWriter *writer, const void *data, size_t length)
{
  if (length == 0)
    return;
  uint8_t *room = wzp_writer_reserve(writer, length);
  if (room != NULL)
    memcpy(room, data, length);
}

void
wzp_writer_zero(WzpWriter *writer, size_t length)
{
  if (length == 0)
    return;
  uint8_t *room = wzp_writer_reserve(writer, length);
  if (room != NULL)
    memset(room, 0, length);
}

void
wzp_writer_label(WzpWriter *writer, const char *label)
{
  wzp_writer_bytes(writer, label, strlen(label));
}

void
wzp_writer_lp(WzpWriter *writer, const void *data, size_t length)
{
  if (length > UINT16_MAX) {
    writer->failed = true;
    return;
  }
  wzp_writer_u16(writer, (uint16_t)length);
  wzp_writer_bytes(writer, data, length);
}

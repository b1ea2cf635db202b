/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one bounded reader and the one bounded writer of all parsers and builders.
 * Big-endian. A failed read or write sticks: check once, at the end. */

/* No datagram of this protocol is longer; the socket's owner enforces it. */
#define WZP_DATAGRAM_MAX 1500

/* Exactly 2 * size hex digits become size bytes. */
bool wzp_hex_read(uint8_t *out, size_t size, const char *hex);

typedef struct {
  const uint8_t *data;
  size_t length;
  size_t position;
  bool failed;
} WzpReader;

void wzp_reader_init(WzpReader *reader, const void *data, size_t length);
uint8_t wzp_reader_u8(WzpReader *reader);   /* 0 once failed */
uint16_t wzp_reader_u16(WzpReader *reader); /* 0 once failed */
uint32_t wzp_reader_u32(WzpReader *reader); /* 0 once failed */
uint64_t wzp_reader_u64(WzpReader *reader); /* 0 once failed */
/* A view of the next length bytes, or NULL (and failed) when there are fewer. */
const uint8_t *wzp_reader_bytes(WzpReader *reader, size_t length);
/* Copies the next length bytes to out; zeroes out when there are fewer. */
bool wzp_reader_copy(WzpReader *reader, void *out, size_t length);
/* The rest, possibly empty; *length is set. Never NULL unless failed. */
const uint8_t *wzp_reader_rest(WzpReader *reader, size_t *length);
size_t wzp_reader_left(const WzpReader *reader);
/* True when nothing failed and nothing is left. */
bool wzp_reader_done(const WzpReader *reader);

typedef struct {
  uint8_t *data;
  size_t capacity;
  size_t length;
  bool failed;
} WzpWriter;

void wzp_writer_init(WzpWriter *writer, void *data, size_t capacity);
void wzp_writer_u8(WzpWriter *writer, uint8_t value);
void wzp_writer_u16(WzpWriter *writer, uint16_t value);
void wzp_writer_u32(WzpWriter *writer, uint32_t value);
void wzp_writer_u64(WzpWriter *writer, uint64_t value);
void wzp_writer_bytes(WzpWriter *writer, const void *data, size_t length);
void wzp_writer_zero(WzpWriter *writer, size_t length);
/* An ASCII label without its NUL. */
void wzp_writer_label(WzpWriter *writer, const char *label);
/* LP(x): 2-byte length, then x. */
void wzp_writer_lp(WzpWriter *writer, const void *data, size_t length);
/* A view of length writable bytes at the end, already counted; NULL (and failed) without room. */
uint8_t *wzp_writer_reserve(WzpWriter *writer, size_t length);

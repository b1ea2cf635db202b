/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-plan.h"
#include "packet.h"

/* The repair element of a bundle (PROTOCOL.md 9). It names frames by the packets they were in: the newest is the
 * (offset + 1)-th before the packet's first one, all packets having as many; or, where packets of another code hold
 * the frames, or others lie between, offset is packets(5) | behind(2): it was in the packet so many before this one, and
 * so many frames of that one were behind it. The newest begins (offset + 1) frame times, or `distance` ms, before the
 * packet's timestamp.
 *
 *   0  kind(1) | lengths(1) | framing(1) | window - 1 (6) | offset (7)     16 bits
 *   2  [framing: code of the packets (8), distance in ms (16)]
 *   .  [coded: first ESI - window (4) | symbols - 1 (4)]
 *   .  symbols, all of one length
 *
 * kind 0: coded, symbol j is encoding symbol window + e + j of the RFC 6330 block whose source symbols are the
 * window's frames, oldest first. kind 1: copies, the window's frames themselves, oldest first.
 * A source symbol is length(2) | frame | zeros. Without `lengths` every frame of the window is as long as the
 * symbols, and the two bytes, which then follow from the coefficients, are not sent. */

#define WZP_FEC_ESI_STEP_MAX 15
#define WZP_FEC_CODED_MAX 16
#define WZP_FEC_OFFSET_MAX 127
#define WZP_FEC_BEHIND_BITS 2

typedef struct {
  bool copies, lengths, other_framing;
  unsigned window, offset;
  uint8_t code;      /* of the packets that held the frames; other_framing only */
  uint16_t distance; /* ms; other_framing only */
  unsigned esi_step, n_symbols;
  size_t symbol_length; /* of one symbol as sent */
  const uint8_t *symbols;
} WzpFecElement;

/* WZP_OK, WZP_TRUNCATED, WZP_MALFORMED (symbols do not divide, a code without frames). */
WzpResult wzp_fec_element_parse(WzpFecElement *element, const uint8_t *body, size_t length);
size_t wzp_fec_element_head_size(const WzpFecElement *element);
/* Writes head and symbols (element->symbols, n_symbols * symbol_length bytes; of copies n_symbols = window). */
void wzp_fec_element_write(WzpWriter *writer, const WzpFecElement *element);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-element.h"
#include "profile.h"

#define COPIES_BIT 0x8000
#define LENGTHS_BIT 0x4000
#define FRAMING_BIT 0x2000
#define WINDOW_SHIFT 7

WzpResult
wzp_fec_element_parse(WzpFecElement *element, const uint8_t *body, size_t length)
{
  WzpReader reader;
  wzp_reader_init(&reader, body, length);

  unsigned bits = wzp_reader_u16(&reader);
  *element = (WzpFecElement){
      .copies = bits & COPIES_BIT,
      .lengths = bits & LENGTHS_BIT,
      .other_framing = bits & FRAMING_BIT,
      .window = (bits >> WINDOW_SHIFT & (WZP_FEC_WINDOW_MAX - 1)) + 1,
      .offset = bits & WZP_FEC_OFFSET_MAX,
  };
  if (element->other_framing) {
    element->code = wzp_reader_u8(&reader);
    element->distance = wzp_reader_u16(&reader);
  }
  element->n_symbols = element->window;
  if (!element->copies) {
    uint8_t count = wzp_reader_u8(&reader);
    element->esi_step = count >> 4;
    element->n_symbols = (count & 15) + 1;
  }
  size_t left;
  element->symbols = wzp_reader_rest(&reader, &left);
  if (reader.failed || left == 0)
    return WZP_TRUNCATED;

  const WzpFraming *framing = wzp_framing_from_code(element->code);
  if (element->other_framing && (framing == NULL || framing->frame_ms == 0))
    return WZP_MALFORMED;
  element->symbol_length = left / element->n_symbols;
  if (left % element->n_symbols != 0 || element->symbol_length <= (element->lengths ? 2u : 0u))
    return WZP_MALFORMED;
  return WZP_OK;
}

size_t
wzp_fec_element_head_size(const WzpFecElement *element)
{
  return 2 + (element->other_framing ? 3u : 0u) + (element->copies ? 0u : 1u);
}

void
wzp_fec_element_write(WzpWriter *writer, const WzpFecElement *element)
{
  unsigned bits = (element->copies ? COPIES_BIT : 0u) | (element->lengths ? LENGTHS_BIT : 0u) |
                  (element->other_framing ? FRAMING_BIT : 0u) |
                  ((element->window - 1) & (WZP_FEC_WINDOW_MAX - 1)) << WINDOW_SHIFT |
                  (element->offset & WZP_FEC_OFFSET_MAX);
  wzp_writer_u16(writer, (uint16_t)bits);
  if (element->other_framing) {
    wzp_writer_u8(writer, element->code);
    wzp_writer_u16(writer, element->distance);
  }
  if (!element->copies)
    wzp_writer_u8(writer, (uint8_t)((element->esi_step & WZP_FEC_ESI_STEP_MAX) << 4 |
                                    ((element->n_symbols - 1) & (WZP_FEC_CODED_MAX - 1))));
  wzp_writer_bytes(writer, element->symbols, element->n_symbols * element->symbol_length);
}

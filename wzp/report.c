/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "report.h"
#include <glib.h>

void
wzp_report_write(WzpWriter *writer, const WzpReport *report)
{
  wzp_writer_u8(writer, report->slot);
  wzp_writer_u16(writer, report->judged);
  wzp_writer_u16(writer, report->received);
  wzp_writer_u16(writer, report->runs);
  wzp_writer_u16(writer, report->unrepaired);
  wzp_writer_u8(writer, report->playout);
  wzp_writer_u8(writer, report->jitter);
  wzp_writer_u16(writer, report->repaired);
  wzp_writer_u16(writer, report->heard);
  wzp_writer_u8(writer, report->held);
  wzp_writer_u16(writer, report->transit);
  wzp_writer_u16(writer, report->stepped);
}

void
wzp_report_write_element(WzpWriter *writer, const WzpReport *report, bool last)
{
  uint8_t body[WZP_REPORT_SIZE];
  WzpWriter inner;
  wzp_writer_init(&inner, body, sizeof body);
  wzp_report_write(&inner, report);
  wzp_bundle_write(writer, WZP_ELEMENT_REPORT, body, inner.length, last);
}

void
wzp_report_age(WzpReport *report, WzpTime waited)
{
  WzpTime held = report->held + MAX(waited, 0) / WZP_REPORT_HELD_UNIT;
  report->held = (uint8_t)MIN(held, UINT8_MAX);
}

WzpResult
wzp_report_parse(WzpReport *report, const uint8_t *body, size_t length)
{
  WzpReader reader;
  wzp_reader_init(&reader, body, length);
  report->slot = wzp_reader_u8(&reader);
  report->judged = wzp_reader_u16(&reader);
  report->received = wzp_reader_u16(&reader);
  report->runs = wzp_reader_u16(&reader);
  report->unrepaired = wzp_reader_u16(&reader);
  report->playout = wzp_reader_u8(&reader);
  report->jitter = wzp_reader_u8(&reader);
  report->repaired = wzp_reader_u16(&reader);
  report->heard = wzp_reader_u16(&reader);
  report->held = wzp_reader_u8(&reader);
  report->transit = wzp_reader_u16(&reader);
  report->stepped = length < WZP_REPORT_SIZE ? 0 : wzp_reader_u16(&reader);
  if (reader.failed)
    return WZP_TRUNCATED;
  return report->slot > WZP_SLOT_MAX ? WZP_MALFORMED : WZP_OK;
}

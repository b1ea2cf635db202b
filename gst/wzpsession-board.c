/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "wzp/packet.h"
#include "wzp/profile.h"

#define GST_CAT_DEFAULT wzp_session_debug

/* Reports travel in the packets of our own stream, or in packets of their own, when wzpboard.h says so. */

void
wzp_session_post_report(WzpSession *self, const WzpReport *report)
{
  WzpTime now = g_get_monotonic_time();
  wzp_board_post(self->board, now, report);
  g_mutex_lock(&self->lock);
  wzp_session_wake_locked(self, wzp_board_deadline(self->board));
  g_mutex_unlock(&self->lock);
}

gboolean
wzp_session_take_report(WzpSession *self, WzpReport *report)
{
  return wzp_board_take(self->board, g_get_monotonic_time(), report);
}

gboolean
wzp_session_hear_report(WzpSession *self, guint8 listener, const WzpReport *report)
{
  g_mutex_lock(&self->lock);
  gboolean ours = self->own_slot == report->slot;
  if (ours)
    wzp_board_hear(self->board, listener, report);
  else
    wzp_board_overhear(self->board, g_get_monotonic_time(), listener, report);
  g_mutex_unlock(&self->lock);
  return ours;
}

gboolean
wzp_session_take_heard(WzpSession *self, guint8 *listener, WzpReport *report)
{
  return wzp_board_take_heard(self->board, listener, report);
}

gboolean
wzp_session_take_left(WzpSession *self, guint8 *slot)
{
  return wzp_board_take_left(self->board, slot);
}

void
wzp_session_set_loss(WzpSession *self, gdouble loss)
{
  g_mutex_lock(&self->lock);
  if (self->call != NULL)
    wzp_call_set_loss(self->call, loss);
  g_mutex_unlock(&self->lock);
}

guint64
wzp_session_share_way(WzpSession *self, guint rate)
{
  guint64 bytes = 0;
  g_mutex_lock(&self->lock);
  if (self->call != NULL) {
    wzp_call_set_session_rate(self->call, rate);
    bytes = wzp_call_session_bytes(self->call);
  }
  g_mutex_unlock(&self->lock);
  return bytes;
}

void
wzp_session_note_sealed_locked(WzpSession *self, WzpTime now, const WzpHeader *header,
                               guint32 timestamp)
{
  if (self->own_slot != header->slot) {
    self->own_slot = header->slot;
    wzp_board_forget_heard(self->board); /* of a stream that is no more */
  }
  self->sealed_timestamp = timestamp;
  self->sealed_at = now;
}

static void
send_alone(WzpSession *self, const WzpReport *reports, guint n, guint32 timestamp)
{
  guint8 bundle[WZP_REPORTS_MAX * WZP_REPORT_ELEMENT_SIZE], packet[WZP_DATAGRAM_MAX];
  WzpWriter writer;
  WzpHeader header;
  gsize length;
  wzp_writer_init(&writer, bundle, sizeof bundle);
  for (guint i = 0; i < n; i++)
    wzp_report_write_element(&writer, &reports[i], i + 1 == n);
  if (wzp_session_seal(self, WZP_SESSION_UNPLACED, WZP_CODE_NO_AUDIO, timestamp, 0, TRUE, bundle,
                       writer.length, packet, sizeof packet, &length, &header) != WZP_OK)
    return;
  const WzpSessionPacket out = {packet, length};
  wzp_session_send(self, &out, 1);
}

void
wzp_session_read_report(WzpSession *self, const guint8 *packet, gsize length)
{
  guint8 plain[WZP_DATAGRAM_MAX];
  gsize plain_length;
  WzpOpened opened;
  WzpBundleReader bundle;
  WzpElement element;
  WzpReport report;
  if (wzp_session_open(self, packet, length, plain, &plain_length, &opened) != WZP_OK)
    return;
  wzp_bundle_reader_init(&bundle, plain, plain_length);
  while (wzp_bundle_reader_next(&bundle, &element))
    if (element.type == WZP_ELEMENT_REPORT &&
        wzp_report_parse(&report, element.data, element.length) == WZP_OK)
      wzp_session_hear_report(self, opened.header.slot, &report);
}

void
wzp_session_send_reports(WzpSession *self, WzpTime now)
{
  WzpReport reports[WZP_REPORTS_MAX];
  guint n;
  while ((n = wzp_board_take_alone(self->board, now, reports)) > 0) {
    g_mutex_lock(&self->lock);
    gboolean active = self->state == WZP_CALL_ACTIVE;
    guint32 timestamp =
        self->sealed_timestamp + (guint32)((now - self->sealed_at) / WZP_MSEC); /* goes on */
    g_mutex_unlock(&self->lock);
    if (active)
      send_alone(self, reports, n, timestamp);
  }
}

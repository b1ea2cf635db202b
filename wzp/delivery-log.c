/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "delivery.h"
#include <glib.h>

/* What our rate is measured by: so many packets at least, and of silence no more than this. */
#define RATE_PACKETS 32
#define RATE_GAP (100 * WZP_MSEC)

void
wzp_delivery_log_packet(WzpDeliveryLog *log, WzpTime now, uint64_t media_ms, bool audio,
                        unsigned bytes)
{
  log->bytes += bytes;
  if (!audio)
    return;
  log->entries[log->n % WZP_DELIVERY_LOG].media_ms = (uint16_t)media_ms;
  log->entries[log->n % WZP_DELIVERY_LOG].at = now;
  log->entries[log->n % WZP_DELIVERY_LOG].bytes = log->bytes;
  log->entries[log->n % WZP_DELIVERY_LOG].size = bytes;
  log->entries[log->n % WZP_DELIVERY_LOG].way = log->way;
  log->n++;
}

int64_t
wzp_delivery_log_find(const WzpDeliveryLog *log, uint16_t media_ms)
{
  for (uint64_t back = 1; back <= MIN(log->n, WZP_DELIVERY_LOG); back++)
    if (log->entries[(log->n - back) % WZP_DELIVERY_LOG].media_ms == media_ms)
      return (int64_t)((log->n - back) % WZP_DELIVERY_LOG);
  return -1;
}

int64_t
wzp_delivery_log_age(const WzpDeliveryLog *log, int64_t entry)
{
  return ((int64_t)(log->n % WZP_DELIVERY_LOG) + 2 * WZP_DELIVERY_LOG - 1 - entry) %
         WZP_DELIVERY_LOG;
}

int64_t
wzp_delivery_log_older(const WzpDeliveryLog *log, int64_t entry)
{
  return (int64_t)MIN(log->n, WZP_DELIVERY_LOG) - wzp_delivery_log_age(log, entry) - 1;
}

/* Of the entry that was sent so many before this one, and the next: what went out between them, in bits, and for how long. */
static double
sent_behind(const WzpDeliveryLog *log, int64_t entry, int64_t back, WzpTime *gap, double *size)
{
  const int64_t before = (entry + WZP_DELIVERY_LOG - back) % WZP_DELIVERY_LOG;
  const int64_t at = (before + 1) % WZP_DELIVERY_LOG;
  *gap = log->entries[at].at - log->entries[before].at;
  *size = log->entries[at].size * 8.0;
  return (double)(log->entries[at].bytes - log->entries[before].bytes) * 8;
}

double
wzp_delivery_log_queue(const WzpDeliveryLog *log, int64_t entry, int64_t packets)
{
  const int64_t n = MIN(MAX(packets, RATE_PACKETS), wzp_delivery_log_older(log, entry));
  double bits = 0, waiting = 0, most = 0, size, least = log->entries[entry].size * 8.0;
  WzpTime gap, spoken = 0;
  for (int64_t back = n; back > 0; back--) {
    bits += sent_behind(log, entry, back, &gap, &size);
    spoken += MIN(gap, RATE_GAP);
    least = MIN(least, size);
  }
  if (bits <= 0 || spoken <= 0)
    return 0;
  const double rate = bits / (double)spoken;
  for (int64_t back = n; back > 0; back--) {
    double more = sent_behind(log, entry, back, &gap, &size);
    waiting = MAX(waiting - rate * (double)gap, 0) + more;
    if (back <= packets)
      most = MAX(most, waiting - least);
  }
  return most / rate / WZP_MSEC;
}

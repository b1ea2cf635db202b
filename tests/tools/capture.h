/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include <glib.h>

/* Datagrams on disk: a pcap file of raw IP packets, so that Wireshark and tcpdump open it. The IP and UDP
 * headers are made up from the addresses; when one side is IPv6 both are written as IPv6. */

typedef struct {
  gint64 time; /* us; any epoch, rising */
  WzpAddress from, to;
  GBytes *data; /* the UDP payload */
} CapturedDatagram;

typedef struct CaptureWriter CaptureWriter;
CaptureWriter *capture_writer_new(const char *path, GError **error);
/* A failed write is remembered and reported by close. */
void capture_writer_add(CaptureWriter *writer, gint64 time, const WzpAddress *from,
                        const WzpAddress *to, const uint8_t *data, size_t length);
/* Frees the writer. False: the file is not whole. NULL is fine. */
gboolean capture_writer_close(CaptureWriter *writer, GError **error);

/* Array of CapturedDatagram, NULL on error. Reads what capture_writer writes: linktype RAW, microseconds,
 * host byte order, UDP only. */
GPtrArray *capture_read(const char *path, GError **error);
/* The same from memory. */
GPtrArray *capture_parse(const uint8_t *data, size_t length, GError **error);

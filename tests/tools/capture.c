/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "capture.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <gio/gio.h>

#define PCAP_MAGIC 0xa1b2c3d4u
#define PCAP_LINKTYPE_RAW 101u
#define PROTOCOL_UDP 17
#define IPV4_SIZE 20u
#define IPV6_SIZE 40u
#define UDP_SIZE 8u
#define PACKET_MAX 65535u

typedef struct {
  uint32_t magic;
  uint16_t major, minor;
  uint32_t zone, accuracy, snap_length, linktype;
} FileHeader;

typedef struct {
  uint32_t seconds, microseconds, kept, length;
} RecordHeader;

struct CaptureWriter {
  FILE *file;
  char *path;
  int failure; /* errno of the first write that failed */
};

static void
put16(uint8_t *at, unsigned value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static unsigned
get16(const uint8_t *at)
{
  return (unsigned)at[0] << 8 | at[1];
}

static uint32_t
sum16(uint32_t sum, const uint8_t *data, size_t length)
{
  for (size_t i = 0; i + 1 < length; i += 2)
    sum += get16(data + i);
  if (length % 2)
    sum += (uint32_t)data[length - 1] << 8;
  return sum;
}

static unsigned
checksum(uint32_t sum)
{
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

static void
put_ipv6_address(uint8_t at[16], const WzpAddress *address)
{
  if (address->family == 6) {
    memcpy(at, address->bytes, 16);
  } else {
    memset(at, 0, 10);
    at[10] = at[11] = 0xff;
    memcpy(at + 12, address->bytes, 4);
  }
}

/* Writes IP and UDP headers; returns their length. */
static size_t
make_headers(uint8_t out[IPV6_SIZE + UDP_SIZE], const WzpAddress *from, const WzpAddress *to,
             const uint8_t *data, size_t length)
{
  gboolean v6 = from->family == 6 || to->family == 6;
  size_t ip_size = v6 ? IPV6_SIZE : IPV4_SIZE;
  uint8_t *udp = out + ip_size;
  unsigned udp_length = (unsigned)(UDP_SIZE + length);
  memset(out, 0, ip_size + UDP_SIZE);
  if (v6) {
    out[0] = 0x60;
    put16(out + 4, udp_length);
    out[6] = PROTOCOL_UDP;
    out[7] = 64;
    put_ipv6_address(out + 8, from);
    put_ipv6_address(out + 24, to);
  } else {
    out[0] = 0x45;
    put16(out + 2, (unsigned)ip_size + udp_length);
    out[6] = 0x40; /* don't fragment */
    out[8] = 64;
    out[9] = PROTOCOL_UDP;
    memcpy(out + 12, from->bytes, 4);
    memcpy(out + 16, to->bytes, 4);
    put16(out + 10, checksum(sum16(0, out, IPV4_SIZE)));
  }
  put16(udp, from->port);
  put16(udp + 2, to->port);
  put16(udp + 4, udp_length);
  /* the addresses are the last bytes of either IP header; then protocol and length, then the datagram */
  uint32_t sum = v6 ? sum16(0, out + 8, 32) : sum16(0, out + 12, 8);
  sum = sum16(sum + PROTOCOL_UDP + udp_length, udp, UDP_SIZE);
  unsigned value = checksum(sum16(sum, data, length));
  put16(udp + 6, value ? value : 0xffff);
  return ip_size + UDP_SIZE;
}

static void
put(CaptureWriter *writer, const void *data, size_t length)
{
  if (!writer->failure && length && fwrite(data, length, 1, writer->file) != 1)
    writer->failure = errno ? errno : EIO;
}

CaptureWriter *
capture_writer_new(const char *path, GError **error)
{
  FILE *file = fopen(path, "wbe");
  if (!file) {
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot write the capture %s: %s",
                path, g_strerror(errno));
    return NULL;
  }
  CaptureWriter *writer = g_new0(CaptureWriter, 1);
  writer->file = file;
  writer->path = g_strdup(path);
  const FileHeader header = {.magic = PCAP_MAGIC,
                             .major = 2,
                             .minor = 4,
                             .snap_length = PACKET_MAX,
                             .linktype = PCAP_LINKTYPE_RAW};
  put(writer, &header, sizeof header);
  return writer;
}

void
capture_writer_add(CaptureWriter *writer, gint64 time, const WzpAddress *from, const WzpAddress *to,
                   const uint8_t *data, size_t length)
{
  uint8_t headers[IPV6_SIZE + UDP_SIZE];
  size_t headers_length = make_headers(headers, from, to, data, length);
  const RecordHeader record = {.seconds = (uint32_t)(time / G_USEC_PER_SEC),
                               .microseconds = (uint32_t)(time % G_USEC_PER_SEC),
                               .kept = (uint32_t)(headers_length + length),
                               .length = (uint32_t)(headers_length + length)};
  put(writer, &record, sizeof record);
  put(writer, headers, headers_length);
  put(writer, data, length);
}

gboolean
capture_writer_close(CaptureWriter *writer, GError **error)
{
  if (!writer)
    return TRUE;
  if (fclose(writer->file) != 0 && !writer->failure)
    writer->failure = errno ? errno : EIO;
  int failure = writer->failure;
  if (failure)
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(failure),
                "the capture %s is not whole: %s", writer->path, g_strerror(failure));
  g_free(writer->path);
  g_free(writer);
  return failure == 0;
}

static void
captured_datagram_free(CapturedDatagram *datagram)
{
  g_bytes_unref(datagram->data);
  g_free(datagram);
}

static void
get_ipv6_address(WzpAddress *address, const uint8_t at[16])
{
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  if (memcmp(at, mapped, sizeof mapped) == 0) {
    address->family = 4;
    memcpy(address->bytes, at + 12, 4);
  } else {
    address->family = 6;
    memcpy(address->bytes, at, 16);
  }
}

/* NULL when it is not a whole UDP packet. */
static CapturedDatagram *
parse_packet(const uint8_t *packet, size_t length)
{
  WzpAddress from = {0}, to = {0};
  size_t ip_size;
  if (length >= IPV4_SIZE && packet[0] == 0x45 && packet[9] == PROTOCOL_UDP) {
    ip_size = IPV4_SIZE;
    from.family = to.family = 4;
    memcpy(from.bytes, packet + 12, 4);
    memcpy(to.bytes, packet + 16, 4);
  } else if (length >= IPV6_SIZE && packet[0] >> 4 == 6 && packet[6] == PROTOCOL_UDP) {
    ip_size = IPV6_SIZE;
    get_ipv6_address(&from, packet + 8);
    get_ipv6_address(&to, packet + 24);
  } else {
    return NULL;
  }
  if (length < ip_size + UDP_SIZE || get16(packet + ip_size + 4) != length - ip_size)
    return NULL;
  from.port = (uint16_t)get16(packet + ip_size);
  to.port = (uint16_t)get16(packet + ip_size + 2);
  CapturedDatagram *datagram = g_new0(CapturedDatagram, 1);
  datagram->from = from;
  datagram->to = to;
  datagram->data = g_bytes_new(packet + ip_size + UDP_SIZE, length - ip_size - UDP_SIZE);
  return datagram;
}

GPtrArray *
capture_parse(const uint8_t *data, size_t length, GError **error)
{
  FileHeader header;
  if (length < sizeof header) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "too short for a pcap file");
    return NULL;
  }
  memcpy(&header, data, sizeof header);
  if (header.magic != PCAP_MAGIC || header.linktype != PCAP_LINKTYPE_RAW) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                "not a pcap file of raw IP packets in this machine's byte order, as lossy-hop "
                "--capture writes it");
    return NULL;
  }
  GPtrArray *datagrams = g_ptr_array_new_with_free_func((GDestroyNotify)captured_datagram_free);
  size_t at = sizeof header;
  while (at < length) {
    RecordHeader record;
    CapturedDatagram *datagram = NULL;
    if (length - at >= sizeof record) {
      memcpy(&record, data + at, sizeof record);
      at += sizeof record;
      if (record.kept == record.length && record.kept <= length - at)
        datagram = parse_packet(data + at, record.kept);
    }
    if (!datagram) {
      g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "packet %u is cut off or is not UDP",
                  datagrams->len + 1);
      g_ptr_array_unref(datagrams);
      return NULL;
    }
    at += record.kept;
    datagram->time = (gint64)record.seconds * G_USEC_PER_SEC + record.microseconds;
    g_ptr_array_add(datagrams, datagram);
  }
  return datagrams;
}

GPtrArray *
capture_read(const char *path, GError **error)
{
  char *text;
  gsize length;
  if (!g_file_get_contents(path, &text, &length, error))
    return NULL;
  GPtrArray *datagrams = capture_parse((const uint8_t *)text, length, error);
  if (!datagrams)
    g_prefix_error(error, "%s: ", path);
  g_free(text);
  return datagrams;
}

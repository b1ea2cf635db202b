/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wire-audit.h"
#include "wzp/path-message.h"
#include <math.h>
#include <string.h>

#define COMPLAINTS_MAX 20
#define TAG_SIZE 16u
#define HS1_SIZE 224u
#define HS2_MAX 208u
#define CONTROL_HEADER 13u
#define MODE_HOP 1
#define STUN_HEADER 20u

struct WireSecrets {
  GHashTable *pieces; /* gint64 of eight bytes -> interned name */
};

WireSecrets *
wire_secrets_new(void)
{
  WireSecrets *secrets = g_new0(WireSecrets, 1);
  secrets->pieces = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  return secrets;
}

void
wire_secrets_free(WireSecrets *secrets)
{
  g_hash_table_unref(secrets->pieces);
  g_free(secrets);
}

static gboolean
piece_is_telling(const uint8_t piece[WIRE_PIECE])
{
  guint different = 0;
  for (guint i = 0; i < WIRE_PIECE; i++)
    different += memchr(piece, piece[i], i) == NULL;
  return different >= 4;
}

guint
wire_secrets_add(WireSecrets *secrets, const char *what, const void *data, size_t length)
{
  const uint8_t *bytes = data;
  guint added = 0;
  for (size_t i = 0; i + WIRE_PIECE <= length; i++) {
    if (!piece_is_telling(bytes + i))
      continue;
    g_hash_table_replace(secrets->pieces, g_memdup2(bytes + i, WIRE_PIECE),
                         (gpointer)g_intern_string(what));
    added++;
  }
  return added;
}

/* The name of a known plaintext of which a piece is in the datagram, or NULL. */
static const char *
find_secret(const WireSecrets *secrets, const uint8_t *data, size_t length, size_t *at)
{
  for (size_t i = 0; i + WIRE_PIECE <= length; i++) {
    gint64 piece;
    memcpy(&piece, data + i, sizeof piece);
    const char *what = g_hash_table_lookup(secrets->pieces, &piece);
    if (what) {
      *at = i;
      return what;
    }
  }
  return NULL;
}

/* The regularised incomplete gamma function Q(a, x): by its series below a + 1, by its continued
 * fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31). */
double
chi_square_p(double chi_square, double degrees)
{
  const double a = degrees / 2, x = chi_square / 2, tiny = 1e-300;
  if (x <= 0)
    return 1;
  const double scale = exp(-x + a * log(x) - lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-15; n++)
      sum += term *= x / n;
    return 1 - sum * scale;
  }
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
  for (int i = 1; i < 10000; i++) {
    const double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    c = b + an / c;
    c = fabs(c) < tiny ? tiny : c;
    h *= d * c;
    if (fabs(d * c - 1) < 1e-15)
      break;
  }
  return scale * h;
}

/* One run over a capture. */
typedef struct {
  WireReport *report;
  GHashTable *relays; /* text of addresses to which hop handshakes went */
  GHashTable *pairs;  /* "address address" of pairs that began a handshake */
  GHashTable *sealed; /* GBytes: packets whose bytes were counted (a relay repeats them) */
  guint64 histogram[256];
  guint number; /* of the datagram, as Wireshark counts */
} Audit;

G_GNUC_PRINTF(2, 3)
static void
complain(Audit *audit, const char *format, ...)
{
  if (audit->report->violations++ >= COMPLAINTS_MAX)
    return;
  va_list arguments;
  va_start(arguments, format);
  char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_ptr_array_add(audit->report->complaints,
                  g_strdup_printf("datagram %u %s", audit->number, what));
  g_free(what);
}

static void
count_sealed(Audit *audit, const uint8_t *data, size_t length, size_t clear)
{
  GBytes *packet = g_bytes_new(data, length);
  if (!g_hash_table_add(audit->sealed, packet))
    return; /* counted before; the table took the reference */
  for (size_t i = clear; i < length; i++)
    audit->histogram[data[i]]++;
  audit->report->sealed_bytes += length - clear;
}

static void
audit_packet(Audit *audit, const uint8_t *packet, size_t length)
{
  WzpHeader header;
  size_t header_length;
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);
  audit->report->media_packets++;
  if (result != WZP_OK) {
    complain(audit, "has a media header that is not as specified (%s)", wzp_result_name(result));
  } else if (header.slot > WZP_SLOT_MAX) {
    complain(audit, "names slot %u, above %u", header.slot, WZP_SLOT_MAX);
  } else if (header.full && (header.flags & ~WZP_FLAG_TALK_START)) {
    complain(audit, "has reserved flags 0x%02x", header.flags);
  } else if (length < header_length + 1 + TAG_SIZE) {
    complain(audit, "is a media packet of %zu bytes, too short for a sealed payload", length);
  } else {
    if (header.full)
      audit->report->full_headers++;
    else
      audit->report->mini_headers++;
    count_sealed(audit, packet, length, header_length);
  }
}

static void
audit_trunk(Audit *audit, const uint8_t *data, size_t length)
{
  if (!wzp_trunk_valid(data, length)) {
    complain(audit, "is a trunk whose lengths do not add up");
    return;
  }
  size_t position = 0, packet_length;
  const uint8_t *packet;
  while (wzp_trunk_next(data, length, &position, &packet, &packet_length))
    audit_packet(audit, packet, packet_length);
}

static char *
address_pair(const WzpAddress *a, const WzpAddress *b)
{
  char one[WZP_ADDRESS_TEXT], other[WZP_ADDRESS_TEXT];
  wzp_address_format(a, one);
  wzp_address_format(b, other);
  return strcmp(one, other) < 0 ? g_strconcat(one, " ", other, NULL)
                                : g_strconcat(other, " ", one, NULL);
}

static void
audit_hs1(Audit *audit, const CapturedDatagram *datagram, const uint8_t *data, size_t length)
{
  if (length != HS1_SIZE) {
    complain(audit, "is an HS1 of %zu bytes, not %u", length, HS1_SIZE);
    return;
  }
  g_hash_table_add(audit->pairs, address_pair(&datagram->from, &datagram->to));
  if (data[2] == MODE_HOP) {
    char text[WZP_ADDRESS_TEXT];
    g_hash_table_add(audit->relays, g_strdup(wzp_address_format(&datagram->to, text)));
  }
}

static void
audit_media(Audit *audit, const CapturedDatagram *datagram, const uint8_t *data, size_t length,
            gboolean trunk)
{
  char *pair = address_pair(&datagram->from, &datagram->to);
  if (!g_hash_table_contains(audit->pairs, pair))
    complain(audit, "is media between addresses that had no handshake: %s", pair);
  g_free(pair);
  char text[WZP_ADDRESS_TEXT];
  if (g_hash_table_contains(audit->relays, wzp_address_format(&datagram->to, text))) {
    if (length <= WZP_TRAILER_SIZE) {
      complain(audit, "is media to a relay without the hop trailer");
      return;
    }
    length -= WZP_TRAILER_SIZE;
  }
  if (trunk)
    audit_trunk(audit, data, length);
  else
    audit_packet(audit, data, length);
}

static void
audit_datagram(Audit *audit, const CapturedDatagram *datagram, const WireSecrets *secrets)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(datagram->data, &length);
  WzpDatagramKind kind = length ? wzp_datagram_kind(data, length) : WZP_DATAGRAM_UNKNOWN;
  audit->number++;
  audit->report->datagrams++;
  audit->report->kinds[kind]++;
  switch (kind) {
  case WZP_DATAGRAM_HS1:
    audit_hs1(audit, datagram, data, length);
    break;
  case WZP_DATAGRAM_HS2:
    if (length > HS2_MAX)
      complain(audit, "is an HS2 of %zu bytes, more than %u", (size_t)length, HS2_MAX);
    break;
  case WZP_DATAGRAM_HS3:
  case WZP_DATAGRAM_COOKIE:
    break;
  case WZP_DATAGRAM_CONTROL:
    if (length < CONTROL_HEADER + TAG_SIZE)
      complain(audit, "is a control record of %zu bytes, too short", (size_t)length);
    else
      count_sealed(audit, data, length, CONTROL_HEADER);
    break;
  case WZP_DATAGRAM_TRUNK:
  case WZP_DATAGRAM_MEDIA:
    audit_media(audit, datagram, data, length, kind == WZP_DATAGRAM_TRUNK);
    break;
  case WZP_DATAGRAM_PATH_PROBE: /* two that send each other these had their handshake by a relay */
    if (length != WZP_PATH_PROBE_SIZE)
      complain(audit, "is a path probe of %zu bytes, not %u", (size_t)length, WZP_PATH_PROBE_SIZE);
    else
      g_hash_table_add(audit->pairs, address_pair(&datagram->from, &datagram->to));
    break;
  case WZP_DATAGRAM_STUN: /* of ICE, whose texts are of its own */
    if (length >= STUN_HEADER && (gsize)(data[2] << 8 | data[3]) == length - STUN_HEADER)
      break;
    G_GNUC_FALLTHROUGH;
  default:
    complain(audit, "is of no kind that this version sends (first byte 0x%02x, %zu bytes)",
             length ? data[0] : 0, (size_t)length);
    break;
  }
  size_t at;
  const char *what = find_secret(secrets, data, length, &at);
  if (what) {
    audit->report->clear++;
    complain(audit, "has clear text at byte %zu: %s", at, what);
  }
}

static gboolean
is_media(const CapturedDatagram *datagram)
{
  gsize length;
  const uint8_t *data = g_bytes_get_data(datagram->data, &length);
  WzpDatagramKind kind = length ? wzp_datagram_kind(data, length) : WZP_DATAGRAM_UNKNOWN;
  return kind == WZP_DATAGRAM_MEDIA || kind == WZP_DATAGRAM_TRUNK;
}

static WireFlow *
flow_of(GArray *flows, const CapturedDatagram *datagram)
{
  for (guint i = 0; i < flows->len; i++) {
    WireFlow *flow = &g_array_index(flows, WireFlow, i);
    if (wzp_address_equal(&flow->from, &datagram->from) &&
        wzp_address_equal(&flow->to, &datagram->to))
      return flow;
  }
  const WireFlow flow = {.from = datagram->from, .to = datagram->to, .first = -1, .last = -1};
  g_array_append_val(flows, flow);
  return &g_array_index(flows, WireFlow, flows->len - 1);
}

static void
measure_flows(GArray *flows, GPtrArray *datagrams)
{
  for (guint i = 0; i < datagrams->len; i++) {
    const CapturedDatagram *datagram = g_ptr_array_index(datagrams, i);
    WireFlow *flow = flow_of(flows, datagram);
    flow->datagrams++;
    if (!is_media(datagram))
      continue;
    flow->media++;
    flow->first = flow->first < 0 ? datagram->time : flow->first;
    flow->last = datagram->time;
  }
  for (guint i = 0; i < datagrams->len; i++) {
    const CapturedDatagram *datagram = g_ptr_array_index(datagrams, i);
    WireFlow *flow = flow_of(flows, datagram);
    const guint64 headers = datagram->from.family == 6 ? 48 : 28;
    if (flow->media && datagram->time >= flow->first && datagram->time < flow->last)
      flow->bytes += headers + g_bytes_get_size(datagram->data);
  }
  for (guint i = 0; i < flows->len; i++) {
    WireFlow *flow = &g_array_index(flows, WireFlow, i);
    if (flow->last > flow->first)
      flow->kbit_s = (double)flow->bytes * 8e3 / (double)(flow->last - flow->first);
  }
}

static void
judge_randomness(Audit *audit)
{
  WireReport *report = audit->report;
  const double expected = (double)report->sealed_bytes / 256;
  for (guint i = 0; i < 256 && report->sealed_bytes; i++) {
    const double off = (double)audit->histogram[i] - expected;
    report->chi_square += off * off / expected;
  }
  report->judged = report->sealed_bytes >= WIRE_RANDOM_BYTES_MIN;
  report->p = report->judged ? chi_square_p(report->chi_square, 255) : 1;
  if (report->p < WIRE_RANDOM_P) {
    report->violations++;
    g_ptr_array_add(report->complaints,
                    g_strdup_printf("the sealed bytes do not look random: chi-square %.1f over "
                                    "%" G_GUINT64_FORMAT " bytes, p = %.3g",
                                    report->chi_square, report->sealed_bytes, report->p));
  }
}

void
wire_audit(WireReport *report, GPtrArray *datagrams, const WireSecrets *secrets)
{
  *report = (WireReport){.flows = g_array_new(FALSE, TRUE, sizeof(WireFlow)),
                         .complaints = g_ptr_array_new_with_free_func(g_free),
                         .pieces = g_hash_table_size(secrets->pieces)};
  Audit audit = {.report = report,
                 .relays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                 .pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                 .sealed = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                 (GDestroyNotify)g_bytes_unref, NULL)};
  for (guint i = 0; i < datagrams->len; i++)
    audit_datagram(&audit, g_ptr_array_index(datagrams, i), secrets);
  if (!report->media_packets) {
    report->violations++;
    g_ptr_array_add(report->complaints,
                    g_strdup("there is no media in this capture: it proves nothing"));
  }
  judge_randomness(&audit);
  measure_flows(report->flows, datagrams);
  g_hash_table_unref(audit.relays);
  g_hash_table_unref(audit.pairs);
  g_hash_table_unref(audit.sealed);
}

void
wire_report_clear(WireReport *report)
{
  g_clear_pointer(&report->flows, g_array_unref);
  g_clear_pointer(&report->complaints, g_ptr_array_unref);
}

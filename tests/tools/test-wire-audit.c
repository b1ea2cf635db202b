/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The wire check must pass what is right and name what is wrong: a made-up call, made bad in one way
 * at a time. */
#include "wire-audit.h"
#include <glib/gstdio.h>
#include <string.h>

#define PACKETS 2500
#define PAYLOAD 77 /* 61 bytes of bundle and the tag */

typedef struct {
  GRand *rand;
  char *path;
  CaptureWriter *writer;
  WzpAddress client, relay;
  gint64 time;
} Call;

static void
fill(Call *call, uint8_t *data, size_t length)
{
  for (size_t i = 0; i < length; i++)
    data[i] = (uint8_t)g_rand_int(call->rand);
}

static void
add(Call *call, gboolean to_relay, const uint8_t *data, size_t length)
{
  capture_writer_add(call->writer, call->time, to_relay ? &call->client : &call->relay,
                     to_relay ? &call->relay : &call->client, data, length);
}

static void
call_begin(Call *call, const char *client, const char *relay)
{
  GError *error = NULL;
  call->rand = g_rand_new_with_seed(7);
  int fd = g_file_open_tmp("wire-audit-XXXXXX.pcap", &call->path, &error);
  g_assert_no_error(error);
  g_close(fd, &error);
  call->writer = capture_writer_new(call->path, &error);
  g_assert_no_error(error);
  g_assert_true(wzp_address_parse(&call->client, client));
  g_assert_true(wzp_address_parse(&call->relay, relay));
  call->time = 1000000;
  uint8_t hs1[224] = {0x40, 1, 1, 1};
  fill(call, hs1 + 4, 80);
  add(call, TRUE, hs1, sizeof hs1);
  uint8_t hs2[200] = {0x41};
  fill(call, hs2 + 1, sizeof hs2 - 1);
  add(call, FALSE, hs2, sizeof hs2);
}

static size_t
media_packet(Call *call, uint16_t seq, uint8_t packet[WZP_HEADER_FULL_SIZE + PAYLOAD])
{
  const WzpHeader header = {.full = seq % 50 < 3,
                            .code = 0,
                            .slot = 3,
                            .seq = seq,
                            .timestamp = seq * 20u,
                            .flags = seq < 3 ? WZP_FLAG_TALK_START : 0};
  size_t length = wzp_header_write(&header, packet);
  fill(call, packet + length, PAYLOAD);
  return length + PAYLOAD;
}

static void
add_media(Call *call, uint16_t seq)
{
  uint8_t packet[WZP_HEADER_FULL_SIZE + PAYLOAD + WZP_TRAILER_SIZE];
  size_t length = media_packet(call, seq, packet);
  memcpy(packet + length, "\0\0\0\7", 4); /* session id: the same always, so not random */
  fill(call, packet + length + 4, 4);
  add(call, TRUE, packet, length + WZP_TRAILER_SIZE);
  add(call, FALSE, packet, length); /* what the relay makes of it, for another member */
  call->time += 20000;
}

static GPtrArray *
call_end(Call *call)
{
  GError *error = NULL;
  g_assert_true(capture_writer_close(call->writer, &error));
  g_assert_no_error(error);
  GPtrArray *datagrams = capture_read(call->path, &error);
  g_assert_no_error(error);
  g_unlink(call->path);
  g_free(call->path);
  g_rand_free(call->rand);
  return datagrams;
}

/* Audits a whole call into which one more datagram was put. */
static void
audit_call(WireReport *report, const uint8_t *extra, size_t extra_length, gboolean to_relay,
           const WireSecrets *secrets)
{
  Call call;
  call_begin(&call, "192.0.2.1:50000", "192.0.2.2:4433");
  for (unsigned seq = 0; seq < PACKETS; seq++) {
    if (seq == PACKETS / 2 && extra)
      add(&call, to_relay, extra, extra_length);
    add_media(&call, (uint16_t)seq);
  }
  GPtrArray *datagrams = call_end(&call);
  wire_audit(report, datagrams, secrets);
  g_ptr_array_unref(datagrams);
}

static void
assert_one_complaint(WireReport *report, const char *part)
{
  g_assert_cmpuint(report->violations, ==, 1);
  g_assert_cmpuint(report->complaints->len, ==, 1);
  const char *complaint = g_ptr_array_index(report->complaints, 0);
  if (!strstr(complaint, part))
    g_error("'%s' does not say '%s'", complaint, part);
  wire_report_clear(report);
}

static void
test_good(void)
{
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  g_assert_cmpuint(wire_secrets_add(secrets, "room", "an ordinary room", 16), ==, 9);
  audit_call(&report, NULL, 0, FALSE, secrets);
  g_assert_cmpuint(report.violations, ==, 0);
  g_assert_cmpuint(report.datagrams, ==, 2 + 2 * PACKETS);
  g_assert_cmpuint(report.media_packets, ==, 2 * PACKETS);
  g_assert_cmpuint(report.full_headers + report.mini_headers, ==, 2 * PACKETS);
  g_assert_cmpuint(report.full_headers, ==, 2 * 3 * PACKETS / 50);
  /* a forwarded packet is counted once, or the same bytes twice would look less random */
  g_assert_cmpuint(report.sealed_bytes, ==, PACKETS * PAYLOAD);
  g_assert_true(report.judged);
  g_assert_cmpfloat(report.p, >, 1e-6);
  g_assert_cmpuint(report.flows->len, ==, 2);
  const WireFlow *up = &g_array_index(report.flows, WireFlow, 0);
  /* IP and UDP, header (6 % of them full), payload, trailer, each 20 ms */
  const double bytes = 28 + 4 + 8 * .06 + PAYLOAD + 8;
  g_assert_cmpfloat_with_epsilon(up->kbit_s, bytes * 8 / 20, .1);
  wire_report_clear(&report);
  wire_secrets_free(secrets);
}

static void
test_clear_text(void)
{
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  static const uint8_t frame[] = {0x48, 0x0b, 0xe4, 0xc1, 0x36, 0xec, 0xc5, 0x80, 0x11};
  g_assert_cmpuint(wire_secrets_add(secrets, "an Opus frame", frame, sizeof frame), ==, 2);
  /* a packet that looks right, with eight bytes of the frame at its very end */
  uint8_t packet[4 + PAYLOAD] = {0xc0, 3, 0xff, 0xff};
  for (guint i = 4; i < sizeof packet; i++)
    packet[i] = (uint8_t)(i * 37 + 11);
  memcpy(packet + sizeof packet - 8, frame + 1, 8);
  audit_call(&report, packet, sizeof packet, FALSE, secrets);
  g_assert_cmpuint(report.clear, ==, 1);
  assert_one_complaint(&report, "an Opus frame");
  wire_secrets_free(secrets);
}

static void
test_plain_pieces(void)
{
  WireSecrets *secrets = wire_secrets_new();
  static const uint8_t zeros[32];
  g_assert_cmpuint(wire_secrets_add(secrets, "zeros", zeros, sizeof zeros), ==, 0);
  g_assert_cmpuint(wire_secrets_add(secrets, "short", "seven..", 7), ==, 0);
  g_assert_cmpuint(wire_secrets_add(secrets, "abababab", "abababab", 8), ==, 0);
  wire_secrets_free(secrets);
}

static void
test_kinds(void)
{
  static const struct {
    uint8_t bytes[40];
    size_t length;
    const char *complaint;
  } cases[] = {
      {{0x70, 1, 2, 3}, 40, "first byte 0x70"},
      {{0x01, 1, 2, 3}, 20, "first byte 0x01"}, /* no STUN: the length is not its own */
      {{0x46, 1, 2, 3}, 32, "path probe of 32 bytes"},
      {{0}, 0, "0 bytes"},
      {{0x44, 1, 2, 3}, 28, "too short"},
      {{0x40, 1, 1, 1}, 40, "HS1 of 40 bytes"},
      {{0x45, 0, 99, 0xc0}, 40, "lengths do not add up"},
      {{0xcb, 3, 0, 9, 1}, 40, "unknown-kind"},                   /* reserved code 11 */
      {{0x80, 3, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0}, 40, "malformed"}, /* byte 10 not zero */
      {{0x80, 3, 0, 9, 0, 0, 0, 0, 0, 0x80, 0, 0}, 40, "reserved flags 0x80"},
      {{0xc0, 250, 0, 9, 1}, 40, "slot 250"},
      {{0xc0, 3, 0, 9, 1}, 20, "too short for a sealed payload"},
  };
  WireSecrets *secrets = wire_secrets_new();
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    WireReport report;
    audit_call(&report, cases[i].bytes, cases[i].length, FALSE, secrets);
    assert_one_complaint(&report, cases[i].complaint);
  }
  WireReport report;
  uint8_t short_media[8] = {0xc0, 3};
  audit_call(&report, short_media, sizeof short_media, TRUE, secrets);
  assert_one_complaint(&report, "without the hop trailer");
  wire_secrets_free(secrets);
}

static void
test_trunk(void)
{
  /* two packets in one trunk, with the trailer of the way to the relay */
  Call call;
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  call_begin(&call, "192.0.2.1:50000", "192.0.2.2:4433");
  uint8_t buffer[512], packet[WZP_HEADER_FULL_SIZE + PAYLOAD];
  WzpWriter writer;
  wzp_writer_init(&writer, buffer, sizeof buffer);
  for (uint16_t seq = 0; seq < 2; seq++) {
    size_t length = media_packet(&call, seq, packet);
    g_assert_true(wzp_trunk_append(&writer, packet, length));
  }
  add(&call, TRUE, buffer, writer.length + WZP_TRAILER_SIZE);
  GPtrArray *datagrams = call_end(&call);
  wire_audit(&report, datagrams, secrets);
  g_assert_cmpuint(report.violations, ==, 0);
  g_assert_cmpuint(report.media_packets, ==, 2);
  g_assert_false(report.judged); /* so few bytes are not called random */
  wire_report_clear(&report);
  g_ptr_array_unref(datagrams);
  wire_secrets_free(secrets);
}

static void
test_not_random(void)
{
  /* one byte value in 25 sealed ones is zero instead: what a repeated nonce or a clear field looks like */
  Call call;
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  call_begin(&call, "192.0.2.1:50000", "192.0.2.2:4433");
  for (unsigned seq = 0; seq < PACKETS; seq++) {
    uint8_t packet[WZP_HEADER_FULL_SIZE + PAYLOAD];
    size_t length = media_packet(&call, (uint16_t)seq, packet);
    for (size_t i = length - PAYLOAD; i < length; i += 25)
      packet[i] = 0;
    add(&call, FALSE, packet, length);
  }
  GPtrArray *datagrams = call_end(&call);
  wire_audit(&report, datagrams, secrets);
  assert_one_complaint(&report, "do not look random");
  g_ptr_array_unref(datagrams);
  wire_secrets_free(secrets);
}

static void
test_no_handshake(void)
{
  Call call;
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  call_begin(&call, "192.0.2.1:50000", "192.0.2.2:4433");
  add_media(&call, 0);
  g_assert_true(wzp_address_parse(&call.client, "192.0.2.9:9"));
  uint8_t packet[WZP_HEADER_FULL_SIZE + PAYLOAD];
  add(&call, FALSE, packet, media_packet(&call, 1, packet));
  GPtrArray *datagrams = call_end(&call);
  wire_audit(&report, datagrams, secrets);
  assert_one_complaint(&report, "had no handshake");
  g_ptr_array_unref(datagrams);
  wire_secrets_free(secrets);
}

static void
test_nothing(void)
{
  Call call;
  WireReport report;
  WireSecrets *secrets = wire_secrets_new();
  call_begin(&call, "192.0.2.1:50000", "192.0.2.2:4433");
  GPtrArray *datagrams = call_end(&call);
  wire_audit(&report, datagrams, secrets);
  assert_one_complaint(&report, "there is no media");
  g_ptr_array_unref(datagrams);
  wire_secrets_free(secrets);
}

static void
test_capture(void)
{
  /* addresses, times and bytes come back as they were, IPv6 and mixed families too */
  static const struct {
    const char *from, *to;
  } cases[] = {{"192.0.2.1:1", "192.0.2.2:65535"},
               {"[2001:db8::1]:5", "[2001:db8::2]:6"},
               {"[2001:db8::1]:5", "192.0.2.2:7"}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    Call call;
    call_begin(&call, cases[i].from, cases[i].to);
    call.time = G_GINT64_CONSTANT(1700000000123456);
    uint8_t odd[] = {0xc0, 1, 2, 3, 4};
    add(&call, TRUE, odd, sizeof odd);
    WzpAddress from = call.client, to = call.relay;
    GPtrArray *datagrams = call_end(&call);
    g_assert_cmpuint(datagrams->len, ==, 3);
    const CapturedDatagram *last = g_ptr_array_index(datagrams, 2);
    g_assert_true(wzp_address_equal(&last->from, &from));
    g_assert_true(wzp_address_equal(&last->to, &to));
    g_assert_cmpint(last->time, ==, G_GINT64_CONSTANT(1700000000123456));
    g_assert_cmpmem(odd, sizeof odd, g_bytes_get_data(last->data, NULL),
                    g_bytes_get_size(last->data));
    g_ptr_array_unref(datagrams);
  }
}

static void
test_capture_cut(void)
{
  Call call;
  call_begin(&call, "192.0.2.1:1", "192.0.2.2:2");
  add_media(&call, 0);
  GError *error = NULL;
  char *text;
  gsize length;
  g_assert_true(capture_writer_close(call.writer, &error));
  g_assert_true(g_file_get_contents(call.path, &text, &length, &error));
  guint whole = 0;
  for (gsize cut = 0; cut <= length; cut++) {
    uint8_t *copy = g_memdup2(text, cut);
    GPtrArray *datagrams = capture_parse(copy, cut, &error);
    g_assert_true((datagrams == NULL) == (error != NULL));
    whole += datagrams != NULL; /* only when cut between two datagrams */
    g_clear_pointer(&datagrams, g_ptr_array_unref);
    g_clear_error(&error);
    g_free(copy);
  }
  g_assert_cmpuint(whole, ==, 5);
  g_unlink(call.path);
  g_free(call.path);
  g_free(text);
  g_rand_free(call.rand);
}

static void
test_chi_square(void)
{
  /* 255 degrees of freedom: median, and the points of tables */
  g_assert_cmpfloat_with_epsilon(chi_square_p(254.334, 255), .5, 1e-4);
  g_assert_cmpfloat_with_epsilon(chi_square_p(293.248, 255), .05, 1e-4);
  g_assert_cmpfloat_with_epsilon(chi_square_p(310.457, 255), .01, 1e-4);
  /* one degree: erfc(sqrt(x / 2)); two degrees: exp(-x / 2) */
  g_assert_cmpfloat_with_epsilon(chi_square_p(3.841459, 1), .05, 1e-6);
  g_assert_cmpfloat_with_epsilon(chi_square_p(27.631021, 2), 1e-6, 1e-10);
  g_assert_cmpfloat(chi_square_p(0, 255), ==, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/wire-audit/good", test_good);
  g_test_add_func("/wire-audit/clear-text", test_clear_text);
  g_test_add_func("/wire-audit/plain-pieces", test_plain_pieces);
  g_test_add_func("/wire-audit/kinds", test_kinds);
  g_test_add_func("/wire-audit/trunk", test_trunk);
  g_test_add_func("/wire-audit/not-random", test_not_random);
  g_test_add_func("/wire-audit/no-handshake", test_no_handshake);
  g_test_add_func("/wire-audit/nothing", test_nothing);
  g_test_add_func("/wire-audit/chi-square", test_chi_square);
  g_test_add_func("/capture/round-trip", test_capture);
  g_test_add_func("/capture/cut", test_capture_cut);
  return g_test_run();
}

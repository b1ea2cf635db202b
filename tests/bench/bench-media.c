/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a media packet costs beside the primitive that it cannot do without, measured in turn in one run:
 * sealing and opening against the bare AEAD over the same bytes, the relay's way of a packet against the
 * bare SipHash. The ratio is the result; nanoseconds of a noisy machine are not.
 *
 *   bench-media [--json] [--rounds N]     medians of N rounds (21) of 20000 packets */
#include "bench-util.h"
#include "relay/relay-media.h"
#include "wzp/seal.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS 20000
#define BUNDLE 61 /* Opus 24 kbit/s, 20 ms: an element's byte and 60 of the frame */
#define ROUNDS_MAX 999

typedef struct {
  uint8_t data[128];
  size_t length;
} Packet;

typedef struct {
  WzpSender *sender;
  WzpReceiver *receiver;
  RelayMedia *media;
  uint32_t sid;
  uint8_t hop_key[16], key[32];
  WzpHopKeys hop_keys;
  uint64_t index; /* of the last packet with a trailer */
  uint16_t seq;
  uint64_t sent; /* copies that the relay made */
  Packet packets[PACKETS];
} Bench;

static volatile uint8_t sink_byte;

/* --- ours --- */

static void
seal(Bench *bench)
{
  static const uint8_t bundle[BUNDLE] = {0x10};
  WzpSealRequest request = {.code = 0};
  for (unsigned i = 0; i < PACKETS; i++) {
    Packet *packet = &bench->packets[i];
    WzpResult result = wzp_sender_seal(bench->sender, &request, bundle, sizeof bundle, packet->data,
                                       sizeof packet->data, &packet->length, NULL);
    bench_require(result == WZP_OK, "a packet could not be sealed");
  }
}

static void
open_all(Bench *bench)
{
  uint8_t plain[128];
  size_t length;
  WzpOpened opened;
  for (unsigned i = 0; i < PACKETS; i++) {
    const Packet *packet = &bench->packets[i];
    WzpResult result = wzp_receiver_open(bench->receiver, 0, packet->data, packet->length, plain,
                                         &length, &opened);
    bench_require(result == WZP_OK, "a packet did not open");
    sink_byte = plain[0];
  }
}

static void
on_send(void *user, const WzpAddress *to, const uint8_t *data, size_t length)
{
  Bench *bench = user;
  (void)to, (void)length;
  sink_byte = data[0];
  bench->sent++;
}

/* Not part of what is measured: the client's work. */
static void
add_trailers(Bench *bench)
{
  uint8_t sid[4] = {(uint8_t)(bench->sid >> 24), (uint8_t)(bench->sid >> 16),
                    (uint8_t)(bench->sid >> 8), (uint8_t)bench->sid};
  for (unsigned i = 0; i < PACKETS; i++) {
    Packet *packet = &bench->packets[i];
    bench->index = wzp_seq16_extend(wzp_datagram_seq(packet->data, packet->length), bench->index);
    wzp_trailer_append(packet->data, packet->length, sid,
                       wzp_hop_keys_at(&bench->hop_keys, (uint32_t)(bench->index >> 16)));
    packet->length += WZP_TRAILER_SIZE;
  }
}

static const WzpAddress member = {.family = 4, .port = 9, .bytes = {192, 0, 2, 1}};

static void
forward(Bench *bench)
{
  static WzpTime now = WZP_SECOND;
  uint64_t before = bench->sent;
  bool for_control;
  for (unsigned i = 0; i < PACKETS; i++) {
    const Packet *packet = &bench->packets[i];
    relay_media_handle(bench->media, now, &member, packet->data, packet->length, on_send, bench,
                       &for_control);
    now += 20 * WZP_MSEC;
  }
  bench_require(bench->sent - before == PACKETS, "the relay did not forward every packet");
}

/* --- the limits --- */

static void
bare_seal(Bench *bench)
{
  uint8_t nonce[12] = {0}, ad[8] = {0};
  static const uint8_t bundle[BUNDLE] = {0x10};
  for (unsigned i = 0; i < PACKETS; i++)
    wzp_aead_seal(bench->packets[i].data + 4, bench->key, nonce, ad, sizeof ad, bundle,
                  sizeof bundle);
}

static void
bare_open(Bench *bench)
{
  uint8_t nonce[12] = {0}, ad[8] = {0}, plain[128];
  for (unsigned i = 0; i < PACKETS; i++)
    bench_require(wzp_aead_open(plain, bench->key, nonce, ad, sizeof ad, bench->packets[i].data + 4,
                                BUNDLE + WZP_TAG_SIZE),
                  "a bare packet did not open");
}

static void
bare_hash(Bench *bench)
{
  uint8_t hash[crypto_shorthash_BYTES];
  for (unsigned i = 0; i < PACKETS; i++) {
    crypto_shorthash(hash, bench->packets[i].data, 4 + BUNDLE + WZP_TAG_SIZE + 4, bench->hop_key);
    sink_byte = hash[0];
  }
}

/* --- rounds --- */

static double
measure(Bench *bench, void (*run)(Bench *bench))
{
  double start = bench_now_ns();
  run(bench);
  return (bench_now_ns() - start) / PACKETS;
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median(double *values, unsigned n)
{
  qsort(values, n, sizeof *values, compare);
  return values[n / 2];
}

typedef struct {
  const char *name, *reference;
  double ours[ROUNDS_MAX], limit[ROUNDS_MAX], ratio[ROUNDS_MAX];
} Row;

static void
add(Row *row, unsigned round, double ours, double limit)
{
  row->ours[round] = ours;
  row->limit[round] = limit;
  row->ratio[round] = ours / limit;
}

static void
print_row(Row *row, unsigned rounds, bool json)
{
  double ours = median(row->ours, rounds), limit = median(row->limit, rounds);
  printf(json ? "{\"name\":\"%s\",\"ours_ns\":%.0f,\"reference\":\"%s\",\"reference_ns\":%.0f,"
                "\"ratio\":%.2f}\n"
              : "%-8s %6.0f ns   %-28s %6.0f ns   ratio %.2f\n",
         row->name, ours, row->reference, limit, median(row->ratio, rounds));
}

static void
set_up(Bench *bench)
{
  RelayLimits limits;
  uint8_t sid[32] = {1};
  relay_limits_default(&limits);
  limits.media_packets_per_second = 100000;
  limits.media_bytes_per_second = 100000000;
  randombytes_buf(bench->key, sizeof bench->key);
  bench->sender = wzp_sender_new(sid, bench->key, 0);
  bench->receiver = wzp_receiver_new(sid);
  bench_require(wzp_receiver_add_base(bench->receiver, 0, bench->key) == WZP_OK, "no key");
  wzp_hop_keys_init(&bench->hop_keys, bench->hop_key);
  bench->media = relay_media_new(&limits);
  for (unsigned leg = 0; leg < 2; leg++) {
    RelayCommand command = {
        .type = RELAY_COMMAND_ADD_LEG, .address = member, .room = 0, .slot = (uint8_t)leg};
    command.sid = relay_sid_make(leg + 1, 77, relay_sid_capacity(&limits));
    memcpy(command.hop_key, bench->hop_key, sizeof command.hop_key);
    relay_media_apply(bench->media, 0, &command);
    command.type = RELAY_COMMAND_SET_ROOM;
    relay_media_apply(bench->media, 0, &command);
    if (leg == 0)
      bench->sid = command.sid;
  }
}

int
main(int argc, char **argv)
{
  static Row rows[] = {{.name = "seal", .reference = "bare AEAD, same bytes"},
                       {.name = "open", .reference = "bare AEAD, same bytes"},
                       {.name = "forward", .reference = "bare SipHash, same bytes"}};
  static Bench bench;
  unsigned rounds = 21;
  bool json = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      json = true;
    else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
      rounds = (unsigned)strtoul(argv[++i], NULL, 10);
    else
      rounds = 0;
  }
  if (rounds < 1 || rounds > ROUNDS_MAX) {
    fprintf(stderr, "usage: bench-media [--json] [--rounds N], N from 1 to %d\n", ROUNDS_MAX);
    return 2;
  }
  wzp_init();
  set_up(&bench);
  for (unsigned round = 0; round < rounds; round++) {
    double sealed = measure(&bench, seal);
    double opened = measure(&bench, open_all);
    add_trailers(&bench);
    double forwarded = measure(&bench, forward);
    add(&rows[2], round, forwarded, measure(&bench, bare_hash));
    add(&rows[0], round, sealed, measure(&bench, bare_seal));
    add(&rows[1], round, opened, measure(&bench, bare_open));
  }
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    print_row(&rows[i], rounds, json);
  wzp_sender_free(bench.sender);
  wzp_receiver_free(bench.receiver);
  relay_media_free(bench.media);
  return 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/profile.h"
#include "wzp/random.h"
#include "wzp/seal.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

/* Linked with --wrap=wzp_hkdf_expand: counts what a flood makes the receiver derive. */
void __real_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                            size_t info_length);
void __wrap_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                            size_t info_length);
static unsigned media_keys_derived, ratchets;

void
__wrap_wzp_hkdf_expand(void *out, size_t length, const uint8_t prk[32], const void *info,
                       size_t info_length)
{
  if (info_length >= 6 && memcmp(info, "wz1 mk", 6) == 0)
    media_keys_derived++;
  if (info_length >= 11 && memcmp(info, "wz1 ratchet", 11) == 0)
    ratchets++;
  __real_wzp_hkdf_expand(out, length, prk, info, info_length);
}

#define CODE 0 /* Opus, 20 ms, one frame */

typedef struct {
  uint8_t data[WZP_DATAGRAM_MAX];
  size_t length;
  WzpHeader header;
} Packet;

static const uint8_t sid[32] = {1, 2, 3};
static const uint8_t base[32] = {9, 8, 7};

static void
from_hex(uint8_t *out, size_t length, const char *hex)
{
  size_t got;
  g_assert_cmpint(sodium_hex2bin(out, length, hex, strlen(hex), NULL, &got, NULL), ==, 0);
  g_assert_cmpuint(got, ==, length);
}

static void
assert_hex(const uint8_t *data, size_t length, const char *hex)
{
  char text[2 * WZP_DATAGRAM_MAX + 1];
  sodium_bin2hex(text, sizeof text, data, length);
  g_assert_cmpstr(text, ==, hex);
}

static void
seal_as(WzpSender *sender, const WzpSealRequest *request, const void *plain, size_t length,
        Packet *packet)
{
  g_assert_cmpint(wzp_sender_seal(sender, request, plain, length, packet->data, sizeof packet->data,
                                  &packet->length, &packet->header),
                  ==, WZP_OK);
}

static void
seal(WzpSender *sender, bool full, Packet *packet)
{
  WzpSealRequest request = {.code = CODE, .slot = 3, .timestamp = 77, .full = full};
  seal_as(sender, &request, "speech", 6, packet);
}

static WzpResult
open_at(WzpReceiver *receiver, WzpTime now, const Packet *packet, WzpOpened *opened)
{
  uint8_t out[WZP_DATAGRAM_MAX];
  size_t length = 0;
  WzpOpened unused;
  WzpResult result = wzp_receiver_open(receiver, now, packet->data, packet->length, out, &length,
                                       opened ? opened : &unused);
  if (result == WZP_OK)
    g_assert_cmpmem(out, length, "speech", 6);
  return result;
}

static WzpReceiver *
receiver_with(uint32_t epoch, const uint8_t key[32])
{
  WzpReceiver *receiver = wzp_receiver_new(sid);
  g_assert_cmpint(wzp_receiver_add_base(receiver, epoch, key), ==, WZP_OK);
  return receiver;
}

static void
skip(WzpSender *sender, unsigned n)
{
  Packet packet;
  while (n-- > 0)
    seal(sender, false, &packet);
}

/* Seals in the sender's present epoch, then moves it on with a base of its own. */
static void
rotate(WzpSender *sender, uint8_t fill, uint8_t fresh[32])
{
  memset(fresh, fill, 32);
  wzp_sender_set_pending(sender, fresh);
  wzp_sender_switch(sender);
}

static void
test_vectors(void)
{
  uint8_t id_th4[64], stream[32], media_i[32], base_1[32], opened_plain[64];
  const char *plain = "opus frame bytes";
  WzpSealRequest request = {.code = 3, .timestamp = 7680};
  Packet packet, first, second;
  WzpOpened opened;
  size_t length;

  from_hex(id_th4, 32, "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909");
  from_hex(id_th4 + 32, 32, "97712cf05f50fa0858a16d2eaf1972c4839edc7a093c07bdf9c9acf42de517b4");
  wzp_sha256(stream, id_th4, sizeof id_th4);
  from_hex(media_i, 32, "605a772a54c7cfa89069640f0923a72e21d248672752c07bf1d55ab67822195a");

  WzpSender *sender = wzp_sender_new(stream, media_i, 0);
  for (unsigned i = 0; i < 7; i++)
    seal_as(sender, &request, plain, strlen(plain), &packet);
  seal_as(sender, &request, plain, strlen(plain), &first);
  assert_hex(first.data, first.length,
             "c3000007408503d94b17a3fd286340d2a721b13828ac4ca466e25d3b564a27655fabfd02");
  request.full = true;
  seal_as(sender, &request, plain, strlen(plain), &second);
  assert_hex(second.data, second.length,
             "8300000800001e0000000000ae70c92d01c5f02ff20a12d66e70361c2485567a23181f9373533f3bc83e"
             "80f2");
  wzp_sender_ratcheted_base(sender, base_1);
  assert_hex(base_1, 32, "bf297880b0fa664613d3f2faacbe849db24dcee6fcf698bc6c6488c0d5ba6dd0");

  request.full = false;
  for (unsigned i = 9; i < 0x10000; i++)
    seal_as(sender, &request, plain, strlen(plain), &packet);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 0);
  g_assert_cmpuint(wzp_sender_next_epoch(sender), ==, 1);
  seal_as(sender, &request, plain, strlen(plain), &packet);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 1);
  g_assert_cmpuint(wzp_sender_next_epoch(sender), ==, 1);
  assert_hex(packet.data, packet.length,
             "d30000009ae950c226e38b4e1804764425a73ba672034a220b8086c779134cc9bb2c0f1d");
  g_assert_cmpmem(wzp_sender_base(sender), 32, base_1, 32);

  /* and the way back */
  WzpReceiver *receiver = wzp_receiver_new(stream);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 0, media_i), ==, WZP_OK);
  const Packet *all[] = {&first, &second, &packet};
  for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
    g_assert_cmpint(wzp_receiver_open(receiver, 0, all[i]->data, all[i]->length, opened_plain,
                                      &length, &opened),
                    ==, WZP_OK);
    g_assert_cmpmem(opened_plain, length, plain, strlen(plain));
  }
  g_assert_cmpuint(opened.epoch, ==, 1);
  g_assert_cmpuint(opened.index, ==, 0x10000);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_every_length(void)
{
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 1);
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  uint8_t plain[1200], out[WZP_DATAGRAM_MAX];
  WzpOpened opened;
  size_t length;

  for (size_t n = 0; n <= sizeof plain; n++) {
    WzpSealRequest request = {
        .code = CODE, .slot = 200, .timestamp = (uint32_t)n, .flags = 1, .full = n % 2 == 1};
    Packet packet;
    wzp_random_fill(&random, plain, n);
    seal_as(sender, &request, plain, n, &packet);
    g_assert_cmpuint(packet.length, ==, n + (request.full ? 12 : 4) + 16);
    g_assert_cmpint(
        wzp_receiver_open(receiver, 0, packet.data, packet.length, out, &length, &opened), ==,
        WZP_OK);
    g_assert_cmpmem(out, length, plain, n);
    g_assert_cmpuint(opened.index, ==, n);
    g_assert_cmpuint(opened.header.slot, ==, 200);
    g_assert_cmpuint(opened.header.seq, ==, n);
    g_assert_cmpuint(opened.header.flags, ==, request.full ? 1 : 0);
  }

  /* in place, both ways, and a buffer one byte too small consumes nothing */
  WzpSealRequest request = {.code = CODE};
  uint8_t place[4 + 5 + 16];
  memcpy(place + 4, "hello", 5);
  g_assert_cmpint(
      wzp_sender_seal(sender, &request, place + 4, 5, place, sizeof place - 1, &length, NULL), ==,
      WZP_BUFFER_TOO_SMALL);
  g_assert_cmpmem(place + 4, 5, "hello", 5);
  g_assert_cmpint(
      wzp_sender_seal(sender, &request, place + 4, 5, place, sizeof place, &length, NULL), ==,
      WZP_OK);
  g_assert_cmpint(wzp_receiver_open(receiver, 0, place, length, place + 4, &length, &opened), ==,
                  WZP_OK);
  g_assert_cmpmem(place + 4, length, "hello", 5);
  g_assert_cmpuint(opened.index, ==, sizeof plain + 1);

  /* short and long ones */
  for (size_t n = 0; n < 20; n++)
    g_assert_cmpint(wzp_receiver_open(receiver, 0, place, n, out, &length, &opened), ==,
                    WZP_TRUNCATED);
  uint8_t huge[WZP_DATAGRAM_MAX + 1] = {0xc0};
  g_assert_cmpint(wzp_receiver_open(receiver, 0, huge, sizeof huge, out, &length, &opened), ==,
                  WZP_TOO_LONG);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* A receiver that saw every forgery must afterwards answer as one that saw none. */
static void
test_flipped_bits(void)
{
  for (unsigned full = 0; full < 2; full++) {
    WzpSender *sender = wzp_sender_new(sid, base, 6);
    WzpReceiver *receiver = receiver_with(6, base), *control = receiver_with(6, base);
    Packet first, packet, later;
    WzpOpened a, b;

    seal(sender, true, &first);
    g_assert_cmpint(open_at(receiver, 0, &first, NULL), ==, WZP_OK);
    g_assert_cmpint(open_at(control, 0, &first, NULL), ==, WZP_OK);
    seal(sender, full, &packet);
    skip(sender, 300);
    seal(sender, full, &later);
    for (size_t bit = 0; bit < packet.length * 8; bit++) {
      Packet forged = packet;
      forged.data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
      g_assert_cmpint(open_at(receiver, 0, &forged, NULL), !=, WZP_OK);
    }
    for (size_t n = 0; n < packet.length; n++) {
      Packet cut = packet;
      cut.length = n;
      g_assert_cmpint(open_at(receiver, 0, &cut, NULL), !=, WZP_OK);
    }
    const Packet *order[] = {&packet, &later};
    for (unsigned i = 0; i < 2; i++) {
      memset(&a, 0, sizeof a);
      memset(&b, 0, sizeof b);
      g_assert_cmpint(open_at(receiver, 0, order[i], &a), ==, WZP_OK);
      g_assert_cmpint(open_at(control, 0, order[i], &b), ==, WZP_OK);
      g_assert_cmpuint(a.index, ==, b.index);
      g_assert_cmpuint(a.epoch, ==, b.epoch);
      g_assert_cmpuint(a.media_ms, ==, b.media_ms);
      g_assert_cmpint(a.has_media_ms, ==, b.has_media_ms);
    }
    wzp_receiver_free(control);
    wzp_receiver_free(receiver);
    wzp_sender_free(sender);
  }
}

static void
test_other_stream(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  uint8_t other[32] = {1, 2, 4};
  WzpReceiver *receiver = wzp_receiver_new(other);
  Packet packet;

  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_NO_KEY);
  g_assert_false(wzp_receiver_has_key(receiver));
  g_assert_cmpint(wzp_receiver_add_base(receiver, 0, base), ==, WZP_OK);
  g_assert_true(wzp_receiver_has_key(receiver));
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_BAD_TAG);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_wraps_and_gaps(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  WzpTime now = 0;
  uint64_t n = 0;
  unsigned opened_packets = 0;

  /* 100 packets heard, 60,000 not, until three wraps lie behind */
  while (n < 3 * 0x10000 + 5000) {
    for (unsigned i = 0; i < 100; i++, n++) {
      Packet packet;
      WzpOpened opened;
      seal(sender, false, &packet);
      g_assert_cmpint(open_at(receiver, now, &packet, &opened), ==, WZP_OK);
      g_assert_cmpuint(opened.index, ==, n);
      g_assert_cmpuint(opened.epoch, ==, n >> 16);
      opened_packets++;
      now += 20 * WZP_MSEC;
    }
    skip(sender, 60000);
    n += 60000;
    now += 60000 * 20 * WZP_MSEC;
  }
  g_assert_cmpuint(opened_packets, ==, 400);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* 70 % loss, reordering up to 200 packets, around a wrap and a rotation. */
static void
test_loss_and_reordering(void)
{
  enum { COUNT = 12000 };
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 70);
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  Packet *packets = g_new(Packet, COUNT);
  uint64_t *at = g_new(uint64_t, COUNT); /* arrival << 32 | which */
  unsigned arrived = 0;
  uint8_t fresh[32];
  Packet packet;

  skip(sender, 0x10000 - COUNT / 2);
  uint64_t first = 0x10000 - COUNT / 2;
  /* the receiver knows where the stream stands before the storm */
  seal(sender, false, &packet);
  first++;
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  uint64_t start_index = first;
  for (unsigned i = 0; i < COUNT; i++) {
    uint32_t draw[2];
    if (i == COUNT * 3 / 4)
      rotate(sender, 0x5a, fresh);
    seal(sender, false, &packets[i]);
    wzp_random_fill(&random, draw, sizeof draw);
    if (draw[0] % 100 >= 70)
      at[arrived++] = (uint64_t)(i + draw[1] % 200) << 32 | i;
  }
  for (unsigned i = 1; i < arrived; i++) { /* insertion sort: nearly sorted */
    uint64_t key = at[i];
    unsigned j = i;
    for (; j > 0 && at[j - 1] > key; j--)
      at[j] = at[j - 1];
    at[j] = key;
  }
  g_assert_cmpuint(arrived, >, COUNT / 4);
  for (unsigned i = 0; i < arrived; i++) {
    unsigned which = (uint32_t)at[i];
    WzpTime now = (WzpTime)(at[i] >> 32) * 20 * WZP_MSEC;
    WzpOpened opened;
    if (at[i] >> 32 >= COUNT * 3 / 4) /* the KEY comes with the rotation, and again and again */
      g_assert_cmpint(wzp_receiver_add_base(receiver, 2, fresh), ==, WZP_OK);
    g_assert_cmpint(open_at(receiver, now, &packets[which], &opened), ==, WZP_OK);
    g_assert_cmpuint(opened.index, ==, start_index + which);
    g_assert_cmpint(open_at(receiver, now, &packets[which], NULL), ==, WZP_REPLAYED);
  }
  /* the whole recording again, at once and a minute later: nothing opens */
  for (unsigned i = 0; i < arrived; i++)
    g_assert_cmpint(open_at(receiver, COUNT * 20 * WZP_MSEC, &packets[(uint32_t)at[i]], NULL), !=,
                    WZP_OK);
  for (unsigned i = 0; i < arrived; i++)
    g_assert_cmpint(
        open_at(receiver, 300 * WZP_SECOND + 60 * WZP_SECOND, &packets[(uint32_t)at[i]], NULL), !=,
        WZP_OK);
  g_free(at);
  g_free(packets);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_window(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  static Packet packets[1100];

  for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++)
    seal(sender, false, &packets[i]);
  g_assert_cmpint(open_at(receiver, 0, &packets[1050], NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packets[1050 - 1023], NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packets[1050 - 1024], NULL), ==, WZP_TOO_OLD);
  g_assert_cmpint(open_at(receiver, 0, &packets[1050 - 1023], NULL), ==, WZP_REPLAYED);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* What opens, against the rule in full width: no low bits, no arithmetic modulo anything. */
static void
test_epoch_choice(void)
{
  const uint32_t middles[] = {0, 1, 2, 5, 254, 255, 256, 1000, 0xfffffe00};

  for (unsigned m = 0; m < G_N_ELEMENTS(middles); m++) {
    const uint8_t previous[32] = {5};
    WzpSender *walker = wzp_sender_new(sid, base, middles[m]); /* by the ratchet, step by step */

    for (int d = -1; d <= 270; d++) {
      int64_t epoch = (int64_t)middles[m] + d;
      if (epoch < 0)
        continue;
      if (d > 0) {
        uint8_t next[32];
        wzp_sender_ratcheted_base(walker, next);
        wzp_sender_set_pending(walker, next);
        wzp_sender_switch(walker);
      }
      for (unsigned full = 0; full < 2; full++) {
        Packet packet, first;
        WzpReceiver *receiver = wzp_receiver_new(sid);
        WzpSender *sender = wzp_sender_new(sid, base, middles[m]);
        WzpSender *there =
            wzp_sender_new(sid, d < 0 ? previous : wzp_sender_base(walker), (uint32_t)epoch);
        bool expected = d >= -1 && d <= (full ? 8 : 2);

        if (middles[m] > 0)
          wzp_receiver_add_base(receiver, middles[m] - 1, previous);
        wzp_receiver_add_base(receiver, middles[m], base);
        seal(sender, false, &first);
        g_assert_cmpint(open_at(receiver, 0, &first, NULL), ==, WZP_OK);
        seal(there, false, &packet);
        seal(there, full, &packet); /* seq 1: not the one that opened for d == 0 */
        WzpResult result = open_at(receiver, 5 * WZP_SECOND, &packet, NULL);
        if (expected != (result == WZP_OK))
          g_error("epoch %" G_GINT64_FORMAT " against %u, full %u: %s", epoch, middles[m], full,
                  wzp_result_name(result));
        wzp_sender_free(there);
        wzp_sender_free(sender);
        wzp_receiver_free(receiver);
      }
    }
    wzp_sender_free(walker);
  }
}

static void
test_flood(void)
{
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 4);
  WzpSender *sender = wzp_sender_new(sid, base, 5);
  WzpReceiver *receiver = receiver_with(5, base);
  Packet packet;

  seal(sender, true, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  media_keys_derived = ratchets = 0;
  for (unsigned i = 0; i < 20000; i++) {
    Packet forged = {.length = 60};
    wzp_random_fill(&random, forged.data, forged.length);
    forged.data[0] = (uint8_t)((forged.data[0] & 0x70) | 0x80); /* code 0, any KK, mini and full */
    if ((forged.data[0] & 0x40) == 0) {                         /* a full header that parses */
      forged.data[8] = (uint8_t)((forged.data[8] & 0xfc) | (forged.data[0] >> 4 & 3));
      forged.data[10] = forged.data[11] = 0;
    }
    g_assert_cmpint(open_at(receiver, i, &forged, NULL), !=, WZP_OK);
  }
  g_assert_cmpuint(media_keys_derived, ==, 2);
  g_assert_cmpuint(ratchets, ==, 1 + 2);

  /* a real change of epoch is not hindered */
  uint8_t fresh[32];
  rotate(sender, 0x31, fresh);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 6, fresh), ==, WZP_OK);
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, WZP_SECOND, &packet, NULL), ==, WZP_OK);

  /* in silence every epoch that a header can name is derived at most once */
  media_keys_derived = 0;
  for (unsigned i = 0; i < 20000; i++) {
    Packet forged = {.length = 60};
    wzp_random_fill(&random, forged.data, forged.length);
    forged.data[0] = (uint8_t)(0x80 | (forged.data[8] & 3) << 4);
    forged.data[10] = forged.data[11] = 0;
    g_assert_cmpint(open_at(receiver, 20 * WZP_SECOND, &forged, NULL), !=, WZP_OK);
  }
  g_assert_cmpuint(media_keys_derived, <=, 8);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_keys_received(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  uint8_t fresh[32], other[32] = {0xee};
  Packet old[3], packet, late;
  WzpOpened opened;

  for (unsigned i = 0; i < G_N_ELEMENTS(old); i++)
    seal(sender, false, &old[i]);
  g_assert_cmpint(open_at(receiver, 0, &old[0], NULL), ==, WZP_OK);

  /* the packet overtakes its KEY: the guess fails, the KEY replaces the guess */
  rotate(sender, 0x11, fresh);
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_BAD_TAG);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, other), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_BAD_TAG);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 1);

  /* opened: the base stands */
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, other), ==, WZP_UNEXPECTED);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 1, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_REPLAYED);

  /* the old epoch lives 10 s more */
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND - 1, &old[1], NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND, &old[2], NULL), ==, WZP_TOO_OLD);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 0, base), ==, WZP_TOO_OLD);
  g_assert_cmpint(open_at(receiver, 10 * WZP_SECOND, &old[2], NULL), ==, WZP_TOO_OLD);

  /* deaf for long: the KEY of a far epoch moves the range, and the one before is still ratcheted */
  for (unsigned i = 0; i < 4; i++) {
    wzp_sender_ratcheted_base(sender, fresh);
    wzp_sender_set_pending(sender, fresh);
    wzp_sender_switch(sender);
  }
  seal(sender, false, &late); /* epoch 5 */
  rotate(sender, 0x22, fresh);
  seal(sender, false, &packet); /* epoch 6 */
  g_assert_cmpint(wzp_receiver_add_base(receiver, 6, fresh), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 60 * WZP_SECOND, &packet, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 6);
  g_assert_cmpint(open_at(receiver, 60 * WZP_SECOND, &late, &opened), ==, WZP_OK);
  g_assert_cmpuint(opened.epoch, ==, 5);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 4, other), ==, WZP_TOO_OLD);

  /* and much farther than any ratchet */
  wzp_sender_free(sender);
  sender = wzp_sender_new(sid, other, 4000000000);
  seal(sender, false, &packet);
  g_assert_cmpint(wzp_receiver_add_base(receiver, 4000000000, other), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 61 * WZP_SECOND, &packet, NULL), ==, WZP_OK);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* Keys come and go in any order: what was received last for an epoch holds, nothing crashes, and the
 * cache never refuses a key that could be needed. */
static void
test_many_keys(void)
{
  WzpReceiver *receiver = wzp_receiver_new(sid);

  for (uint32_t epoch = 10; epoch < 60; epoch++) {
    uint8_t key[32];
    Packet packet;
    memset(key, (int)epoch, sizeof key);
    WzpSender *sender = wzp_sender_new(sid, key, epoch);
    seal(sender, false, &packet);
    g_assert_cmpint(wzp_receiver_add_base(receiver, epoch, key), ==, WZP_OK);
    if (epoch % 3 == 0)
      g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
    wzp_sender_free(sender);
  }
  wzp_receiver_free(receiver);
}

static void
test_newcomer(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 40);
  Packet before[5], packet;
  uint8_t pending[32];

  for (unsigned i = 0; i < G_N_ELEMENTS(before); i++)
    seal(sender, false, &before[i]);
  wzp_sender_ratcheted_base(sender, pending);
  wzp_sender_set_pending(sender, pending);
  g_assert_cmpmem(wzp_sender_pending(sender), 32, pending, 32);

  WzpReceiver *receiver = receiver_with(41, pending);
  for (unsigned i = 0; i < G_N_ELEMENTS(before); i++)
    g_assert_cmpint(open_at(receiver, 0, &before[i], NULL), ==, WZP_NO_KEY);
  g_assert_false(wzp_receiver_wants_key(receiver, 0)); /* it is not missing anything */
  wzp_sender_switch(sender);
  g_assert_false(wzp_sender_has_pending(sender));
  g_assert_false(wzp_sender_epoch_used(sender));
  seal(sender, false, &packet);
  g_assert_cmpint(open_at(receiver, 0, &packet, NULL), ==, WZP_OK);
  g_assert_cmpint(open_at(receiver, 0, &before[0], NULL), ==, WZP_NO_KEY);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_wants_key(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = wzp_receiver_new(sid);
  uint8_t fresh[32];
  Packet packet, good;
  const WzpTime step = 20 * WZP_MSEC;

  seal(sender, false, &good);
  for (unsigned i = 0; i < 5; i++) /* before the first epoch nothing counts */
    g_assert_cmpint(open_at(receiver, i * step, &good, NULL), ==, WZP_NO_KEY);
  g_assert_false(wzp_receiver_wants_key(receiver, 5 * step));
  wzp_receiver_add_base(receiver, 0, base);
  g_assert_cmpint(open_at(receiver, 0, &good, NULL), ==, WZP_OK);
  seal(sender, false, &good);

  rotate(sender, 0x77, fresh);
  seal(sender, false, &packet);
  open_at(receiver, 0, &packet, NULL);
  open_at(receiver, step, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, step));
  open_at(receiver, 501 * WZP_MSEC, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, 501 * WZP_MSEC)); /* not within 500 ms */
  open_at(receiver, 502 * WZP_MSEC, &packet, NULL);
  g_assert_true(wzp_receiver_wants_key(receiver, 502 * WZP_MSEC));
  for (unsigned i = 0; i < 5; i++)
    open_at(receiver, 600 * WZP_MSEC, &packet, NULL);
  g_assert_false(wzp_receiver_wants_key(receiver, 600 * WZP_MSEC)); /* once a second */
  for (unsigned i = 0; i < 3; i++)
    open_at(receiver, 1500 * WZP_MSEC, &packet, NULL);
  g_assert_cmpint(open_at(receiver, 1500 * WZP_MSEC, &good, NULL), ==, WZP_OK);
  g_assert_false(wzp_receiver_wants_key(receiver, 1600 * WZP_MSEC)); /* success since */
  for (unsigned i = 0; i < 3; i++)
    open_at(receiver, 1700 * WZP_MSEC, &packet, NULL);
  g_assert_true(wzp_receiver_wants_key(receiver, 1700 * WZP_MSEC));
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

static void
test_pending_and_unused(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  uint8_t pending[32] = {0x99}, unused[32] = {0x66};
  Packet packet;

  g_assert_null(wzp_sender_pending(sender));
  g_assert_false(wzp_sender_epoch_used(sender));
  wzp_sender_replace_unused(sender, unused);
  g_assert_cmpmem(wzp_sender_base(sender), 32, unused, 32);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 0);

  /* a wrap takes the pending base, acknowledged or not */
  skip(sender, 0x10000);
  wzp_sender_set_pending(sender, pending);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 0);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 1);
  g_assert_cmpmem(wzp_sender_base(sender), 32, pending, 32);
  g_assert_false(wzp_sender_has_pending(sender));

  /* a switch just at the wrap: one step, not two */
  skip(sender, 0xffff);
  wzp_sender_set_pending(sender, unused);
  wzp_sender_switch(sender);
  g_assert_cmpuint(wzp_sender_next_epoch(sender), ==, 2);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 0);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 2);
  wzp_sender_free(sender);
}

static void
test_header_policy(void)
{
  WzpHeaderPolicy policy = {0};
  uint32_t t = 0xfffffc18 - 60; /* the timestamp wraps in the middle of the test */

#define NEXT(full)                                                                                 \
  do {                                                                                             \
    g_assert_cmpint(wzp_header_policy_full(&policy, 0, 7, t, false), ==, (full));                  \
    t += 20;                                                                                       \
  } while (0)
  for (unsigned i = 0; i < 3; i++)
    NEXT(true);
  for (unsigned second = 0; second < 3; second++) { /* then once a second */
    for (unsigned i = 0; i < 49; i++)
      NEXT(false);
    NEXT(true);
  }
  NEXT(false);
  t += 400; /* silence, seen by the time alone */
  for (unsigned i = 0; i < 3; i++)
    NEXT(true);
  NEXT(false);
  g_assert_true(wzp_header_policy_full(&policy, 0, 7, t, true)); /* said by the caller */
  t += 20;
  NEXT(true);
  NEXT(true);
  NEXT(false);
#undef NEXT
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t, false)); /* code */
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t + 40, false));
  g_assert_true(wzp_header_policy_full(&policy, 1, 7, t + 80, false));
  g_assert_false(wzp_header_policy_full(&policy, 1, 7, t + 120, false));
  g_assert_true(wzp_header_policy_full(&policy, 1, 8, t + 160, false)); /* epoch */
  g_assert_true(wzp_header_policy_full(&policy, 1, 8, t + 200, false));
  policy.repeat = 13;
  for (unsigned i = 0; i < 13; i++)
    g_assert_true(wzp_header_policy_full(&policy, 1, 9, t + 240 + i * 40, false));
  g_assert_false(wzp_header_policy_full(&policy, 1, 9, t + 240 + 13 * 40, false));
}

/* Sends (code, timestamp, full) and returns the packet for later. */
static Packet
media(WzpSender *sender, uint8_t code, uint32_t timestamp, bool full)
{
  WzpSealRequest request = {.code = code, .timestamp = timestamp, .full = full};
  Packet packet;
  seal_as(sender, &request, "speech", 6, &packet);
  return packet;
}

static void
assert_time(WzpReceiver *receiver, const Packet *packet, int64_t expected)
{
  WzpOpened opened;
  g_assert_cmpint(open_at(receiver, 0, packet, &opened), ==, WZP_OK);
  g_assert_cmpint(opened.has_media_ms, ==, expected >= 0);
  if (expected >= 0)
    g_assert_cmpuint(opened.media_ms, ==, (uint64_t)expected);
}

static void
test_media_time(void)
{
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  WzpReceiver *receiver = receiver_with(0, base);
  const int64_t round = INT64_C(1) << 32;
  Packet p[30];

  p[0] = media(sender, 0, 0xffffff00, false);
  p[1] = media(sender, 0, 0xffffff14, true);
  p[2] = media(sender, 0, 0xffffff28, false);
  p[3] = media(sender, 0, 0xffffff3c, false);
  p[4] = media(sender, 1, 0xffffff50, false); /* 40 ms packets; their full header is to come */
  p[5] = media(sender, 1, 0xffffff78, true);
  p[6] = media(sender, 1, 0xffffffa0, false);
  p[7] = media(sender, 1, 0x00000100, true); /* silence lay between; the clock went round */
  p[8] = media(sender, 1, 0x00000128, false);
  p[9] = media(sender, 1, 0x00000150, false);
  assert_time(receiver, &p[0], -1); /* no full header yet */
  assert_time(receiver, &p[1], 0xffffff14);
  assert_time(receiver, &p[3], 0xffffff3c);
  assert_time(receiver, &p[4], -1); /* another code than the last full one */
  assert_time(receiver, &p[5], 0xffffff78);
  assert_time(receiver, &p[8], INT64_C(0xffffff78) + 3 * 40); /* the newest full that is known */
  assert_time(receiver, &p[7], round + 0x100);
  assert_time(receiver, &p[9], round + 0x150);
  assert_time(receiver, &p[6],
              0xffffffa0); /* late: by the full header before it, not by the newest */
  assert_time(receiver, &p[2], 0xffffff28); /* later still, with two changes after it */
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);

  /* packets before the first full header that arrives, across a wrap of seq and the timestamp */
  sender = wzp_sender_new(sid, base, 3);
  receiver = receiver_with(3, base);
  skip(sender, 0x10000 - 2);
  p[0] = media(sender, 0, 100, true);
  p[1] = media(sender, 0, 120, false);
  p[2] = media(sender, 0, 140, true);
  p[3] = media(sender, 0, 160, false);
  assert_time(receiver, &p[2], 140);
  assert_time(receiver, &p[3], 160);
  assert_time(receiver, &p[1], 120);
  assert_time(receiver, &p[0], 100);
  wzp_receiver_free(receiver);
  wzp_sender_free(sender);
}

/* A sender with the policy, a lossy and reordering path: every time that is given is right, as long as
 * one of the repeated full headers of each change arrives. */
static void
test_media_time_random(void)
{
  static const uint8_t codes[] = {0, 1, 3, 7};
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, 99);
  unsigned known = 0, total = 0;

  for (unsigned run = 0; run < 20; run++) {
    enum { COUNT = 3000, SPREAD = 40 };
    WzpSender *sender = wzp_sender_new(sid, base, 0);
    WzpReceiver *receiver = receiver_with(0, base);
    Packet *packets = g_new(Packet, COUNT);
    uint64_t *truth = g_new(uint64_t, COUNT);
    WzpHeaderPolicy policy = {.repeat = 13};
    uint64_t t = UINT64_C(0xffff8000) + run * 100;
    uint8_t code = 0;

    for (unsigned i = 0; i < COUNT; i++) {
      uint16_t draw[2];
      wzp_random_fill(&random, draw, sizeof draw);
      bool gap = draw[0] % 400 == 0;
      if (gap)
        t += 20 + draw[1] % 5000;
      else if (draw[0] % 400 == 1)
        code = codes[draw[1] % G_N_ELEMENTS(codes)];
      WzpSealRequest request = {.code = code, .timestamp = (uint32_t)t};
      request.full = wzp_header_policy_full(&policy, code, 0, (uint32_t)t, gap);
      seal_as(sender, &request, "speech", 6, &packets[i]);
      truth[i] = t;
      const WzpFraming *framing = wzp_framing_from_code(code);
      t += (uint64_t)framing->frame_ms * framing->frames_per_packet;
    }
    for (unsigned i = 0; i + SPREAD < COUNT; i += SPREAD) { /* shuffled within blocks, 30 % lost */
      unsigned order[SPREAD];
      for (unsigned k = 0; k < SPREAD; k++)
        order[k] = i + k;
      for (unsigned k = SPREAD - 1; k > 0; k--) {
        uint16_t draw;
        wzp_random_fill(&random, &draw, sizeof draw);
        unsigned other = draw % (k + 1), swap = order[k];
        order[k] = order[other];
        order[other] = swap;
      }
      for (unsigned k = 0; k < SPREAD * 7 / 10; k++) {
        WzpOpened opened;
        g_assert_cmpint(open_at(receiver, 0, &packets[order[k]], &opened), ==, WZP_OK);
        g_assert_cmpuint(opened.header.seq, ==, order[k]);
        total++;
        if (packets[order[k]].header.full) {
          g_assert_true(opened.has_media_ms);
          g_assert_cmpuint(opened.media_ms, ==, truth[order[k]]);
        }
        if (opened.has_media_ms && opened.media_ms == truth[order[k]])
          known++;
      }
    }
    g_free(truth);
    g_free(packets);
    wzp_receiver_free(receiver);
    wzp_sender_free(sender);
  }
  /* what is not known: mini packets shuffled before the full headers of their stretch */
  g_test_message("%u of %u packets timed exactly", known, total);
  g_assert_cmpuint(known * 100, >, total * 98);
}

static void
subprocess_aborts(const char *path)
{
  g_test_trap_subprocess(path, 0, 0);
  g_test_trap_assert_failed();
  g_test_trap_assert_stderr("*media sender stopped*");
}

static void
test_misuse_replace(void)
{
  if (g_test_subprocess()) {
    WzpSender *sender = wzp_sender_new(sid, base, 0);
    skip(sender, 1);
    wzp_sender_replace_unused(sender, base);
    return;
  }
  subprocess_aborts("/seal/misuse/replace");
}

static void
test_misuse_switch(void)
{
  if (g_test_subprocess()) {
    wzp_sender_switch(wzp_sender_new(sid, base, 0));
    return;
  }
  subprocess_aborts("/seal/misuse/switch");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/seal/vectors", test_vectors);
  g_test_add_func("/seal/every-length", test_every_length);
  g_test_add_func("/seal/flipped-bits", test_flipped_bits);
  g_test_add_func("/seal/other-stream", test_other_stream);
  g_test_add_func("/seal/wraps-and-gaps", test_wraps_and_gaps);
  g_test_add_func("/seal/loss-and-reordering", test_loss_and_reordering);
  g_test_add_func("/seal/window", test_window);
  g_test_add_func("/seal/epoch-choice", test_epoch_choice);
  g_test_add_func("/seal/flood", test_flood);
  g_test_add_func("/seal/keys-received", test_keys_received);
  g_test_add_func("/seal/many-keys", test_many_keys);
  g_test_add_func("/seal/newcomer", test_newcomer);
  g_test_add_func("/seal/wants-key", test_wants_key);
  g_test_add_func("/seal/pending-and-unused", test_pending_and_unused);
  g_test_add_func("/seal/header-policy", test_header_policy);
  g_test_add_func("/seal/media-time", test_media_time);
  g_test_add_func("/seal/media-time-random", test_media_time_random);
  g_test_add_func("/seal/misuse/replace", test_misuse_replace);
  g_test_add_func("/seal/misuse/switch", test_misuse_switch);
  return g_test_run();
}

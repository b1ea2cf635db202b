/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "seal-stream.h"
#include "test-util.h"
#include <string.h>

static void
test_vectors(void)
{
  uint8_t id_th4[64], stream[32], media_i[32], base_1[32], opened_plain[64];
  const char *plain = "opus frame bytes";
  WzpSealRequest request = {.code = 3, .timestamp = 7680};
  Packet packet, first, second;
  WzpOpened opened;
  size_t length;

  test_hex(id_th4, 32, "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909");
  test_hex(id_th4 + 32, 32, "97712cf05f50fa0858a16d2eaf1972c4839edc7a093c07bdf9c9acf42de517b4");
  wzp_sha256(stream, id_th4, sizeof id_th4);
  test_hex(media_i, 32, "605a772a54c7cfa89069640f0923a72e21d248672752c07bf1d55ab67822195a");

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
  g_assert_cmpuint(opened.stream, !=, 0);
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
  wzp_sender_set_pending(sender, pending); /* perhaps the ratchet of the base that goes now */
  wzp_sender_replace_unused(sender, unused);
  g_assert_false(wzp_sender_has_pending(sender));

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

/* Packets that were made and not sealed take numbers, too: once something is sealed, and never into the wrap. */
static void
test_left_out(void)
{
  Packet packet;
  WzpSender *sender = wzp_sender_new(sid, base, 0);
  seal(sender, false, &packet);
  wzp_sender_leave_out(sender, 3);
  wzp_sender_leave_out(sender, 1);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 5);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 6);
  wzp_sender_leave_out(sender, 200);
  wzp_sender_leave_out(sender, UINT_MAX);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 7 + WZP_SENDER_LEFT_OUT_MAX);

  /* what is too long to be sealed leaves nothing changed */
  uint8_t out[8];
  size_t length;
  WzpSealRequest request = {0};
  wzp_sender_leave_out(sender, 1);
  g_assert_cmpint(wzp_sender_seal(sender, &request, "voice", 5, out, sizeof out, &length, NULL), ==,
                  WZP_BUFFER_TOO_SMALL);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 9 + WZP_SENDER_LEFT_OUT_MAX);

  skip(sender, 0xfff0 - packet.header.seq);
  wzp_sender_leave_out(sender, 0x20);
  g_assert_cmpuint(wzp_sender_next_epoch(sender), ==, 1);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 0x11);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 1);
  /* and a whole epoch goes on from there */
  skip(sender, 0x10000 - 0x12);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 1);
  seal(sender, false, &packet);
  g_assert_cmpuint(packet.header.seq, ==, 0);
  g_assert_cmpuint(wzp_sender_epoch(sender), ==, 2);
  wzp_sender_free(sender);
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
  g_test_add_func("/seal/left-out", test_left_out);
  g_test_add_func("/seal/loss-and-reordering", test_loss_and_reordering);
  g_test_add_func("/seal/window", test_window);
  g_test_add_func("/seal/pending-and-unused", test_pending_and_unused);
  g_test_add_func("/seal/misuse/replace", test_misuse_replace);
  g_test_add_func("/seal/misuse/switch", test_misuse_switch);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-pair.h"
#include "tests/tools/published-example.h"

/* The control channel, call by call: records, frames, limits, timers. What holds under any loss is in
 * test-control-network.c. */

/* --- records --- */

static void
test_published_record(void)
{
  WzpHandshakeKeys keys;
  WzpControlConfig config;
  WzpRecords records;
  uint8_t record[64];
  example_keys(&keys);
  wzp_control_config_from_keys(&config, &keys, true);
  wzp_records_init(&records, &config);
  memcpy(record + WZP_RECORD_HEADER_SIZE, "ping", 4);
  size_t length = wzp_records_seal(&records, record, 4);
  assert_hex(record, length, "44666666666666666600000000fee176c803dc1c13bf8a3a9d738cfa4aff8e343f");

  /* and the other way: four bytes that are no frame, in a record that opens */
  wzp_control_config_from_keys(&config, &keys, false);
  WzpControl *control = wzp_control_new(&config, 0);
  g_assert_cmpint(wzp_control_receive(control, 5, record, length), ==, WZP_OK);
  g_assert_cmpuint(wzp_control_dropped(control, WZP_UNKNOWN_KIND), ==, 1);
  g_assert_cmpint(wzp_control_last_heard(control), ==, 5);
  wzp_control_free(control);
}

static void
test_config_from_keys(void)
{
  WzpHandshakeKeys keys;
  WzpControlConfig i, r;
  example_keys(&keys);
  wzp_control_config_from_keys(&i, &keys, true);
  wzp_control_config_from_keys(&r, &keys, false);
  g_assert_cmpmem(i.send_key, 32, keys.app_i2r, 32);
  g_assert_cmpmem(i.receive_key, 32, keys.app_r2i, 32);
  g_assert_cmpmem(i.send_key, 32, r.receive_key, 32);
  g_assert_cmpmem(i.receive_key, 32, r.send_key, 32);
  g_assert_cmpmem(i.send_cid, 8, keys.cid_r, 8);
  g_assert_cmpmem(i.send_cid, 8, r.receive_cid, 8);
  g_assert_cmpmem(i.receive_cid, 8, r.send_cid, 8);
  g_assert_cmpuint(i.first_send_number, ==, 1);
  g_assert_cmpuint(i.first_receive_number, ==, 0);
  g_assert_cmpuint(r.first_send_number, ==, 0);
  g_assert_cmpuint(r.first_receive_number, ==, 1);
}

static void
test_replay_and_flips(void)
{
  ControlPair pair;
  uint8_t records[70][WZP_DATAGRAM_MAX], changed[WZP_DATAGRAM_MAX];
  size_t lengths[70];
  control_pair_init(&pair);
  for (unsigned i = 0; i < 70; i++) {
    char text[8];
    g_snprintf(text, sizeof text, "m%u", i);
    if (i < 16)
      g_assert_cmpint(wzp_control_send(pair.a, text, strlen(text)), ==, WZP_OK);
    else
      wzp_control_ping(pair.a);
    g_assert_true(wzp_control_poll(pair.a, 0, records[i], &lengths[i]));
  }

  for (size_t bit = 0; bit < lengths[0] * 8; bit++) {
    memcpy(changed, records[0], lengths[0]);
    changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    WzpResult result = wzp_control_receive(pair.b, 9, changed, lengths[0]);
    g_assert_cmpint(result, !=, WZP_OK);
  }
  for (size_t n = 0; n < lengths[0]; n++)
    g_assert_cmpint(wzp_control_receive(pair.b, 9, records[0], n), !=, WZP_OK);
  memcpy(changed, records[0], lengths[0]);
  changed[9] = 0x10; /* generation 1 */
  g_assert_cmpint(wzp_control_receive(pair.b, 9, changed, lengths[0]), ==, WZP_NO_KEY);
  g_assert_cmpint(wzp_control_receive(pair.b, 9, records[0], WZP_DATAGRAM_MAX + 1), ==,
                  WZP_TOO_LONG);
  g_assert_cmpint(wzp_control_last_heard(pair.b), ==, 0);
  g_assert_cmpuint(wzp_control_records_received(pair.b), ==, 0);
  g_assert_null(wzp_control_next_message(pair.b));

  /* Nothing of that moved the window: the true ones open, once, in any order. */
  for (unsigned i = 6; i < 70; i++)
    g_assert_cmpint(wzp_control_receive(pair.b, 9, records[i ^ 1], lengths[i ^ 1]), ==, WZP_OK);
  for (unsigned i = 6; i < 70; i++)
    g_assert_cmpint(wzp_control_receive(pair.b, 9, records[i], lengths[i]), ==, WZP_REPLAYED);
  g_assert_cmpint(wzp_control_receive(pair.b, 9, records[5], lengths[5]), ==, WZP_TOO_OLD);
  g_assert_cmpuint(wzp_control_records_received(pair.b), ==, 64);

  /* Our own record back, also when both sides chose the same cid. */
  g_assert_cmpint(wzp_control_receive(pair.a, 9, records[0], lengths[0]), ==, WZP_UNKNOWN_SESSION);
  memcpy(changed, records[0], lengths[0]);
  memcpy(changed + 1, pair.config_a.receive_cid, WZP_CID_SIZE);
  g_assert_cmpint(wzp_control_receive(pair.a, 9, changed, lengths[0]), ==, WZP_BAD_TAG);
  control_pair_clear(&pair);
}

/* --- the reliable layer --- */

static void
test_in_order(void)
{
  ControlPair pair;
  control_pair_init(&pair);
  uint8_t records[4][WZP_DATAGRAM_MAX];
  size_t lengths[4];
  static const char *const texts[] = {"one", "two", "three", "four"};
  for (unsigned i = 0; i < 4; i++) {
    g_assert_cmpint(wzp_control_send(pair.a, texts[i], strlen(texts[i])), ==, WZP_OK);
    g_assert_true(wzp_control_poll(pair.a, 0, records[i], &lengths[i]));
    g_assert_false(wzp_control_poll(pair.a, 0, records[3], &lengths[3]));
  }
  g_assert_cmpuint(wzp_control_queued_bytes(pair.a), ==, 15);
  static const unsigned order[] = {3, 1, 0, 2};
  for (unsigned i = 0; i < 4; i++) {
    g_assert_cmpint(wzp_control_receive(pair.b, 0, records[order[i]], lengths[order[i]]), ==,
                    WZP_OK);
    if (i < 2)
      g_assert_null(wzp_control_next_message(pair.b));
  }
  for (unsigned i = 0; i < 4; i++)
    control_pair_assert_message(pair.b, texts[i], strlen(texts[i]));
  g_assert_null(wzp_control_next_message(pair.b));

  control_pair_pass(&pair, pair.b, pair.a, 0);
  g_assert_cmpuint(wzp_control_queued_bytes(pair.a), ==, 0);
  g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, WZP_NEVER);
  control_pair_clear(&pair);
}

/* 100 ms in the first second, then 250 ms, never the same record twice, until it is acknowledged. */
static void
test_resend_times(void)
{
  ControlPair pair;
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  control_pair_init(&pair);
  const WzpTime start = 77 * WZP_SECOND;
  g_assert_cmpint(wzp_control_send(pair.a, "x", 1), ==, WZP_OK);
  g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, 0);
  for (unsigned i = 0; i < 20; i++) {
    WzpTime due = start + (i <= 10 ? i * 100 : 1000 + (i - 10) * 250) * WZP_MSEC;
    if (i > 0) {
      g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, due);
      g_assert_false(wzp_control_poll(pair.a, due - 1, record, &length));
    }
    g_assert_true(wzp_control_poll(pair.a, due, record, &length));
    g_assert_cmpuint(record[12], ==, i); /* ctr */
    g_assert_cmpint(wzp_control_last_sent(pair.a), ==, due);
    g_assert_false(wzp_control_poll(pair.a, due, record, &length));
  }
  g_assert_cmpint(wzp_control_receive(pair.b, start, record, length), ==, WZP_OK);
  control_pair_pass(&pair, pair.b, pair.a, start + 9 * WZP_SECOND);
  g_assert_false(wzp_control_poll(pair.a, start + 99 * WZP_SECOND, record, &length));
  control_pair_clear(&pair);
}

static void
test_limits(void)
{
  ControlPair pair;
  static uint8_t large[WZP_CONTROL_MESSAGE_MAX + 1], record[WZP_DATAGRAM_MAX];
  size_t length;
  control_pair_init(&pair);
  for (size_t i = 0; i < sizeof large; i++)
    large[i] = (uint8_t)(i * 31 >> 3);
  g_assert_cmpint(wzp_control_send(pair.a, large, sizeof large), ==, WZP_TOO_LONG);
  for (unsigned i = 0; i < 8; i++)
    g_assert_cmpint(wzp_control_send(pair.a, large, WZP_CONTROL_MESSAGE_MAX), ==, WZP_OK);
  g_assert_cmpuint(wzp_control_queued_bytes(pair.a), ==, WZP_CONTROL_QUEUE_MAX);
  g_assert_cmpint(wzp_control_send(pair.a, "x", 1), ==, WZP_QUEUE_FULL);

  /* 16 fragments go out, the rest waits. */
  unsigned records = 0;
  while (wzp_control_poll(pair.a, 0, record, &length)) {
    g_assert_cmpuint(length, <=, 1200);
    records++;
  }
  g_assert_cmpuint(records, >=, 15);
  g_assert_cmpuint(pair.a->outbox.in_flight, ==, 16);

  /* All arrives; the queue takes new ones. */
  unsigned messages = 0;
  for (WzpTime now = 0; now < 5 * WZP_SECOND && messages < 8; now += 50 * WZP_MSEC) {
    control_pair_pass(&pair, pair.a, pair.b, now);
    control_pair_pass(&pair, pair.b, pair.a, now);
    for (GBytes *message; (message = wzp_control_next_message(pair.b)); messages++) {
      g_assert_cmpmem(g_bytes_get_data(message, NULL), g_bytes_get_size(message), large,
                      WZP_CONTROL_MESSAGE_MAX);
      g_bytes_unref(message);
    }
  }
  g_assert_cmpuint(messages, ==, 8);
  g_assert_cmpuint(wzp_control_queued_bytes(pair.a), ==, 0);
  g_assert_cmpuint(pair.a->outbox.in_flight, ==, 0);

  for (unsigned i = 0; i < 1024; i++)
    g_assert_cmpint(wzp_control_send(pair.a, "x", 1), ==, WZP_OK);
  g_assert_cmpint(wzp_control_send(pair.a, "x", 1), ==, WZP_QUEUE_FULL);
  control_pair_clear(&pair);
}

/* Both ways take `trip` / 2; says one message and returns how many records with it went out until it was acknowledged. */
static unsigned
say_over(ControlPair *pair, WzpTime *now, WzpTime trip, unsigned lose)
{
  struct {
    WzpTime at;
    WzpControl *to;
    size_t length;
    uint8_t bytes[WZP_DATAGRAM_MAX];
  } way[64];
  unsigned n = 0, sent = 0, next = 0;
  g_assert_cmpint(wzp_control_send(pair->a, "x", 1), ==, WZP_OK);
  for (; wzp_control_queued_bytes(pair->a) > 0; *now += 10 * WZP_MSEC) {
    for (; next < n && way[next].at <= *now; next++)
      wzp_control_receive(way[next].to, *now, way[next].bytes, way[next].length);
    for (WzpControl *from = pair->a; from != NULL; from = from == pair->a ? pair->b : NULL) {
      while (wzp_control_poll(from, *now, way[n].bytes, &way[n].length)) {
        way[n].at = *now + trip / 2;
        way[n].to = from == pair->a ? pair->b : pair->a;
        sent += from == pair->a;
        n += from != pair->a || sent > lose;
        g_assert_cmpuint(n, <, G_N_ELEMENTS(way));
      }
    }
  }
  GBytes *message = wzp_control_next_message(pair->b);
  g_assert_nonnull(message);
  g_bytes_unref(message);
  return sent;
}

/* On a long way each message is said several times, until it is known that first tries arrive; and again when they do not. */
static void
test_patience(void)
{
  ControlPair pair;
  WzpTime now = 0, before;
  control_pair_init(&pair);
  g_assert_cmpuint(say_over(&pair, &now, 400 * WZP_MSEC, 0), >=, 4);
  for (unsigned n = 0; n < 5; n++)
    say_over(&pair, &now, 400 * WZP_MSEC, 0);
  for (unsigned n = 0; n < 5; n++)
    g_assert_cmpuint(say_over(&pair, &now, 400 * WZP_MSEC, 0), ==, 1);
  before = now;
  g_assert_cmpuint(say_over(&pair, &now, 400 * WZP_MSEC, 1), ==, 2);
  g_assert_cmpint(now - before, <=, 970 * WZP_MSEC);
  for (unsigned n = 0; n < 3; n++)
    say_over(&pair, &now, 400 * WZP_MSEC, 1);
  before = now;
  g_assert_cmpuint(say_over(&pair, &now, 400 * WZP_MSEC, 1), >=, 4);
  g_assert_cmpint(now - before, <=, 520 * WZP_MSEC);
  control_pair_clear(&pair);
}

/* On a slow link that is believed sooner: what is said again waits there in front of what is spoken. */
static void
test_patience_of_slow_links(void)
{
  static const unsigned rates[] = {0, 6000};
  for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
    ControlPair pair;
    WzpTime now = 0;
    control_pair_init(&pair);
    for (unsigned n = 0; n < 3; n++) /* the first one tells the round trip */
      say_over(&pair, &now, 400 * WZP_MSEC, 0);
    wzp_control_set_rate(pair.a, rates[i]);
    unsigned said = say_over(&pair, &now, 400 * WZP_MSEC, 0);
    g_assert_true(rates[i] > 0 ? said == 1 : said >= 4);
    say_over(&pair, &now, 400 * WZP_MSEC, 1);
    g_assert_cmpuint(say_over(&pair, &now, 400 * WZP_MSEC, 0), >, 1);
    control_pair_clear(&pair);
  }
}

/* A rate: of many messages so many bytes go, and those that say goodbye at once. */
static void
test_rate(void)
{
  ControlPair pair;
  uint8_t record[WZP_DATAGRAM_MAX], message[60] = {0};
  size_t length, bytes = 0;
  control_pair_init(&pair);
  wzp_control_set_rate(pair.a, 8000);
  for (unsigned n = 0; n < 40; n++)
    g_assert_cmpint(wzp_control_send(pair.a, message, sizeof message), ==, WZP_OK);
  for (WzpTime now = 0; now < 4 * WZP_SECOND; now += WZP_MSEC) {
    if (wzp_control_next_timeout(pair.a) > now)
      continue;
    while (wzp_control_poll(pair.a, now, record, &length)) {
      bytes += length + 28;
      g_assert_cmpuint(length, <, 400);
      g_assert_cmpuint(bytes, <=, 400 + (size_t)(now / 1000)); /* a byte in a ms */
      g_assert_cmpint(wzp_control_receive(pair.b, now, record, length), ==, WZP_OK);
      control_pair_pass(&pair, pair.b, pair.a, now);
    }
  }
  g_assert_cmpuint(bytes, >, 3000);
  wzp_control_close(pair.a, WZP_CLOSE_LEAVE);
  g_assert_true(wzp_control_poll(pair.a, 4 * WZP_SECOND, record, &length));
  control_pair_clear(&pair);
}

static void
test_sizes(void)
{
  static const size_t sizes[] = {0, 1, 999, 1000, 1001, 2000, 2001, 8191, 8192};
  static uint8_t message[WZP_CONTROL_MESSAGE_MAX];
  for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
    ControlPair pair;
    control_pair_init(&pair);
    memset(message, (int)i + 1, sizeof message);
    g_assert_cmpint(wzp_control_send(pair.a, message, sizes[i]), ==, WZP_OK);
    control_pair_pass(&pair, pair.a, pair.b, 0);
    control_pair_assert_message(pair.b, message, sizes[i]);
    g_assert_null(wzp_control_next_message(pair.b));
    control_pair_clear(&pair);
  }
}

/* --- frames from a peer that holds the key and does as it likes --- */

static void
message_frame(WzpWriter *w, uint16_t number, uint8_t fragment, uint8_t fragments, size_t length)
{
  wzp_writer_u8(w, WZP_FRAME_MESSAGE);
  wzp_writer_u16(w, number);
  wzp_writer_u8(w, fragment);
  wzp_writer_u8(w, fragments);
  wzp_writer_u16(w, (uint16_t)length);
  wzp_writer_zero(w, length);
}

static void
inject_message(ControlPair *pair, uint16_t number, uint8_t fragment, uint8_t fragments,
               size_t length)
{
  uint8_t frames[WZP_DATAGRAM_MAX];
  WzpWriter w;
  wzp_writer_init(&w, frames, sizeof frames);
  message_frame(&w, number, fragment, fragments, length);
  control_pair_inject(pair, frames, w.length);
}

static void
test_hostile_messages(void)
{
  ControlPair pair;
  control_pair_init(&pair);
  WzpControl *b = pair.b; /* expects number 1 */
  inject_message(&pair, 1, 0, 0, 1);
  inject_message(&pair, 1, 1, 1, 1);
  inject_message(&pair, 1, 255, 255, 1);
  inject_message(&pair, 1, 0, 33, 1);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_MALFORMED), ==, 4);
  inject_message(&pair, 0, 0, 1, 1);
  inject_message(&pair, 0x8001, 0, 1, 1);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_TOO_OLD), ==, 2);
  inject_message(&pair, 33, 0, 1, 1);
  inject_message(&pair, 0x8000, 0, 1, 1);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_UNEXPECTED), ==, 2);
  g_assert_null(wzp_control_next_message(b));

  inject_message(&pair, 1, 0, 2, 1);
  inject_message(&pair, 1, 0, 2, 1);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_REPLAYED), ==, 1);
  inject_message(&pair, 1, 2, 3, 1); /* another count than before */
  g_assert_cmpuint(wzp_control_dropped(b, WZP_MALFORMED), ==, 5);
  inject_message(&pair, 1, 1, 2, 1);
  control_pair_assert_message(b, "\0\0", 2);

  /* more than 8 KiB in fragments */
  for (unsigned i = 0; i < 9; i++)
    inject_message(&pair, 2, (uint8_t)i, 9, 1000);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_TOO_LONG), ==, 1);
  g_assert_null(wzp_control_next_message(b));
  control_pair_clear(&pair);
}

/* However many fragments of however many messages: at most 64 KiB and one message wait. */
static void
test_reassembly_memory(void)
{
  ControlPair pair;
  control_pair_init(&pair);
  for (unsigned number = 2; number < 33; number++)
    for (unsigned fragment = 0; fragment < 8; fragment++) {
      inject_message(&pair, (uint16_t)number, (uint8_t)fragment, 9, 1000);
      g_assert_cmpuint(pair.b->inbox.bytes, <=, WZP_CONTROL_QUEUE_MAX);
    }
  g_assert_cmpuint(wzp_control_dropped(pair.b, WZP_QUEUE_FULL), >, 100);
  g_assert_null(wzp_control_next_message(pair.b));
  /* The one that all wait for still gets through. */
  for (unsigned fragment = 0; fragment < 8; fragment++)
    inject_message(&pair, 1, (uint8_t)fragment, 8, 1000);
  g_assert_cmpuint(pair.b->inbox.bytes, <=, WZP_CONTROL_QUEUE_MAX + WZP_CONTROL_MESSAGE_MAX);
  GBytes *message = wzp_control_next_message(pair.b);
  g_assert_nonnull(message);
  g_bytes_unref(message);
  control_pair_clear(&pair);

  /* An owner that takes no messages out does not make it grow. */
  control_pair_init(&pair);
  for (unsigned number = 1; number < 200; number++)
    inject_message(&pair, (uint16_t)number, 0, 1, 1400);
  g_assert_cmpuint(pair.b->inbox.bytes, <=, WZP_CONTROL_QUEUE_MAX + WZP_CONTROL_MESSAGE_MAX);
  control_pair_clear(&pair);
}

static void
test_hostile_frames(void)
{
  ControlPair pair;
  control_pair_init(&pair);
  WzpControl *b = pair.b;

  /* every cut of every frame, alone */
  static const uint8_t good[][16] = {
      {7, 0x01, 0, 0, 0, 0, 0, 0},
      {8, 0x02, 0, 1, 0, 2, 0, 1, 9},
      {5, 0x03, 1, 2, 3, 4},
      {5, 0x04, 1, 2, 3, 4},
      {9, 0x05, 1, 2, 3, 4, 5, 6, 7, 8},
      {9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8},
      {2, 0x07, 1},
  };
  uint64_t cuts = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS(good); i++)
    for (unsigned n = 1; n < good[i][0]; n++) {
      control_pair_inject(&pair, good[i] + 1, n);
      g_assert_cmpuint(wzp_control_dropped(b, WZP_TRUNCATED), ==, ++cuts);
    }
  WzpCloseReason reason;
  g_assert_false(wzp_control_take_close(b, &reason));

  /* Before an unknown type everything counts, behind it nothing. */
  control_pair_inject(&pair, "\x03\x01\x02\x03\x04\x77\x07\x01", 8);
  g_assert_true(b->pong_due);
  g_assert_cmpuint(b->pong_token, ==, 0x01020304);
  g_assert_false(wzp_control_take_close(b, &reason));
  g_assert_cmpuint(wzp_control_dropped(b, WZP_UNKNOWN_KIND), ==, 1);
  /* Behind padding too, and that is no fault. */
  control_pair_inject(&pair, "\x00\x77\x07\x01", 4);
  g_assert_false(wzp_control_take_close(b, &reason));
  g_assert_cmpuint(wzp_control_dropped(b, WZP_UNKNOWN_KIND), ==, 1);
  /* What a record brings for address moves is told once, and only until the next record. */
  uint8_t eight[WZP_CHALLENGE_SIZE];
  control_pair_inject(&pair, "\x05yyyyyyyy\x06zzzzzzzz\x07\x63", 20);
  g_assert_true(wzp_control_take_challenge(b, eight));
  g_assert_cmpmem(eight, sizeof eight, "yyyyyyyy", 8);
  g_assert_false(wzp_control_take_challenge(b, eight));
  control_pair_inject(&pair, "\x00", 1);
  g_assert_false(wzp_control_take_answer(b, eight));
  g_assert_true(wzp_control_take_close(b, &reason));
  g_assert_cmpint(reason, ==, WZP_CLOSE_ERROR); /* a reason of the future */

  /* An acknowledgement of what was never sent changes nothing. */
  g_assert_cmpint(wzp_control_send(b, "x", 1), ==, WZP_OK);
  control_pair_inject(&pair, "\x01\x00\x01\xff\xff\xff\xff", 7);
  g_assert_cmpuint(wzp_control_dropped(b, WZP_MALFORMED), ==, 1);
  g_assert_cmpuint(wzp_control_queued_bytes(b), ==, 1);
  control_pair_clear(&pair);
}

/* --- ping, close, first record, counter --- */

static void
test_ping(void)
{
  ControlPair pair;
  uint8_t ping[WZP_DATAGRAM_MAX], pong[WZP_DATAGRAM_MAX];
  size_t ping_length, pong_length;
  control_pair_init(&pair);
  control_pair_pass(&pair, pair.b, pair.a, 0); /* b's first ack */
  g_assert_cmpint(wzp_control_round_trip(pair.a), ==, -1);
  for (unsigned i = 0; i < 3; i++) {
    WzpTime now = i * WZP_SECOND;
    wzp_control_ping(pair.a);
    g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, 0);
    g_assert_true(wzp_control_poll(pair.a, now, ping, &ping_length));
    g_assert_false(wzp_control_poll(pair.a, now, ping, &ping_length));
    g_assert_cmpuint(ping_length, ==, 40 + WZP_CONTROL_OVERHEAD);
    g_assert_cmpint(wzp_control_receive(pair.b, now, ping, ping_length), ==, WZP_OK);
    g_assert_true(wzp_control_poll(pair.b, now, pong, &pong_length));
    g_assert_false(wzp_control_poll(pair.b, now, pong, &pong_length));
    g_assert_cmpuint(pong_length, <=, ping_length);
    g_assert_cmpint(wzp_control_receive(pair.a, now + 80 * WZP_MSEC, pong, pong_length), ==,
                    WZP_OK);
    g_assert_cmpint(wzp_control_round_trip(pair.a), ==, 80 * WZP_MSEC);
  }
  g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, WZP_NEVER);

  /* A pong to nothing, or the same once more, measures nothing. */
  ControlPair mirror = pair;
  mirror.b = pair.a;
  wzp_records_init(&mirror.peer, &pair.config_b);
  mirror.peer.send_counter = 100;
  control_pair_inject(&mirror, "\x04\x00\x00\x00\x03", 5);
  control_pair_inject(&mirror, "\x04\x00\x00\x00\x04", 5);
  control_pair_inject(&mirror, "\x04\xff\xff\xff\xff", 5);
  g_assert_cmpint(wzp_control_round_trip(pair.a), ==, 80 * WZP_MSEC);
  control_pair_clear(&pair);
}

static void
test_close(void)
{
  ControlPair pair;
  uint8_t record[3][WZP_DATAGRAM_MAX], more[WZP_DATAGRAM_MAX];
  size_t length[3], more_length;
  WzpCloseReason reason;
  control_pair_init(&pair);
  g_assert_cmpint(wzp_control_send(pair.a, "why", 3), ==, WZP_OK);
  wzp_control_close(pair.a, WZP_CLOSE_ERROR);
  for (unsigned i = 0; i < 3; i++) {
    g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, 0);
    g_assert_true(wzp_control_poll(pair.a, 0, record[i], &length[i]));
  }
  g_assert_false(wzp_control_poll(pair.a, 0, more, &more_length));

  /* Only the last one arrives: both the message and the close are in it. */
  g_assert_cmpint(wzp_control_receive(pair.b, 0, record[2], length[2]), ==, WZP_OK);
  control_pair_assert_message(pair.b, "why", 3);
  g_assert_true(wzp_control_take_close(pair.b, &reason));
  g_assert_cmpint(reason, ==, WZP_CLOSE_ERROR);
  g_assert_cmpint(wzp_control_receive(pair.b, 0, record[0], length[0]), ==, WZP_OK);
  g_assert_false(wzp_control_take_close(pair.b, &reason));
  g_assert_null(wzp_control_next_message(pair.b));
  control_pair_clear(&pair);
}

static void
test_first_record(void)
{
  ControlPair pair;
  uint8_t record[WZP_DATAGRAM_MAX], second[WZP_DATAGRAM_MAX];
  size_t length, second_length, stored_length;
  control_pair_init(&pair);
  g_assert_null(wzp_control_first_record(pair.b, &stored_length));
  g_assert_cmpuint(stored_length, ==, 0);
  /* The responder has one to send at once, though nothing was queued. */
  g_assert_cmpint(wzp_control_next_timeout(pair.b), ==, 0);
  g_assert_true(wzp_control_poll(pair.b, 0, record, &length));
  g_assert_false(wzp_control_poll(pair.b, 0, second, &second_length));
  g_assert_cmpint(wzp_control_send(pair.b, "x", 1), ==, WZP_OK);
  g_assert_true(wzp_control_poll(pair.b, 0, second, &second_length));
  const uint8_t *stored = wzp_control_first_record(pair.b, &stored_length);
  g_assert_cmpmem(stored, stored_length, record, length);
  g_assert_cmpint(wzp_control_receive(pair.a, 0, stored, stored_length), ==, WZP_OK);
  g_assert_cmpint(wzp_control_receive(pair.a, 0, stored, stored_length), ==, WZP_REPLAYED);
  /* The initiator has nothing to say to that, and nothing of its own. */
  g_assert_false(wzp_control_poll(pair.a, 0, second, &second_length));

  wzp_control_ping(pair.a);
  control_pair_pass(&pair, pair.a, pair.b, 0);
  g_assert_null(wzp_control_first_record(pair.b, &stored_length));
  control_pair_clear(&pair);

  control_pair_init(&pair);
  g_assert_true(wzp_control_poll(pair.b, 0, record, &length));
  wzp_control_drop_first(pair.b);
  g_assert_null(wzp_control_first_record(pair.b, &stored_length));
  wzp_control_drop_first(pair.b);
  control_pair_clear(&pair);
}

static void
test_counter_end(void)
{
  ControlPair pair;
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  control_pair_init(&pair);
  g_assert_cmpint(wzp_control_send(pair.a, "last", 4), ==, WZP_OK);
  pair.a->records.send_counter = WZP_RECORD_COUNTER_END - WZP_RECORD_COUNTER_RESERVE;
  g_assert_cmpint(wzp_control_send(pair.a, "more", 4), ==, WZP_NOT_CONNECTED);
  control_pair_pass(&pair, pair.a, pair.b, 0); /* what was queued still goes */
  control_pair_assert_message(pair.b, "last", 4);

  pair.a->records.send_counter = WZP_RECORD_COUNTER_END - 1;
  wzp_control_ping(pair.a);
  g_assert_true(wzp_control_poll(pair.a, 1, record, &length));
  g_assert_cmpmem(record + 9, 4, "\x0f\xff\xff\xff", 4);
  wzp_control_ping(pair.a);
  g_assert_false(wzp_control_poll(pair.a, 2, record, &length));
  g_assert_cmpint(wzp_control_next_timeout(pair.a), ==, WZP_NEVER);
  control_pair_clear(&pair);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/control/published-record", test_published_record);
  g_test_add_func("/control/config-from-keys", test_config_from_keys);
  g_test_add_func("/control/replay-and-flips", test_replay_and_flips);
  g_test_add_func("/control/in-order", test_in_order);
  g_test_add_func("/control/resend-times", test_resend_times);
  g_test_add_func("/control/limits", test_limits);
  g_test_add_func("/control/sizes", test_sizes);
  g_test_add_func("/control/patience", test_patience);
  g_test_add_func("/control/patience-of-slow-links", test_patience_of_slow_links);
  g_test_add_func("/control/rate", test_rate);
  g_test_add_func("/control/hostile-messages", test_hostile_messages);
  g_test_add_func("/control/reassembly-memory", test_reassembly_memory);
  g_test_add_func("/control/hostile-frames", test_hostile_frames);
  g_test_add_func("/control/ping", test_ping);
  g_test_add_func("/control/close", test_close);
  g_test_add_func("/control/first-record", test_first_record);
  g_test_add_func("/control/counter-end", test_counter_end);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"

/* A leg whose datagrams come from another address: who is asked, what is answered, and what moves it. */

typedef struct {
  RelayWorld *world;
  RelayClient *alice, *bob;
  WzpAddress home, away;
  uint16_t seq;
} Move;

static void
setup(Move *move)
{
  move->world = relay_world_new(NULL);
  move->alice = relay_world_join(move->world, "kitchen");
  move->bob = relay_world_join(move->world, "kitchen");
  move->home = move->alice->address;
  move->away = relay_world_address(700, 7);
  move->seq = 1;
}

/* Alice says something from there. Returns how many bytes went out to addresses other than Bob's. */
static size_t
speak_from(Move *move, const WzpAddress *from)
{
  GBytes *media = relay_client_media(move->alice, (uint8_t)move->alice->slot, move->seq++);
  size_t length = g_bytes_get_size(media);
  uint64_t before = move->world->bytes_out;

  g_assert_cmpint(relay_world_send(move->world, from, g_bytes_get_data(media, NULL), length), ==,
                  WZP_OK);
  g_bytes_unref(media);
  return move->world->bytes_out - before - (length - WZP_TRAILER_SIZE);
}

/* How many packets of Bob reach Alice, where she is now. */
static unsigned
heard_at(Move *move, const WzpAddress *address)
{
  GBytes *media = relay_client_media(move->bob, (uint8_t)move->bob->slot, move->seq++);
  unsigned heard;

  g_queue_clear_full(&move->alice->media, (GDestroyNotify)g_bytes_unref);
  move->alice->address = *address;
  relay_world_send_bytes(move->world, move->bob, media);
  heard = move->alice->media.length;
  return heard;
}

static void
answer_from(Move *move, const WzpAddress *from, const uint8_t challenge[WZP_CHALLENGE_SIZE])
{
  GBytes *answer = relay_client_answer(move->alice, move->world->now, challenge);

  g_assert_cmpint(
      relay_world_send(move->world, from, g_bytes_get_data(answer, NULL), g_bytes_get_size(answer)),
      ==, WZP_OK);
  g_bytes_unref(answer);
}

static void
teardown(Move *move)
{
  relay_world_free(move->world);
}

/* Alice at the new address has the challenge for it. */
static void
get_challenged(Move *move)
{
  move->alice->address = move->away;
  move->alice->challenged = false;
  speak_from(move, &move->away);
  g_assert_true(move->alice->challenged);
}

static void
test_moves(void)
{
  Move move;

  setup(&move);
  get_challenged(&move);
  g_assert_cmpuint(heard_at(&move, &move.home), ==, 1);
  g_assert_cmpuint(heard_at(&move, &move.away), ==, 0);
  answer_from(&move, &move.away, move.alice->challenge);
  /* at both, until it is clear that the old one does not object */
  g_assert_cmpuint(heard_at(&move, &move.away), ==, 1);
  g_assert_cmpuint(heard_at(&move, &move.home), ==, 1);
  move.alice->address = move.away;
  move.alice->challenged = false; /* what went to the old one does not arrive */
  relay_world_advance(move.world, 499 * WZP_MSEC);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 0);
  relay_world_advance(move.world, 2 * WZP_MSEC);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 1);
  g_assert_cmpuint(heard_at(&move, &move.home), ==, 0);
  g_assert_cmpuint(heard_at(&move, &move.away), ==, 1);
  /* control goes there, too */
  relay_client_send_pairwise(move.bob, (uint8_t)move.alice->slot, (uint8_t)move.bob->slot, "hello");
  relay_world_settle(move.world);
  g_assert_cmpuint(move.alice->pairwise.length, ==, 1);
  /* an old HS3 from the old address is answered by nothing but what was stored for it, there */
  g_assert_cmpuint(relay_world_stats(move.world).sessions, ==, 2);
  teardown(&move);
}

/* What was meant for the old address comes back, from wherever: it is alive. */
static void
test_old_objects(void)
{
  unsigned n;

  for (n = 0; n < 4; n++) {
    uint8_t for_new[WZP_CHALLENGE_SIZE];
    Move move;

    setup(&move);
    get_challenged(&move);
    memcpy(for_new, move.alice->challenge, sizeof for_new);
    move.alice->address = move.home;
    move.alice->challenged = false;
    relay_world_advance(move.world, 100 * WZP_MSEC);
    g_assert_true(move.alice->challenged);
    g_assert_cmpint(memcmp(for_new, move.alice->challenge, sizeof for_new), !=, 0);
    if (n & 1) /* after the new one */
      answer_from(&move, &move.away, for_new);
    answer_from(&move, n & 2 ? &move.away : &move.home, move.alice->challenge);
    if (!(n & 1)) /* too late */
      answer_from(&move, &move.away, for_new);
    g_assert_cmpuint(heard_at(&move, &move.away), ==, 0);
    relay_world_advance(move.world, WZP_SECOND);
    g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 0);
    g_assert_cmpuint(relay_world_stats(move.world).moves_refused, ==, 1);
    g_assert_cmpuint(heard_at(&move, &move.home), ==, 1);
    /* and for a while nobody is asked */
    g_assert_cmpuint(speak_from(&move, &move.away), ==, 0);
    teardown(&move);
  }
}

/* The challenge is answered, but from somewhere else; or not with its bytes; or a move later. */
static void
test_wrong_answers(void)
{
  uint8_t wrong[WZP_CHALLENGE_SIZE], late[WZP_CHALLENGE_SIZE];
  WzpAddress third = relay_world_address(800, 8);
  Move move;

  setup(&move);
  answer_from(&move, &move.away, (const uint8_t *)"eight...");
  get_challenged(&move);
  memcpy(late, move.alice->challenge, sizeof late);
  memcpy(wrong, late, sizeof wrong);
  wrong[7] ^= 1;
  answer_from(&move, &third, late);
  answer_from(&move, &move.home, late);
  answer_from(&move, &move.away, wrong);
  relay_world_advance(move.world, 4 * WZP_SECOND);
  answer_from(&move, &move.away, late);
  relay_world_advance(move.world, 2 * WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 0);
  g_assert_cmpuint(heard_at(&move, &move.away), ==, 0);
  g_assert_cmpuint(heard_at(&move, &move.home), ==, 1);
  teardown(&move);
}

/* What was recorded, forged, or is shorter than a challenge brings nobody an answer. */
static void
test_not_for_everything(void)
{
  Move move;
  GBytes *media, *record;
  uint8_t spoilt[200];
  size_t length;

  setup(&move);
  media = relay_client_media(move.alice, (uint8_t)move.alice->slot, move.seq++);
  g_assert_cmpint(relay_world_send_copy(move.world, move.alice, media), ==, WZP_OK);
  length = g_bytes_get_size(media);
  memcpy(spoilt, g_bytes_get_data(media, NULL), length);
  spoilt[length - 1] ^= 1;
  wzp_control_ping(move.alice->control);
  relay_client_poll(move.alice, move.world->now);
  record = g_queue_pop_head(&move.alice->out);
  relay_world_send_copy(move.world, move.alice, record);

  move.world->datagrams_out = 0;
  g_assert_cmpint(relay_world_send(move.world, &move.away, g_bytes_get_data(media, NULL), length),
                  ==, WZP_REPLAYED);
  g_assert_cmpint(relay_world_send(move.world, &move.away, spoilt, length), ==, WZP_BAD_TAG);
  g_assert_cmpint(relay_world_send(move.world, &move.away, g_bytes_get_data(record, NULL),
                                   g_bytes_get_size(record)),
                  ==, WZP_REPLAYED);
  g_assert_cmpuint(move.world->datagrams_out, ==, 0);
  g_bytes_unref(media);
  g_bytes_unref(record);

  /* a record that was held back, and came by itself in a newer one since */
  wzp_control_ping(move.alice->control);
  relay_client_poll(move.alice, move.world->now);
  record = g_queue_pop_head(&move.alice->out);
  wzp_control_ping(move.alice->control);
  relay_world_settle(move.world);
  move.alice->address = move.away;
  move.alice->challenged = false;
  relay_world_send_bytes(move.world, move.alice, record);
  g_assert_false(move.alice->challenged);
  teardown(&move);
}

/* While a move is on nobody else draws the leg to himself: not with what it says, which he may have copied, nor with the
 * answer that it gave; before the answer he has to wait, after it he is not even asked. */
static void
test_third(void)
{
  WzpAddress third = relay_world_address(800, 8);
  uint8_t for_new[WZP_CHALLENGE_SIZE];
  Move move;
  unsigned n;

  setup(&move);
  get_challenged(&move);
  memcpy(for_new, move.alice->challenge, sizeof for_new);
  for (n = 0; n < 10; n++) {
    move.alice->address = third;
    move.alice->challenged = false;
    speak_from(&move, &third);
    g_assert_false(move.alice->challenged);
    answer_from(&move, &third, for_new);
    relay_world_advance(move.world, 40 * WZP_MSEC);
  }
  g_assert_cmpuint(heard_at(&move, &third), ==, 0);
  answer_from(&move, &move.away, for_new);
  for (n = 0; n < 9; n++) {
    g_assert_cmpuint(speak_from(&move, &third), ==, 0);
    relay_world_advance(move.world, 50 * WZP_MSEC);
  }
  relay_world_advance(move.world, 100 * WZP_MSEC);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 1);
  g_assert_cmpuint(heard_at(&move, &third), ==, 0);
  g_assert_cmpuint(heard_at(&move, &move.away), ==, 1);
  teardown(&move);
}

/* Never more than came, soon only four a second, and for one address at a time. */
static void
test_bounded(void)
{
  WzpAddress third = relay_world_address(800, 8);
  size_t sent = 0, challenges = 0;
  Move move;
  unsigned i;

  setup(&move);
  move.world->deaf = true;
  for (i = 0; i < 500; i++) {
    size_t bytes = speak_from(&move, i % 3 == 2 ? &third : &move.away);

    g_assert_cmpuint(bytes, <=, 2 * WZP_CHALLENGE_RECORD); /* one to each */
    challenges += bytes / WZP_CHALLENGE_RECORD;
    sent += bytes;
    relay_world_advance(move.world, 20 * WZP_MSEC);
  }
  g_assert_cmpuint(challenges, >, 10);
  /* ten seconds; the five to the old address come on top, by timer or with these */
  g_assert_cmpuint(sent, <=, 10 * 9 * WZP_CHALLENGE_RECORD);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 0);
  teardown(&move);
}

/* The shortest packets are shorter than a challenge: nobody is asked for them who may not be there at all. */
static void
test_too_short(void)
{
  uint8_t packet[WZP_CHALLENGE_RECORD - WZP_TRAILER_SIZE] = {0xc0}; /* a mini header, and a tag */
  Move move;
  size_t length;

  setup(&move);
  move.alice->address = move.away;
  packet[1] = (uint8_t)move.alice->slot;
  for (length = WZP_HEADER_MINI_SIZE + WZP_TAG_SIZE; length <= sizeof packet; length++) {
    g_assert_false(move.alice->challenged);
    packet[3] = (uint8_t)++move.seq;
    relay_world_advance(move.world, 300 * WZP_MSEC); /* it is not told of each */
    g_assert_cmpint(relay_world_send_bytes(move.world, move.alice,
                                           relay_client_with_trailer(move.alice, packet, length)),
                    ==, WZP_OK);
  }
  g_assert_true(move.alice->challenged);
  teardown(&move);
}

/* The limit of sessions per IP goes by where the leg is. */
static void
test_counted_there(void)
{
  RelayLimits limits;
  Move move;
  RelayClient *more;

  relay_limits_default(&limits);
  limits.max_sessions_per_ip = 1;
  move.world = relay_world_new(&limits);
  move.alice = relay_world_join(move.world, "kitchen");
  move.bob = relay_world_join(move.world, "kitchen");
  move.home = move.alice->address;
  move.away = relay_world_address(700, 7);
  move.seq = 1;
  get_challenged(&move);
  answer_from(&move, &move.away, move.alice->challenge);
  relay_world_advance(move.world, WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(move.world).legs_moved, ==, 1);
  more = relay_world_add(move.world);
  more->address = move.home;
  more->address.port++;
  relay_client_set_room(more, "kitchen", move.world->identity->ed25519_public);
  relay_client_connect(more);
  relay_world_settle(move.world);
  g_assert_false(more->closed);
  more = relay_world_add(move.world);
  more->address = move.away;
  more->address.port++;
  relay_client_set_room(more, "kitchen", move.world->identity->ed25519_public);
  relay_client_connect(more);
  relay_world_settle(move.world);
  g_assert_true(more->closed);
  teardown(&move);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-moves/moves", test_moves);
  g_test_add_func("/relay-moves/old-objects", test_old_objects);
  g_test_add_func("/relay-moves/wrong-answers", test_wrong_answers);
  g_test_add_func("/relay-moves/not-for-everything", test_not_for_everything);
  g_test_add_func("/relay-moves/third", test_third);
  g_test_add_func("/relay-moves/bounded", test_bounded);
  g_test_add_func("/relay-moves/too-short", test_too_short);
  g_test_add_func("/relay-moves/counted-there", test_counted_there);
  return g_test_run();
}

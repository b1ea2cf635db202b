/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-pair.h"

/* Property of the control channel: whatever a network loses, doubles and reorders, every message
 * arrives once and in order, no record is made twice, and nothing grows over its bound. Virtual time. */

typedef struct {
  WzpTime at;
  bool to_b;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} Flying;

typedef struct {
  double loss, doubled;
  WzpTime delay, jitter;
} Link;

typedef struct {
  ControlPair pair;
  TestRandom *random;
  Link link;
  GQueue flying;
  WzpTime now;
  /* by direction: 0 from a to b, 1 from b to a */
  unsigned to_send, sent[2], received[2];
  uint32_t next_ctr[2];
} World;

static double
chance(World *world)
{
  return (double)test_random_below(world->random, 1000000) / 1e6;
}

static gint
compare_flying(gconstpointer a, gconstpointer b, gpointer unused)
{
  (void)unused;
  const Flying *first = a, *second = b;
  return first->at < second->at ? -1 : first->at > second->at;
}

static void
launch(World *world, bool to_b, const uint8_t *data, size_t length)
{
  unsigned copies = 1 + (chance(world) < world->link.doubled);
  for (unsigned i = 0; i < copies; i++) {
    if (chance(world) < world->link.loss)
      continue;
    Flying *flying = g_new(Flying, 1);
    flying->at = world->now + world->link.delay +
                 (WzpTime)test_random_below(world->random, (uint64_t)world->link.jitter + 1);
    flying->to_b = to_b;
    flying->length = length;
    memcpy(flying->data, data, length);
    g_queue_insert_sorted(&world->flying, flying, compare_flying, NULL);
  }
}

static void
drain(World *world)
{
  for (unsigned from = 0; from < 2; from++) {
    WzpControl *control = from ? world->pair.b : world->pair.a;
    uint8_t record[WZP_DATAGRAM_MAX];
    size_t length;
    while (wzp_control_poll(control, world->now, record, &length)) {
      WzpReader r;
      wzp_reader_init(&r, record + 9, 4);
      g_assert_cmpuint(wzp_reader_u32(&r), ==, world->next_ctr[from]++);
      launch(world, from == 0, record, length);
    }
    g_assert_cmpint(wzp_control_next_timeout(control), >, world->now);
    g_assert_cmpuint(control->outbox.in_flight, <=, 16);
  }
}

/* Message n of a direction: its number, then bytes that follow from it; any length. */
static size_t
make_message(uint8_t *out, unsigned direction, unsigned n)
{
  unsigned mix = (n + 1) * 2654435761u ^ direction * 40503u;
  size_t length = 4 + (mix % 7 == 0 ? mix / 7 % (WZP_CONTROL_MESSAGE_MAX - 3) : mix / 7 % 300);
  for (size_t i = 4; i < length; i++)
    out[i] = (uint8_t)(mix >> i % 24);
  for (unsigned i = 0; i < 4; i++)
    out[i] = (uint8_t)(n >> 8 * i);
  return length;
}

static void
take_messages(World *world, bool at_b)
{
  WzpControl *control = at_b ? world->pair.b : world->pair.a;
  unsigned direction = at_b ? 0 : 1;
  g_assert_cmpuint(control->inbox.bytes, <=, WZP_CONTROL_QUEUE_MAX + WZP_CONTROL_MESSAGE_MAX);
  for (GBytes *message; (message = wzp_control_next_message(control));) {
    uint8_t expected[WZP_CONTROL_MESSAGE_MAX];
    size_t length = make_message(expected, direction, world->received[direction]++);
    g_assert_cmpmem(g_bytes_get_data(message, NULL), g_bytes_get_size(message), expected, length);
    g_bytes_unref(message);
  }
}

static void
deliver(World *world)
{
  const Flying *first;
  while ((first = g_queue_peek_head(&world->flying)) && first->at <= world->now) {
    Flying *flying = g_queue_pop_head(&world->flying);
    WzpControl *to = flying->to_b ? world->pair.b : world->pair.a;
    WzpResult result = wzp_control_receive(to, world->now, flying->data, flying->length);
    g_assert_true(result == WZP_OK || result == WZP_REPLAYED || result == WZP_TOO_OLD);
    take_messages(world, flying->to_b);
    g_free(flying);
  }
}

static void
queue_some(World *world)
{
  for (unsigned direction = 0; direction < 2; direction++) {
    unsigned burst = (unsigned)test_random_below(world->random, 12);
    for (unsigned i = 0; i < burst && world->sent[direction] < world->to_send; i++) {
      uint8_t message[WZP_CONTROL_MESSAGE_MAX];
      size_t length = make_message(message, direction, world->sent[direction]);
      WzpControl *control = direction ? world->pair.b : world->pair.a;
      WzpResult result = wzp_control_send(control, message, length);
      if (result == WZP_QUEUE_FULL)
        break;
      g_assert_cmpint(result, ==, WZP_OK);
      world->sent[direction]++;
    }
  }
}

static bool
is_done(const World *world)
{
  return world->received[0] == world->to_send && world->received[1] == world->to_send &&
         wzp_control_queued_bytes(world->pair.a) == 0 &&
         wzp_control_queued_bytes(world->pair.b) == 0;
}

/* Returns the virtual time until everything was there and acknowledged. */
static WzpTime
run(TestRandom *random, Link link, uint16_t number_a, uint16_t number_b, unsigned to_send)
{
  World world = {.random = random, .link = link, .to_send = to_send};
  g_queue_init(&world.flying);
  control_pair_init_from(&world.pair, number_a, number_b);
  WzpTime next_queue = 0;
  while (!is_done(&world)) {
    if (world.now >= next_queue) {
      queue_some(&world);
      next_queue = world.now + 200 * WZP_MSEC;
    }
    drain(&world);
    const Flying *first = g_queue_peek_head(&world.flying);
    WzpTime next =
        MIN(wzp_control_next_timeout(world.pair.a), wzp_control_next_timeout(world.pair.b));
    if (world.sent[0] < to_send || world.sent[1] < to_send)
      next = MIN(next, next_queue);
    if (first)
      next = MIN(next, first->at);
    g_assert_cmpint(next, <, 3600 * WZP_SECOND);
    world.now = MAX(next, world.now);
    deliver(&world);
  }
  g_assert_cmpuint(world.received[0], ==, to_send);
  g_assert_cmpuint(world.received[1], ==, to_send);
  for (unsigned reason = 0; reason < WZP_N_RESULTS; reason++)
    if (reason != WZP_REPLAYED && reason != WZP_TOO_OLD && reason != WZP_QUEUE_FULL)
      g_assert_cmpuint(wzp_control_dropped(world.pair.a, reason) +
                           wzp_control_dropped(world.pair.b, reason),
                       ==, 0);
  g_queue_clear_full(&world.flying, g_free);
  control_pair_clear(&world.pair);
  return world.now;
}

static void
test_any_network(void)
{
  static const double losses[] = {0, 0.1, 0.3, 0.5, 0.7};
  static const WzpTime delays[] = {0, 25, 400};
  static const WzpTime jitters[] = {0, 40, 600};
  TestRandom random;
  test_random_init(&random);
  for (unsigned l = 0; l < G_N_ELEMENTS(losses); l++)
    for (unsigned d = 0; d < G_N_ELEMENTS(delays); d++)
      for (unsigned j = 0; j < G_N_ELEMENTS(jitters); j++) {
        Link link = {losses[l], 0.1, delays[d] * WZP_MSEC, jitters[j] * WZP_MSEC};
        run(&random, link, 1, 0, 60);
      }
}

static void
test_number_wrap(void)
{
  TestRandom random;
  Link link = {0.3, 0.2, 50 * WZP_MSEC, 200 * WZP_MSEC};
  test_random_init(&random);
  run(&random, link, 65500, 65535, 100);
}

/* One small message at 70 % loss and 800 ms round trip: what the resend times are for. */
static void
test_speed(void)
{
  TestRandom random;
  unsigned within_a_second = 0;
  test_random_init(&random);
  for (unsigned i = 0; i < 400; i++) {
    Link link = {0.7, 0, 400 * WZP_MSEC, 0};
    World world = {.random = &random, .link = link};
    uint8_t message[WZP_CONTROL_MESSAGE_MAX];
    g_queue_init(&world.flying);
    control_pair_init(&world.pair);
    size_t length = make_message(message, 0, 0);
    g_assert_cmpint(wzp_control_send(world.pair.a, message, length), ==, WZP_OK);
    for (; world.received[0] == 0; deliver(&world)) {
      drain(&world);
      const Flying *first = g_queue_peek_head(&world.flying);
      world.now = MIN(first ? first->at : WZP_NEVER, wzp_control_next_timeout(world.pair.a));
    }
    within_a_second += world.now <= WZP_SECOND;
    g_queue_clear_full(&world.flying, g_free);
    control_pair_clear(&world.pair);
  }
  /* Seven copies are on their way in time: 1 - 0.7^7 = 92 % of 400 are 367, one deviation is 5.5. */
  g_assert_cmpuint(within_a_second, >=, 320);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/control-network/any-network", test_any_network);
  g_test_add_func("/control-network/number-wrap", test_number_wrap);
  g_test_add_func("/control-network/speed", test_speed);
  return g_test_run();
}

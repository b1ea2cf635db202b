/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-trace.h"
#include <math.h>
#include <string.h>

#define N 20000

static void
test_loss_and_delay(void)
{
  SimLinkConfig config = {.loss = 0.3, .delay = 50 * WZP_MSEC, .jitter = 20 * WZP_MSEC};
  SimLink *link = sim_link_new(&config, 1);
  unsigned arrived = 0;
  WzpTime latest = 0, at[2];
  for (unsigned i = 0; i < N; i++) {
    WzpTime now = i * WZP_MSEC;
    if (sim_link_push(link, now, 100, at) == 0)
      continue;
    arrived++;
    g_assert_cmpint(at[0], >=, now + config.delay);
    g_assert_cmpint(at[0], <, now + config.delay + config.jitter + WZP_MSEC);
    g_assert_cmpint(at[0], >=, latest); /* jitter without reordering */
    latest = at[0];
  }
  /* six standard deviations of a binomial */
  g_assert_cmpfloat_with_epsilon(arrived / (double)N, 0.7, 0.02);
  SimLinkStats stats = sim_link_stats(link);
  g_assert_cmpuint(stats.sent, ==, N);
  g_assert_cmpuint(stats.bytes, ==, N * 100);
  g_assert_cmpuint(stats.lost, ==, N - arrived);
  g_assert_cmpuint(stats.reordered, ==, 0);
  sim_link_free(link);
}

static void
test_reorder_and_duplicate(void)
{
  SimLinkConfig config = {.duplicate = 0.1, .jitter = 50 * WZP_MSEC, .reorder = true};
  SimLink *link = sim_link_new(&config, 2);
  unsigned copies = 0;
  WzpTime at[2];
  for (unsigned i = 0; i < N; i++)
    copies += sim_link_push(link, i * 10 * WZP_MSEC, 1, at);
  g_assert_cmpfloat_with_epsilon(copies / (double)N, 1.1, 0.02);
  g_assert_cmpuint(sim_link_stats(link).reordered, >, N / 10);
  sim_link_set_down(link, true);
  g_assert_cmpuint(sim_link_push(link, 0, 1, at), ==, 0);
  sim_link_set_down(link, false);
  g_assert_cmpuint(sim_link_push(link, 0, 1, at), >=, 1);
  sim_link_free(link);
}

/* The same seed gives the same fate, and loss does not shift the luck of the delays. */
static void
test_seed(void)
{
  SimLinkConfig lossy = {.loss = 0.5, .jitter = WZP_SECOND, .reorder = true};
  SimLinkConfig whole = {.jitter = WZP_SECOND, .reorder = true};
  SimLink *a = sim_link_new(&lossy, 3), *b = sim_link_new(&lossy, 3), *c = sim_link_new(&whole, 3);
  SimLink *other = sim_link_new(&lossy, 4);
  unsigned differences = 0;
  for (unsigned i = 0; i < 1000; i++) {
    WzpTime at[4][2];
    unsigned n = sim_link_push(a, i, 1, at[0]);
    g_assert_cmpuint(sim_link_push(b, i, 1, at[1]), ==, n);
    g_assert_cmpuint(sim_link_push(c, i, 1, at[2]), ==, 1);
    if (n == 1) {
      g_assert_cmpint(at[1][0], ==, at[0][0]);
      g_assert_cmpint(at[2][0], ==, at[0][0]);
    }
    differences += sim_link_push(other, i, 1, at[3]) != n;
  }
  g_assert_cmpuint(differences, >, 300);
  sim_link_free(a);
  sim_link_free(b);
  sim_link_free(c);
  sim_link_free(other);
}

static void
test_order_of_delivery(void)
{
  SimLinkConfig slow = {.delay = 100}, fast = {.delay = 10};
  SimLink *slow_link = sim_link_new(&slow, 1), *fast_link = sim_link_new(&fast, 1);
  SimNetwork *network = sim_network_new();
  WzpAddress from = {.family = 4, .port = 1}, to = {.family = 4, .port = 2};
  SimDatagram datagram;
  g_assert_cmpint(sim_network_next(network), ==, WZP_NEVER);
  sim_network_send(network, slow_link, 0, &from, &to, (const uint8_t *)"a", 1);
  sim_network_send(network, fast_link, 0, &from, &to, (const uint8_t *)"c", 1);
  sim_network_send(network, fast_link, 90, &from, &to, (const uint8_t *)"b", 1);
  g_assert_cmpint(sim_network_next(network), ==, 10);
  g_assert_false(sim_network_receive(network, 9, &datagram));
  static const char order[] = "cab"; /* a and b are due together: a was sent first */
  for (unsigned i = 0; i < 3; i++) {
    g_assert_true(sim_network_receive(network, 100, &datagram));
    g_assert_cmpint(datagram.data[0], ==, order[i]);
    g_assert_true(wzp_address_equal(&datagram.to, &to));
    g_assert_true(wzp_address_equal(&datagram.from, &from));
  }
  g_assert_false(sim_network_receive(network, 100, &datagram));
  sim_network_free(network);
  sim_link_free(slow_link);
  sim_link_free(fast_link);
}

/* --- Bursts --- */

typedef struct {
  unsigned slots, lost, runs;
} Bursts;

/* A datagram in each slot. */
static Bursts
watch_slots(SimLink *link, unsigned n)
{
  Bursts bursts = {.slots = n};
  bool before = false;
  for (unsigned i = 0; i < n; i++) {
    WzpTime at[2];
    const bool lost = sim_link_push(link, i * SIM_SLOT_TIME, 1, at) == 0;
    bursts.lost += lost;
    bursts.runs += lost && !before;
    before = lost;
  }
  return bursts;
}

static void
test_bursts(void)
{
  static const struct {
    double loss, burst;
  } cases[] = {{.05, 2}, {.1, 4}, {.3, 8}, {.7, 4}, {.5, 1}};
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    const double loss = cases[i].loss, burst = cases[i].burst;
    const SimLinkConfig config = {.loss = loss, .burst = burst};
    const unsigned n = 400000;
    SimLink *link = sim_link_new(&config, 20 + i);
    const Bursts bursts = watch_slots(link, n);
    const double mean = (double)bursts.lost / bursts.runs;
    g_test_message("loss %g burst %g: %.4f, %.3f", loss, burst, bursts.lost / (double)n, mean);
    /* Six standard deviations: of a geometric length over the runs, and of the share of a two-state chain whose
     * memory is 1 - 1/burst - enter. */
    const double memory = 1 - 1 / burst - loss / (burst * (1 - loss));
    g_assert_cmpfloat_with_epsilon(mean, burst, 6 * sqrt(burst * (burst - 1) / bursts.runs) + 1e-4);
    g_assert_cmpfloat_with_epsilon(bursts.lost / (double)n, loss,
                                   6 * sqrt(loss * (1 - loss) / n * (1 + memory) / (1 - memory)) +
                                       1e-5);
    g_assert_cmpfloat(loss, <=, sim_burst_loss_max(burst) + 1e-9);
    sim_link_free(link);
  }
}

/* The fate of a slot belongs to the slot: whatever is sent in it shares it, and how much is sent in others, or
 * whether anything is, does not change it. */
static void
test_bursts_belong_to_slots(void)
{
  const SimLinkConfig config = {.loss = .3, .burst = 3};
  SimLink *one = sim_link_new(&config, 5), *many = sim_link_new(&config, 5);
  SimLink *late = sim_link_new(&config, 5);
  unsigned n_lost = 0;
  sim_link_set_origin(late, WZP_SECOND);
  for (unsigned slot = 0; slot < 2000; slot++) {
    const WzpTime now = slot * SIM_SLOT_TIME;
    WzpTime at[2];
    bool lost = false;
    for (unsigned i = 0; i < 4; i++) {
      const unsigned copies = sim_link_push(many, now + i * 5 * WZP_MSEC, 1, at);
      if (i > 0)
        g_assert_cmpuint(copies, ==, !lost);
      lost = copies == 0;
    }
    n_lost += lost;
    g_assert_cmpuint(sim_link_push(late, WZP_SECOND + now, 1, at), ==, !lost);
    if (slot % 7 == 0)
      g_assert_cmpuint(sim_link_push(one, now + 19 * WZP_MSEC, 1, at), ==, !lost);
  }
  g_assert_cmpuint(n_lost, >, 400);
  sim_link_free(one);
  sim_link_free(many);
  sim_link_free(late);
}

static void
test_loss_changes(void)
{
  SimLinkConfig config = {.loss = 0, .burst = 4};
  SimLink *link = sim_link_new(&config, 6);
  unsigned lost = 0;
  WzpTime at[2];
  for (unsigned slot = 0; slot < 30000; slot++) {
    if (slot == 10000)
      g_assert_cmpuint(lost, ==, 0);
    config.loss = slot >= 10000 && slot < 20000 ? 1 : 0;
    sim_link_set_config(link, &config);
    lost += sim_link_push(link, slot * SIM_SLOT_TIME, 1, at) == 0;
  }
  /* all while all is lost; the last burst ends in its own time */
  g_assert_cmpuint(lost, >=, 10000);
  g_assert_cmpuint(lost, <, 10100);
  sim_link_free(link);
}

/* --- Traces --- */

static void
test_trace(void)
{
  static const char text[] = "# a comment\n40.00\n-1.00\n\n55.5\r\n-1\n  20  \n0\n";
  static const double delays[] = {40, -1, 55.5, -1, 20, 0};
  const unsigned n = G_N_ELEMENTS(delays);
  GError *error = NULL;
  SimTrace *trace = sim_trace_parse(text, "text", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(trace->n_slots, ==, n);
  const SimLinkConfig config = {.delay = 3 * WZP_MSEC, .trace = trace};
  SimLink *link = sim_link_new(&config, 1);
  sim_link_set_origin(link, 7 * WZP_MSEC);
  for (unsigned slot = 0; slot < 3 * n; slot++)
    for (unsigned i = 0; i < 2; i++) {
      WzpTime at[2], now = 7 * WZP_MSEC + slot * SIM_SLOT_TIME + i * 19 * WZP_MSEC;
      const double delay = delays[slot % n];
      g_assert_cmpuint(sim_link_push(link, now, 9, at), ==, delay >= 0);
      /* a lost one would have taken as long as the one before */
      const double would = delay >= 0 ? delay : delays[(slot + n - 1) % n];
      g_assert_cmpint(at[0], ==, now + (WzpTime)(would * 1000) + 3 * WZP_MSEC);
    }
  g_assert_cmpuint(sim_link_stats(link).lost, ==, 12);
  g_assert_cmpuint(sim_link_stats(link).reordered, >, 0);
  sim_link_free(link);
  sim_trace_free(trace);
}

static void
test_bad_traces(void)
{
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "holds no slot"},
      {"# nothing\n\n", "holds no slot"},
      {"20\n20 30\n", "f, line 2: '20 30' is neither"},
      {"#\n\n20\nx\n", "f, line 4: 'x' is neither"},
      {"20\n-2\n", "line 2: '-2'"},
      {"nan\n", "line 1: 'nan'"},
      {"1e9\n", "line 1: '1e9'"},
      {"60001\n", "line 1"},
      {"20 # comment\n", "line 1"},
  };
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    GError *error = NULL;
    g_assert_null(sim_trace_parse(cases[i].text, "f", &error));
    g_assert_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    if (strstr(error->message, cases[i].message) == NULL)
      g_error("'%s' does not say '%s'", error->message, cases[i].message);
    g_clear_error(&error);
  }
  GError *error = NULL;
  g_assert_null(sim_trace_load("/nowhere/trace", &error));
  g_assert_nonnull(strstr(error->message, "the trace cannot be read"));
  g_clear_error(&error);
}

/* --- Bottleneck, blackout --- */

static void
test_rate(void)
{
  /* 100 bytes a millisecond */
  SimLinkConfig config = {.rate = 800000, .delay = 10 * WZP_MSEC, .queue_time = 50 * WZP_MSEC};
  SimLink *link = sim_link_new(&config, 1);
  const size_t length = 100 - SIM_IP_UDP_BYTES;
  WzpTime at[2];
  /* 200 at once: those that wait 0 to 50 ms pass, one each millisecond */
  for (unsigned i = 0; i < 200; i++) {
    g_assert_cmpuint(sim_link_push(link, 0, length, at), ==, i <= 50);
    g_assert_cmpint(at[0], ==, (MIN(i, 51) + 1) * WZP_MSEC + 10 * WZP_MSEC);
  }
  SimLinkStats stats = sim_link_stats(link);
  g_assert_cmpuint(stats.queue_dropped, ==, 149);
  g_assert_cmpuint(stats.lost, ==, 149);
  /* the queue has emptied; a rate below the bottleneck's never waits */
  for (unsigned i = 0; i < 1000; i++) {
    const WzpTime now = WZP_SECOND + i * 2 * WZP_MSEC;
    g_assert_cmpuint(sim_link_push(link, now, length, at), ==, 1);
    g_assert_cmpint(at[0], ==, now + 11 * WZP_MSEC);
  }
  sim_link_free(link);

  /* twice the rate: half of it passes, whatever bounds the queue */
  config.queue_time = 0;
  config.queue_bytes = 1000;
  link = sim_link_new(&config, 1);
  unsigned passed = 0;
  for (unsigned i = 0; i < 20000; i++) {
    const WzpTime now = i * WZP_MSEC / 2;
    if (sim_link_push(link, now, length, at) == 0)
      continue;
    passed++;
    g_assert_cmpint(at[0] - now, <=, 10 * WZP_MSEC + 11 * WZP_MSEC);
  }
  g_assert_cmpuint(passed, >=, 10000);
  g_assert_cmpuint(passed, <=, 10011);
  sim_link_free(link);

  /* without a bound nothing is dropped, and the wait grows */
  config.queue_bytes = 0;
  link = sim_link_new(&config, 1);
  for (unsigned i = 0; i < 20000; i++)
    g_assert_cmpuint(sim_link_push(link, 0, length, at), ==, 1);
  g_assert_cmpint(at[0], ==, 20 * WZP_SECOND + 10 * WZP_MSEC);
  sim_link_free(link);
}

static void
test_blackout(void)
{
  const SimLinkConfig config = {.blackout_from = WZP_SECOND, .blackout_to = 3 * WZP_SECOND};
  SimLink *link = sim_link_new(&config, 1);
  WzpTime at[2];
  sim_link_set_origin(link, 500);
  for (WzpTime since = 0; since < 4 * WZP_SECOND; since += WZP_MSEC)
    g_assert_cmpuint(sim_link_push(link, 500 + since, 1, at), ==,
                     since < WZP_SECOND || since >= 3 * WZP_SECOND);
  g_assert_cmpuint(sim_link_stats(link).lost, ==, 2000);
  sim_link_free(link);
}

/* No setting shifts the luck of another: with and without bursts, queue, duplicates and a trace, the jitter of
 * the n-th datagram is the same. */
static void
test_luck_is_apart(void)
{
  SimTraceSlot slots[2] = {{.lost = true}, {.lost = false}};
  const SimTrace trace = {.n_slots = 2, .slots = slots};
  const SimLinkConfig plain = {.jitter = WZP_SECOND, .reorder = true};
  SimLinkConfig others[4] = {plain, plain, plain, plain};
  others[0].loss = .3, others[0].burst = 4;
  others[1].rate = 1000000000;
  others[2].duplicate = .5;
  others[3].trace = &trace;
  for (unsigned k = 0; k < G_N_ELEMENTS(others); k++) {
    SimLink *a = sim_link_new(&plain, 9), *b = sim_link_new(&others[k], 9);
    for (unsigned i = 0; i < 1000; i++) {
      WzpTime x[2], y[2];
      sim_link_push(a, i * 7 * WZP_MSEC, 1, x);
      sim_link_push(b, i * 7 * WZP_MSEC, 1, y);
      g_assert_cmpint(ABS(x[0] - y[0]), <=, 1); /* the bottleneck takes a microsecond */
    }
    sim_link_free(a);
    sim_link_free(b);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sim/network/loss-and-delay", test_loss_and_delay);
  g_test_add_func("/sim/network/reorder-and-duplicate", test_reorder_and_duplicate);
  g_test_add_func("/sim/network/seed", test_seed);
  g_test_add_func("/sim/network/order-of-delivery", test_order_of_delivery);
  g_test_add_func("/sim/network/bursts", test_bursts);
  g_test_add_func("/sim/network/bursts-belong-to-slots", test_bursts_belong_to_slots);
  g_test_add_func("/sim/network/loss-changes", test_loss_changes);
  g_test_add_func("/sim/network/trace", test_trace);
  g_test_add_func("/sim/network/bad-traces", test_bad_traces);
  g_test_add_func("/sim/network/rate", test_rate);
  g_test_add_func("/sim/network/blackout", test_blackout);
  g_test_add_func("/sim/network/luck-is-apart", test_luck_is_apart);
  return g_test_run();
}

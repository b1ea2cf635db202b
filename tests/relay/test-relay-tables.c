/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay/relay-bucket.h"
#include "relay/relay-sessions.h"
#include "relay/relay-tally.h"
#include <string.h>

/* The relay's small tables, each against a model that is too simple to be wrong. */

#define N_TIMERS 50

static void
test_timers(void)
{
  RelayTimers *timers = relay_timers_new(N_TIMERS);
  WzpTime model[N_TIMERS], now = 0;
  unsigned i, round, index;

  for (i = 0; i < N_TIMERS; i++)
    model[i] = WZP_NEVER;
  g_assert_cmpint(relay_timers_next(timers), ==, WZP_NEVER);
  g_assert_false(relay_timers_pop(timers, WZP_NEVER, &index));
  for (round = 0; round < 20000; round++) {
    WzpTime first = WZP_NEVER;

    i = (unsigned)g_test_rand_int_range(0, N_TIMERS);
    model[i] = g_test_rand_int_range(0, 4) == 0 ? WZP_NEVER : now + g_test_rand_int_range(0, 1000);
    relay_timers_set(timers, i, model[i]);
    now += g_test_rand_int_range(0, 40);
    while (relay_timers_pop(timers, now, &index)) {
      g_assert_cmpint(model[index], <=, now);
      for (i = 0; i < N_TIMERS; i++)
        g_assert_cmpint(model[index], <=, model[i]);
      model[index] = WZP_NEVER;
    }
    for (i = 0; i < N_TIMERS; i++)
      first = MIN(first, model[i]);
    g_assert_cmpint(relay_timers_next(timers), ==, first);
    g_assert_true(first > now);
  }
  relay_timers_free(timers);
}

static void
test_tally(void)
{
  RelayTally *tally = relay_tally_new();
  unsigned counts[16] = {0}, round;

  for (round = 0; round < 5000; round++) {
    uint8_t key = (uint8_t)g_test_rand_int_range(0, 16);

    if (counts[key] > 0 && g_test_rand_int_range(0, 2)) {
      relay_tally_remove(tally, &key, 1);
      counts[key]--;
    } else {
      relay_tally_add(tally, &key, 1);
      counts[key]++;
    }
    g_assert_cmpuint(relay_tally_count(tally, &key, 1), ==, counts[key]);
  }
  relay_tally_free(tally);
}

static void
test_bucket(void)
{
  RelayBucket bucket;
  WzpTime now = 5 * WZP_SECOND;
  unsigned i;

  relay_bucket_init(&bucket, now, 40);
  for (i = 0; i < 40; i++)
    g_assert_true(relay_bucket_take(&bucket, now, 20, 40, 1));
  g_assert_false(relay_bucket_take(&bucket, now, 20, 40, 1));
  /* one more each 50 ms, to the microsecond */
  g_assert_false(relay_bucket_take(&bucket, now + 49999, 20, 40, 1));
  g_assert_true(relay_bucket_take(&bucket, now + 50000, 20, 40, 1));
  /* a clock that stands still or goes back gives nothing */
  g_assert_false(relay_bucket_take(&bucket, now, 20, 40, 1));
  /* never more than the burst, also after years */
  now += 1000000000 * WZP_SECOND;
  g_assert_true(relay_bucket_take(&bucket, now, 20, 40, 40));
  g_assert_false(relay_bucket_take(&bucket, now, 20, 40, 1));
  /* debts are paid back */
  g_assert_false(relay_bucket_has_credit(&bucket, now, 20, 40));
  now += WZP_SECOND / 20;
  g_assert_true(relay_bucket_has_credit(&bucket, now, 20, 40));
  relay_bucket_charge(&bucket, 21);
  g_assert_false(relay_bucket_has_credit(&bucket, now + WZP_SECOND, 20, 40));
  g_assert_true(relay_bucket_has_credit(&bucket, now + WZP_SECOND + 1, 20, 40));
}

static void
test_session_ids(void)
{
  static const unsigned capacities[] = {2, 3, 1025, 2048, 11024, 101024};
  unsigned i, round;

  for (i = 0; i < G_N_ELEMENTS(capacities); i++) {
    for (round = 0; round < 1000; round++) {
      unsigned index = (unsigned)g_test_rand_int_range(0, (int)capacities[i]);
      uint32_t sid = relay_sid_make(index, (uint32_t)g_test_rand_int(), capacities[i]);

      g_assert_cmpuint(relay_sid_index(sid, capacities[i]), ==, index);
    }
  }
}

static void
test_address_key(void)
{
  uint8_t a[RELAY_ADDRESS_KEY_MAX], b[RELAY_ADDRESS_KEY_MAX];
  WzpAddress address;

  g_assert_true(wzp_address_parse(&address, "192.0.2.1:1"));
  g_assert_cmpuint(relay_address_key(&address, a), ==, 5);
  g_assert_true(wzp_address_parse(&address, "192.0.2.1:2"));
  g_assert_cmpuint(relay_address_key(&address, b), ==, 5);
  g_assert_cmpmem(a, 5, b, 5);
  g_assert_true(wzp_address_parse(&address, "192.0.2.2:1"));
  relay_address_key(&address, b);
  g_assert_cmpint(memcmp(a, b, 5), !=, 0);

  /* one home has a whole /64 of IPv6 */
  g_assert_true(wzp_address_parse(&address, "[2001:db8:1:2::1]:1"));
  g_assert_cmpuint(relay_address_key(&address, a), ==, 9);
  g_assert_true(wzp_address_parse(&address, "[2001:db8:1:2:ffff::9]:1"));
  relay_address_key(&address, b);
  g_assert_cmpmem(a, 9, b, 9);
  g_assert_true(wzp_address_parse(&address, "[2001:db8:1:3::1]:1"));
  relay_address_key(&address, b);
  g_assert_cmpint(memcmp(a, b, 9), !=, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-tables/timers", test_timers);
  g_test_add_func("/relay-tables/tally", test_tally);
  g_test_add_func("/relay-tables/bucket", test_bucket);
  g_test_add_func("/relay-tables/session-ids", test_session_ids);
  g_test_add_func("/relay-tables/address-key", test_address_key);
  return g_test_run();
}

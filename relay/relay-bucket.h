/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/time.h"
#include <stdbool.h>
#include <stddef.h>

/* A token bucket: `rate` units a second, at most `burst` units saved up. Start it full with
 * relay_bucket_init(). Amounts are packets or bytes; the credit is kept in millionths, so that one
 * microsecond adds exactly `rate`. */
typedef struct {
  int64_t credit;
  WzpTime last;
} RelayBucket;

static inline void
relay_bucket_init(RelayBucket *bucket, WzpTime now, unsigned burst)
{
  bucket->credit = (int64_t)burst * WZP_SECOND;
  bucket->last = now;
}

static inline void
relay_bucket_refill(RelayBucket *bucket, WzpTime now, unsigned rate, unsigned burst)
{
  int64_t full = (int64_t)burst * WZP_SECOND;
  WzpTime elapsed = now - bucket->last;

  if (elapsed <= 0)
    return;
  bucket->last = now;
  if (rate == 0)
    return;
  /* the division keeps the product below in range after a long silence */
  if (elapsed > (full - bucket->credit) / rate)
    bucket->credit = full;
  else
    bucket->credit += elapsed * rate;
}

/* Takes amount units, or nothing when there are not enough. */
static inline bool
relay_bucket_take(RelayBucket *bucket, WzpTime now, unsigned rate, unsigned burst, size_t amount)
{
  relay_bucket_refill(bucket, now, rate, burst);
  if (bucket->credit < (int64_t)amount * WZP_SECOND)
    return false;
  bucket->credit -= (int64_t)amount * WZP_SECOND;
  return true;
}

/* For costs that are owed only once something authenticated: look first, charge later. The credit may
 * fall below zero by one charge. */
static inline bool
relay_bucket_has_credit(RelayBucket *bucket, WzpTime now, unsigned rate, unsigned burst)
{
  relay_bucket_refill(bucket, now, rate, burst);
  return bucket->credit > 0;
}

static inline void
relay_bucket_charge(RelayBucket *bucket, size_t amount)
{
  bucket->credit -= (int64_t)amount * WZP_SECOND;
}

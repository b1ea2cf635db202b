/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sender's own source instead of the library's copy: only so can a test turn its counter back. */
#include "wzp/sender.c"
#include "wzp/random.h"

static const uint8_t zero[32];

static WzpResult
seal_one(WzpSender *sender)
{
  WzpSealRequest request = {.code = 0};
  uint8_t out[32];
  size_t length;
  return wzp_sender_seal(sender, &request, "", 0, out, sizeof out, &length, NULL);
}

static void
expect_abort(const char *path)
{
  g_test_trap_subprocess(path, 0, 0);
  g_test_trap_assert_failed();
  g_test_trap_assert_stderr("*key and nonce would repeat*");
}

static void
test_counter_back(void)
{
  if (g_test_subprocess()) {
    WzpSender *sender = wzp_sender_new(zero, zero, 0);
    for (unsigned i = 0; i < 10; i++)
      seal_one(sender);
    sender->n = 9;
    seal_one(sender);
    return;
  }
  expect_abort("/seal-reuse/counter");
}

static void
test_epoch_back(void)
{
  if (g_test_subprocess()) {
    WzpSender *sender = wzp_sender_new(zero, zero, 1);
    seal_one(sender);
    sender->epoch = 0;
    seal_one(sender);
    return;
  }
  expect_abort("/seal-reuse/epoch");
}

/* An epoch that would span a wrap, did the wrap not move it on. */
static void
test_wrap_missed(void)
{
  if (g_test_subprocess()) {
    WzpSender *sender = wzp_sender_new(zero, zero, 0);
    sender->n = 0xffff;
    seal_one(sender);
    sender->epoch_used = false;
    seal_one(sender);
    return;
  }
  expect_abort("/seal-reuse/wrap");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/seal-reuse/counter", test_counter_back);
  g_test_add_func("/seal-reuse/epoch", test_epoch_back);
  g_test_add_func("/seal-reuse/wrap", test_wrap_missed);
  return g_test_run();
}

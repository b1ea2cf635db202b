/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flood.h"
#include "wzp/handshake.h"
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS 64
#define HS1_CORE 79 /* with two bytes of capabilities; the cookie follows */

int
flood_socket(unsigned net, unsigned n)
{
  struct sockaddr_storage native;
  WzpAddress local;
  char text[32];
  const int queue = 4 << 20; /* or as much as may be */
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_snprintf(text, sizeof text, "127.%u.%u.%u:0", net, 1 + n / 250, 1 + n % 250);
  g_assert_true(wzp_address_parse(&local, text));
  const socklen_t length = wzp_address_to_sockaddr(&local, &native, false);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&native, length), ==, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  return fd;
}

static size_t
make_hello(GRand *rand, const uint8_t cookie[WZP_COOKIE_SIZE], uint8_t *data)
{
  static const uint8_t hello[4] = {0x40, 1, WZP_MODE_HOP, 1};
  memset(data, 0, WZP_HS1_PADDED);
  memcpy(data, hello, sizeof hello);
  for (size_t i = 4; i < 76; i++)
    data[i] = (uint8_t)g_rand_int(rand);
  data[76] = 2;
  data[78] = 1;
  memcpy(data + HS1_CORE, cookie, WZP_COOKIE_SIZE);
  return WZP_HS1_PADDED;
}

static size_t
make(const Flood *flood, GRand *rand, const uint8_t cookie[WZP_COOKIE_SIZE], uint8_t *data)
{
  const size_t length = 60 + (size_t)g_rand_int_range(rand, 0, 60);
  switch (flood->kind) {
  case FLOOD_BAD_TAG:
  case FLOOD_REPLAY:
    memcpy(data, flood->good, flood->good_length);
    if (flood->kind == FLOOD_BAD_TAG)
      data[flood->good_length - 1] ^= (uint8_t)g_rand_int_range(rand, 1, 256);
    return flood->good_length;
  case FLOOD_HELLO:
  case FLOOD_COOKIE:
    return make_hello(rand, cookie, data);
  default:
    for (size_t i = 0; i < length; i++)
      data[i] = (uint8_t)g_rand_int(rand);
    return length;
  }
}

/* Who has one address uses the cookie that was sent to it. */
static void
take_answers(Flood *flood, int fd, uint8_t cookie[WZP_COOKIE_SIZE])
{
  uint8_t data[WZP_DATAGRAM_MAX];
  ssize_t n;
  while ((n = recv(fd, data, sizeof data, MSG_DONTWAIT | MSG_TRUNC)) > 0) {
    const WzpDatagramKind kind = wzp_datagram_kind(data, MIN((size_t)n, sizeof data));
    flood->bytes_out += (uint64_t)n;
    flood->handshakes += kind == WZP_DATAGRAM_HS2;
    if (flood->kind == FLOOD_COOKIE && kind == WZP_DATAGRAM_COOKIE && n == WZP_COOKIE_DATAGRAM)
      memcpy(cookie, data + 1 + WZP_CID_SIZE, WZP_COOKIE_SIZE);
  }
}

gpointer
flood_strangers(gpointer data)
{
  static uint8_t buffers[FLOOD_BATCH][WZP_DATAGRAM_MAX];
  Flood *flood = data;
  const unsigned n_sockets = flood->kind == FLOOD_COOKIE ? 1 : SOCKETS;
  uint8_t cookie[WZP_COOKIE_SIZE] = {0};
  struct sockaddr_storage to;
  const socklen_t to_length = wzp_address_to_sockaddr(&flood->relay, &to, false);
  struct mmsghdr messages[FLOOD_BATCH];
  struct iovec parts[FLOOD_BATCH];
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  int sockets[SOCKETS];
  struct timespec next;
  for (unsigned i = 0; i < n_sockets; i++)
    sockets[i] = flood_socket(flood->kind, i);
  for (unsigned i = 0; i < FLOOD_BATCH; i++) {
    parts[i].iov_base = buffers[i];
    messages[i] = (struct mmsghdr){
        .msg_hdr = {
            .msg_name = &to, .msg_namelen = to_length, .msg_iov = &parts[i], .msg_iovlen = 1}};
  }
  g_atomic_int_set(&flood->ready, 1);
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (unsigned turn = 0; !g_atomic_int_get(&flood->stop); turn++) {
    const int fd = sockets[turn % n_sockets];
    for (unsigned i = 0; i < FLOOD_BATCH; i++)
      parts[i].iov_len = make(flood, rand, cookie, buffers[i]);
    const int sent = sendmmsg(fd, messages, FLOOD_BATCH, 0);
    for (int i = 0; i < sent; i++)
      flood->bytes_in += parts[i].iov_len;
    flood->sent += (uint64_t)MAX(sent, 0);
    take_answers(flood, fd, cookie);
    next.tv_nsec += (long)(1000000000ull * FLOOD_BATCH / flood->rate);
    next.tv_sec += next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  for (unsigned i = 0; i < n_sockets; i++) {
    take_answers(flood, sockets[i], cookie);
    close(sockets[i]);
  }
  return NULL;
}

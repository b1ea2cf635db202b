/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/relay/relay-peer.h"
#include "tests/relay/relay-process.h"
#include "wzp/call-private.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* flood-gate [SECONDS [RATE]]: calls through the real wzp-relay on loopback, first in peace and then under floods of
 * RATE bad datagrams a second (100,000) for SECONDS (20) each. Good calls lose at most half a percent more, nobody
 * is answered with more bytes than he sent, the relay's memory grows by at most 16 MiB, and under a flood of handshakes
 * two new clients are in a call within 3 s. Real time and a busy machine: no test, but a gate (tests/long.sh). */

#define ROOMS 8
#define PEERS (2 * ROOMS)
#define SOCKETS 64
#define BATCH 50
#define LOSS_LIMIT 0.005
#define MEMORY_LIMIT (16 << 20)
#define ENTER_LIMIT (3 * WZP_SECOND)
#define PATIENCE (60 * WZP_SECOND)

typedef enum { PEACE, RANDOM, BAD_TAG, REPLAY, HELLO, N_KINDS } Kind;
static const char *const names[N_KINDS] = {"peace", "random bytes", "bad tags", "replays",
                                           "handshakes"};

typedef struct {
  RelayProcess *relay;
  RelayPeer *peers[PEERS + 2];
  uint8_t good[WZP_DATAGRAM_MAX]; /* a datagram that a peer sent */
  size_t good_length;
  unsigned rate;

  Kind kind;
  gint stop;
  uint64_t sent, bytes_in, bytes_out; /* of the flood */
} Gate;

/* --- The flood, in a thread of its own --- */

static size_t
make(const Gate *gate, GRand *rand, uint8_t *data)
{
  static const uint8_t hello[4] = {0x40, 1, WZP_MODE_HOP, 1};
  size_t length = 60 + (size_t)g_rand_int_range(rand, 0, 60);
  switch (gate->kind) {
  case BAD_TAG:
  case REPLAY:
    memcpy(data, gate->good, gate->good_length);
    if (gate->kind == BAD_TAG)
      data[gate->good_length - 1] ^= (uint8_t)g_rand_int_range(rand, 1, 256);
    return gate->good_length;
  case HELLO:
    memset(data, 0, WZP_HS1_PADDED);
    memcpy(data, hello, sizeof hello);
    for (size_t i = 4; i < 76; i++)
      data[i] = (uint8_t)g_rand_int(rand);
    data[76] = 2;
    data[78] = 1;
    return WZP_HS1_PADDED;
  default:
    for (size_t i = 0; i < length; i++)
      data[i] = (uint8_t)g_rand_int(rand);
    return length;
  }
}

static void
count_answers(Gate *gate, int fd)
{
  uint8_t data[WZP_DATAGRAM_MAX];
  ssize_t n;
  while ((n = recv(fd, data, sizeof data, MSG_DONTWAIT | MSG_TRUNC)) > 0)
    gate->bytes_out += (uint64_t)n;
}

static int
open_socket(unsigned n)
{
  struct sockaddr_storage native;
  WzpAddress local;
  char text[32];
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_snprintf(text, sizeof text, "127.0.%u.%u:0", 1 + n / 250, 1 + n % 250);
  g_assert_true(wzp_address_parse(&local, text));
  const socklen_t length = wzp_address_to_sockaddr(&local, &native, false);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&native, length), ==, 0);
  wzp_address_to_sockaddr(&local, &native, false);
  return fd;
}

static gpointer
flood(gpointer data)
{
  static uint8_t buffers[BATCH][WZP_DATAGRAM_MAX];
  Gate *gate = data;
  struct sockaddr_storage to;
  const socklen_t to_length = wzp_address_to_sockaddr(&gate->relay->address, &to, false);
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  int sockets[SOCKETS];
  struct timespec next;
  for (unsigned i = 0; i < SOCKETS; i++)
    sockets[i] = open_socket(i);
  for (unsigned i = 0; i < BATCH; i++) {
    parts[i].iov_base = buffers[i];
    messages[i] = (struct mmsghdr){
        .msg_hdr = {
            .msg_name = &to, .msg_namelen = to_length, .msg_iov = &parts[i], .msg_iovlen = 1}};
  }
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (unsigned turn = 0; !g_atomic_int_get(&gate->stop); turn++) {
    const int fd = sockets[turn % SOCKETS];
    for (unsigned i = 0; i < BATCH; i++)
      parts[i].iov_len = make(gate, rand, buffers[i]);
    const int sent = sendmmsg(fd, messages, BATCH, 0);
    for (int i = 0; i < sent; i++)
      gate->bytes_in += parts[i].iov_len;
    gate->sent += (uint64_t)MAX(sent, 0);
    count_answers(gate, fd);
    next.tv_nsec += (long)(1000000000ull * BATCH / gate->rate);
    next.tv_sec += next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  for (unsigned i = 0; i < SOCKETS; i++) {
    count_answers(gate, sockets[i]);
    close(sockets[i]);
  }
  return NULL;
}

/* --- The calls --- */

static uint64_t
memory_of(pid_t pid)
{
  g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)pid);
  g_autofree char *text = NULL;
  unsigned long size, resident;
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_assert_cmpint(sscanf(text, "%lu %lu", &size, &resident), ==, 2);
  return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Datagrams that the relay's socket had no place for: of the flood and of the calls alike. */
static double
never_read(const Gate *gate)
{
  static const char name[] = "wzp_relay_drops_total{plane=\"socket\",reason=\"queue-full\"}";
  unsigned status;
  g_autofree char *text = relay_process_get(gate->relay, NULL, &status);
  const char *line = strstr(text, name);
  g_assert_nonnull(line);
  return g_ascii_strtod(line + strlen(name), NULL);
}

static unsigned
sum(const Gate *gate, bool opened)
{
  unsigned n = 0;
  for (unsigned i = 0; i < PEERS; i++)
    n += opened ? gate->peers[i]->opened : gate->peers[i]->sent;
  return n;
}

/* What is lost of what is said in that time. */
static double
talk(Gate *gate, WzpTime duration)
{
  const unsigned sent = sum(gate, false), opened = sum(gate, true);
  const WzpTime end = g_get_monotonic_time() + duration;
  WzpTime next = g_get_monotonic_time();
  while (next < end) {
    for (unsigned i = 0; i < PEERS; i++)
      relay_peer_talk(gate->peers[i]);
    next += 20 * WZP_MSEC;
    relay_peers_run_for(gate->peers, PEERS, MAX(next - g_get_monotonic_time(), 0));
  }
  relay_peers_run_for(gate->peers, PEERS, WZP_SECOND);
  const double said = sum(gate, false) - sent, heard = sum(gate, true) - opened;
  return 1 - heard / said;
}

/* A good datagram, which is also sent, so that it is an old one from then on. */
static void
keep_good(Gate *gate)
{
  RelayPeer *peer = gate->peers[0];
  uint8_t voice[60] = {0};
  WzpAddress to;
  WzpTime now = g_get_monotonic_time();
  struct sockaddr_storage native;
  g_assert_cmpint(wzp_call_seal(peer->call, now, 0, peer->timestamp, 0, false, voice, sizeof voice,
                                gate->good, sizeof gate->good - WZP_TRAILER_SIZE,
                                &gate->good_length, NULL),
                  ==, WZP_OK);
  peer->timestamp += 20;
  g_assert_cmpint(wzp_call_frame_media(peer->call, now, gate->good, gate->good_length, gate->good,
                                       &gate->good_length, &to),
                  ==, WZP_OK);
  const socklen_t length = wzp_address_to_sockaddr(&to, &native, false);
  peer->sent += sendto(peer->socket, gate->good, gate->good_length, 0, (struct sockaddr *)&native,
                       length) > 0;
}

static WzpTime
enter(Gate *gate)
{
  RelayPeer **pair = gate->peers + PEERS;
  const WzpTime begin = g_get_monotonic_time();
  for (unsigned i = 0; i < 2; i++)
    pair[i] = relay_peer_new("127.0.0.1", &gate->relay->address, "late");
  relay_peers_run(pair, 2, relay_peers_active, PATIENCE);
  const WzpTime taken = g_get_monotonic_time() - begin;
  relay_peer_free(pair[0]);
  relay_peer_free(pair[1]);
  return taken;
}

/* Prints, and tells whether the gate holds. */
static bool
under(Gate *gate, Kind kind, WzpTime duration, double *peace)
{
  const uint64_t memory = memory_of(gate->relay->pid);
  const double unread = never_read(gate);
  WzpTime entered = 0;
  GThread *thread = NULL;
  gate->kind = kind;
  gate->stop = 0;
  gate->sent = gate->bytes_in = gate->bytes_out = 0;
  if (kind != PEACE)
    thread = g_thread_new("flood", flood, gate);
  const double loss = talk(gate, duration);
  if (kind == HELLO)
    entered = enter(gate);
  g_atomic_int_set(&gate->stop, 1);
  if (thread)
    g_thread_join(thread);
  const uint64_t after = memory_of(gate->relay->pid);
  const int64_t grown = (int64_t)after - (int64_t)memory;
  if (kind == PEACE)
    *peace = loss;
  const bool holds = loss - *peace <= LOSS_LIMIT && gate->bytes_out <= gate->bytes_in &&
                     grown <= MEMORY_LIMIT && entered <= ENTER_LIMIT;
  printf("%-13s %9.0f/s  lost %.3f %%  bytes in %12" G_GUINT64_FORMAT " out %9" G_GUINT64_FORMAT
         "  memory %+d KiB  never read %.0f",
         names[kind], (double)gate->sent * WZP_SECOND / (double)(duration + WZP_SECOND), 100 * loss,
         gate->bytes_in, gate->bytes_out, (int)(grown / 1024), never_read(gate) - unread);
  if (kind == HELLO)
    printf("  two enter in %.2f s", (double)entered / WZP_SECOND);
  puts(holds ? "" : "  NOT HELD");
  fflush(stdout);
  return holds;
}

int
main(int argc, char **argv)
{
  const int seconds = argc > 1 ? atoi(argv[1]) : 20;
  Gate gate = {.rate = argc > 2 ? (unsigned)atoi(argv[2]) : 100000};
  double peace = 0;
  bool holds = true;
  if (seconds < 1 || gate.rate < BATCH || argc > 3) {
    fprintf(stderr, "flood-gate: numbers above 0: flood-gate [SECONDS [RATE (%d or more)]]\n",
            BATCH);
    return 2;
  }
  wzp_init();
  gate.relay = relay_process_new(NULL);
  for (unsigned i = 0; i < PEERS; i++) {
    g_autofree char *room = g_strdup_printf("room %u", i / 2);
    gate.peers[i] = relay_peer_new("127.0.0.1", &gate.relay->address, room);
  }
  relay_peers_run(gate.peers, PEERS, relay_peers_active, PATIENCE);
  keep_good(&gate);
  talk(&gate, 2 * WZP_SECOND);
  for (Kind kind = PEACE; kind < N_KINDS; kind++)
    holds = under(&gate, kind, seconds * WZP_SECOND, &peace) && holds;
  for (unsigned i = 0; i < PEERS; i++)
    relay_peer_free(gate.peers[i]);
  relay_process_free(gate.relay);
  return holds ? 0 : 1;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flood.h"
#include "tests/relay/auth-server.h"
#include "tests/relay/relay-peer.h"
#include "tests/relay/relay-process.h"
#include "wzp/call-private.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Calls through the real wzp-relay on loopback, first in peace and then under floods. Good calls lose at most half a
 * percent more, nobody without a session is answered with more bytes than he sent, and the relay's memory is bounded;
 * what else a flood may not do is said where it is looked at, in holds(). Real time and a busy machine: no test, but
 * a gate (tests/long.sh). */

#define ROOMS 8
#define PEERS (2 * ROOMS)
#define LOSS_LIMIT 0.005
#define MEMORY_LIMIT (16 << 20)      /* that a flood may add */
#define IDLE_MEMORY_LIMIT (60 << 20) /* of the whole relay, under idle sessions */
#define ENTER_LIMIT (3 * WZP_SECOND)
#define REFUSE_LIMIT (6 * WZP_SECOND) /* the relay waits for 5 s, after a handshake */
#define READY_LIMIT (120 * WZP_SECOND)
#define PATIENCE (60 * WZP_SECOND)
/* What the relay's limits are when nobody sets them, and what bursts and edges may add. */
#define HANDSHAKES_PER_SECOND 20
#define HANDSHAKES_BURST 80 /* without a cookie and with */
#define MEDIA_BYTES_PER_SECOND 32000
#define PEER_BYTES_PER_SECOND 5000

static const char *const names[FLOOD_N_KINDS] = {
    "peace", "random", "bad-tags", "replays", "handshakes", "cookies", "tokens", "abuse", "idle"};
static const char usage[] =
    "flood-gate [--only NAME] [SECONDS [RATE]]: calls through the relay that WZP_RELAY names, in "
    "peace and then under\n"
    "floods, SECONDS (20) each. A line for each; exit 1 when a limit is not held.\n"
    "  random      random bytes, RATE (100,000; at least 50) a second, as with the next three\n"
    "  bad-tags    of a member's session, with a wrong tag\n"
    "  replays     a member's packet again\n"
    "  handshakes  first messages, from 64 addresses\n"
    "  cookies     first messages of one address with a valid cookie, 2,000 a second\n"
    "  tokens      30 clients' tokens at an auth server that never answers\n"
    "  abuse       200 members of rooms, who send RATE media packets a second, fill the control "
    "channel, come and go\n"
    "  idle        9,000 sessions that do nothing and 1,000 handshakes that stop half-way\n"
    "  --only NAME peace, and this one\n";

typedef struct {
  RelayProcess *relay;
  AuthServer *server; /* NULL: whoever comes is let in */
  RelayPeer *peers[PEERS + 2];
  char *tokens[PEERS + 2];
  unsigned rate;
  Flood flood;
  double peace; /* what is lost then */
} Gate;

/* What was seen of a flood. */
typedef struct {
  double loss, seconds, unread, forwarded, sessions; /* sessions: the relay's, at the end */
  uint64_t memory;                                   /* at the end */
  int64_t grown;
  WzpTime entered; /* two who came meanwhile: in a call, or refused */
} Sight;

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

static double
read_metric(const Gate *gate, const char *name)
{
  unsigned status;
  g_autofree char *text = relay_process_get(gate->relay, NULL, &status);
  const char *line = strstr(text, name);
  g_assert_nonnull(line);
  return g_ascii_strtod(line + strlen(name), NULL);
}

/* Datagrams that the relay's socket had no place for: of the flood and of the calls alike. */
static double
never_read(const Gate *gate)
{
  return read_metric(gate, "wzp_relay_drops_total{plane=\"socket\",reason=\"queue-full\"}");
}

static double
forwarded(const Gate *gate)
{
  return read_metric(gate, "\nwzp_relay_bytes_forwarded_total ");
}

static unsigned
sum(const Gate *gate, bool opened)
{
  unsigned n = 0;
  for (unsigned i = 0; i < PEERS; i++)
    n += opened ? gate->peers[i]->opened : gate->peers[i]->sent;
  return n;
}

/* What is lost of what is said in that time, which begins when the flood is ready; what is said until then counts. */
static double
talk(Gate *gate, WzpTime duration)
{
  const unsigned sent = sum(gate, false), opened = sum(gate, true);
  WzpTime next = g_get_monotonic_time(), end = next + duration;
  const WzpTime last = next + READY_LIMIT;
  bool ready = g_atomic_int_get(&gate->flood.ready);
  while (next < end || (!ready && next < last)) {
    for (unsigned i = 0; i < PEERS; i++)
      relay_peer_talk(gate->peers[i]);
    next += 20 * WZP_MSEC;
    relay_peers_run_for(gate->peers, PEERS, MAX(next - g_get_monotonic_time(), 0));
    if (!ready && g_atomic_int_get(&gate->flood.ready)) {
      ready = true;
      end = next + duration;
    }
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
                                gate->flood.good, sizeof gate->flood.good - WZP_TRAILER_SIZE,
                                &gate->flood.good_length, NULL),
                  ==, WZP_OK);
  peer->timestamp += 20;
  g_assert_cmpint(wzp_call_frame_media(peer->call, now, gate->flood.good, gate->flood.good_length,
                                       gate->flood.good, &gate->flood.good_length, &to),
                  ==, WZP_OK);
  const socklen_t length = wzp_address_to_sockaddr(&to, &native, false);
  peer->sent += sendto(peer->socket, gate->flood.good, gate->flood.good_length, 0,
                       (struct sockaddr *)&native, length) > 0;
}

static RelayPeer *
peer_new(Gate *gate, unsigned i, const char *room)
{
  WzpRandom random = wzp_random_system();
  char text[WZP_FINGERPRINT_TEXT];
  if (gate->server == NULL)
    return relay_peer_new("127.0.0.1", &gate->relay->address, room);
  WzpIdentity *identity = wzp_identity_new_random(&random);
  g_free(gate->tokens[i]);
  gate->tokens[i] = g_strconcat("of-", wzp_fingerprint_format(identity->fingerprint, text), NULL);
  return relay_peer_new_with_token("127.0.0.1", &gate->relay->address, room, identity,
                                   gate->tokens[i], relay_process_key(gate->relay), false);
}

static bool
both_refused(RelayPeer **peers, unsigned n)
{
  g_assert_cmpuint(n, ==, 2);
  return peers[0]->failed && peers[1]->failed;
}

/* Two more come: how long it takes until they are in a call, or refused. */
static WzpTime
enter(Gate *gate)
{
  RelayPeer **pair = gate->peers + PEERS;
  const WzpTime begin = g_get_monotonic_time();
  for (unsigned i = 0; i < 2; i++)
    pair[i] = peer_new(gate, PEERS + i, "late");
  relay_peers_run(pair, 2, gate->server ? both_refused : relay_peers_active, PATIENCE);
  const WzpTime taken = g_get_monotonic_time() - begin;
  relay_peer_free(pair[0]);
  relay_peer_free(pair[1]);
  return taken;
}

static double
most_forwarded(double seconds)
{
  return (seconds + 1) * (FLOOD_ABUSERS * MEDIA_BYTES_PER_SECOND + PEERS * PEER_BYTES_PER_SECOND);
}

static bool
holds(const Gate *gate, const Sight *sight)
{
  const Flood *flood = &gate->flood;
  if (sight->loss - gate->peace > LOSS_LIMIT)
    return false;
  switch (flood->kind) {
  case FLOOD_ABUSE: /* they have sessions: what they are sent is what the other says, within his limits */
    return sight->grown <= MEMORY_LIMIT && flood->open > FLOOD_ABUSERS / 2 &&
           sight->entered <= ENTER_LIMIT && sight->forwarded <= most_forwarded(sight->seconds);
  case FLOOD_IDLE:
    return sight->memory <= IDLE_MEMORY_LIMIT && flood->bytes_out <= flood->bytes_in &&
           MIN(sight->sessions, flood->open) >= FLOOD_IDLE_SESSIONS * 99 / 100 &&
           sight->entered <= ENTER_LIMIT;
  case FLOOD_TOKENS:
    return sight->grown <= MEMORY_LIMIT && sight->entered <= REFUSE_LIMIT && flood->handshakes > 0;
  case FLOOD_COOKIE: /* no more of them than an address may have */
    if (flood->handshakes > HANDSHAKES_PER_SECOND * sight->seconds + HANDSHAKES_BURST)
      return false;
    break;
  default:
    break;
  }
  return flood->bytes_out <= flood->bytes_in && sight->grown <= MEMORY_LIMIT &&
         sight->entered <= ENTER_LIMIT;
}

static void
print(const Gate *gate, const Sight *sight)
{
  const Flood *flood = &gate->flood;
  printf("%-13s %9.0f/s  lost %.3f %%  bytes in %12" G_GUINT64_FORMAT " out %9" G_GUINT64_FORMAT
         "  memory %+d KiB  never read %.0f",
         names[flood->kind], (double)flood->sent / sight->seconds, 100 * sight->loss,
         flood->bytes_in, flood->bytes_out, (int)(sight->grown / 1024), sight->unread);
  if (flood->kind == FLOOD_COOKIE)
    printf("  handshakes begun %.1f/s", (double)flood->handshakes / sight->seconds);
  if (flood->kind == FLOOD_ABUSE)
    printf("  forwarded %.0f KiB of at most %.0f  open %u", sight->forwarded / 1024,
           most_forwarded(sight->seconds) / 1024, flood->open);
  if (flood->kind == FLOOD_IDLE)
    printf("  sessions %.0f  half-open %u  memory in all %u KiB", sight->sessions, flood->half_open,
           (unsigned)(sight->memory / 1024));
  if (sight->entered > 0)
    printf("  two %s in %.2f s", gate->server ? "refused" : "enter",
           (double)sight->entered / WZP_SECOND);
  puts(holds(gate, sight) ? "" : "  NOT HELD");
  fflush(stdout);
}

/* Prints, and tells whether the gate holds. */
static bool
under(Gate *gate, FloodKind kind, WzpTime duration)
{
  const uint64_t memory = memory_of(gate->relay->pid);
  const double unread = never_read(gate), before = forwarded(gate);
  const WzpTime began = g_get_monotonic_time();
  Flood *flood = &gate->flood;
  Sight sight = {0};
  GThread *thread = NULL;
  flood->kind = kind;
  flood->relay = gate->relay->address;
  flood->rate = kind == FLOOD_COOKIE ? FLOOD_COOKIES_PER_SECOND : gate->rate;
  flood->ready = kind == FLOOD_PEACE;
  flood->stop = 0;
  flood->sent = flood->bytes_in = flood->bytes_out = flood->handshakes = 0;
  flood->open = flood->half_open = 0;
  if (kind != FLOOD_PEACE)
    thread = g_thread_new("flood", kind <= FLOOD_COOKIE ? flood_strangers : flood_clients, flood);
  sight.loss = talk(gate, duration);
  if (kind >= FLOOD_HELLO)
    sight.entered = enter(gate);
  sight.seconds = (double)(g_get_monotonic_time() - began) / WZP_SECOND;
  sight.forwarded = forwarded(gate) - before;
  sight.sessions = read_metric(gate, "\nwzp_relay_active_sessions ");
  sight.memory = memory_of(gate->relay->pid);
  sight.grown = (int64_t)sight.memory - (int64_t)memory;
  g_atomic_int_set(&flood->stop, 1);
  if (thread)
    g_thread_join(thread);
  sight.unread = never_read(gate) - unread;
  if (kind == FLOOD_PEACE)
    gate->peace = sight.loss;
  print(gate, &sight);
  return holds(gate, &sight);
}

static void
gate_open(Gate *gate)
{
  const char *const arguments[] = {"--auth-url",
                                   gate->server ? auth_server_url(gate->server) : NULL, NULL};
  gate->relay = relay_process_new(gate->server ? arguments : NULL);
  for (unsigned i = 0; i < PEERS; i++) {
    g_autofree char *room = g_strdup_printf("room %u", i / 2);
    gate->peers[i] = peer_new(gate, i, room);
  }
  relay_peers_run(gate->peers, PEERS, relay_peers_active, PATIENCE);
  gate->flood.ready = 1;
  keep_good(gate);
  talk(gate, 2 * WZP_SECOND);
}

static void
gate_close(Gate *gate)
{
  for (unsigned i = 0; i < PEERS; i++)
    relay_peer_free(gate->peers[i]);
  for (unsigned i = 0; i < PEERS + 2; i++)
    g_clear_pointer(&gate->tokens[i], g_free);
  relay_process_free(gate->relay);
}

/* A relay that asks for tokens, whose server falls silent. */
static bool
under_tokens(Gate *gate, WzpTime duration)
{
  gate->server = auth_server_new(false);
  gate_open(gate);
  auth_server_set_mode(gate->server, AUTH_SERVER_SILENT);
  const bool held = under(gate, FLOOD_TOKENS, duration);
  gate_close(gate);
  auth_server_free(g_steal_pointer(&gate->server));
  return held;
}

/* FLOOD_PEACE: all. */
static bool
run(Gate *gate, FloodKind only, WzpTime duration)
{
  bool held = true;
  gate_open(gate);
  for (FloodKind kind = FLOOD_PEACE; kind < FLOOD_N_KINDS; kind++) {
    if (kind == FLOOD_TOKENS || (only != FLOOD_PEACE && kind != FLOOD_PEACE && kind != only))
      continue;
    held = under(gate, kind, duration) && held;
  }
  gate_close(gate);
  if (only == FLOOD_PEACE || only == FLOOD_TOKENS)
    held = under_tokens(gate, duration) && held;
  return held;
}

static bool
parse_number(const char *text, guint64 minimum, guint64 maximum, guint64 *number)
{
  return g_ascii_string_to_unsigned(text, 10, minimum, maximum, number, NULL);
}

int
main(int argc, char **argv)
{
  guint64 seconds = 20, rate = 100000;
  FloodKind only = FLOOD_PEACE;
  int next = 1;
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return 0;
  }
  if (argc > 2 && strcmp(argv[1], "--only") == 0) {
    while (only < FLOOD_N_KINDS && strcmp(argv[2], names[only]) != 0)
      only++;
    if (only == FLOOD_PEACE || only == FLOOD_N_KINDS) {
      fprintf(stderr, "flood-gate: no flood is called \"%s\"; they are:\n%s", argv[2], usage);
      return 2;
    }
    next = 3;
  }
  if (argc > next + 2 || (argc > next && !parse_number(argv[next], 1, 86400, &seconds)) ||
      (argc > next + 1 && !parse_number(argv[next + 1], FLOOD_BATCH, 100000000, &rate))) {
    fprintf(stderr, "flood-gate: SECONDS from 1, RATE from %d:\n%s", FLOOD_BATCH, usage);
    return 2;
  }
  wzp_init();
  Gate gate = {.rate = (unsigned)rate};
  return run(&gate, only, (WzpTime)seconds * WZP_SECOND) ? 0 : 1;
}

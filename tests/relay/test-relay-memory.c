/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "auth-server.h"
#include "memory-search.h"
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include "wzp/control-private.h"
#include "wzp/dial-private.h"
#include "wzp/group-private.h"
#include "wzp/seal-private.h"
#include <glib/gstdio.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A call runs through the real relay, whose whole memory is then searched for everything that could open
 * the call: none of it may be there. That the search works is shown by what the relay does hold. */

#define PATIENCE (30 * WZP_SECOND)

static void
add(MemorySearch *search, const char *name, unsigned member, const void *bytes, size_t length)
{
  char *whose = g_strdup_printf("%s of member %u", name, member);

  memory_search_add(search, whose, bytes, length);
  g_free(whose);
}

/* A base, and the keys that packets are opened with. */
static void
add_base(MemorySearch *needles, unsigned member, const uint8_t base[32], uint32_t epoch,
         const uint8_t sid[32])
{
  WzpEpochKeys keys;

  wzp_epoch_keys_derive(&keys, base, epoch, sid);
  add(needles, "base", member, base, 32);
  add(needles, "media key", member, keys.key, sizeof keys.key);
  add(needles, "media salt", member, keys.salt, sizeof keys.salt);
}

static void
add_secrets(MemorySearch *needles, unsigned n, const RelayPeer *peer)
{
  const WzpGroup *group = peer->call->group;
  uint8_t sid[32], next[32];
  uint32_t epoch = wzp_sender_epoch(group->sender);
  unsigned i;

  add(needles, "seed", n, peer->identity->seed, 32);
  add(needles, "signing key", n, peer->identity->ed25519_secret, 32);
  add(needles, "X25519 key", n, peer->identity->x25519_secret, 32);
  add(needles, "room secret", n, group->secret.id_key, 32);
  add(needles, "JOIN secret", n, group->e_secret, 32);
  wzp_join_stream_id(sid, &group->join);
  add_base(needles, n, wzp_sender_base(group->sender), epoch, sid);
  wzp_sender_ratcheted_base(group->sender, next);
  add_base(needles, n, next, epoch + 1, sid);
  if (wzp_sender_has_pending(group->sender))
    add_base(needles, n, wzp_sender_pending(group->sender), epoch + 1, sid);
  for (i = 0; i < group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(group, i);

    add(needles, "pairwise send key", n, member->pair.send_key, 32);
    add(needles, "pairwise receive key", n, member->pair.receive.key, 32);
    add_base(needles, n, member->key.base, member->key.epoch, sid);
  }
}

/* The same of a dialled call. */
static void
add_call_secrets(MemorySearch *needles, unsigned n, const RelayPeer *peer)
{
  const WzpLine *line = peer->call->dial->on;
  uint8_t next[32];

  add(needles, "seed", n, peer->identity->seed, 32);
  add(needles, "signing key", n, peer->identity->ed25519_secret, 32);
  add(needles, "base", n, wzp_sender_base(line->sender), 32);
  wzp_sender_ratcheted_base(line->sender, next);
  add(needles, "next base", n, next, 32);
  add(needles, "rekey key", n, line->rekey, 32);
  add(needles, "channel's send key", n, line->control->records.send_key, 32);
  add(needles, "channel's receive key", n, line->control->records.receive.key, 32);
  add(needles, "words", n, line->sas, 8);
}

/* The relay writes nothing: it has no file open but devices, and in its folder is what it started with. */
static void
assert_nothing_on_disk(const RelayProcess *relay)
{
  char *path = g_strdup_printf("/proc/%d/fd", (int)relay->pid);
  GDir *open_files = g_dir_open(path, 0, NULL), *folder = g_dir_open(relay->directory, 0, NULL);
  const char *name;
  unsigned files = 0, seen = 0;

  g_assert_nonnull(open_files);
  while ((name = g_dir_read_name(open_files)) != NULL) {
    char *link = g_build_filename(path, name, NULL), *target = g_file_read_link(link, NULL);

    seen++;
    if (target != NULL && target[0] == '/' && !g_str_has_prefix(target, "/dev/"))
      g_error("the relay has %s open", target);
    g_free(target);
    g_free(link);
  }
  g_assert_cmpuint(seen, >, 3);
  while ((name = g_dir_read_name(folder)) != NULL) {
    g_assert_cmpstr(name, ==, "identity");
    files++;
  }
  g_assert_cmpuint(files, ==, 1);
  g_dir_close(open_files);
  g_dir_close(folder);
  g_free(path);
}

static void
no_keys(bool dialled)
{
  RelayProcess *relay = relay_process_new(NULL);
  MemorySearch *secrets = memory_search_new(), *canaries = memory_search_new();
  RelayPeer *peers[2];
  unsigned i, n;

  for (n = 0; n < 2; n++)
    peers[n] =
        dialled ? relay_peer_new_for_calls("127.0.0.1", &relay->address, n == 0 ? NULL : peers[0])
                : relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  for (i = 0; i < 50; i++) {
    g_assert_cmpint(relay_peer_talk(peers[0]), ==, WZP_OK);
    g_assert_cmpint(relay_peer_talk(peers[1]), ==, WZP_OK);
  }
  relay_peers_run(peers, 2, relay_peers_heard_all, PATIENCE);

  for (n = 0; n < 2; n++) {
    if (dialled)
      add_call_secrets(secrets, n, peers[n]);
    else
      add_secrets(secrets, n, peers[n]);
    add(canaries, "identity", n, peers[n]->identity->ed25519_public, 32);
    add(canaries, "hop key", n, peers[n]->call->session->hop_keys.first, 16);
    if (dialled)
      add(canaries, "route", n, &peers[n]->call->dial->on->route, sizeof(WzpCallRoute));
    else
      add(canaries, "room id", n, wzp_group_room_id(peers[n]->call->group), 32);
  }
  assert_nothing_on_disk(relay);
  if (!memory_search_run(canaries, relay->pid) || !memory_search_run(secrets, relay->pid)) {
    g_test_skip("this system does not let us read the memory of the relay (ptrace)");
  } else {
    for (i = 0; i < canaries->needles->len; i++) {
      const MemoryNeedle *needle = memory_search_nth(canaries, i);

      if (needle->found == 0)
        g_error("%s was not found: the search does not work", needle->name);
    }
    for (i = 0; i < secrets->needles->len; i++) {
      const MemoryNeedle *needle = memory_search_nth(secrets, i);

      if (needle->found != 0)
        g_error("the relay holds the %s", needle->name);
    }
    g_test_message("%u secrets, none of them there", secrets->needles->len);
  }
  memory_search_free(secrets);
  memory_search_free(canaries);
  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
  relay_process_free(relay);
}

static bool
first_is_in(RelayPeer **peers, unsigned n)
{
  WzpCallStats stats;

  (void)n;
  wzp_call_get_stats(peers[0]->call, &stats);
  return peers[0]->failed || stats.state == WZP_CALL_WAITING;
}

/* That comes in several pieces. */
static char *
long_token(const WzpRandom *random)
{
  uint8_t bytes[750];
  char *token = g_malloc(2 * sizeof bytes + 1);

  wzp_random_fill(random, bytes, sizeof bytes);
  sodium_bin2hex(token, 2 * sizeof bytes + 1, bytes, sizeof bytes);
  return token;
}

/* A token is in the relay's memory while the server is asked about it, and not a moment longer, whatever the answer. */
static void
test_token(gconstpointer mode)
{
  AuthServer *server = auth_server_new(false);
  char *folder = g_dir_make_tmp("wzp-relay-XXXXXX", NULL);
  char *config = g_build_filename(folder, "conf", NULL);
  const char *const arguments[] = {"--auth-url", auth_server_url(server), "--config", config, NULL};
  bool written = g_file_set_contents(config, "[relay]\nauth-timeout-ms=1000\n", -1, NULL);
  RelayProcess *relay = relay_process_new(arguments);
  MemorySearch *search = memory_search_new();
  WzpRandom random = wzp_random_system();
  WzpIdentity *identity = wzp_identity_new_random(&random);
  char fingerprint[WZP_FINGERPRINT_TEXT];
  char *token =
      GPOINTER_TO_UINT(mode) == AUTH_SERVER_401
          ? long_token(&random)
          : g_strconcat("of-", wzp_fingerprint_format(identity->fingerprint, fingerprint), NULL);
  RelayPeer *peer = relay_peer_new_with_token("127.0.0.1", &relay->address, "kitchen", identity,
                                              token, relay_process_key(relay), false);

  g_assert_true(written);
  memory_search_add(search, "token", token, 40);
  memory_search_add(search, "token's end", token + strlen(token) - 40, 40);
  auth_server_set_mode(server, (AuthServerMode)GPOINTER_TO_UINT(mode));
  if (GPOINTER_TO_UINT(mode) == AUTH_SERVER_SILENT) {
    while (auth_server_requests(server) == 0)
      relay_peers_run_for(&peer, 1, 20 * WZP_MSEC);
    if (memory_search_run(search, relay->pid)) /* the search works */
      g_assert_cmpuint(memory_search_found(search), >, 0);
  }
  relay_peers_run(&peer, 1, first_is_in, PATIENCE);
  g_assert_true(peer->failed == (GPOINTER_TO_UINT(mode) != AUTH_SERVER_JUDGES));
  for (WzpTime end = g_get_monotonic_time() + PATIENCE;;) {
    if (!memory_search_run(search, relay->pid)) {
      g_test_skip("this system does not let us read the memory of the relay (ptrace)");
      break;
    }
    if (memory_search_found(search) == 0)
      break;
    if (g_get_monotonic_time() > end)
      g_error("the relay still holds the token");
    relay_peers_run_for(&peer, 1, 20 * WZP_MSEC); /* the question is not quite over yet */
  }
  memory_search_free(search);
  relay_peer_free(peer);
  relay_process_free(relay);
  auth_server_free(server);
  g_unlink(config);
  g_rmdir(folder);
  g_free(config);
  g_free(folder);
  g_free(token);
}

static void
test_no_keys(void)
{
  no_keys(false);
}

static void
test_no_keys_of_a_call(void)
{
  no_keys(true);
}

int
main(int argc, char **argv)
{
#ifdef __SANITIZE_THREAD__ /* what it brings is in that memory, too: minutes of search, and no threads in it */
  puts("1..0 # SKIP searches memory");
  return 0;
#endif
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-memory/no-keys", test_no_keys);
  g_test_add_func("/relay-memory/no-keys-of-a-call", test_no_keys_of_a_call);
#ifdef __SANITIZE_ADDRESS__ /* keeps what is freed as it was */
  return g_test_run();
#endif
  g_test_add_data_func("/relay-memory/token-good", GUINT_TO_POINTER(AUTH_SERVER_JUDGES),
                       test_token);
  g_test_add_data_func("/relay-memory/token-refused", GUINT_TO_POINTER(AUTH_SERVER_401),
                       test_token);
  g_test_add_data_func("/relay-memory/token-unanswered", GUINT_TO_POINTER(AUTH_SERVER_SILENT),
                       test_token);
  return g_test_run();
}

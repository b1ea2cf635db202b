/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory-search.h"
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include "wzp/control-private.h"
#include "wzp/dial-private.h"
#include "wzp/group-private.h"
#include "wzp/seal-private.h"
#include <stdio.h>

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
  return g_test_run();
}

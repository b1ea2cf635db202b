/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "relay-process.h"
#include "wzp/call-private.h"
#include "wzp/group-private.h"
#include "wzp/seal-private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A call runs through the real relay, whose whole memory is then searched for everything that could open
 * the call: none of it may be there. That the search works is shown by what the relay does hold. */

#define PATIENCE (30 * WZP_SECOND)
#define CHUNK (1 << 20)
/* more than any secret is long: chunks overlap by it */
#define OVERLAP 64
/* AddressSanitizer reserves terabytes that hold no data of the program */
#define MAPPING_MAX ((uint64_t)1 << 30)

typedef struct {
  char *name;
  uint8_t bytes[OVERLAP];
  size_t length;
  unsigned found;
} Needle;

static void
add(GArray *needles, const char *name, unsigned member, const void *bytes, size_t length)
{
  Needle needle = {.length = length};

  g_assert_cmpuint(length, <=, OVERLAP);
  needle.name = g_strdup_printf("%s of member %u", name, member);
  memcpy(needle.bytes, bytes, length);
  g_array_append_val(needles, needle);
}

/* A base, and the keys that packets are opened with. */
static void
add_base(GArray *needles, unsigned member, const uint8_t base[32], uint32_t epoch,
         const uint8_t sid[32])
{
  WzpEpochKeys keys;

  wzp_epoch_keys_derive(&keys, base, epoch, sid);
  add(needles, "base", member, base, 32);
  add(needles, "media key", member, keys.key, sizeof keys.key);
  add(needles, "media salt", member, keys.salt, sizeof keys.salt);
}

static void
add_secrets(GArray *needles, unsigned n, const RelayPeer *peer)
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

static void
search(GArray *needles, const uint8_t *memory, size_t length)
{
  unsigned i;

  for (i = 0; i < needles->len; i++) {
    Needle *needle = &g_array_index(needles, Needle, i);

    if (memmem(memory, length, needle->bytes, needle->length) != NULL)
      needle->found++;
  }
}

static void
search_mapping(GArray *needles, int memory, uint64_t start, uint64_t end, uint64_t *searched)
{
  uint8_t *chunk = g_malloc(OVERLAP + CHUNK);
  size_t kept = 0;

  while (start < end) {
    ssize_t n = pread(memory, chunk + kept, MIN(CHUNK, end - start), (off_t)start);

    if (n <= 0)
      break; /* [vvar] and guard pages cannot be read */
    search(needles, chunk, kept + (size_t)n);
    *searched += (uint64_t)n;
    start += (uint64_t)n;
    n += (ssize_t)kept;
    kept = MIN((size_t)n, OVERLAP);
    memmove(chunk, chunk + n - kept, kept);
  }
  g_free(chunk);
}

/* False when the system does not let us look. */
static bool
search_process(GArray *needles, pid_t pid)
{
  char *maps_path = g_strdup_printf("/proc/%d/maps", (int)pid);
  char *memory_path = g_strdup_printf("/proc/%d/mem", (int)pid);
  FILE *maps = fopen(maps_path, "re");
  int memory = open(memory_path, O_RDONLY | O_CLOEXEC);
  bool allowed = maps != NULL && memory >= 0;
  uint64_t start, end, searched = 0;
  char line[1024], access[5];

  while (allowed && fgets(line, sizeof line, maps) != NULL) {
    g_assert_cmpint(
        sscanf(line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %4s", &start, &end, access),
        ==, 3);
    if (access[0] == 'r' && end - start <= MAPPING_MAX)
      search_mapping(needles, memory, start, end, &searched);
  }
  if (allowed && searched == 0)
    allowed = false;
  if (allowed)
    g_test_message("searched %u MiB", (unsigned)(searched >> 20));
  if (maps != NULL)
    fclose(maps);
  if (memory >= 0)
    close(memory);
  g_free(maps_path);
  g_free(memory_path);
  return allowed;
}

static void
clear_needle(gpointer data)
{
  g_free(((Needle *)data)->name);
}

static void
test_no_keys(void)
{
  RelayProcess *relay = relay_process_new(NULL);
  GArray *secrets = g_array_new(FALSE, FALSE, sizeof(Needle));
  GArray *canaries = g_array_new(FALSE, FALSE, sizeof(Needle));
  RelayPeer *peers[2];
  unsigned i, n;

  g_array_set_clear_func(secrets, clear_needle);
  g_array_set_clear_func(canaries, clear_needle);
  for (n = 0; n < 2; n++)
    peers[n] = relay_peer_new("127.0.0.1", &relay->address, "kitchen");
  relay_peers_run(peers, 2, relay_peers_active, PATIENCE);
  for (i = 0; i < 50; i++) {
    g_assert_cmpint(relay_peer_talk(peers[0]), ==, WZP_OK);
    g_assert_cmpint(relay_peer_talk(peers[1]), ==, WZP_OK);
  }
  relay_peers_run(peers, 2, relay_peers_heard_all, PATIENCE);

  for (n = 0; n < 2; n++) {
    add_secrets(secrets, n, peers[n]);
    add(canaries, "identity", n, peers[n]->identity->ed25519_public, 32);
    add(canaries, "hop key", n, peers[n]->call->session->hop_keys.first, 16);
    add(canaries, "room id", n, wzp_group_room_id(peers[n]->call->group), 32);
  }
  if (!search_process(canaries, relay->pid) || !search_process(secrets, relay->pid)) {
    g_test_skip("this system does not let us read the memory of the relay (ptrace)");
  } else {
    for (i = 0; i < canaries->len; i++) {
      const Needle *needle = &g_array_index(canaries, Needle, i);

      if (needle->found == 0)
        g_error("%s was not found: the search does not work", needle->name);
    }
    for (i = 0; i < secrets->len; i++) {
      const Needle *needle = &g_array_index(secrets, Needle, i);

      if (needle->found != 0)
        g_error("the relay holds the %s", needle->name);
    }
    g_test_message("%u secrets, none of them there", secrets->len);
  }
  g_array_unref(secrets);
  g_array_unref(canaries);
  relay_peer_free(peers[0]);
  relay_peer_free(peers[1]);
  relay_process_free(relay);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/relay-memory/no-keys", test_no_keys);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/relay/relay-world.h"
#include <string.h>

/* A relay under 100,000 datagrams of a second that are not what they look like, from as many addresses as anybody can
 * spoof, while a call is on: in virtual time, where the only limits are the relay's own. How fast the program is
 * is flood-gate's matter. */

#define FLOOD 100000
#define PER_TURN 2000 /* one turn is 20 ms */

typedef struct {
  RelayWorld *world;
  RelayClient *speaker, *listener;
  GRand *rand;
  GBytes *old[64]; /* the speaker's, from the beginning */
} Scene;

static void
scene_init(Scene *scene, uint32_t seed)
{
  scene->world = relay_world_new(NULL);
  scene->speaker = relay_world_join(scene->world, "kitchen");
  scene->listener = relay_world_join(scene->world, "kitchen");
  scene->rand = g_rand_new_with_seed(seed);
  for (unsigned i = 0; i < G_N_ELEMENTS(scene->old); i++) {
    scene->old[i] = relay_client_media(scene->speaker, (uint8_t)scene->speaker->slot, (uint16_t)i);
    g_assert_cmpint(relay_world_send_copy(scene->world, scene->speaker, scene->old[i]), ==, WZP_OK);
    scene->world->now += 20 * WZP_MSEC;
  }
}

static void
scene_clear(Scene *scene)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(scene->old); i++)
    g_bytes_unref(scene->old[i]);
  g_rand_free(scene->rand);
  relay_world_free(scene->world);
}

static void
fill(GRand *rand, uint8_t *data, size_t length)
{
  for (size_t i = 0; i < length; i++)
    data[i] = (uint8_t)g_rand_int(rand);
}

/* --- What comes: each returns a length --- */

typedef size_t Make(Scene *scene, uint8_t data[WZP_DATAGRAM_MAX]);

static size_t
random_bytes(Scene *scene, uint8_t *data)
{
  const size_t length = 1 + (size_t)g_rand_int_range(scene->rand, 0, 300);
  fill(scene->rand, data, length);
  return length;
}

static size_t
bad_tag(Scene *scene, uint8_t *data)
{
  const size_t length = g_bytes_get_size(scene->old[0]);
  memcpy(data, g_bytes_get_data(scene->old[0], NULL), length);
  data[2] = (uint8_t)g_rand_int(scene->rand);
  data[3] = (uint8_t)g_rand_int(scene->rand);
  return length;
}

static size_t
old_media(Scene *scene, uint8_t *data)
{
  GBytes *old = scene->old[g_rand_int_range(scene->rand, 0, G_N_ELEMENTS(scene->old))];
  memcpy(data, g_bytes_get_data(old, NULL), g_bytes_get_size(old));
  return g_bytes_get_size(old);
}

/* Well formed, with an ephemeral key that is a point like any other. */
static size_t
hello(Scene *scene, uint8_t *data)
{
  static const uint8_t head[4] = {0x40, 1, WZP_MODE_HOP, 1};
  memset(data, 0, WZP_HS1_PADDED);
  memcpy(data, head, sizeof head);
  fill(scene->rand, data + 4, 8 + 32 + 32);
  data[76] = 2;
  data[78] = 1;
  return WZP_HS1_PADDED;
}

static size_t
hello_with_cookie(Scene *scene, uint8_t *data)
{
  hello(scene, data);
  fill(scene->rand, data + 79, WZP_COOKIE_SIZE);
  return WZP_HS1_PADDED;
}

typedef struct {
  const char *name;
  Make *make;
  bool many; /* each from an address of its own; else all from a known one */
} Flood;

static const Flood floods[] = {
    {"random", random_bytes, true},       {"bad-tags", bad_tag, false},
    {"replays", old_media, true},         {"hellos", hello, true},
    {"cookies", hello_with_cookie, true}, {"hellos-of-one", hello, false},
};

static void
test_flood(gconstpointer data)
{
  const Flood *flood = data;
  Scene scene;
  unsigned said = 0;
  scene_init(&scene, 20);
  RelayWorld *world = scene.world;
  const unsigned heard = scene.listener->media.length;
  const WzpAddress one = relay_world_address(4000, 4000);
  uint64_t in = 0, out_before = world->bytes_out;
  uint64_t for_members = 0;

  for (unsigned n = 0; n < FLOOD; n++) {
    uint8_t datagram[WZP_DATAGRAM_MAX];
    const size_t length = flood->make(&scene, datagram);
    const WzpAddress from =
        flood->many ? relay_world_address(1000 + n % 60000, (uint16_t)(1024 + n / 60000)) : one;
    const uint64_t before = world->bytes_out;
    relay_world_send(world, &from, datagram, length);
    in += length;
    /* nothing is answered with more than it was */
    g_assert_cmpuint(world->bytes_out - before, <=, length);
    if (n % PER_TURN != 0)
      continue;
    const uint64_t before_media = world->bytes_out;
    g_assert_cmpint(
        relay_world_send_bytes(world, scene.speaker,
                               relay_client_media(scene.speaker, (uint8_t)scene.speaker->slot,
                                                  (uint16_t)(G_N_ELEMENTS(scene.old) + said++))),
        ==, WZP_OK);
    for_members += world->bytes_out - before_media;
    relay_world_advance(world, 20 * WZP_MSEC);
  }
  const uint64_t out = world->bytes_out - out_before - for_members;
  g_test_message("%u bytes in, %u out to strangers", (unsigned)in, (unsigned)out);
  g_assert_cmpuint(scene.listener->media.length, ==, heard + said);
  g_assert_cmpuint(out, <=, in);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 2);

  /* somebody new comes in at once, by a cookie if need be */
  RelayClient *late = relay_world_join(world, "garden");
  g_assert_true(late->connected);
  g_assert_cmpint(late->slot, >=, 0);
  scene_clear(&scene);
}

int
main(int argc, char **argv)
{
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(floods); i++) {
    g_autofree char *path = g_strdup_printf("/attack/flood/%s", floods[i].name);
    g_test_add_data_func(path, &floods[i], test_flood);
  }
  return g_test_run();
}

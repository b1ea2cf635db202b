/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/group.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A room of three whose relay does with genuine records and packets what the input says: hands them on in any order,
 * twice, late, never; one member goes, or is taken off a list of who may be there, and others come. Whatever it does, nothing opens as anything but what it was,
 * nor twice, and who left hears nothing that is said 5 s later; and when the relay is honest again, all hear all. */

#define PLACES 3
#define KEPT_MAX 64
#define QUEUE_MAX 200
#define TIME_MAX (400 * WZP_SECOND)

static const uint8_t relay_key[32] = {1};

typedef struct {
  WzpIdentity *identity;
  WzpGroup *group;
  uint8_t slot;
  GQueue records; /* GBytes, for this one */
  uint32_t spoken;
} Place;

typedef struct {
  GBytes *packet;
  unsigned from;      /* the place... */
  uint8_t slot;       /* ...as it was then */
  bool heard[PLACES]; /* by who is in the place */
} Kept;

typedef struct {
  WzpReader input;
  WzpTime now;
  WzpSeededRandom state;
  WzpRandom random;
  WzpRoomSecret secret;
  Place places[PLACES];
  uint8_t next_slot;
  WzpGroup *left; /* it hears on */
  uint8_t left_slot;
  WzpTime left_at;
  Kept kept[KEPT_MAX];
  unsigned n_kept;
} World;

static void
forget_records(Place *place)
{
  g_queue_clear_full(&place->records, (GDestroyNotify)g_bytes_unref);
}

static int
at_slot(const World *world, uint8_t slot)
{
  for (int i = 0; i < PLACES; i++)
    if (world->places[i].group != NULL && world->places[i].slot == slot)
      return i;
  return -1;
}

/* Of all identities but the n-th; n PLACES: there is no list any more. */
static void
set_lists(World *world, unsigned n)
{
  g_autoptr(WzpRoomList) list = NULL;
  for (unsigned i = 0; i < PLACES; i++) {
    WzpGroup *group = world->places[i].group;
    if (group == NULL)
      continue;
    if (list == NULL && n < PLACES) {
      list =
          wzp_room_list_new(wzp_group_room_id(group), world->places[0].identity->ed25519_public, 1);
      for (unsigned k = 0; k < PLACES; k++)
        if (k != n)
          wzp_room_list_add(list, world->places[k].identity->ed25519_public);
    }
    g_assert_cmpint(wzp_group_set_list(group, world->now, list), ==, WZP_OK);
  }
}

/* Somebody new, shown to all; the same person as before or not is no matter to the keys. */
static void
enter(World *world, unsigned n)
{
  Place *place = &world->places[n];
  if (place->group != NULL || world->next_slot >= 200)
    return;
  place->group = wzp_group_new(place->identity, &world->secret, relay_key, &world->random);
  place->slot = world->next_slot++;
  wzp_group_set_slot(place->group, place->slot);
  set_lists(world, PLACES);
  for (unsigned i = 0; i < world->n_kept; i++)
    world->kept[i].heard[n] = false;
  for (unsigned i = 0; i < PLACES; i++) {
    Place *other = &world->places[i];
    if (i == n || other->group == NULL)
      continue;
    g_assert_cmpint(wzp_group_add_member(other->group, world->now, place->slot,
                                         wzp_group_join(place->group), WZP_JOIN_BLOB_SIZE),
                    ==, WZP_OK);
    g_assert_cmpint(wzp_group_add_member(place->group, world->now, other->slot,
                                         wzp_group_join(other->group), WZP_JOIN_BLOB_SIZE),
                    ==, WZP_OK);
  }
}

static void
leave(World *world, unsigned n, bool taken_off)
{
  Place *place = &world->places[n];
  if (place->group == NULL || n == 0)
    return;
  wzp_group_free(world->left);
  world->left = place->group;
  world->left_slot = place->slot;
  world->left_at = world->now;
  place->group = NULL;
  forget_records(place);
  if (taken_off)
    set_lists(world, n);
  for (unsigned i = 0; i < PLACES; i++)
    if (world->places[i].group != NULL)
      wzp_group_remove_member(world->places[i].group, world->now, place->slot);
}

/* What they want to say to each other is now with the relay. */
static void
collect(World *world)
{
  for (unsigned i = 0; i < PLACES; i++) {
    GBytes *record;
    while (world->places[i].group != NULL &&
           (record = wzp_group_poll(world->places[i].group, world->now)) != NULL) {
      const int to = at_slot(world, ((const uint8_t *)g_bytes_get_data(record, NULL))[0]);
      if (to >= 0 && world->places[to].records.length < QUEUE_MAX)
        g_queue_push_tail(&world->places[to].records, record);
      else
        g_bytes_unref(record);
    }
    while (world->places[i].group != NULL &&
           wzp_group_next_event(world->places[i].group).type != WZP_GROUP_NONE)
      ;
  }
}

static void
give(World *world, unsigned n, GBytes *record)
{
  size_t length;
  const uint8_t *bytes = g_bytes_get_data(record, &length);
  if (world->places[n].group != NULL)
    (void)wzp_group_receive(world->places[n].group, world->now, bytes, length);
  collect(world);
}

static void
pass(World *world, WzpTime duration)
{
  const WzpTime end = MIN(world->now + duration, TIME_MAX);
  while (world->now < end) {
    world->now = MIN(world->now + 250 * WZP_MSEC, end);
    for (unsigned i = 0; i < PLACES; i++)
      if (world->places[i].group != NULL)
        wzp_group_handle_timeout(world->places[i].group, world->now);
    collect(world);
  }
}

/* True when it opened; then it is what was said. */
static bool
opens(World *world, WzpGroup *group, const Kept *kept)
{
  uint8_t plain[64];
  size_t length, plain_length;
  WzpOpened opened;
  const uint8_t *packet = g_bytes_get_data(kept->packet, &length);
  if (wzp_group_open(group, world->now, packet, length, plain, &plain_length, &opened) != WZP_OK)
    return false;
  g_assert_cmpmem(plain, plain_length, "speech", 6);
  g_assert_cmpuint(opened.header.slot, ==, kept->slot);
  return true;
}

static void
hear(World *world, unsigned n, Kept *kept)
{
  if (world->places[n].group == NULL || kept->from == n ||
      !opens(world, world->places[n].group, kept))
    return;
  g_assert_false(kept->heard[n]);
  kept->heard[n] = true;
}

/* Returns what was said, or NULL when there is nobody to hear it. who hears it at once: a bit for each place. */
static Kept *
speak(World *world, unsigned n, unsigned who)
{
  Place *place = &world->places[n];
  uint8_t packet[128];
  size_t length;
  if (place->group == NULL ||
      wzp_group_seal(place->group, 0, place->spoken++ * 20, 0, false, "speech", 6, packet,
                     sizeof packet, &length, NULL) != WZP_OK)
    return NULL;
  Kept *kept = &world->kept[world->n_kept++ % KEPT_MAX];
  g_clear_pointer(&kept->packet, g_bytes_unref);
  *kept = (Kept){.packet = g_bytes_new(packet, length), .from = n, .slot = place->slot};
  for (unsigned i = 0; i < PLACES; i++)
    if (who >> i & 1)
      hear(world, i, kept);
  if (world->left != NULL && world->now > world->left_at + 5 * WZP_SECOND)
    g_assert_false(opens(world, world->left, kept));
  return kept;
}

static void
act(World *world)
{
  const uint8_t what = wzp_reader_u8(&world->input), more = wzp_reader_u8(&world->input);
  const unsigned n = what / 8 % PLACES;
  GQueue *records = &world->places[n].records;
  GBytes *record;
  switch (what % 8) {
  case 0:
  case 1: /* the first, or another one that overtakes it */
    if ((record = g_queue_pop_nth(records, what % 8 == 0 ? 0 : more)) != NULL) {
      give(world, n, record);
      g_bytes_unref(record);
    }
    break;
  case 2: /* and once more later */
    if ((record = g_queue_peek_nth(records, more)) != NULL)
      give(world, n, record);
    break;
  case 3: /* lost */
    if ((record = g_queue_pop_nth(records, more)) != NULL)
      g_bytes_unref(record);
    break;
  case 4:
    pass(world, more * 20 * WZP_MSEC);
    break;
  case 5:
    (void)speak(world, n, more);
    collect(world);
    break;
  case 6: /* an old packet, to anybody who is there */
    if (world->n_kept > 0)
      hear(world, n, &world->kept[more % MIN(world->n_kept, KEPT_MAX)]);
    break;
  default:
    if (more % 2 == 0)
      leave(world, n, more % 4 == 2);
    else
      enter(world, n);
    collect(world);
  }
}

/* All records come, in order, for as long as a room may need. */
static void
be_honest(World *world)
{
  for (unsigned round = 0; round < 160; round++) {
    GBytes *record;
    for (unsigned i = 0; i < PLACES; i++)
      while ((record = g_queue_pop_head(&world->places[i].records)) != NULL) {
        give(world, i, record);
        g_bytes_unref(record);
      }
    world->now += 250 * WZP_MSEC;
    for (unsigned i = 0; i < PLACES; i++)
      wzp_group_handle_timeout(world->places[i].group, world->now);
    collect(world);
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  World world = {0};

  wzp_init();
  world.random = wzp_random_seeded(&world.state, 1);
  wzp_room_secret_open(&world.secret, "room");
  for (unsigned i = 0; i < PLACES; i++) {
    world.places[i].identity = wzp_identity_new_random(&world.random);
    g_queue_init(&world.places[i].records);
  }
  enter(&world, 0);
  enter(&world, 1);
  collect(&world);
  wzp_reader_init(&world.input, data, size);
  for (unsigned i = 0; i < 300 && wzp_reader_left(&world.input) >= 2; i++)
    act(&world);

  for (unsigned i = 0; i < PLACES; i++) {
    if (world.places[i].group == NULL)
      enter(&world, i);
    if (world.places[i].group == NULL) /* no slots left */
      goto done;
  }
  collect(&world);
  be_honest(&world);
  for (unsigned i = 0; i < PLACES; i++) {
    const Kept *kept = speak(&world, i, 7);
    g_assert_nonnull(kept);
    for (unsigned k = 0; k < PLACES; k++)
      g_assert_true(k == i || kept->heard[k]);
  }
done:
  for (unsigned i = 0; i < PLACES; i++) {
    forget_records(&world.places[i]);
    wzp_group_free(world.places[i].group);
    wzp_identity_free(world.places[i].identity);
  }
  for (unsigned i = 0; i < KEPT_MAX; i++)
    g_clear_pointer(&world.kept[i].packet, g_bytes_unref);
  wzp_group_free(world.left);
  return 0;
}

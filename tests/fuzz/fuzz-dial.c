/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/dial-private.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two who call each other through a relay that does what the input says: hands messages on, loses, doubles, changes
 * and keeps them, makes up some, says anything; and one of the two says anything inside, properly sealed. Whatever
 * happens, nobody rings for a call that the other one did not make, and talks only with the keys of the other. */

#define KEPT_MAX 16

typedef struct {
  WzpReader input;
  WzpTime now;
  WzpDial *dials[2];
  bool called[2];
  GBytes *kept[KEPT_MAX];
  unsigned n_kept;
} World;

static WzpIdentity *identities[2];

static void
set_up_once(void)
{
  uint8_t seed[32] = {1};
  if (identities[0] != NULL)
    return;
  wzp_init();
  identities[0] = wzp_identity_new(seed);
  seed[0]++;
  identities[1] = wzp_identity_new(seed);
}

static void
check_events(World *world)
{
  for (unsigned i = 0; i < 2; i++) {
    WzpDialEvent event;
    while ((event = wzp_dial_next_event(world->dials[i])).type != WZP_DIAL_EVENT_NONE) {
      if (event.type == WZP_DIAL_EVENT_INCOMING) {
        g_assert_true(world->called[1 - i]);
        g_assert_true(event.proven);
      }
      if (event.proven)
        g_assert_cmpmem(event.key, 32, identities[1 - i]->ed25519_public, 32);
    }
  }
}

static void
give(World *world, unsigned to, const uint8_t *data, size_t length)
{
  (void)wzp_dial_receive(world->dials[to], world->now, data, length);
  check_events(world);
}

/* One message of that one goes its way, or does not. */
static void
carry(World *world, unsigned from)
{
  GBytes *message = wzp_dial_poll(world->dials[from], world->now);
  uint8_t fate = wzp_reader_u8(&world->input);
  if (message == NULL)
    return;
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  g_assert_cmpuint(length, >, 0);
  if (fate < 0xc0)
    give(world, 1 - from, data, length);
  if (fate % 16 == 1) /* twice */
    give(world, 1 - from, data, length);
  if (fate % 16 == 2) { /* changed */
    g_autofree uint8_t *changed = g_memdup2(data, length);
    changed[wzp_reader_u8(&world->input) % length] ^= wzp_reader_u8(&world->input);
    give(world, 1 - from, changed, length);
  }
  if (fate % 16 == 3) /* back */
    give(world, from, data, length);
  if (fate % 16 >= 12) {
    GBytes **place = &world->kept[world->n_kept++ % KEPT_MAX];
    g_clear_pointer(place, g_bytes_unref);
    *place = g_bytes_ref(message);
  }
  g_bytes_unref(message);
}

static void
say_status(World *world, unsigned to, uint8_t status)
{
  WzpCallMessage message = {.kind = WZP_MESSAGE_CALL_STATUS,
                            .status = (WzpCallStatus)(status % WZP_N_CALL_STATUS)};
  const WzpLine *on = world->dials[to]->on;
  if (message.status != WZP_CALL_LISTENING && on != NULL)
    message.route = on->route;
  g_autoptr(GBytes) bytes = wzp_call_message_build(&message);
  give(world, to, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* As it wants, under the right keys. */
static void
speak_inside(World *world, unsigned from)
{
  size_t length = wzp_reader_u8(&world->input) % 40;
  const uint8_t *bytes = wzp_reader_bytes(&world->input, length);
  const WzpLine *on = world->dials[from]->on;
  if (bytes == NULL || on == NULL || on->control == NULL)
    return;
  (void)wzp_control_send(on->control, bytes, length);
}

static void
speak(World *world, unsigned from)
{
  const WzpSealRequest request = {.code = wzp_reader_u8(&world->input) % 15};
  uint8_t packet[100], plain[100];
  size_t length, plain_length;
  WzpOpened opened;
  if (wzp_dial_seal(world->dials[from], world->now, &request, false, 3, "x", 1, packet,
                    sizeof packet, &length, NULL) != WZP_OK)
    return;
  if (wzp_dial_open(world->dials[1 - from], world->now, packet, length, plain, &plain_length,
                    &opened) == WZP_OK)
    g_assert_true(plain_length == 1 && plain[0] == 'x');
}

static void
want(World *world, unsigned who, uint8_t what)
{
  WzpDial *dial = world->dials[who];
  switch (what % 8) {
  case 0:
    if (wzp_dial_call(dial, world->now, identities[1 - who]->fingerprint, NULL) == WZP_OK)
      world->called[who] = true;
    break;
  case 1:
    (void)wzp_dial_accept(dial, world->now, NULL, (WzpAcceptMode)(what / 8 % 3));
    break;
  case 2:
    (void)wzp_dial_decline(dial, world->now, NULL, (WzpCallEnd)(what / 8 % WZP_N_ENDS));
    break;
  case 3:
    (void)wzp_dial_hang_up(dial, world->now, NULL);
    break;
  case 4:
    (void)wzp_dial_hold(dial, what & 8);
    break;
  case 5:
    (void)wzp_dial_mute(dial, what & 8);
    break;
  case 6:
    wzp_dial_set_connected(dial, world->now, what & 8);
    break;
  default:
    wzp_dial_set_mode(dial, (WzpAcceptMode)(what / 8 % 3));
    break;
  }
  check_events(world);
}

static void
pass_time(World *world, uint8_t amount)
{
  static const WzpTime steps[] = {10 * WZP_MSEC, WZP_SECOND, 5 * WZP_SECOND, 100 * WZP_SECOND};
  world->now += steps[amount % G_N_ELEMENTS(steps)];
  for (unsigned i = 0; i < 2; i++)
    if (world->now >= wzp_dial_next_timeout(world->dials[i]))
      wzp_dial_handle_timeout(world->dials[i], world->now);
  check_events(world);
}

static void
step(World *world)
{
  uint8_t what = wzp_reader_u8(&world->input);
  unsigned who = what & 1;
  const uint8_t *bytes;
  size_t length;
  GBytes *kept;
  switch (what / 2 % 9) {
  case 0:
  case 1:
    carry(world, who);
    break;
  case 2:
    want(world, who, wzp_reader_u8(&world->input));
    break;
  case 3:
    pass_time(world, wzp_reader_u8(&world->input));
    break;
  case 4:
    say_status(world, who, wzp_reader_u8(&world->input));
    break;
  case 5:
    speak_inside(world, who);
    break;
  case 6:
    speak(world, who);
    break;
  case 7:
    kept = world->kept[wzp_reader_u8(&world->input) % KEPT_MAX];
    if (kept != NULL) {
      bytes = g_bytes_get_data(kept, &length);
      give(world, who, bytes, length);
    }
    break;
  default:
    length = wzp_reader_u8(&world->input);
    length = MIN(length, wzp_reader_left(&world->input));
    bytes = wzp_reader_bytes(&world->input, length);
    give(world, who, bytes, length);
    break;
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  World world = {.now = WZP_SECOND};
  WzpSeededRandom random[2];
  set_up_once();
  wzp_reader_init(&world.input, data, size);
  for (unsigned i = 0; i < 2; i++) {
    const WzpDialConfig config = {.identity = identities[i],
                                  .mode = WZP_ACCEPT_TRUSTED,
                                  .random = wzp_random_seeded(&random[i], i)};
    world.dials[i] = wzp_dial_new(&config);
    wzp_dial_set_connected(world.dials[i], world.now, true);
  }
  while (wzp_reader_left(&world.input) > 0 && !world.input.failed)
    step(&world);
  for (unsigned i = 0; i < 2; i++)
    wzp_dial_free(world.dials[i]);
  for (unsigned i = 0; i < KEPT_MAX; i++)
    g_clear_pointer(&world.kept[i], g_bytes_unref);
  return 0;
}

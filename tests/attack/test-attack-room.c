/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/core/room-model.h"
#include <string.h>

/* A8: members who left and a relay that kept everything; newcomers who are given all that was before. Everything
 * that the network carried is shown to them, in order and again. */

#define MEMBERS 5
#define LEAVE_LIMIT (5 * WZP_SECOND)

/* How many of the packets from..to, of others than `slot`'s owner, this group opens. */
static unsigned
opens(RoomModel *model, WzpGroup *group, uint8_t own_slot, unsigned from, unsigned to)
{
  unsigned n = 0;
  for (unsigned i = from; i < to; i++) {
    uint8_t plain[WZP_DATAGRAM_MAX];
    size_t length, plain_length;
    WzpOpened opened;
    const uint8_t *packet = g_bytes_get_data(g_ptr_array_index(model->media, i), &length);
    if (packet[1] != own_slot)
      n += wzp_group_open(group, model->now, packet, length, plain, &plain_length, &opened) ==
           WZP_OK;
  }
  return n;
}

static void
join(RoomModel *model, unsigned n)
{
  room_model_join(model, n, "kitchen");
  wzp_group_set_max_members(model->clients[n].group, MEMBERS);
  model->clients[n].talking = true;
}

static RoomModel *
talking_room(unsigned loss_percent)
{
  RoomModel *model = room_model_new();
  model->loss_percent = loss_percent;
  model->delay = 100 * WZP_MSEC;
  model->jitter = 30 * WZP_MSEC;
  model->keep_media = true;
  for (unsigned n = 0; n < 3; n++)
    join(model, n);
  room_model_run(model, 10 * WZP_SECOND);
  return model;
}

/* What those who stay say to each other is lost from now on: keys, and the word that they came. */
static bool
withhold(void *user, unsigned from, unsigned to)
{
  (void)user;
  (void)from;
  (void)to;
  return true;
}

/* Whether the goodbye is said or not; nobody's word but the relay's, and the relay keeps the copies. It may also keep what
 * would let the others change their keys at once: then they do so in 5 s all the same. */
static void
test_left(void)
{
  enum { VANISHES, SAYS_GOODBYE, RELAY_WITHHOLDS, N_WAYS };
  for (unsigned way = 0; way < N_WAYS; way++) {
    RoomModel *model = talking_room(30);
    const RoomClient *left = &model->clients[1];
    const unsigned before = model->media->len;
    /* its ear is good: of what it missed so far it opens what it is shown, as far as its window goes back */
    g_assert_cmpuint(opens(model, left->group, left->slot, before - 200, before), >, 10);
    room_model_leave(model, 1, way == SAYS_GOODBYE);
    if (way == RELAY_WITHHOLDS) {
      room_model_run(model, model->delay + 10 * model->jitter); /* until all heard of it */
      model->drop_record = withhold;
    }
    room_model_run(model, LEAVE_LIMIT);
    const unsigned after = model->media->len;
    room_model_run(model, 20 * WZP_SECOND);
    model->drop_record = NULL;
    join(model, 3); /* somebody new: another change */
    room_model_run(model, 20 * WZP_SECOND);
    g_assert_cmpuint(model->media->len - after, >, 2000);
    const unsigned soon = opens(model, left->group, left->slot, before, after);
    g_assert_cmpuint(soon, >, 0); /* what the 5 s are for */
    for (unsigned again = 0; again < 2; again++)
      g_assert_cmpuint(opens(model, left->group, left->slot, after, model->media->len), ==, 0);
    /* those who stayed are heard */
    g_assert_cmpuint(model->clients[0].opened, >, 1000);
    room_model_free(model);
  }
}

static void
test_joined(void)
{
  RoomModel *model = talking_room(10);
  const unsigned before = model->media->len;
  join(model, 3);
  room_model_run(model, 20 * WZP_SECOND);
  const RoomClient *newcomer = &model->clients[3];
  g_assert_cmpuint(newcomer->opened, >, 500);
  g_assert_cmpuint(before, >, 800);
  g_assert_cmpuint(opens(model, newcomer->group, newcomer->slot, 0, before), ==, 0);
  /* its ear is good: of what got lost later it opens some */
  g_assert_cmpuint(opens(model, newcomer->group, newcomer->slot, before, model->media->len), >, 10);
  room_model_free(model);
}

/* Gone and back, under the same identity: the time between stays closed. */
static void
test_between(void)
{
  RoomModel *model = talking_room(10);
  room_model_leave(model, 1, true);
  room_model_run(model, LEAVE_LIMIT);
  const unsigned from = model->media->len;
  room_model_run(model, 20 * WZP_SECOND);
  const unsigned to = model->media->len;
  room_model_rejoin(model, 3, 1, "kitchen");
  wzp_group_set_max_members(model->clients[3].group, MEMBERS);
  room_model_run(model, 20 * WZP_SECOND);
  g_assert_cmpuint(model->clients[3].opened, >, 1000);
  g_assert_cmpuint(to - from, >, 1500);
  g_assert_cmpuint(opens(model, model->clients[3].group, model->clients[3].slot, from, to), ==, 0);
  g_assert_cmpuint(opens(model, model->clients[1].group, model->clients[1].slot, from, to), ==, 0);
  room_model_free(model);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/attack/room/left", test_left);
  g_test_add_func("/attack/room/joined", test_joined);
  g_test_add_func("/attack/room/between", test_between);
  return g_test_run();
}

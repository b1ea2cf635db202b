/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pair-recorder.h"
#include "room-model.h"
#include <string.h>

#define ROOM "kitchen"

static void
assert_all_hear(RoomModel *model, unsigned n_clients, WzpTime within)
{
  for (unsigned n = 0; n < n_clients; n++) {
    if (model->clients[n].in_use)
      g_assert_cmpint(model->now - model->clients[n].last_opened, <=, within);
  }
}

static void
test_lossy_room(void)
{
  RoomModel *model = room_model_new();
  RoomClient *a = &model->clients[0], *b = &model->clients[1];

  model->loss_percent = 30;
  model->jitter = 60 * WZP_MSEC;
  a->talking = b->talking = false;
  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  a->talking = b->talking = true;
  room_model_run(model, 60 * WZP_SECOND);
  for (unsigned n = 0; n < 2; n++) {
    RoomClient *client = &model->clients[n];
    g_assert_cmpuint(client->confirmed, ==, 1);
    g_assert_cmpuint(client->ready, ==, 1);
    g_assert_cmpuint(client->left, ==, 0);
    g_assert_cmpuint(client->sealed, >, 2700);
    g_assert_cmpuint(client->opened, >, client->sealed * 6 / 10);
    /* all that arrives opens; at the very end some is under way */
    /* came before its key, or the word who is there */
    unsigned early = client->results[WZP_NO_KEY] + client->results[WZP_UNKNOWN_SENDER];
    g_assert_cmpuint(client->opened + early + 20, >=, client->arrived);
    g_assert_cmpuint(early, <=, 80);
    g_assert_cmpuint(client->results[WZP_BAD_TAG] + client->results[WZP_REPLAYED], ==, 0);
  }
  room_model_free(model);
}

static void
test_leave_and_rejoin(void)
{
  RoomModel *model = room_model_new();
  RoomClient *a = &model->clients[0];
  uint8_t plain[200];
  size_t length, plain_length;
  WzpOpened opened;

  model->keep_media = true;
  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  a->talking = true;
  room_model_run(model, 10 * WZP_SECOND);
  g_assert_cmpuint(model->clients[1].opened, >, 400);
  unsigned before_leave = model->media->len;

  room_model_leave(model, 1, true);
  room_model_run(model, 5 * WZP_SECOND);
  g_assert_cmpuint(a->left, ==, 1);
  g_assert_cmpuint(wzp_group_n_members(a->group), ==, 0);
  unsigned sealed = a->sealed;
  room_model_run(model, 5 * WZP_SECOND);
  g_assert_cmpuint(a->sealed, ==, sealed); /* nobody to speak to */
  unsigned after_leave = model->media->len;
  g_assert_cmpuint(after_leave - before_leave, <, 10);

  room_model_rejoin(model, 2, 1, ROOM);
  model->clients[2].talking = true;
  room_model_run(model, 10 * WZP_SECOND);
  g_assert_cmpuint(a->confirmed, ==, 2);
  g_assert_cmpuint(model->clients[2].opened, >, 400);
  g_assert_cmpuint(a->opened, >, 400);

  /* the one who left reads nothing of what came after, the one who came nothing of before */
  unsigned own = 0;
  for (unsigned i = 0; i < model->media->len; i++) {
    const uint8_t *packet = g_bytes_get_data(g_ptr_array_index(model->media, i), &length);
    if (packet[1] != a->slot)
      continue;
    if (i >= after_leave)
      g_assert_cmpint(wzp_group_open(model->clients[1].group, model->now, packet, length, plain,
                                     &plain_length, &opened),
                      !=, WZP_OK);
    else if (i < before_leave)
      g_assert_cmpint(wzp_group_open(model->clients[2].group, model->now, packet, length, plain,
                                     &plain_length, &opened),
                      !=, WZP_OK);
    own++;
  }
  g_assert_cmpuint(own, >, 800);
  room_model_free(model);
}

static void
test_relay_restart(void)
{
  RoomModel *model = room_model_new();
  WzpTime slowest = 0;
  unsigned new_epochs = 0;

  model->loss_percent = 10;
  model->jitter = 20 * WZP_MSEC;
  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  model->clients[0].talking = model->clients[1].talking = true;
  room_model_run(model, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 30; i++) {
    uint8_t slots[] = {model->clients[0].slot, model->clients[1].slot};
    uint32_t epochs[] = {wzp_sender_epoch(model->clients[0].group->sender),
                         wzp_sender_epoch(model->clients[1].group->sender)};
    /* slots are given anew from the start, so that they often change owner */
    model->next_slot = slots[room_model_draw(model, 2)] - 1u;
    room_model_restart_relay(model);
    WzpTime killed = model->now;
    room_model_run(model, 3 * WZP_SECOND);
    for (unsigned n = 0; n < 2; n++) {
      g_assert_cmpint(model->clients[n].last_opened, >, killed + 1500 * WZP_MSEC);
      slowest = MAX(slowest, model->now - model->clients[n].last_opened);
      new_epochs += wzp_sender_epoch(model->clients[n].group->sender) - epochs[n];
    }
    room_model_run(model, room_model_draw(model, 40) * WZP_SECOND);
    assert_all_hear(model, 2, 200 * WZP_MSEC);
  }
  g_assert_cmpuint(new_epochs, <=, 2 * (model->now / (600 * WZP_SECOND))); /* by time alone */
  for (unsigned n = 0; n < 2; n++) {
    g_assert_cmpuint(model->clients[n].left, ==, 0);
    g_assert_cmpuint(model->clients[n].confirmed, ==, 1);
  }
  room_model_free(model);
}

/* Restarts that hit while keys are under way. */
static void
test_restart_while_joining(void)
{
  for (unsigned run = 0; run < 60; run++) {
    RoomModel *model = room_model_new();
    model->jitter = 20 * WZP_MSEC;
    room_model_join(model, 0, ROOM);
    room_model_join(model, 1, ROOM);
    model->clients[0].talking = model->clients[1].talking = true;
    room_model_run(model, room_model_draw(model, 600) * WZP_MSEC);
    room_model_restart_relay(model);
    room_model_run(model, 6 * WZP_SECOND);
    g_assert_cmpuint(model->clients[0].opened, >, 50);
    g_assert_cmpuint(model->clients[1].opened, >, 50);
    assert_all_hear(model, 2, 200 * WZP_MSEC);
    room_model_free(model);
  }
}

static void
test_relay_restart_without_return(void)
{
  RoomModel *model = room_model_new();

  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  model->clients[0].talking = model->clients[1].talking = true;
  room_model_run(model, 5 * WZP_SECOND);
  model->clients[1].in_use = false;
  room_model_restart_relay(model);
  room_model_run(model, 20 * WZP_SECOND);
  g_assert_cmpuint(model->clients[0].left, ==, 0);
  room_model_run(model, 15 * WZP_SECOND);
  g_assert_cmpuint(model->clients[0].left, ==, 1);
  g_assert_cmpuint(wzp_sender_epoch(model->clients[0].group->sender), ==, 1);

  /* and in a room without another place, whoever comes first is let in without waiting for 30 s */
  wzp_group_set_max_members(model->clients[0].group, 2);
  room_model_join(model, 2, ROOM);
  room_model_run(model, 5 * WZP_SECOND);
  g_assert_cmpuint(model->clients[2].opened, >, 200);
  model->clients[2].in_use = false;
  room_model_restart_relay(model);
  room_model_run(model, 4 * WZP_SECOND);
  room_model_join(model, 3, ROOM);
  room_model_run(model, 4 * WZP_SECOND);
  g_assert_cmpuint(model->clients[0].left, ==, 2);
  g_assert_cmpuint(model->clients[3].opened, >, 150);
  room_model_free(model);
}

/* The relay lost one leg and told the other so; the same JOIN comes back. */
static void
test_leg_lost(void)
{
  RoomModel *model = room_model_new();
  RoomClient *a = &model->clients[0], *b = &model->clients[1];

  room_model_join(model, 0, ROOM);
  room_model_join(model, 1, ROOM);
  a->talking = b->talking = true;
  room_model_run(model, 10 * WZP_SECOND);
  for (unsigned i = 0; i < 20; i++) {
    room_model_lose_leg(model, 1, room_model_draw(model, 3000) * WZP_MSEC);
    room_model_run(model, 5 * WZP_SECOND);
    assert_all_hear(model, 2, 100 * WZP_MSEC);
    g_assert_cmpuint(a->left, ==, i + 1);
    g_assert_cmpuint(a->confirmed, ==, i + 2);
  }
  room_model_free(model);
}

static bool
drop_some(void *user, unsigned from, unsigned to)
{
  RoomModel *model = user;
  (void)from;
  (void)to;
  return room_model_draw(model, 4) == 0;
}

/* Everything at once, for long: joins, leaves, crashes, restarts, wraps, lost records, up to five in
 * the room. No pair repeats (--wrap), nobody ever opens what was not meant for it, and when the storm
 * ends all hear all. */
static void
test_churn(void)
{
  unsigned opened = 0, bad = 0, wraps = 0;

  for (unsigned run = 0; run < 10; run++) {
    RoomModel *model = room_model_new();
    unsigned n_clients = run % 2 == 0 ? 2 : 5;
    bool long_talk = false;

    model->loss_percent = room_model_draw(model, 71);
    model->delay = (5 + room_model_draw(model, 300)) * WZP_MSEC;
    model->jitter = room_model_draw(model, 60) * WZP_MSEC;
    model->drop_record = drop_some;
    model->drop_user = model;
    for (unsigned step = 0; step < 60; step++) {
      unsigned n = room_model_draw(model, n_clients);
      RoomClient *client = &model->clients[n];
      switch (room_model_draw(model, 8)) {
      case 0:
      case 1:
      case 2:
        if (!client->in_use) {
          if (client->identity != NULL && room_model_draw(model, 2) == 0)
            room_model_rejoin(model, n, n, ROOM);
          else
            room_model_join(model, n, ROOM);
        }
        client->talking = room_model_draw(model, 5) > 0;
        break;
      case 3:
        if (client->in_use)
          room_model_leave(model, n, room_model_draw(model, 2) == 0);
        break;
      case 4:
        if (room_model_draw(model, 4) == 0)
          room_model_restart_relay(model);
        break;
      case 5:
        if (client->in_use && client->joined)
          room_model_lose_leg(model, n, room_model_draw(model, 4000) * WZP_MSEC);
        break;
      case 6:
        if (client->in_use && !long_talk) { /* hours of talk that got lost */
          unsigned loss = model->loss_percent;
          uint32_t epoch = wzp_sender_epoch(client->group->sender);
          model->loss_percent = 100;
          for (unsigned i = 0; i < 66000 && room_model_speak(model, n); i++)
            long_talk = true;
          model->loss_percent = loss;
          if (wzp_sender_epoch(client->group->sender) != epoch)
            wraps++;
        }
        break;
      default:
        break;
      }
      room_model_run(model, room_model_draw(model, 5000) * WZP_MSEC);
    }
    /* quiet: everybody is in, nothing is lost any more */
    model->drop_record = NULL;
    model->loss_percent = 0;
    for (unsigned n = 0; n < n_clients; n++) {
      if (!model->clients[n].in_use)
        room_model_join(model, n, ROOM);
      model->clients[n].talking = true;
    }
    room_model_run(model, 60 * WZP_SECOND);
    unsigned before[ROOM_CLIENTS], tags[ROOM_CLIENTS];
    for (unsigned n = 0; n < n_clients; n++) {
      RoomClient *client = &model->clients[n];
      before[n] = client->opened;
      tags[n] = client->results[WZP_BAD_TAG] + client->results[WZP_NO_KEY];
      g_assert_cmpuint(wzp_group_n_members(client->group), ==, n_clients - 1);
    }
    room_model_run(model, 10 * WZP_SECOND);
    for (unsigned n = 0; n < n_clients; n++) {
      RoomClient *client = &model->clients[n];
      g_assert_cmpuint(client->opened - before[n], >=, (n_clients - 1) * 490);
      g_assert_cmpuint(client->results[WZP_BAD_TAG] + client->results[WZP_NO_KEY], ==, tags[n]);
      opened += client->opened;
      bad += tags[n];
    }
    room_model_free(model);
  }
  g_test_message("%u opened, %u without the right key, %u wraps, %u pairs", opened, bad, wraps,
                 pair_recorder_count());
  g_assert_cmpuint(opened, >, 50000);
  g_assert_cmpuint(wraps, >=, 5);
  g_assert_cmpuint(bad * 20, <, opened);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/room/lossy-room", test_lossy_room);
  g_test_add_func("/room/leave-and-rejoin", test_leave_and_rejoin);
  g_test_add_func("/room/relay-restart", test_relay_restart);
  g_test_add_func("/room/restart-while-joining", test_restart_while_joining);
  g_test_add_func("/room/relay-restart-without-return", test_relay_restart_without_return);
  g_test_add_func("/room/leg-lost", test_leg_lost);
  g_test_add_func("/room/churn", test_churn);
  int result = g_test_run();
  pair_recorder_clear();
  return result;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rooms that are closed. With a list: who is on it talks, whoever else the relay lets in gets nothing, and a newer file counts at
 * once. With a passphrase. */
#include "call-rig.h"
#include "wzp/group.h"
#include "wzp/keyfile.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#define LINE                                                                                       \
  "wzpsrc name=in uri=wzp://127.0.0.1:%u/room KNOWN %s ! wzpcrypt ! "                              \
  "fakesink name=heard signal-handoffs=true async=false " RIG_BUNDLES " ! wzpcrypt ! wzpsink"

enum { ANN, BOB, EVE, N_PEOPLE };

typedef struct {
  RigRelay *relay;
  WzpIdentity *people[N_PEOPLE];
  uint8_t room_id[32];
  char *list, *memory;
} World;

static char *
path_of(unsigned who)
{
  const char *names[] = {"ann", "bob", "eve"};
  return rig_path(names[who]);
}

static void
set_up(World *world, gconstpointer data)
{
  (void)data;
  WzpRandom random = wzp_random_system();
  WzpRoomSecret secret;
  rig_set_up();
  world->relay = rig_relay_start("relay", 0);
  for (unsigned i = 0; i < N_PEOPLE; i++) {
    g_autofree char *path = path_of(i);
    world->people[i] = wzp_identity_load(path, &random, NULL);
    g_assert_nonnull(world->people[i]);
  }
  g_autofree char *relay_path = rig_path("relay");
  WzpIdentity *relay = wzp_identity_load(relay_path, NULL, NULL);
  wzp_room_secret_open(&secret, "room");
  wzp_room_id(world->room_id, &secret, relay->ed25519_public);
  wzp_identity_free(relay);
  world->list = rig_path("list");
  world->memory = rig_path("known-lists");
}

static void
tear_down(World *world, gconstpointer data)
{
  (void)data;
  rig_relay_kill(world->relay);
  for (unsigned i = 0; i < N_PEOPLE; i++)
    wzp_identity_free(world->people[i]);
  g_free(world->list);
  g_free(world->memory);
  rig_tear_down();
}

/* Those whose bit is set; signer N_PEOPLE: nobody. */
static void
write_list(const World *world, uint64_t version, unsigned bits, unsigned signer)
{
  const WzpIdentity *owner = world->people[signer < N_PEOPLE ? signer : ANN];
  g_autoptr(WzpRoomList) list = wzp_room_list_new(world->room_id, owner->ed25519_public, version);
  for (unsigned i = 0; i < N_PEOPLE; i++)
    if (bits & (1u << i))
      wzp_room_list_add(list, world->people[i]->ed25519_public);
  if (signer < N_PEOPLE)
    g_assert_true(wzp_room_list_sign(list, owner));
  g_autofree char *text = wzp_room_list_format(list);
  g_assert_true(g_file_set_contents(world->list, text, -1, NULL));
}

/* The words of a launch line for a person who goes by the list, with a memory of his own. */
static char *
by_list(const World *world, unsigned who)
{
  char owner[WZP_FINGERPRINT_TEXT];
  g_autofree char *identity = path_of(who);
  return g_strdup_printf(
      "identity=%s list=%s list-owner=%s known-lists=%s-%u", identity, world->list,
      wzp_fingerprint_format(world->people[ANN]->fingerprint, owner), world->memory, who);
}

static GstElement *
play(const World *world, unsigned who)
{
  g_autofree char *words = by_list(world, who);
  return rig_play(LINE, rig_relay_port(world->relay), words);
}

/* Until the message about this person comes that says so. */
static void
wait_peer(const World *world, GstElement *pipeline, unsigned who, gboolean present, gboolean listed)
{
  char text[WZP_FINGERPRINT_TEXT];
  wzp_fingerprint_format(world->people[who]->fingerprint, text);
  for (;;) {
    g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-peer", NULL);
    const GstStructure *structure = gst_message_get_structure(message);
    gboolean is_present, is_listed;
    g_assert_true(gst_structure_get(structure, "present", G_TYPE_BOOLEAN, &is_present, "listed",
                                    G_TYPE_BOOLEAN, &is_listed, NULL));
    if (strcmp(gst_structure_get_string(structure, "fingerprint"), text) != 0)
      continue;
    /* nobody is a member here who was not to be */
    g_assert_true(is_listed == listed || who != EVE);
    if (is_present == present && is_listed == listed)
      return;
  }
}

static void
wait_version(GstElement *pipeline, guint64 version, guint members)
{
  g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-room-list", NULL);
  guint64 is_version;
  guint are_members;
  g_assert_true(gst_structure_get(gst_message_get_structure(message), "version", G_TYPE_UINT64,
                                  &is_version, "members", G_TYPE_UINT, &are_members, NULL));
  g_assert_cmpuint(is_version, ==, version);
  g_assert_cmpuint(are_members, ==, members);
}

static void
test_call(World *world, gconstpointer data)
{
  (void)data;
  g_autofree char *eve_path = path_of(EVE), *eve_words = g_strconcat("identity=", eve_path, NULL);
  write_list(world, 1, 1 << ANN | 1 << BOB, ANN);
  GstElement *ann = play(world, ANN);
  wait_version(ann, 1, 2);
  GstElement *eve = rig_play(LINE, rig_relay_port(world->relay), eve_words);
  wait_peer(world, ann, EVE, TRUE, FALSE);
  GstElement *bob = play(world, BOB);
  wait_peer(world, bob, EVE, TRUE, FALSE);
  wait_peer(world, ann, BOB, TRUE, TRUE);
  rig_wait_buffers(ann, "heard", 20);
  rig_wait_buffers(bob, "heard", 20);
  /* the relay gives her all packets, and nobody gave her a key */
  g_assert_cmpuint(rig_counter(eve, "in", "packets-received"), >, 0);
  g_assert_cmpuint(rig_counter(eve, "in", "packets-opened"), ==, 0);

  write_list(world, 2, 1 << ANN, ANN);
  wait_version(ann, 2, 1);
  wait_peer(world, ann, BOB, FALSE, TRUE);
  rig_wait_error(bob, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "taken off the list");

  /* what is no better does not count */
  write_list(world, 1, 1 << ANN | 1 << BOB, ANN);
  rig_wait_warning(ann, "version 2 was seen");
  write_list(world, 3, 1 << ANN | 1 << EVE, N_PEOPLE);
  rig_wait_warning(ann, "not signed yet");
  write_list(world, 3, 1 << ANN | 1 << EVE, EVE);
  rig_wait_warning(ann, "is signed by");
  write_list(world, 3, 1 << ANN | 1 << EVE, ANN);
  wait_version(ann, 3, 2);
  rig_wait_buffers(eve, "heard", 1);
  rig_stop(ann);
  rig_stop(bob);
  rig_stop(eve);
}

static void
expect_refusal(const World *world, unsigned who, int code, const char *words)
{
  GstElement *pipeline = play(world, who);
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, code, words);
  rig_stop(pipeline);
}

static void
test_refusals(World *world, gconstpointer data)
{
  (void)data;
  int refused = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
  expect_refusal(world, ANN, refused, "No such file");
  write_list(world, 1, 1 << ANN, N_PEOPLE);
  expect_refusal(world, ANN, refused, "STOP: The list of the room cannot be used");
  write_list(world, 1, 1 << ANN | 1 << EVE, EVE);
  expect_refusal(world, ANN, refused, "the owner of the room is");
  write_list(world, 5, 1 << ANN, ANN);
  expect_refusal(world, BOB, refused, "Your own key is not on the list");
  GstElement *ann = play(world, ANN);
  rig_wait_state(ann, NULL, "waiting");
  rig_stop(ann);
  write_list(world, 4, 1 << ANN | 1 << BOB, ANN);
  expect_refusal(world, ANN, refused, "version 5 was seen");

  /* another room's, where the relay's key is known, and where it is not */
  world->room_id[0] ^= 1;
  write_list(world, 6, 1 << ANN, ANN);
  expect_refusal(world, ANN, refused, "of another room");
  g_autofree char *known = rig_path("known-relays");
  g_unlink(known);
  expect_refusal(world, ANN, refused, "of another room");
}

/* Whoever says the same passphrase, from a file or as a property, meets; the relay's name for the room is another. */
static void
test_passphrase(World *world, gconstpointer data)
{
  (void)data;
  unsigned port = rig_relay_port(world->relay);
  g_autofree char *path = rig_path("passphrase");
  g_assert_true(g_file_set_contents(path, "short but right\n", -1, NULL));
  g_chmod(path, 0600);
  GstElement *open_room =
      rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u/room KNOWN ! fakesink", port);
  rig_wait_state(open_room, "in", "waiting");
  GstElement *a =
      rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u/room#passphrase "
               "room-passphrase-file=%s KNOWN ! wzpcrypt ! "
               "fakesink name=heard signal-handoffs=true " RIG_BUNDLES " ! wzpcrypt ! wzpsink",
               port, path);
  rig_wait_warning(a, "guess");
  GstElement *b =
      rig_parse("wzpsrc name=in uri=wzp://127.0.0.1:%u/room KNOWN ! wzpcrypt ! "
                "fakesink name=heard signal-handoffs=true " RIG_BUNDLES " ! wzpcrypt ! wzpsink",
                port);
  g_autoptr(GstElement) in = gst_bin_get_by_name(GST_BIN(b), "in");
  g_object_set(in, "room-passphrase", "short but right", NULL);
  gst_element_set_state(b, GST_STATE_PLAYING);
  rig_wait_buffers(a, "heard", 5);
  rig_wait_buffers(b, "heard", 5);
  g_assert_cmpuint(rig_counter(open_room, "in", "packets-received"), ==, 0);
  rig_stop(a);
  rig_stop(b);
  rig_stop(open_room);
}

static void
test_mistakes(World *world, gconstpointer data)
{
  static const struct {
    const char *line, *words;
    int code;
  } cases[] = {
      {"wzpsrc uri=wzp://127.0.0.1:9/a KNOWN ! fakesink " RIG_BUNDLES " ! wzpcrypt ! wzpsink "
       " uri=wzp://127.0.0.1:9/a room-passphrase=12345678 KNOWN",
       "the room's passphrase", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/a#passphrase KNOWN ! fakesink", "ask who sent the link",
       GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/a#00000000000000000000000000000000 "
       "room-passphrase=12345678 KNOWN ! fakesink",
       "not by both", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/a room-passphrase=12345678 room-passphrase-file=x "
       "KNOWN ! fakesink",
       "set one", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/a KNOWN ! fakesink " RIG_BUNDLES " ! wzpcrypt ! wzpsink "
       " room-passphrase=12345678",
       "whose uri names the room", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9 key-file=k room-passphrase=12345678 ! fakesink",
       "whose uri names the room", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/a room-passphrase=1234567 KNOWN ! fakesink", "fewer than 8",
       GST_RESOURCE_ERROR_NOT_AUTHORIZED},
      {"wzpsrc uri=wzp://127.0.0.1:9/a room-passphrase-file=/none KNOWN ! fakesink", "no such file",
       GST_RESOURCE_ERROR_NOT_AUTHORIZED},
      {"wzpsrc uri=wzp://127.0.0.1:9/a?room-passphrase-file=/etc/hostname ! fakesink",
       "must not set 'room-passphrase-file'", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r KNOWN list=l ! fakesink", "go together",
       GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r KNOWN list-owner=o ! fakesink", "go together",
       GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r KNOWN list=l list-owner=Nobody ! fakesink",
       "neither the name of a contact nor a fingerprint", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r KNOWN ! fakesink " RIG_BUNDLES
       " ! wzpcrypt ! wzpsink list=l list-owner=o",
       "whose uri names the room", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9 key-file=k list=l list-owner=o ! fakesink",
       "whose uri names the room", GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r?list-owner=o ! fakesink", "must not set 'list-owner'",
       GST_RESOURCE_ERROR_SETTINGS},
      {"wzpsrc uri=wzp://127.0.0.1:9/r KNOWN list=l list-owner=o ! fakesink " RIG_BUNDLES
       " ! wzpcrypt ! wzpsink uri=wzp://127.0.0.1:9/r KNOWN",
       "contradict each other in the room's list", GST_RESOURCE_ERROR_SETTINGS},
  };
  (void)world, (void)data;
  for (unsigned n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_test_message("%s", cases[n].line);
    GstElement *pipeline = rig_play("%s", cases[n].line);
    rig_wait_error(pipeline, GST_RESOURCE_ERROR, cases[n].code, cases[n].words);
    rig_stop(pipeline);
  }
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  wzp_init();
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add("/session-list/" name, World, NULL, set_up, function, tear_down)
  ADD("call", test_call);
  ADD("refusals", test_refusals);
  ADD("passphrase", test_passphrase);
  ADD("mistakes", test_mistakes);
  return g_test_run();
}

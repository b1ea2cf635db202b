/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whom one meets in rooms: the contacts know them the next time, a room for two stops when another one comes, and whom one
 * trusts with a direct path. */
#include "call-rig.h"
#include "wzp/contacts.h"
#include "wzp/keyfile.h"
#include <string.h>

#define LIVE "audiotestsrc is-live=true samplesperbuffer=480"

enum { ANN, BOB, EVE, N_PEOPLE };
static const char *const names[] = {"Ann", "Bob", "Eve"};

typedef struct {
  RigRelay *relay;
  uint8_t keys[N_PEOPLE][32];
} World;

static void
set_up(World *world, gconstpointer data)
{
  (void)data;
  WzpRandom random = wzp_random_system();
  rig_set_up();
  world->relay = rig_relay_start("relay", 0);
  for (unsigned i = 0; i < N_PEOPLE; i++) {
    g_autofree char *path = rig_path(names[i]);
    WzpIdentity *identity = wzp_identity_load(path, &random, NULL);
    memcpy(world->keys[i], identity->ed25519_public, 32);
    wzp_identity_free(identity);
  }
}

static void
tear_down(World *world, gconstpointer data)
{
  (void)data;
  rig_relay_kill(world->relay);
  rig_tear_down();
}

static char *
contacts_path(unsigned who)
{
  g_autofree char *name = g_strconcat(names[who], "-contacts", NULL);
  return rig_path(name);
}

/* more: further properties. */
static GstElement *
play(const World *world, unsigned who, const char *more)
{
  g_autofree char *identity = rig_path(names[who]), *contacts = contacts_path(who);
  return rig_play(
      LIVE " ! wzpcall name=call uri=wzp://127.0.0.1:%u/room KNOWN identity=%s contacts=%s %s ! "
           "fakesink name=heard signal-handoffs=true",
      rig_relay_port(world->relay), identity, contacts, more);
}

static WzpContacts *
contacts_of(unsigned who)
{
  g_autofree char *path = contacts_path(who);
  g_autoptr(GError) error = NULL;
  WzpContacts *contacts = wzp_contacts_load(path, &error);
  g_assert_no_error(error);
  return contacts;
}

static void
store_as(unsigned who, const char *name, const uint8_t key[32], bool verified)
{
  g_autofree char *path = contacts_path(who);
  g_autoptr(WzpContacts) contacts = wzp_contacts_parse(NULL, NULL);
  g_assert_true(wzp_contacts_add(contacts, name, key, 1, NULL));
  if (verified)
    g_assert_true(wzp_contacts_verify_key(contacts, name, key, 1, NULL));
  g_autofree char *text = wzp_contacts_format(contacts);
  g_assert_true(wzp_private_text_write(path, text, NULL));
}

static void
store(unsigned who, const char *name, const uint8_t key[32])
{
  store_as(who, name, key, false);
}

/* Until one came and proved himself; he has this standing. */
static void
wait_proven(GstElement *pipeline, const char *standing, const char *name)
{
  for (;;) {
    g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-peer", NULL);
    const GstStructure *structure = gst_message_get_structure(message);
    gboolean present, proven;
    g_assert_true(gst_structure_get(structure, "present", G_TYPE_BOOLEAN, &present, "proven",
                                    G_TYPE_BOOLEAN, &proven, NULL));
    if (!present || !proven)
      continue;
    g_assert_cmpstr(gst_structure_get_string(structure, "standing"), ==, standing);
    if (name != NULL)
      g_assert_cmpstr(gst_structure_get_string(structure, "name"), ==, name);
    return;
  }
}

/* Strangers become contacts, old acquaintances are seen again, and nobody gets to know who has no identity. */
static void
test_met(World *world, gconstpointer data)
{
  (void)data;
  GstElement *ann = play(world, ANN, ""), *bob = play(world, BOB, "peer-name=Annie");
  wait_proven(ann, "new", NULL);
  wait_proven(bob, "new", NULL);
  rig_stop(ann);
  rig_stop(bob);
  g_autoptr(WzpContacts) of_ann = contacts_of(ANN), of_bob = contacts_of(BOB);
  const WzpContact *contact = wzp_contacts_by_key(of_ann, world->keys[BOB]);
  g_assert_nonnull(contact);
  g_assert_true(g_str_has_prefix(contact->name, "stranger "));
  g_assert_cmpint(contact->first_seen, !=, WZP_CONTACT_NEVER);
  g_assert_cmpint(contact->last_seen, !=, WZP_CONTACT_NEVER);
  contact = wzp_contacts_by_name(of_bob, "Annie");
  g_assert_cmpmem(contact->key, 32, world->keys[ANN], 32);

  /* the next time they are known */
  store(ANN, "Bobby", world->keys[BOB]);
  ann = play(world, ANN, "");
  bob = play(world, BOB, "peer-name=Annie");
  wait_proven(ann, "known", "Bobby");
  wait_proven(bob, "known", "Annie");
  rig_stop(ann);
  rig_stop(bob);
  g_autoptr(WzpContacts) again = contacts_of(ANN);
  g_assert_cmpuint(wzp_contacts_count(again), ==, 1);
  g_assert_cmpint(wzp_contacts_by_name(again, "bobby")->last_seen, >, 1);

  /* who is nobody himself remembers nobody */
  g_autofree char *path = contacts_path(EVE);
  GstElement *nobody = rig_play("wzpcall uri=wzp://127.0.0.1:%u/room KNOWN contacts=%s ! fakesink",
                                rig_relay_port(world->relay), path);
  ann = play(world, ANN, "");
  wait_proven(nobody, "new", NULL);
  rig_stop(nobody);
  rig_stop(ann);
  g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* It stops before a word is said to the wrong one, and so does a second one where the first was taken as he came. */
static void
test_for_two(World *world, gconstpointer data)
{
  (void)data;
  store(ANN, "Bob", world->keys[BOB]);
  GstElement *eve = play(world, EVE, "");
  rig_wait_state(eve, NULL, "waiting");
  GstElement *ann = play(world, ANN, "peer-name=bob");
  rig_wait_error(ann, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "STOP");
  rig_stop(ann);
  g_assert_cmpuint(rig_counter(eve, "call", "packets-opened"), ==, 0);
  g_autoptr(WzpContacts) of_ann = contacts_of(ANN);
  g_assert_cmpuint(wzp_contacts_count(of_ann), ==, 1);
  rig_stop(eve);

  GstElement *bob = play(world, BOB, "");
  rig_wait_state(bob, NULL, "waiting");
  ann = play(world, ANN, "peer-name=Robert");
  wait_proven(ann, "known", "Bob");
  rig_wait_buffers(ann, "heard", 5);
  eve = play(world, EVE, "");
  rig_wait_error(ann, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "somebody else");
  rig_stop(ann);
  rig_stop(bob);
  rig_stop(eve);
}

static unsigned
attempts(GstElement *pipeline)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  g_autoptr(GstStructure) stats = NULL;
  guint n;
  g_object_get(call, "stats", &stats, NULL);
  g_assert_true(gst_structure_get_uint(stats, "path-attempts", &n));
  return n;
}

static void
set_mode(GstElement *pipeline, const char *mode)
{
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(pipeline), "call");
  gst_util_set_object_arg(G_OBJECT(call), "accept-mode", mode);
}

/* In an open room a direct path is tried with somebody who was verified, when both say that they trust; and with nobody else. */
static void
test_direct(World *world, gconstpointer data)
{
  (void)data;
  const char *trusted = "accept-mode=trusted";
  store(ANN, "Bob", world->keys[BOB]);
  store_as(BOB, "Ann", world->keys[ANN], true);
  GstElement *ann = play(world, ANN, trusted), *bob = play(world, BOB, trusted);
  wait_proven(ann, "known", "Bob");
  wait_proven(bob, "verified", "Ann");
  rig_wait_buffers(ann, "heard", 20);
  rig_wait_buffers(bob, "heard", 20);
  g_assert_cmpuint(attempts(ann) + attempts(bob), ==, 0);
  rig_stop(ann);

  store_as(ANN, "Bob", world->keys[BOB], true);
  ann = play(world, ANN, ""); /* private, as it is when nobody says anything */
  wait_proven(ann, "verified", "Bob");
  wait_proven(bob, "verified", "Ann");
  rig_wait_buffers(ann, "heard", 20);
  rig_wait_buffers(bob, "heard", 20);
  g_assert_cmpuint(attempts(ann) + attempts(bob), ==, 0);
  set_mode(ann, "trusted");
  while (attempts(ann) == 0 || attempts(bob) == 0)
    rig_wait_buffers(bob, "heard", 1);
  rig_stop(ann);
  rig_stop(bob);
}

static void
test_unwritable(World *world, gconstpointer data)
{
  (void)data;
  g_autofree char *identity = rig_path(names[ANN]);
  g_autofree char *file = g_strconcat(identity, "/none/contacts", NULL); /* below a file */
  GstElement *ann = rig_play("wzpcall uri=wzp://127.0.0.1:%u/room KNOWN identity=%s contacts=%s ! "
                             "fakesink",
                             rig_relay_port(world->relay), identity, file);
  GstElement *bob = play(world, BOB, "");
  rig_wait_warning(ann, "cannot be remembered");
  rig_stop(ann);
  rig_stop(bob);
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  wzp_init();
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add("/wzpcall-met/" name, World, NULL, set_up, function, tear_down)
  ADD("met", test_met);
  ADD("for-two", test_for_two);
  ADD("direct", test_direct);
  ADD("unwritable", test_unwritable);
  return g_test_run();
}

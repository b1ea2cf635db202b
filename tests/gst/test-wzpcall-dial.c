/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Dialled calls of wzpcall: two pipelines that call each other through a real relay. */
#include "call-rig.h"
#include "wzp/contacts.h"
#include "wzp/dial-message.h"
#include "wzp/keyfile.h"
#include <string.h>

#define LIVE "audiotestsrc is-live=true samplesperbuffer=480"
#define FILED                                                                                      \
  "audiotestsrc samplesperbuffer=480 num-buffers=6000" /* a minute, as fast as it is taken */
#define HEARD "fakesink name=heard signal-handoffs=true"
/* who: a letter; each has an identity and contacts of his own */
#define CALL "wzpcall name=call uri=wzp://127.0.0.1:%u/@%s KNOWN identity=%s contacts=%s "

static RigRelay *relay;

typedef struct {
  char *identity, *contacts, *fingerprint;
  GstElement *pipeline;
} Person;

static void
person_init(Person *person, const char *who)
{
  g_autofree char *contacts = g_strdup_printf("%s-contacts", who);
  WzpRandom random = wzp_random_system();
  char text[WZP_FINGERPRINT_TEXT];
  GError *error = NULL;
  person->identity = rig_path(who);
  person->contacts = rig_path(contacts);
  WzpIdentity *identity = wzp_identity_load(person->identity, &random, &error);
  g_assert_no_error(error);
  person->fingerprint = g_strdup(wzp_fingerprint_format(identity->fingerprint, text));
  wzp_identity_free(identity);
  person->pipeline = NULL;
}

static void
person_clear(Person *person)
{
  if (person->pipeline != NULL)
    rig_stop(person->pipeline);
  g_free(person->identity);
  g_free(person->contacts);
  g_free(person->fingerprint);
}

static void
play_from(Person *person, const char *source, const char *callee, const char *more)
{
  person->pipeline = rig_play("%s ! " CALL "%s ! " HEARD, source, rig_relay_port(relay), callee,
                              person->identity, person->contacts, more);
}

static void
play(Person *person, const char *callee, const char *more)
{
  play_from(person, LIVE, callee, more);
}

static GstElement *
call_of(const Person *person)
{
  return gst_bin_get_by_name(GST_BIN(person->pipeline), "call");
}

/* Until a wzp-call message with this event; free with gst_message_unref(). */
static GstMessage *
wait_event(const Person *person, const char *event)
{
  for (;;) {
    GstMessage *message = rig_wait(person->pipeline, GST_MESSAGE_ELEMENT, "wzp-call", NULL);
    if (strcmp(gst_structure_get_string(gst_message_get_structure(message), "event"), event) == 0)
      return message;
    gst_message_unref(message);
  }
}

static char *
wait_field(const Person *person, const char *event, const char *field)
{
  GstMessage *message = wait_event(person, event);
  char *value = g_strdup(gst_structure_get_string(gst_message_get_structure(message), field));
  gst_message_unref(message);
  g_assert_nonnull(value);
  return value;
}

static void
expect(const Person *person, const char *event, const char *field, const char *value)
{
  g_autofree char *seen = wait_field(person, event, field);
  g_assert_cmpstr(seen, ==, value);
}

static gboolean
act(const Person *person, const char *action, const char *argument)
{
  g_autoptr(GstElement) call = call_of(person);
  gboolean good = FALSE;
  g_signal_emit_by_name(call, action, argument, &good);
  return good;
}

static gboolean
turn(const Person *person, const char *action, gboolean on)
{
  g_autoptr(GstElement) call = call_of(person);
  gboolean good = FALSE;
  g_signal_emit_by_name(call, action, on, &good);
  return good;
}

static gboolean
accept_call(const Person *person, const char *id, WzpAcceptMode mode)
{
  g_autoptr(GstElement) call = call_of(person);
  gboolean good = FALSE;
  g_signal_emit_by_name(call, "accept", id, (gint)mode, &good);
  return good;
}

/* As an application does it. */
static void
on_incoming(GstElement *call, const char *fingerprint, const char *name, const char *id,
            gpointer data)
{
  gboolean good = FALSE;
  const Person *caller = data;
  (void)name;
  g_assert_cmpstr(fingerprint, ==, caller->fingerprint);
  g_signal_emit_by_name(call, "accept", id, (gint)WZP_ACCEPT_TRUSTED, &good);
  g_assert_true(good);
}

static WzpContacts *
contacts_of(const Person *person)
{
  GError *error = NULL;
  WzpContacts *contacts = wzp_contacts_load(person->contacts, &error);
  g_assert_no_error(error);
  return contacts;
}

static void
test_call(void)
{
  Person alice, bob;
  person_init(&alice, "a");
  person_init(&bob, "b");
  play_from(&bob, FILED, "", "accept-mode=trusted");
  rig_wait_state(bob.pipeline, "call", "waiting");
  g_autoptr(GstElement) bobs = call_of(&bob), alices = NULL;
  g_signal_connect(bobs, "incoming-call", G_CALLBACK(on_incoming), &alice);
  play(&alice, bob.fingerprint, "peer-name=Bob accept-mode=trusted");
  alices = call_of(&alice);
  expect(&alice, "proven", "fingerprint", bob.fingerprint);
  expect(&alice, "accepted", "mode", "trusted");
  rig_wait_state(alice.pipeline, "call", "active");
  rig_wait_buffers(alice.pipeline, "heard", 20);
  rig_wait_buffers(bob.pipeline, "heard", 20);

  g_autofree char *words = rig_string(alice.pipeline, "call", "sas");
  g_autofree char *same = rig_string(bob.pipeline, "call", "sas");
  g_auto(GStrv) parts = g_strsplit(words, " ", -1);
  g_assert_cmpuint(g_strv_length(parts), ==, 4);
  g_assert_cmpuint(strlen(parts[3]), ==, 6);
  g_assert_cmpstr(words, ==, same);

  /* both know each other now */
  g_autoptr(WzpContacts) of_alice = contacts_of(&alice), of_bob = contacts_of(&bob);
  const WzpContact *contact = wzp_contacts_by_name(of_alice, "Bob");
  g_assert_nonnull(contact);
  g_assert_true(contact->has_sas);
  g_autofree char *stranger = g_strdup_printf("stranger %.19s", alice.fingerprint);
  g_assert_nonnull(wzp_contacts_by_name(of_bob, stranger));

  /* hold and mute reach the other side, and nothing is sent meanwhile */
  g_assert_true(turn(&bob, "hold", TRUE));
  g_autofree char *held = wait_field(&alice, "hold", "text");
  g_assert_nonnull(strstr(held, "Bob"));
  guint64 sent = rig_counter(bob.pipeline, "call", "frames-sent");
  rig_wait_buffers(alice.pipeline, "heard", 30);
  g_assert_cmpuint(rig_counter(bob.pipeline, "call", "frames-sent"), <=, sent + 3);
  g_assert_true(turn(&bob, "hold", FALSE));
  gst_message_unref(wait_event(&alice, "hold"));
  rig_wait_buffers(alice.pipeline, "heard",
                   30); /* what waited is not played to its end meanwhile */
  g_assert_cmpuint(rig_counter(bob.pipeline, "call", "frames-sent"), >, sent + 3);
  g_assert_true(turn(&alice, "mute", TRUE));
  gst_message_unref(wait_event(&bob, "mute"));
  guint64 sealed = rig_counter(alice.pipeline, "call", "frames-sent");
  rig_wait_buffers(alice.pipeline, "heard", 30);
  g_assert_cmpuint(rig_counter(alice.pipeline, "call", "frames-sent"), <=, sealed + 3);
  g_assert_true(turn(&alice, "mute", FALSE));
  gst_message_unref(wait_event(&bob, "mute"));
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(alice.pipeline), "call");
  g_object_set(call, "mute", TRUE, NULL); /* the property tells it, too */
  gst_message_unref(wait_event(&bob, "mute"));
  g_object_set(call, "mute", FALSE, NULL);
  gst_message_unref(wait_event(&bob, "mute"));

  /* a call of a third is told that bob is busy, and his stream ends */
  Person carol;
  person_init(&carol, "c");
  play(&carol, bob.fingerprint, "");
  expect(&carol, "ended", "reason", "busy");
  gst_message_unref(rig_wait(carol.pipeline, GST_MESSAGE_EOS, NULL, NULL));
  person_clear(&carol);

  g_assert_false(act(&alice, "hangup", "00112233445566778899aabbccddeeff"));
  g_assert_true(act(&alice, "hangup", NULL));
  expect(&bob, "ended", "reason", "hung-up");
  gst_message_unref(rig_wait(alice.pipeline, GST_MESSAGE_EOS, NULL, NULL));
  rig_wait_state(bob.pipeline, "call", "waiting");
  g_autofree char *none = rig_string(bob.pipeline, "call", "sas");
  g_assert_null(none);
  person_clear(&alice);
  person_clear(&bob);
}

/* The same element is there for the next call, by name, and private when one side says so. */
static void
test_again_by_name(void)
{
  Person alice, bob;
  person_init(&alice, "a");
  person_init(&bob, "b");
  play(&bob, "", "accept-mode=trusted");
  rig_wait_state(bob.pipeline, "call", "waiting");
  for (unsigned i = 0; i < 2; i++) {
    play(&alice, i == 0 ? bob.fingerprint : "bob",
         i == 0 ? "peer-name=Bob" : "accept-mode=trusted mute=true");
    g_autofree char *id = wait_field(&bob, "incoming", "call-id");
    g_assert_true(accept_call(&bob, id, i == 0 ? WZP_ACCEPT_TRUSTED : WZP_ACCEPT_PRIVATE));
    expect(&alice, "accepted", "mode", "private");
    rig_wait_buffers(alice.pipeline, "heard", 20);
    if (i == 1) /* muted before there was a call */
      gst_message_unref(wait_event(&bob, "mute"));
    rig_stop(alice.pipeline); /* the goodbye of the pipeline is the call's */
    alice.pipeline = NULL;
    expect(&bob, "ended", "reason", "hung-up");
  }
  person_clear(&alice);
  person_clear(&bob);
}

static void
test_refusals(void)
{
  Person alice, bob;
  person_init(&alice, "a");
  person_init(&bob, "b");
  /* nobody there */
  play(&alice, bob.fingerprint, "");
  g_autofree char *text = wait_field(&alice, "ended", "text");
  g_assert_nonnull(strstr(text, "cannot be reached"));
  gst_message_unref(rig_wait(alice.pipeline, GST_MESSAGE_EOS, NULL, NULL));
  rig_stop(alice.pipeline);
  /* does not want */
  play(&bob, "", "accept-mode=trusted");
  rig_wait_state(bob.pipeline, "call", "waiting");
  play(&alice, bob.fingerprint, "");
  gst_message_unref(wait_event(&bob, "incoming"));
  g_autoptr(GstElement) bobs = call_of(&bob);
  gboolean good = FALSE;
  g_signal_emit_by_name(bobs, "decline", NULL, "busy", &good);
  g_assert_true(good);
  g_signal_emit_by_name(bobs, "decline", NULL, "busy", &good);
  g_assert_false(good);
  expect(&alice, "ended", "reason", "busy");
  rig_stop(alice.pipeline);
  /* wants none at all */
  g_object_set(bobs, "accept-mode", WZP_ACCEPT_REJECT, NULL);
  play(&alice, bob.fingerprint, "");
  expect(&alice, "ended", "reason", "declined");
  rig_stop(alice.pipeline);
  alice.pipeline = NULL;
  person_clear(&alice);
  person_clear(&bob);
}

/* Who is asked to, calls a third instead, in the same element. */
static void
test_transfer(void)
{
  Person alice, bob, carol;
  person_init(&alice, "a");
  person_init(&bob, "b");
  person_init(&carol, "c");
  play(&bob, "", "accept-mode=trusted");
  play(&carol, "", "accept-mode=trusted");
  g_autoptr(GstElement) bobs = call_of(&bob), carols = call_of(&carol);
  g_signal_connect(bobs, "incoming-call", G_CALLBACK(on_incoming), &alice);
  g_signal_connect(carols, "incoming-call", G_CALLBACK(on_incoming), &alice);
  rig_wait_state(bob.pipeline, "call", "waiting");
  rig_wait_state(carol.pipeline, "call", "waiting");
  play(&alice, bob.fingerprint, "");
  rig_wait_buffers(alice.pipeline, "heard", 5);
  g_assert_false(act(&bob, "transfer", "nobody"));
  g_assert_true(act(&bob, "transfer", carol.fingerprint));
  g_autofree char *target = wait_field(&alice, "transfer", "target");
  g_assert_cmpstr(target, ==, carol.fingerprint);
  g_assert_true(act(&alice, "dial", target));
  expect(&bob, "ended", "reason", "transferred");
  g_autofree char *who = wait_field(&carol, "accepted", "fingerprint");
  g_assert_cmpstr(who, ==, alice.fingerprint);
  rig_wait_buffers(carol.pipeline, "heard", 20);
  g_assert_true(act(&carol, "hangup", NULL));
  gst_message_unref(rig_wait(alice.pipeline, GST_MESSAGE_EOS, NULL, NULL));
  person_clear(&alice);
  person_clear(&bob);
  person_clear(&carol);
}

/* The relay dies and comes back with an empty memory, in the middle of a call: the same one goes on. */
static void
test_relay_restarted(void)
{
  Person alice, bob;
  person_init(&alice, "a");
  person_init(&bob, "b");
  play(&bob, "", "accept-mode=trusted");
  rig_wait_state(bob.pipeline, "call", "waiting");
  g_autoptr(GstElement) bobs = call_of(&bob);
  g_signal_connect(bobs, "incoming-call", G_CALLBACK(on_incoming), &alice);
  play(&alice, bob.fingerprint, "");
  g_autofree char *id = wait_field(&alice, "accepted", "call-id");
  g_autofree char *words = rig_string(alice.pipeline, "call", "sas");
  rig_wait_state(alice.pipeline, "call", "active");
  rig_wait_buffers(alice.pipeline, "heard", 10);
  rig_wait_buffers(bob.pipeline, "heard", 10);
  unsigned same = rig_relay_port(relay);
  rig_relay_kill(relay);
  rig_wait_state(alice.pipeline, "call", "reconnecting");
  relay = rig_relay_start("relay", same);
  rig_wait_state(alice.pipeline, "call", "active");
  rig_wait_state(bob.pipeline, "call", "active");
  guint64 heard[] = {rig_counter(alice.pipeline, "call", "frames-received"),
                     rig_counter(bob.pipeline, "call", "frames-received")};
  rig_wait_buffers(alice.pipeline, "heard", 100);
  rig_wait_buffers(bob.pipeline, "heard", 100);
  g_assert_cmpuint(rig_counter(alice.pipeline, "call", "frames-received"), >, heard[0]);
  g_assert_cmpuint(rig_counter(bob.pipeline, "call", "frames-received"), >, heard[1]);
  g_autofree char *same_words = rig_string(bob.pipeline, "call", "sas");
  g_assert_cmpstr(words, ==, same_words);
  g_assert_true(act(&bob, "hangup", id));
  expect(&alice, "ended", "call-id", id);
  person_clear(&alice);
  person_clear(&bob);
}

/* A known name with another key is a loud stop, and so is anything that cannot be. */
static void
test_security(void)
{
  static const struct {
    const char *callee, *more, *word;
    int code;
  } cases[] = {
      {"b", "peer-name=Bob", "STOP", GST_RESOURCE_ERROR_NOT_AUTHORIZED},
      {"a", "", "your own identity", GST_RESOURCE_ERROR_SETTINGS},
      {"who", "", "neither the name of a contact", GST_RESOURCE_ERROR_SETTINGS},
  };
  Person alice, bob, carol;
  person_init(&alice, "a");
  person_init(&bob, "b");
  person_init(&carol, "c");
  GError *error = NULL;
  g_autoptr(WzpContacts) contacts = wzp_contacts_parse(NULL, &error);
  WzpRandom random = wzp_random_system();
  WzpIdentity *other = wzp_identity_load(carol.identity, &random, &error);
  g_assert_true(wzp_contacts_add(contacts, "Bob", other->ed25519_public, 1, &error));
  wzp_identity_free(other);
  g_autofree char *text = wzp_contacts_format(contacts);
  g_autofree char *path = rig_path("other-contacts");
  g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error));
  for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
    const char *callee = strcmp(cases[i].callee, "b") == 0   ? bob.fingerprint
                         : strcmp(cases[i].callee, "a") == 0 ? alice.fingerprint
                                                             : "who";
    GstElement *pipeline = rig_parse(CALL "%s ! " HEARD, rig_relay_port(relay), callee,
                                     alice.identity, path, cases[i].more);
    g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_PLAYING), ==,
                    GST_STATE_CHANGE_FAILURE);
    rig_wait_error(pipeline, GST_RESOURCE_ERROR, cases[i].code, cases[i].word);
    rig_stop(pipeline);
  }
  person_clear(&alice);
  person_clear(&bob);
  person_clear(&carol);
}

static const RigCase cases[] = {
    {"call", test_call},
    {"again-by-name", test_again_by_name},
    {"refusals", test_refusals},
    {"transfer", test_transfer},
    {"relay-restarted", test_relay_restarted},
    {"security", test_security},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  wzp_init();
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/dial/", cases, G_N_ELEMENTS(cases), &relay, NULL);
}

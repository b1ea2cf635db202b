/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pipelines/client-room-code.h"

/* An object whose room code takes as long as the test wants. */

typedef struct {
  GObject parent;
  GMutex lock;
  GCond changed;
  guint reads, allowed; /* reads that began, reads that may end */
  gboolean nobody;
} FakeCall;
typedef GObjectClass FakeCallClass;

static GType fake_call_get_type(void);
G_DEFINE_TYPE(FakeCall, fake_call, G_TYPE_OBJECT)

static void
fake_call_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  FakeCall *call = (FakeCall *)object;
  (void)id, (void)spec;
  g_mutex_lock(&call->lock);
  const guint read = ++call->reads;
  g_cond_broadcast(&call->changed);
  while (call->allowed < read)
    g_cond_wait(&call->changed, &call->lock);
  if (!call->nobody)
    g_value_take_string(value, g_strdup_printf("code %u", read));
  g_mutex_unlock(&call->lock);
}

static void
fake_call_finalize(GObject *object)
{
  FakeCall *call = (FakeCall *)object;
  g_mutex_clear(&call->lock);
  g_cond_clear(&call->changed);
  G_OBJECT_CLASS(fake_call_parent_class)->finalize(object);
}

static void
fake_call_class_init(FakeCallClass *klass)
{
  klass->get_property = fake_call_get_property;
  klass->finalize = fake_call_finalize;
  g_object_class_install_property(klass, 1,
                                  g_param_spec_string("room-code", "Room code", "Room code", NULL,
                                                      G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
fake_call_init(FakeCall *call)
{
  g_mutex_init(&call->lock);
  g_cond_init(&call->changed);
}

static void
allow(FakeCall *call)
{
  g_mutex_lock(&call->lock);
  call->allowed++;
  g_cond_broadcast(&call->changed);
  g_mutex_unlock(&call->lock);
}

static void
wait_for_read(FakeCall *call, guint read)
{
  g_mutex_lock(&call->lock);
  while (call->reads < read)
    g_cond_wait(&call->changed, &call->lock);
  g_mutex_unlock(&call->lock);
}

typedef struct {
  FakeCall *call;
  ClientRoomCode *code;
  GString *said;
} Fixture;

static void
on_said(gpointer data, const char *code, guint members)
{
  g_string_append_printf(data, "%s of %u;", code, members);
}

static void
set_up(Fixture *f, gconstpointer data)
{
  (void)data;
  f->call = g_object_new(fake_call_get_type(), NULL);
  f->said = g_string_new(NULL);
  f->code = client_room_code_new(on_said, f->said);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  (void)data;
  client_room_code_free(f->code);
  g_assert_cmpuint(G_OBJECT(f->call)->ref_count, ==, 1);
  g_object_unref(f->call);
  g_string_free(f->said, TRUE);
}

static void
dispatch(void)
{
  while (!g_main_context_iteration(NULL, TRUE))
    ;
}

/* The main context goes on meanwhile; what is made is said in it. */
static void
test_said(Fixture *f, gconstpointer data)
{
  (void)data;
  for (guint n = 1; n <= 2; n++) {
    g_string_truncate(f->said, 0);
    client_room_code_make(f->code, G_OBJECT(f->call), n + 1);
    wait_for_read(f->call, n);
    g_assert_false(g_main_context_iteration(NULL, FALSE));
    allow(f->call);
    dispatch();
    g_autofree char *expected = g_strdup_printf("code %u of %u;", n, n + 1);
    g_assert_cmpstr(f->said->str, ==, expected);
  }
}

/* Who comes while one is made makes it one of the past: the next one counts him. */
static void
test_again(Fixture *f, gconstpointer data)
{
  (void)data;
  client_room_code_make(f->code, G_OBJECT(f->call), 2);
  wait_for_read(f->call, 1);
  client_room_code_make(f->code, G_OBJECT(f->call), 3);
  client_room_code_make(f->code, G_OBJECT(f->call), 4);
  allow(f->call);
  allow(f->call);
  dispatch();
  g_assert_cmpstr(f->said->str, ==, "");
  dispatch();
  g_assert_cmpstr(f->said->str, ==, "code 2 of 4;");
  g_assert_cmpuint(f->call->reads, ==, 2);
}

static void
test_nobody(Fixture *f, gconstpointer data)
{
  (void)data;
  f->call->nobody = TRUE;
  allow(f->call);
  client_room_code_make(f->code, G_OBJECT(f->call), 2);
  dispatch();
  g_assert_cmpstr(f->said->str, ==, "");
}

/* The call ends while one is made, or before it is said. */
static void
test_end(Fixture *f, gconstpointer data)
{
  if (data != NULL)
    allow(f->call);
  client_room_code_make(f->code, G_OBJECT(f->call), 2);
  wait_for_read(f->call, 1);
  if (data == NULL)
    allow(f->call);
  g_clear_pointer(&f->code, client_room_code_free);
  g_assert_false(g_main_context_iteration(NULL, FALSE));
  g_assert_cmpstr(f->said->str, ==, "");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/client-room-code/said", Fixture, NULL, set_up, test_said, tear_down);
  g_test_add("/client-room-code/again", Fixture, NULL, set_up, test_again, tear_down);
  g_test_add("/client-room-code/nobody", Fixture, NULL, set_up, test_nobody, tear_down);
  g_test_add("/client-room-code/end-before", Fixture, NULL, set_up, test_end, tear_down);
  g_test_add("/client-room-code/end-behind", Fixture, "made", set_up, test_end, tear_down);
  return g_test_run();
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Agents of direct paths, two in one process, on loopback: they find each other also when checks are faster than what is
 * told of candidates, and can be dropped at any moment. Real sockets, so real time; nothing sleeps. */
#include "gst/wzpagent.h"
#include <malloc.h>
#include <string.h>

#define PATIENCE_MSEC 20000

typedef struct Side Side;
struct Side {
  WzpAgent *agent;
  Side *other;
  GMainContext *context;
  gboolean tells; /* its candidates to the other side */
  gboolean drops; /* its agent, as soon as it connects */
  guint candidates, connected, received;
  gboolean lan;
  guint8 last[64];
  gsize last_length;
};

static void
on_candidate(gpointer user, WzpAgent *agent, const WzpCandidate *candidate)
{
  Side *side = user;
  g_assert_true(agent == side->agent || side->agent == NULL); /* NULL: it is still being made */
  g_assert_cmpuint(candidate->priority, >, 0);
  side->candidates++;
  if (side->tells && side->other->agent != NULL)
    wzp_agent_add_candidate(side->other->agent, candidate);
}

static void
on_connected(gpointer user, WzpAgent *agent, gboolean lan)
{
  Side *side = user;
  side->connected++;
  side->lan = lan;
  if (side->drops && side->agent != NULL) {
    side->agent = NULL;
    wzp_agent_drop(agent);
  }
}

static void
on_failed(gpointer user, WzpAgent *agent)
{
  (void)user, (void)agent;
}

static void
on_received(gpointer user, WzpAgent *agent, const guint8 *data, gsize length)
{
  Side *side = user;
  (void)agent;
  side->received++;
  side->last_length = MIN(length, sizeof side->last);
  memcpy(side->last, data, side->last_length);
}

static const WzpAgentCallbacks callbacks = {on_candidate, on_connected, on_failed, on_received};

static WzpAddress
loopback(guint8 family, guint16 port)
{
  WzpAddress address;
  g_autofree char *text =
      g_strdup_printf(family == 6 ? "[::1]:%u" : "127.0.0.1:%u", (unsigned)port);
  g_assert_true(wzp_address_parse(&address, text));
  return address;
}

static void
start(Side *side, gboolean controlling, guint16 k, guint8 family, guint16 stun_port)
{
  static const uint8_t ice[32] = {3, 1, 4};
  WzpIceCredentials ours, theirs;
  const WzpAddress here = loopback(family, 0);
  wzp_ice_credentials(&ours, ice, k, controlling);
  wzp_ice_credentials(&theirs, ice, k, !controlling);
  WzpAgentConfig config = {.context = side->context,
                           .serial = 7,
                           .k = k,
                           .controlling = controlling,
                           .ours = &ours,
                           .theirs = &theirs,
                           .addresses = &here,
                           .n_addresses = 1};
  if (stun_port != 0)
    config.stun = loopback(family, stun_port);
  side->agent = wzp_agent_new(&config, &callbacks, side);
}

static gboolean
out_of_patience(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Until both numbers are there. */
static void
run_until(GMainContext *context, const guint *first, guint n, const guint *second, guint m)
{
  gboolean too_long = FALSE;
  g_autoptr(GSource) limit = g_timeout_source_new(PATIENCE_MSEC);
  g_source_set_callback(limit, out_of_patience, &too_long, NULL);
  g_source_attach(limit, context);
  while (*first < n || *second < m) {
    g_main_context_iteration(context, TRUE);
    g_assert_false(too_long);
  }
  g_source_destroy(limit);
}

static void
finish(GMainContext *context, Side *a, Side *b)
{
  if (a->agent != NULL)
    wzp_agent_drop(a->agent);
  if (b->agent != NULL)
    wzp_agent_drop(b->agent);
  while (g_main_context_iteration(context, FALSE))
    ;
}

static void
pair_init(GMainContext *context, Side *a, Side *b)
{
  *a = (Side){.other = b, .context = context, .tells = TRUE};
  *b = (Side){.other = a, .context = context, .tells = TRUE};
}

static void
talk(GMainContext *context, Side *a, Side *b)
{
  static const guint8 hello[] = "\x46 this is no STUN", answer[] = "\xc0 nor is this";
  guint before_a = a->received, before_b = b->received;
  g_assert_true(wzp_agent_send(a->agent, hello, sizeof hello));
  g_assert_true(wzp_agent_send(b->agent, answer, sizeof answer));
  run_until(context, &a->received, before_a + 1, &b->received, before_b + 1);
  g_assert_cmpmem(b->last, b->last_length, hello, sizeof hello);
  g_assert_cmpmem(a->last, a->last_length, answer, sizeof answer);
}

static void
test_connect(gconstpointer data)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  Side a, b;
  WzpAddress local, remote, local_b, remote_b;
  pair_init(context, &a, &b);
  start(&b, FALSE, 1, (guint8)GPOINTER_TO_UINT(data), 0);
  start(&a, TRUE, 1, (guint8)GPOINTER_TO_UINT(data), 0);
  g_assert_false(wzp_agent_send(a.agent, "\xc0", 1)); /* there is no pair */
  run_until(context, &a.connected, 1, &b.connected, 1);
  talk(context, &a, &b);
  wzp_agent_get_pair(a.agent, &local, &remote);
  wzp_agent_get_pair(b.agent, &local_b, &remote_b);
  g_assert_true(wzp_address_equal(&local, &remote_b) && wzp_address_equal(&remote, &local_b));
  finish(context, &a, &b);
}

/* Only one side is told anything: its checks are all that the other one ever hears of it. */
static void
test_overtaken(void)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  for (guint16 n = 0; n < 16; n++) {
    Side a, b;
    pair_init(context, &a, &b);
    a.tells = FALSE;
    start(&a, n % 2 == 0, n, 4, 0);
    for (guint i = 0; i < n; i++) /* the other one comes at another moment of the first */
      g_main_context_iteration(context, FALSE);
    start(&b, n % 2 != 0, n, 4, 0);
    run_until(context, &a.connected, 1, &b.connected, 1);
    talk(context, &a, &b);
    finish(context, &a, &b);
  }
}

static guint
open_descriptors(void)
{
  g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
  guint n = 0;
  while (g_dir_read_name(folder) != NULL)
    n++;
  return n;
}

/* At once, while it gathers from a server that does not answer, while it checks, when it is connected, and from within
 * its own callback. */
static void
test_drop(void)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  const guint rounds = 250; /* of two agents each */
  guint before = 0;
  gsize memory = 0;
  for (guint n = 0; n < rounds; n++) {
    Side a, b;
    pair_init(context, &a, &b);
    a.drops = n % 10 == 3;
    start(&a, TRUE, (guint16)n, 4, n % 3 == 0 ? 9 : 0);
    start(&b, FALSE, (guint16)n, 4, n % 5 == 0 ? 9 : 0);
    if (n % 10 == 3)
      run_until(context, &a.connected, 1, &b.connected, 0);
    for (guint i = 0; i < n % 40; i++)
      g_main_context_iteration(context, FALSE);
    finish(context, &a, &b);
    if (n == 9)
      before = open_descriptors();
    if (n == 49) /* what libraries keep for good they have by now */
      memory = mallinfo2().uordblks;
  }
  g_assert_cmpuint(open_descriptors(), ==, before);
  /* an agent has 37 KiB: of 400 not one is left */
  gsize grown = MAX(mallinfo2().uordblks, memory) - memory;
  g_test_message("%zu bytes more", grown);
  g_assert_cmpuint(grown, <, 32 * 1024);
}

/* No interface but loopback: there is an agent, and it has nothing to say. */
static void
test_nothing_to_try(void)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  WzpIceCredentials credentials = {"ufragufr", "passwordpasswordpasswordpassword"};
  const WzpAgentConfig config = {
      .context = context, .ours = &credentials, .theirs = &credentials, .n_addresses = 0};
  const WzpCandidate candidate = {
      .kind = WZP_CANDIDATE_HOST, .priority = 1, .address = loopback(4, 4)};
  Side side = {.context = context};
  side.agent = wzp_agent_new(&config, &callbacks, &side);
  wzp_agent_add_candidate(side.agent, &candidate);
  g_assert_false(wzp_agent_send(side.agent, "\xc0", 1));
  wzp_agent_drop(side.agent);
  g_main_context_iteration(context, FALSE);
  g_assert_cmpuint(side.candidates, ==, 0);
}

/* What interfaces have; never loopback. */
static void
test_list(void)
{
  WzpAddress addresses[WZP_CANDIDATES_MAX];
  guint n = wzp_agent_list_addresses(addresses);
  g_assert_cmpuint(n, <=, WZP_CANDIDATES_MAX);
  for (guint i = 0; i < n; i++)
    g_assert_true(wzp_address_is_reachable(&addresses[i]));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/agent/connect", GUINT_TO_POINTER(4), test_connect);
  g_test_add_func("/agent/overtaken", test_overtaken);
  g_test_add_func("/agent/drop", test_drop);
  g_test_add_func("/agent/nothing-to-try", test_nothing_to_try);
  g_test_add_func("/agent/list", test_list);
  return g_test_run();
}

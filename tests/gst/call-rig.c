/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-rig.h"
#include <arpa/inet.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

char *rig_folder;

static char *plugin_folder;

static void
remove_folder(const char *path)
{
  GDir *folder = g_dir_open(path, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *file = g_build_filename(path, name, NULL);
    if (g_file_test(file, G_FILE_TEST_IS_DIR) && !g_file_test(file, G_FILE_TEST_IS_SYMLINK))
      remove_folder(file);
    else
      g_unlink(file);
  }
  g_dir_close(folder);
  g_rmdir(path);
}

static void
remove_plugins(void)
{
  remove_folder(plugin_folder);
  g_clear_pointer(&plugin_folder, g_free);
}

void
rig_init(int *argc, char ***argv)
{
  static const char *const plugins[] = {"coreelements",
                                        "audiotestsrc",
                                        "audioconvert",
                                        "audioresample",
                                        "audiomixer",
                                        "autodetect",
                                        "playback",
                                        "wavparse",
                                        "wavenc",
                                        "typefindfunctions",
                                        NULL};
  const char *stock = g_getenv("WZP_STOCK_PLUGINS");
  g_assert_nonnull(stock);
  plugin_folder = g_dir_make_tmp("wzp-plugins-XXXXXX", NULL);
  for (const char *const *plugin = plugins; *plugin != NULL; plugin++) {
    g_autofree char *name = g_strdup_printf("libgst%s.so", *plugin);
    g_autofree char *from = g_build_filename(stock, name, NULL);
    g_autofree char *to = g_build_filename(plugin_folder, name, NULL);
    g_assert_cmpint(symlink(from, to), ==, 0);
  }
  g_autofree char *registry = g_build_filename(plugin_folder, "registry", NULL);
  g_setenv("GST_PLUGIN_SYSTEM_PATH_1_0", plugin_folder, TRUE);
  g_setenv("GST_REGISTRY_1_0", registry, TRUE);
  g_setenv("GST_REGISTRY_FORK", "no", TRUE);
  /* nor does a test read or change what belongs to the person at this machine */
  g_autofree char *config = g_build_filename(plugin_folder, "config", NULL);
  g_setenv("XDG_CONFIG_HOME", config, TRUE);
  gst_init(argc, argv);
  atexit(remove_plugins);
}

void
rig_set_up(void)
{
  rig_folder = g_dir_make_tmp("wzp-call-XXXXXX", NULL);
  g_assert_nonnull(rig_folder);
}

void
rig_tear_down(void)
{
  remove_folder(rig_folder);
  g_assert_false(g_file_test(rig_folder, G_FILE_TEST_EXISTS));
  g_clear_pointer(&rig_folder, g_free);
}

char *
rig_path(const char *name)
{
  return g_build_filename(rig_folder, name, NULL);
}

char *
rig_key_file(const char *name, char digit)
{
  char *path = rig_path(name);
  char text[66];
  memset(text, digit, 64);
  text[64] = '\n';
  text[65] = '\0';
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
  g_chmod(path, 0600);
  return path;
}

/* --- the relay --- */

struct RigRelay {
  GSubprocess *process;
  GDataInputStream *output;
  unsigned port;
  char fingerprint[40];
};

/* A test that aborts takes its relay along. */
static void
die_with_the_test(gpointer unused)
{
  (void)unused;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

RigRelay *
rig_relay_start(const char *identity, unsigned port)
{
  const char *program = g_getenv("WZP_RELAY");
  g_assert_nonnull(program);
  g_autoptr(GError) error = NULL;
  g_autofree char *path = rig_path(identity);
  g_autofree char *listen = g_strdup_printf("--listen=127.0.0.1:%u", port);
  g_autofree char *config = rig_path("relay.conf");
  gboolean configured = g_file_test(config, G_FILE_TEST_EXISTS);
  RigRelay *relay = g_new0(RigRelay, 1);
  g_autoptr(GSubprocessLauncher) launcher =
      g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_subprocess_launcher_set_child_setup(launcher, die_with_the_test, NULL, NULL);
  relay->process = g_subprocess_launcher_spawn(launcher, &error, program, listen, "--identity",
                                               path, configured ? "--config" : NULL, config, NULL);
  g_assert_no_error(error);
  relay->output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(relay->process));
  g_autofree char *line = g_data_input_stream_read_line(relay->output, NULL, NULL, NULL);
  g_assert_nonnull(line);
  const char *place = strstr(line, "127.0.0.1:"), *key = strstr(line, ", key ");
  if (place == NULL || key == NULL || sscanf(place, "127.0.0.1:%u", &relay->port) != 1 ||
      sscanf(key, ", key %39s", relay->fingerprint) != 1)
    g_error("the relay says: %s", line);
  return relay;
}

unsigned
rig_relay_port(const RigRelay *relay)
{
  return relay->port;
}

unsigned
rig_relay_tls_port(RigRelay *relay)
{
  g_autofree char *line = g_data_input_stream_read_line(relay->output, NULL, NULL, NULL);
  unsigned port = 0;
  if (line == NULL || sscanf(line, "TLS on 127.0.0.1:%u", &port) != 1)
    g_error("the relay says: %s", line);
  return port;
}

const char *
rig_relay_fingerprint(const RigRelay *relay)
{
  return relay->fingerprint;
}

void
rig_relay_kill(RigRelay *relay)
{
  g_subprocess_force_exit(relay->process);
  g_subprocess_wait(relay->process, NULL, NULL);
  g_object_unref(relay->output);
  g_object_unref(relay->process);
  g_free(relay);
}

static struct {
  RigRelay **relay;
  const char *config;
} all_cases;

static void
run_case(gconstpointer data)
{
  const RigCase *one = data;
  rig_set_up();
  if (all_cases.config != NULL) {
    g_autofree char *path = rig_path("relay.conf");
    g_assert_true(g_file_set_contents(path, all_cases.config, -1, NULL));
  }
  if (all_cases.relay != NULL)
    *all_cases.relay = rig_relay_start("relay", 0);
  one->run();
  if (all_cases.relay != NULL)
    rig_relay_kill(*all_cases.relay);
  rig_tear_down();
}

int
rig_run_cases(const char *prefix, const RigCase *cases, unsigned n, RigRelay **relay,
              const char *config)
{
  all_cases.relay = relay;
  all_cases.config = config;
  for (unsigned i = 0; i < n; i++) {
    g_autofree char *path = g_strconcat(prefix, cases[i].name, NULL);
    g_test_add_data_func(path, &cases[i], run_case);
  }
  return g_test_run();
}

unsigned
rig_free_port(void)
{
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  g_assert_cmpint(bind(descriptor, (struct sockaddr *)&name, length), ==, 0);
  g_assert_cmpint(getsockname(descriptor, (struct sockaddr *)&name, &length), ==, 0);
  close(descriptor);
  return ntohs(name.sin_port);
}

gboolean
rig_has_ipv6(void)
{
  struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
  gboolean has = descriptor >= 0 && bind(descriptor, (struct sockaddr *)&name, sizeof name) == 0;
  if (descriptor >= 0)
    close(descriptor);
  return has;
}

/* --- pipelines --- */

static GstElement *
parse(const char *line, va_list arguments)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = g_strdup_vprintf(line, arguments);
  g_autofree char *known = g_strdup_printf(" known-relays=%s/known-relays ", rig_folder);
  g_autoptr(GString) full = g_string_new(text);
  g_string_replace(full, "KNOWN", known, 0);
  GstElement *pipeline = gst_parse_launch(full->str, &error);
  if (error != NULL)
    g_error("%s: %s", full->str, error->message);
  return pipeline;
}

GstElement *
rig_parse(const char *line, ...)
{
  va_list arguments;
  va_start(arguments, line);
  GstElement *pipeline = parse(line, arguments);
  va_end(arguments);
  return pipeline;
}

GstElement *
rig_play(const char *line, ...)
{
  va_list arguments;
  va_start(arguments, line);
  GstElement *pipeline = parse(line, arguments);
  va_end(arguments);
  /* a failure is told on the bus, and found by who waits for it */
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  return pipeline;
}

void
rig_stop(GstElement *pipeline)
{
  g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
  gst_object_unref(pipeline);
}

/* --- waiting --- */

static char *
trouble_text(GstMessage *message)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *details = NULL;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    gst_message_parse_error(message, &error, &details);
  else
    gst_message_parse_warning(message, &error, &details);
  return g_strdup_printf("%s: %s (%s)", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message,
                         details != NULL ? details : "");
}

GstMessage *
rig_wait(GstElement *pipeline, GstMessageType type, const char *name, const char *source)
{
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  for (;;) {
    GstMessage *message = gst_bus_timed_pop_filtered(bus, RIG_PATIENCE, type | GST_MESSAGE_ERROR);
    if (message == NULL)
      g_error("nothing came: %s %s from %s", gst_message_type_get_name(type),
              name != NULL ? name : "", source != NULL ? source : "anybody");
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && !(type & GST_MESSAGE_ERROR))
      g_error("an error that was not asked for: %s", trouble_text(message));
    const GstStructure *structure = gst_message_get_structure(message);
    if ((name == NULL || (structure != NULL && gst_structure_has_name(structure, name))) &&
        (source == NULL || strcmp(GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), source) == 0))
      return message;
    gst_message_unref(message);
  }
}

void
rig_wait_state(GstElement *pipeline, const char *source, const char *state)
{
  for (;;) {
    GstMessage *message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-state", source);
    const GstStructure *structure = gst_message_get_structure(message);
    gboolean there = g_strcmp0(gst_structure_get_string(structure, "state"), state) == 0;
    g_assert_nonnull(gst_structure_get_string(structure, "text"));
    gst_message_unref(message);
    if (there)
      return;
  }
}

void
rig_wait_error(GstElement *pipeline, GQuark domain, int code, const char *word)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_ERROR, NULL, NULL);
  gst_message_parse_error(message, &error, NULL);
  if (strstr(error->message, word) == NULL)
    g_error("\"%s\" lacks \"%s\"", error->message, word);
  g_assert_error(error, domain, code);
}

void
rig_wait_warning(GstElement *pipeline, const char *word)
{
  g_autoptr(GstMessage) message = rig_wait(pipeline, GST_MESSAGE_WARNING, NULL, NULL);
  g_autofree char *text = trouble_text(message);
  if (strstr(text, word) == NULL)
    g_error("\"%s\" lacks \"%s\"", text, word);
}

typedef struct {
  GMutex lock;
  GCond changed;
  unsigned left;
} BufferCount;

static void
count_buffer(GstElement *sink, GstBuffer *buffer, GstPad *pad, BufferCount *count)
{
  (void)sink;
  (void)buffer;
  (void)pad;
  g_mutex_lock(&count->lock);
  if (count->left > 0 && --count->left == 0)
    g_cond_signal(&count->changed);
  g_mutex_unlock(&count->lock);
}

static void
forget_count(gpointer data, GClosure *closure)
{
  (void)closure;
  BufferCount *count = data;
  g_cond_clear(&count->changed);
  g_mutex_clear(&count->lock);
  g_free(count);
}

void
rig_wait_buffers(GstElement *pipeline, const char *name, unsigned n)
{
  BufferCount *count = g_new0(BufferCount, 1);
  gint64 end = g_get_monotonic_time() + (gint64)(RIG_PATIENCE / GST_USECOND);
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_mutex_init(&count->lock);
  g_cond_init(&count->changed);
  count->left = n;
  gulong handler =
      g_signal_connect_data(sink, "handoff", G_CALLBACK(count_buffer), count, forget_count, 0);
  g_mutex_lock(&count->lock);
  while (count->left > 0)
    if (!g_cond_wait_until(&count->changed, &count->lock, end))
      g_error("%s still waits for %u buffers", name, count->left);
  g_mutex_unlock(&count->lock);
  g_signal_handler_disconnect(sink, handler);
}

/* --- asking --- */

guint64
rig_counter(GstElement *pipeline, const char *element, const char *field)
{
  g_autoptr(GstElement) asked = gst_bin_get_by_name(GST_BIN(pipeline), element);
  g_autoptr(GstStructure) stats = NULL;
  guint64 value = 0;
  g_object_get(asked, "stats", &stats, NULL);
  if (!gst_structure_get_uint64(stats, field, &value))
    g_error("%s has no counter %s", element, field);
  return value;
}

char *
rig_string(GstElement *pipeline, const char *element, const char *property)
{
  g_autoptr(GstElement) asked = gst_bin_get_by_name(GST_BIN(pipeline), element);
  char *value = NULL;
  g_object_get(asked, property, &value, NULL);
  return value;
}

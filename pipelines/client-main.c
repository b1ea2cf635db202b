/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzp-client: a call from the command line, over the element wzpcall. */
#include "client-check.h"
#include "client-command.h"
#include "client-control.h"
#include "client-identity.h"
#include "client-pipeline.h"
#include "client-recording.h"
#include "client-report.h"
#include "client-seed.h"
#include "client-terminal.h"
#include "wzp/group.h"
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define STATUS_MSEC 250
/* What was said last may still be on its way, and a goodbye may overtake it; longer than the playout delay
 * would sound like loss. */
#define LINGER_MSEC 40

typedef struct {
  ClientOptions options;
  ClientPipeline pipeline;
  ClientReport *report;
  GMainLoop *loop;
  ClientExit exit;
  gboolean started; /* what fails before is ours: a file, a device, an option */
  guint lingering;  /* all was said: the source that ends the call */
} Client;

static void
end(Client *client, ClientExit code)
{
  if (client->exit == CLIENT_OK)
    client->exit = code;
  g_main_loop_quit(client->loop);
}

static gboolean
is_of_call(const Client *client, GstObject *source)
{
  return gst_object_has_as_ancestor(source, GST_OBJECT(client->pipeline.call));
}

static ClientExit
classify(const Client *client, GstObject *source, const GError *error)
{
  if (!is_of_call(client, source) || error->domain != GST_RESOURCE_ERROR)
    return CLIENT_LOCAL;
  switch (error->code) {
  case GST_RESOURCE_ERROR_SETTINGS:
    return CLIENT_USAGE;
  case GST_RESOURCE_ERROR_NOT_AUTHORIZED: /* before the start: a secret's file that is not safe, or
                                             the loud one, of a name with another key */
    return client->started || g_str_has_prefix(error->message, "STOP") ? CLIENT_SECURITY
                                                                       : CLIENT_LOCAL;
  case GST_RESOURCE_ERROR_NOT_FOUND:
  case GST_RESOURCE_ERROR_BUSY:
  case GST_RESOURCE_ERROR_FAILED:
    return CLIENT_CALL_FAILED;
  default:
    return CLIENT_LOCAL;
  }
}

/* Here the property is an option. */
static char *
text_of_call(const GError *error)
{
  GString *text = g_string_new(error->message);
  g_string_replace(text, "set accept-new-relay-key=true once", "say --accept-new-relay-key once",
                   0);
  return g_string_free(text, FALSE);
}

static char *
error_text(const Client *client, GstObject *source, const GError *error, const char *debug)
{
  if (is_of_call(client, source))
    return text_of_call(error);
  /* what the system said stands in the last line of what is for developers */
  const char *line = debug ? strrchr(debug, '\n') : NULL;
  const char *reason = line ? line + 1 : "";
  if (!g_str_equal(GST_OBJECT_NAME(source), CLIENT_RECORDING_SINK))
    return client->options.live
               ? g_strdup_printf("the microphone or the speaker cannot be used: %s %s",
                                 error->message, reason)
               : g_strdup_printf("'%s' cannot be sent: %s %s", client->options.send_file,
                                 error->message, reason);
  if (g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT))
    reason = "the disk is full";
  return g_strdup_printf("the recording ends here, because it cannot be written: %s",
                         *reason ? reason : error->message);
}

static void
take_error(Client *client, GstMessage *message)
{
  GError *error = NULL;
  char *debug = NULL;
  gst_message_parse_error(message, &error, &debug);
  GstObject *source = GST_MESSAGE_SRC(message);
  char *text = g_strchomp(error_text(client, source, error, debug));
  client_report_set_error(client->report, text);
  client_report_say(client->report, "wzp-client: %s", text);
  end(client, classify(client, source, error));
  g_free(text);
  g_free(debug);
  g_error_free(error);
}

static void
take_warning(Client *client, GstMessage *message)
{
  GError *warning = NULL;
  gst_message_parse_warning(message, &warning, NULL);
  char *text = text_of_call(warning);
  client_report_say(client->report, "%s", text);
  g_free(text);
  g_error_free(warning);
}

/* The whole of what is sent has left wzpcall. */
static gboolean
is_end_of_sending(const Client *client, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure(message);
  GstMessage *inner = NULL;
  if (!client_options_send(&client->options) || !structure ||
      !gst_structure_has_name(structure, "GstBinForwarded"))
    return FALSE;
  gst_structure_get(structure, "message", GST_TYPE_MESSAGE, &inner, NULL);
  const gboolean ended = inner && GST_MESSAGE_TYPE(inner) == GST_MESSAGE_EOS &&
                         GST_MESSAGE_SRC(inner) == GST_OBJECT(client->pipeline.call);
  g_clear_pointer(&inner, gst_message_unref);
  return ended;
}

static gboolean
on_lingered(gpointer data)
{
  Client *client = data;
  gboolean failed = (client->options.call && !client_report_was_active(client->report)) ||
                    client_report_broke_off(client->report);
  client_report_take_stats(client->report, &client->pipeline);
  if (client_report_is_cut_off(client->report)) {
    const char *text = "the relay was away when the last was said; nobody heard it";
    client_report_set_error(client->report, text);
    client_report_say(client->report, "wzp-client: %s", text);
    failed = TRUE;
  }
  end(client, failed ? CLIENT_CALL_FAILED : CLIENT_OK);
  return G_SOURCE_REMOVE;
}

static void
linger(Client *client)
{
  if (!client->lingering)
    client->lingering = g_timeout_add(LINGER_MSEC, on_lingered, client);
}

static gboolean
on_message(GstBus *bus, GstMessage *message, gpointer data)
{
  (void)bus;
  Client *client = data;
  switch (GST_MESSAGE_TYPE(message)) {
  case GST_MESSAGE_ERROR:
    take_error(client, message);
    break;
  case GST_MESSAGE_WARNING:
    take_warning(client, message);
    break;
  case GST_MESSAGE_EOS:
    linger(client);
    break;
  case GST_MESSAGE_LATENCY:
    gst_bin_recalculate_latency(GST_BIN(client->pipeline.pipeline));
    break;
  case GST_MESSAGE_ELEMENT:
    client_report_take_message(client->report, message);
    if (is_end_of_sending(client, message))
      linger(client);
    break;
  default:
    break;
  }
  return G_SOURCE_CONTINUE;
}

/* In wzpcall's thread: --answer takes what comes, when it is in no call. */
static void
on_incoming(GstElement *call, const char *fingerprint, const char *name, const char *id,
            gpointer data)
{
  const Client *client = data;
  gboolean taken = FALSE;
  (void)fingerprint, (void)name;
  g_signal_emit_by_name(call, "accept", id, client_control_mode(call, client->options.trusted),
                        &taken);
}

static void
on_control_says(gpointer data, const char *text)
{
  const Client *client = data;
  client_report_say(client->report, "%s", text);
}

static gboolean
on_signal(gpointer data)
{
  end(data, CLIENT_OK);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_status(gpointer data)
{
  Client *client = data;
  client_report_take_stats(client->report, &client->pipeline);
  client_report_status_line(client->report);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_duration(gpointer data)
{
  Client *client = data;
  if (client_report_was_active(client->report)) {
    end(client, CLIENT_OK);
    return G_SOURCE_REMOVE;
  }
  const char *nobody = client->options.call ? "the call was not taken before --duration was over"
                       : client->options.answer
                           ? "nobody called before --duration was over"
                           : "nobody came to the room before --duration was over";
  client_report_set_error(client->report, nobody);
  client_report_say(client->report, "wzp-client: %s", nobody);
  end(client, CLIENT_CALL_FAILED);
  return G_SOURCE_REMOVE;
}

/* Runs the call to its end. */
static void
run(Client *client)
{
  GstBus *bus = gst_element_get_bus(client->pipeline.pipeline);
  client->loop = g_main_loop_new(NULL, FALSE);
  const guint sources[] = {
      gst_bus_add_watch(bus, on_message, client), g_unix_signal_add(SIGINT, on_signal, client),
      g_unix_signal_add(SIGTERM, on_signal, client), g_timeout_add(STATUS_MSEC, on_status, client)};
  if (client->options.duration > 0)
    g_timeout_add((guint)(client->options.duration * 1000), on_duration, client);
  /* what cannot be opened says so while going to PAUSED, before anything went to the network */
  if (gst_element_set_state(client->pipeline.pipeline, GST_STATE_PAUSED) ==
      GST_STATE_CHANGE_FAILURE) {
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    if (message) {
      take_error(client, message);
      gst_message_unref(message);
    } else {
      client_report_set_error(client->report, "the pipeline does not start");
      end(client, CLIENT_LOCAL);
    }
  } else {
    client->started = TRUE;
    gst_element_set_state(client->pipeline.pipeline, GST_STATE_PLAYING);
    g_main_loop_run(client->loop);
  }
  client_report_take_stats(client->report, &client->pipeline);
  for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
    g_source_remove(sources[i]);
  g_main_loop_unref(client->loop);
  gst_object_unref(bus);
}

/* A damaged store is no empty one: nobody would be known. */
static gboolean
load_contacts(Client *client, const char *path, GError **error)
{
  GError *wrong = NULL;
  WzpContacts *contacts = wzp_contacts_load(path, &wrong);
  client_report_set_contacts(client->report, contacts);
  return contacts || client_command_error(wrong, error);
}

/* A person's own one is there because it was made with "identity new"; nothing is made here without being asked. */
static gboolean
choose_identity(ClientOptions *options, GError **error)
{
  const char *problem = NULL;
  char *own = client_seed_default_path();
  if (!options->identity && !options->mnemonic_file && !options->anonymous &&
      (g_file_test(own, G_FILE_TEST_EXISTS) || g_file_test(own, G_FILE_TEST_IS_SYMLINK)))
    options->identity = g_strdup(own);
  if (options->answer && !options->identity && !options->mnemonic_file)
    problem = "--answer needs an --identity: nobody knows the fingerprint of a new one";
  else if (options->passphrase_file && !options->identity)
    problem = "--passphrase-file opens the file that --identity names; name it too";
  if (problem)
    g_set_error_literal(error, CLIENT_ERROR, CLIENT_USAGE, problem);
  g_free(own);
  return !problem;
}

/* What closes the room, as the person says it. */
static gboolean
ask_room_passphrase(Client *client, GError **error)
{
  char passphrase[WZP_ROOM_PASSPHRASE_MAX + 1];
  const gboolean good = client_terminal_ask_passphrase(
      "The passphrase of the room, not shown: ", passphrase, sizeof passphrase, error);
  if (good)
    g_object_set(client->pipeline.call, "room-passphrase", passphrase, NULL);
  sodium_memzero(passphrase, sizeof passphrase);
  return good;
}

static ClientExit
call(Client *client, GError **error)
{
  ClientIdentity *identity = NULL;
  ClientRecording *recording = NULL;
  ClientOptions *options = &client->options;
  client->report = client_report_new(options);
  char *contacts = options->contacts ? g_strdup(options->contacts) : wzp_contacts_default_path();
  gboolean good = choose_identity(options, error) && client_pipeline_find_plugin(error) &&
                  load_contacts(client, contacts, error);
  const char *seed_file = options->identity;
  if (good && options->mnemonic_file) {
    identity = client_identity_from_words(options->mnemonic_file, error);
    good = identity != NULL;
  } else if (good && options->identity) {
    good = client_identity_unseal(options->identity, options->passphrase_file, &identity, error);
  }
  if (identity)
    seed_file = client_identity_seed_file(identity);
  if (good && options->record) {
    recording = client_recording_new(options->record, error);
    good = recording != NULL;
  }
  good = good && client_pipeline_build(&client->pipeline, options, seed_file,
                                       recording ? client_recording_part(recording) : NULL, error);
  if (good && client_options_ask_passphrase(options))
    good = ask_room_passphrase(client, error);
  if (good && options->answer && !options->control)
    g_signal_connect(client->pipeline.call, "incoming-call", G_CALLBACK(on_incoming), client);
  ClientControl *control = NULL;
  if (good && options->control)
    control = client_control_new(STDIN_FILENO, client->pipeline.call, options->trusted,
                                 on_control_says, client);
  if (good)
    run(client);
  client_control_free(control);
  client_pipeline_clear(&client->pipeline); /* says goodbye, closes the file */
  client_identity_free(identity);
  g_free(contacts);
  double seconds = -1;
  GError *wrong = NULL;
  if (!client_recording_finish(recording, &seconds, &wrong)) {
    client_report_say(client->report, "wzp-client: %s", wrong->message);
    client_report_set_error(client->report, wrong->message);
    client->exit = client->exit == CLIENT_OK ? CLIENT_LOCAL : client->exit;
    g_error_free(wrong);
  }
  if (options->record)
    client_report_set_recording(client->report, seconds);
  if (!good) {
    client_report_set_error(client->report, (*error)->message);
    client->exit = (ClientExit)(*error)->code;
  }
  if (client->started || options->json)
    client_report_print(client->report, options->json);
  client_report_free(client->report);
  return client->exit;
}

int
main(int argc, char **argv)
{
  static const struct rlimit no_core = {0, 0};
  Client client = {0};
  GError *error = NULL;
  setrlimit(RLIMIT_CORE,
            &no_core); /* seeds, words and keys pass through; and for core_pattern's pipes: */
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setlocale(LC_ALL, "");
  setlocale(LC_NUMERIC, "C");
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a file-size limit shall be an error, not the end */
  ClientExit code = CLIENT_USAGE;
  if (client_command_run(argc, argv, &code))
    return (int)code;
  if (client_options_parse(&client.options, &argc, &argv, &error)) {
    if (client.options.version) {
      printf("wzp-client %s\n", WZP_VERSION);
      code = CLIENT_OK;
    } else if (client.options.check) {
      code =
          client_check(client.options.check, client.options.tls_port, client.options.json, &error);
    } else {
      code = call(&client, &error);
    }
  }
  if (error) {
    g_printerr("wzp-client: %s%s\n", error->message,
               code == CLIENT_USAGE ? " (--help shows the options)" : "");
    g_error_free(error);
  }
  client_options_clear(&client.options);
  return (int)code;
}

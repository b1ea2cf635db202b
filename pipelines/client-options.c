/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-options.h"
#include <gio/gio.h>
#include <gst/gst.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ROOM "default"
#define NOT_GIVEN (-DBL_MAX)

G_DEFINE_QUARK(client - error - quark, client_error)

static const char description[] =
    "RELAY is host[:port], [IPv6]:port, or "
    "wzp://host[:port]/room[?relay=FINGERPRINT][#ROOMSECRET]. #passphrase: one closes the room.\n"
    "Port 4433 when none is named.\n"
    "\n"
    "The call ends when all was sent, when the last other member leaves, after --duration, or at\n"
    "Ctrl-C; a recording is whole in each case. What is sent begins when somebody is there.\n"
    "\n"
    "Exit codes:\n"
    "  0  the call went as asked\n"
    "  1  the call failed: no answer, refused, busy, broken off, or nobody came before --duration\n"
    "     was over\n"
    "  2  wrong usage\n"
    "  3  a file or device on this machine is the problem\n"
    "  4  stopped for security: the relay does not have the key that it should have, or does not\n"
    "     believe who we are, or does not let us in\n"
    "\n"
    "Examples:\n"
    "  wzp-client --live --room family relay.example\n"
    "  wzp-client --send-file speech.ogg relay.example:4433\n"
    "  wzp-client --live --call 27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e --name Alice "
    "relay.example\n"
    "  wzp-client --live --answer --identity me relay.example\n"
    "  wzp-client --record heard.wav --duration 60 --json '[2001:db8::1]:4433'\n"
    "  wzp-client --check relay.example other.example:4433\n"
    "\n"
    "Without a call: wzp-client identity --help, wzp-client contacts --help, wzp-client list "
    "--help\n"
    "and wzp-client featherchat --help. (A relay that is called so is written with its port.)\n";

static gboolean usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean
usage(GError **error, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, CLIENT_ERROR, CLIENT_USAGE, text);
  g_free(text);
  return FALSE;
}

gboolean
client_options_send(const ClientOptions *options)
{
  return options->send_tone > 0 || options->send_file || options->live;
}

gboolean
client_options_ask_passphrase(const ClientOptions *options)
{
  return options->room_passphrase ||
         (g_str_has_suffix(options->uri, "#passphrase") && !options->room_passphrase_file);
}

gboolean
client_options_hear(const ClientOptions *options)
{
  return options->record || options->live;
}

/* The path goes between the host and what follows it. given: what the person said for it, or NULL. */
static char *
put_path_into_uri(const char *uri, const char *path, const char *given, GError **error)
{
  const char *host = uri + strlen("wzp://");
  const gsize host_length = strcspn(host, "/?#");
  const char *rest = host + host_length;
  const gboolean has_path = rest[0] == '/' && strcspn(rest + 1, "?#") > 0;
  if (has_path && given) {
    usage(error, "the %s named twice: by %s and in '%.*s'",
          *path == '@' ? "one to call is" : "room is", given, (int)strcspn(uri, "#"), uri);
    return NULL;
  }
  if (has_path)
    return g_strdup(uri);
  return g_strdup_printf("wzp://%.*s/%s%s", (int)host_length, host, path,
                         rest[0] == '/' ? rest + 1 : rest);
}

static gboolean
port_is_good(const char *text)
{
  guint64 port;
  return g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL);
}

static char *
uri_of(const char *relay, const char *path, const char *given, GError **error)
{
  if (g_str_has_prefix(relay, "wzp://"))
    return put_path_into_uri(relay, path, given, error);
  if (strchr(relay, '#')) { /* no message shows what is behind it */
    usage(error, "a room secret ('#') stands in a whole link: wzp://host/room#SECRET");
    return NULL;
  }
  const char *colon = strrchr(relay, ':');
  const char *bracket = strrchr(relay, ']');
  const gboolean bare_v6 = relay[0] != '[' && colon && colon != strchr(relay, ':');
  const gboolean v6 = bare_v6 || (relay[0] == '[' && bracket && (!bracket[1] || bracket[1] == ':'));
  const char *port = NULL;
  char *host;
  if (bare_v6) {
    host = g_strdup(relay);
  } else if (v6) {
    host = g_strndup(relay + 1, (gsize)(bracket - relay - 1));
    port = bracket[1] ? bracket + 2 : NULL;
  } else {
    host = colon ? g_strndup(relay, (gsize)(colon - relay)) : g_strdup(relay);
    port = colon ? colon + 1 : NULL;
  }
  char *uri = NULL;
  if (v6 ? !g_hostname_is_ip_address(host) : !*host || strpbrk(host, "/?#@[] ")) {
    usage(error, "'%s' is not a relay: write host, host:port, [IPv6]:port or wzp://host/room",
          relay);
  } else if (port && !port_is_good(port)) {
    usage(error, "'%s' is not a port: it is a number from 1 to 65535", port);
  } else {
    char *plain = g_strdup_printf("wzp://%s%s%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "",
                                  port ? ":" : "", port ? port : "");
    uri = put_path_into_uri(plain, path, given, error);
    g_free(plain);
  }
  g_free(host);
  return uri;
}

char *
client_relay_uri(const char *relay, const char *room, GError **error)
{
  if (room && !*room) {
    usage(error, "--room needs a name");
    return NULL;
  }
  char *escaped = g_uri_escape_string(room ? room : DEFAULT_ROOM, NULL, FALSE);
  char *uri = uri_of(relay, escaped, room ? "--room" : NULL, error);
  g_free(escaped);
  return uri;
}

char *
client_callee_uri(const char *relay, const char *callee, GError **error)
{
  if (callee && !*callee) {
    usage(error, "--call needs a fingerprint, or the name of a contact");
    return NULL;
  }
  char *escaped = g_uri_escape_string(callee ? callee : "", ":", FALSE);
  char *path = g_strconcat("@", escaped, NULL);
  char *uri = uri_of(relay, path, callee ? "--call" : "--answer", error);
  g_free(path);
  g_free(escaped);
  return uri;
}

static gboolean
seconds_are_good(double seconds, const char *option, GError **error)
{
  if (isfinite(seconds) && seconds > 0 && seconds <= 1e6)
    return TRUE;
  return usage(error, "%s is a number of seconds above 0, not %g", option, seconds);
}

static gboolean
check(const ClientOptions *options, GError **error)
{
  if (!!options->send_file + (options->send_tone > 0) + options->live > 1)
    return usage(error, "--send-tone, --send-file and --live each say what is sent; choose one");
  if (!client_options_send(options) && !client_options_hear(options))
    return usage(error, "say what to do: --send-tone, --send-file, --record or --live");
  if ((options->microphone || options->speaker) && !options->live)
    return usage(error,
                 "--microphone and --speaker say with what you speak and listen: add --live");
  if (options->echo_cancel && !g_str_equal(options->echo_cancel, "off") && !options->live)
    return usage(error, "--echo-cancel takes what the speaker plays out of what the microphone "
                        "hears: add --live");
  if (!!options->room + !!options->call + options->answer > 1)
    return usage(error, "--room, --call and --answer each say with whom; choose one");
  if (options->room_passphrase && options->room_passphrase_file)
    return usage(error,
                 "--room-passphrase asks for it and --room-passphrase-file reads it; choose one");
  if ((options->room_passphrase || options->room_passphrase_file) &&
      (options->call || options->answer))
    return usage(error, "a passphrase closes a room; a call to somebody has its own keys");
  if (!options->list != !options->list_owner)
    return usage(error, "--list and --list-owner go together: anybody can sign a list, and the "
                        "owner is who may");
  if (options->list && (options->call || options->answer))
    return usage(error, "--list is of a room, and a call to somebody has none");
  if (options->control && !options->call && !options->answer)
    return usage(error, "--control steers a call to somebody: add --call or --answer");
  if (options->call_name && options->answer)
    return usage(error, "--name says whom you call, or who alone shall be in the room; who calls "
                        "--answer is not known before");
  if (options->answer && options->anonymous)
    return usage(error, "--answer needs an identity that others know, and --anonymous has none");
  if (options->anonymous && (options->identity || options->mnemonic_file))
    return usage(error, "--anonymous is nobody, and --identity and --mnemonic-file are somebody; "
                        "choose one");
  if (options->identity && options->mnemonic_file)
    return usage(error, "--identity and --mnemonic-file both say who you are; choose one");
  if (options->record && g_file_test(options->record, G_FILE_TEST_IS_DIR))
    return usage(error, "--record needs a file, and '%s' is a folder", options->record);
  return TRUE;
}

/* What is of a call is not left out without a word. */
static gboolean
only_looks(const ClientOptions *options, GError **error)
{
  const struct {
    const char *option;
    gboolean given;
  } calls[] = {{"--room", options->room != NULL},
               {"--call", options->call != NULL},
               {"--answer", options->answer},
               {"--send-tone", options->send_tone != NOT_GIVEN},
               {"--send-file", options->send_file != NULL},
               {"--live", options->live},
               {"--record", options->record != NULL}};
  for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
    if (calls[i].given)
      return usage(error, "--check looks at relays and makes no call: leave out %s, or --check",
                   calls[i].option);
  return TRUE;
}

static gboolean
tls_port_is_good(ClientOptions *options, const char *text, GError **error)
{
  if (text && !port_is_good(text) && !g_str_equal(text, "0"))
    return usage(error,
                 "--tls-port '%s' is not a port: it is a number from 1 to 65535, or 0 for none",
                 text);
  if (text)
    options->tls_port = atoi(text);
  return TRUE;
}

gboolean
client_options_parse(ClientOptions *options, int *argc, char ***argv, GError **error)
{
  *options = (ClientOptions){.send_tone = NOT_GIVEN,
                             .duration = NOT_GIVEN,
                             .connect_timeout = NOT_GIVEN,
                             .tls_port = -1,
                             .latency = CLIENT_LATENCY_NOT_GIVEN};
  char *tls_port = NULL;
  char **rest = NULL;
  gboolean only_check = FALSE;
  const GOptionEntry entries[] = {
      {"room", 'r', 0, G_OPTION_ARG_STRING, &options->room, "The room (" DEFAULT_ROOM ")", "NAME"},
      {"room-passphrase", 0, 0, G_OPTION_ARG_NONE, &options->room_passphrase,
       "A passphrase closes the room; asked at the terminal", NULL},
      {"room-passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options->room_passphrase_file,
       "The same, from the first line of a file that only you can read", "FILE"},
      {"list", 0, 0, G_OPTION_ARG_FILENAME, &options->list,
       "Only who is on this signed list may be in the room (wzp-client list)", "FILE"},
      {"list-owner", 0, 0, G_OPTION_ARG_STRING, &options->list_owner,
       "Who must have signed it: a fingerprint, or the name of a contact", "WHO"},
      {"call", 0, 0, G_OPTION_ARG_STRING, &options->call,
       "Call somebody: a fingerprint, or the name of a contact", "WHO"},
      {"name", 0, 0, G_OPTION_ARG_STRING, &options->call_name,
       "What the one is called whom you call, or who alone shall be in the room; kept in the "
       "contacts",
       "NAME"},
      {"answer", 0, 0, G_OPTION_ARG_NONE, &options->answer,
       "Wait for a call to your identity, and take it, whoever calls (but see --control)", NULL},
      {"control", 0, 0, G_OPTION_ARG_NONE, &options->control,
       "Lines of standard input steer the call: accept, decline, hangup, hold, resume, mute, "
       "unmute, "
       "transfer WHO, dial WHO, help; what calls then rings until one of the first two",
       NULL},
      {"trusted", 0, 0, G_OPTION_ARG_NONE, &options->trusted,
       "The other side of a call, or who is alone with you in a room with a secret, a passphrase "
       "or a list, may learn your address, for a direct path",
       NULL},
      {"send-tone", 't', 0, G_OPTION_ARG_DOUBLE, &options->send_tone, "Send a tone of 440 Hz",
       "SECONDS"},
      {"send-file", 'f', 0, G_OPTION_ARG_FILENAME, &options->send_file,
       "Send the audio of a file: all that decodebin reads, and .g722", "FILE"},
      {"live", 'l', 0, G_OPTION_ARG_NONE, &options->live, "Speak and listen: microphone, speaker",
       NULL},
      {"microphone", 0, 0, G_OPTION_ARG_STRING, &options->microphone,
       "With --live: the microphone of that name, or whose name has it in it", "NAME"},
      {"speaker", 0, 0, G_OPTION_ARG_STRING, &options->speaker, "With --live: the speaker", "NAME"},
      {"record", 'o', 0, G_OPTION_ARG_FILENAME, &options->record,
       "Record what is heard: WAV, or bare S16LE at 48 kHz, mono, when it ends in .raw", "FILE"},
      {"duration", 'd', 0, G_OPTION_ARG_DOUBLE, &options->duration, "End after so long", "SECONDS"},
      {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &options->identity,
       "Seed file, made when missing (default: wzp/identity in your configuration, if it is there; "
       "else a new identity for this call)",
       "FILE"},
      {"anonymous", 0, 0, G_OPTION_ARG_NONE, &options->anonymous,
       "Be nobody that is known: a new identity for this call", NULL},
      {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &options->passphrase_file,
       "What opens a sealed seed file is the first line of this one (default: asked)", "FILE"},
      {"mnemonic-file", 'm', 0, G_OPTION_ARG_FILENAME, &options->mnemonic_file,
       "The identity as 24 words in a file that only you can read", "FILE"},
      {"known-relays", 0, 0, G_OPTION_ARG_FILENAME, &options->known_relays,
       "Keys of relays met before (default: wzp/known-relays in your configuration)", "FILE"},
      {"contacts", 'c', 0, G_OPTION_ARG_FILENAME, &options->contacts,
       "Who is known by which name (default: wzp/contacts in your configuration)", "FILE"},
      {"accept-new-relay-key", 0, 0, G_OPTION_ARG_NONE, &options->accept_new_relay_key,
       "Take the key that the relay shows now, and remember it", NULL},
      {"token-file", 0, 0, G_OPTION_ARG_FILENAME, &options->token_file,
       "The token that the relay asks for, in a file that only you can read", "FILE"},
      {"token-at-first-use", 0, 0, G_OPTION_ARG_NONE, &options->token_at_first_use,
       "Show the token also to a relay whose key was taken at first use; remembered", NULL},
      {"connect-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options->connect_timeout,
       "Give up when the relay does not answer (30)", "SECONDS"},
      {"tls-port", 0, 0, G_OPTION_ARG_STRING, &tls_port,
       "TCP port of the relay to go to, with TLS, where UDP does not get through; 0: never (443)",
       "PORT"},
      {"latency", 0, 0, G_OPTION_ARG_INT, &options->latency,
       "Playout delay of what is heard; 0: by what the network does (0)", "MS"},
      {"profile", 0, 0, G_OPTION_ARG_STRING, &options->profile,
       "Codec and rate of what is sent, whatever the network; with --tier auto: at best", "NAME"},
      {"tier", 0, 0, G_OPTION_ARG_STRING, &options->tier,
       "How well is spoken: good, degraded, ...; auto: as the network allows (auto)", "NAME"},
      {"network-hint", 0, 0, G_OPTION_ARG_STRING, &options->network_hint,
       "What network this is: wired, wifi, cellular (unknown)", "NAME"},
      {"denoise", 0, 0, G_OPTION_ARG_STRING, &options->denoise,
       "Take noise out of what is sent: off, light or strong (off)", "HOW"},
      {"echo-cancel", 0, 0, G_OPTION_ARG_STRING, &options->echo_cancel,
       "Take what is heard out of what is sent: off, on, webrtc or speex (on, with --live)", "HOW"},
      {"gain-control", 0, 0, G_OPTION_ARG_STRING, &options->gain_control,
       "Bring your voice to the usual level: off or on (on, with --live)", "HOW"},
      {"dtx", 0, 0, G_OPTION_ARG_NONE, &options->dtx,
       "Send no silence: fewer packets, but who listens on the way can tell when you speak", NULL},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &options->json,
       "The last line of the output is a JSON object with the report", NULL},
      {"check", 0, 0, G_OPTION_ARG_NONE, &only_check,
       "No call: say which of the RELAYs answer, what they see of us, and through what NAT (one on "
       "the internet tells by its two ports)",
       NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and end", NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, "RELAY"},
      {0}};
  GOptionContext *context = g_option_context_new(NULL);
  g_option_context_set_summary(context, "An encrypted voice call through a wzp-relay.");
  g_option_context_set_description(context, description);
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_add_group(context, gst_init_get_option_group());
  GError *wrong = NULL;
  gboolean good = g_option_context_parse(context, argc, argv, &wrong);
  g_option_context_free(context);
  if (!good) {
    usage(error, "%s", wrong->message);
    g_error_free(wrong);
  } else if (options->version) {
    good = TRUE;
  } else if (only_check && rest && rest[0]) {
    good = only_looks(options, error) && tls_port_is_good(options, tls_port, error);
    if (good)
      options->check = g_steal_pointer(&rest);
  } else if (!rest || !rest[0] || rest[1]) {
    good = usage(error, "name %s: host[:port] or wzp://host[:port]/room",
                 only_check ? "the RELAYs to look at" : "one RELAY");
  } else {
    good = (options->send_tone == NOT_GIVEN ||
            seconds_are_good(options->send_tone, "--send-tone", error)) &&
           (options->duration == NOT_GIVEN ||
            seconds_are_good(options->duration, "--duration", error)) &&
           tls_port_is_good(options, tls_port, error) &&
           (options->connect_timeout == NOT_GIVEN ||
            seconds_are_good(options->connect_timeout, "--connect-timeout", error)) &&
           check(options, error);
    if (good)
      options->uri = options->call || options->answer
                         ? client_callee_uri(rest[0], options->call, error)
                         : client_relay_uri(rest[0], options->room, error);
    good = good && options->uri;
  }
  g_strfreev(rest);
  g_free(tls_port);
  return good;
}

void
client_options_clear(ClientOptions *options)
{
  g_strfreev(options->check);
  g_free(options->uri);
  g_free(options->room);
  g_free(options->room_passphrase_file);
  g_free(options->list);
  g_free(options->list_owner);
  g_free(options->call);
  g_free(options->call_name);
  g_free(options->send_file);
  g_free(options->record);
  g_free(options->identity);
  g_free(options->mnemonic_file);
  g_free(options->passphrase_file);
  g_free(options->known_relays);
  g_free(options->contacts);
  g_free(options->token_file);
  g_free(options->profile);
  g_free(options->microphone);
  g_free(options->speaker);
  g_free(options->denoise);
  g_free(options->echo_cancel);
  g_free(options->gain_control);
  g_free(options->tier);
  g_free(options->network_hint);
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-access.h"
#include "relay-config.h"
#include "relay-server.h"
#include "wzp/keyfile.h"
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* wzp-relay: exit codes 0 (told to stop), 1 (could not start), 2 (wrong usage). */

#define EXIT_USAGE 2
/* how long goodbyes may still be sent and acknowledged */
#define SHUTDOWN_MS 300

typedef struct {
  char *listen, *tls_listen, *config, *identity, *metrics_port, *auth_url, *room_id;
  gboolean version;
} Flags;

typedef struct {
  GMainLoop *loop;
  RelayServer *server;
  const char *config_path; /* NULL: none */
  const WzpIdentity *identity;
  bool stopping;
} Program;

static bool
parse_flags(Flags *flags, int *argc, char ***argv)
{
  GOptionEntry entries[] = {
      {"listen", 'l', 0, G_OPTION_ARG_STRING, &flags->listen,
       "Where to listen (default " RELAY_DEFAULT_LISTEN "; [::]:4433 for IPv6 and IPv4)",
       "ADDRESS:PORT"},
      {"tls-listen", 't', 0, G_OPTION_ARG_STRING, &flags->tls_listen,
       "Where to listen for clients whose network carries no UDP: TLS over TCP, mostly [::]:443 "
       "(default: off)",
       "ADDRESS:PORT"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &flags->config,
       "Configuration file, group [relay]; flags win over it", "FILE"},
      {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &flags->identity,
       "The relay's secret (default $XDG_STATE_HOME/wzp/relay-identity; made when missing)",
       "FILE"},
      {"metrics-port", 'm', 0, G_OPTION_ARG_STRING, &flags->metrics_port,
       "Serve /metrics, /livez, /readyz on this port of 127.0.0.1 (default: off; 0: any free one)",
       "PORT"},
      {"auth-url", 'a', 0, G_OPTION_ARG_STRING, &flags->auth_url,
       "Serve only clients whose token this server finds good (https://, or http:// to this "
       "machine)",
       "URL"},
      {"room-id", 0, 0, G_OPTION_ARG_STRING, &flags->room_id,
       "Print the id that the open room of this name has on this relay, and end", "NAME"},
      {"version", 0, 0, G_OPTION_ARG_NONE, &flags->version, "Print the version and end", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  GOptionContext *context = g_option_context_new(NULL);
  GError *error = NULL;
  bool good;

  g_option_context_set_summary(
      context, "Forwards end-to-end encrypted WarzonePhone calls. It cannot listen to them.");
  g_option_context_add_main_entries(context, entries, NULL);
  good = g_option_context_parse(context, argc, argv, &error);
  g_option_context_free(context);
  if (!good) {
    g_printerr("wzp-relay: %s. Try --help.\n", error->message);
    g_error_free(error);
    return false;
  }
  if (*argc > 1) {
    g_printerr("wzp-relay: \"%s\" is not understood; there are only flags. Try --help.\n",
               (*argv)[1]);
    return false;
  }
  return true;
}

static bool
make_config(RelayConfig *config, const Flags *flags, GError **error)
{
  if (flags->config != NULL && !relay_config_load(config, flags->config, error))
    return false;
  if (flags->listen != NULL && !relay_config_set(config, "listen", flags->listen, error))
    return false;
  if (flags->tls_listen != NULL &&
      !relay_config_set(config, "tls-listen", flags->tls_listen, error))
    return false;
  if (flags->identity != NULL && !relay_config_set(config, "identity", flags->identity, error))
    return false;
  if (flags->metrics_port != NULL &&
      !relay_config_set(config, "metrics-port", flags->metrics_port, error))
    return false;
  if (flags->auth_url != NULL && !relay_config_set(config, "auth-url", flags->auth_url, error))
    return false;
  return true;
}

static WzpIdentity *
load_identity(const RelayConfig *config, GError **error)
{
  WzpRandom random = wzp_random_system();
  WzpIdentity *identity;
  char *path, *directory;

  if (config->identity != NULL)
    return wzp_identity_load(config->identity, &random, error);
  path = g_build_filename(g_get_user_state_dir(), "wzp", "relay-identity", NULL);
  directory = g_path_get_dirname(path);
  /* if this fails, loading says so */
  (void)g_mkdir_with_parents(directory, 0700);
  identity = wzp_identity_load(path, &random, error);
  g_free(directory);
  g_free(path);
  return identity;
}

static bool
bind_access(RelayAccess *access, const WzpIdentity *identity, GError **error)
{
  if (relay_access_bind(access, identity->ed25519_public))
    return true;
  g_set_error_literal(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_FILE,
                      "the configuration has one room twice: by its name and by its id");
  return false;
}

/* Only who may join what is read again: all else would end calls. */
static gboolean
on_reload(gpointer user)
{
  Program *program = user;
  GError *error = NULL;
  RelayConfig config;

  if (program->config_path == NULL) {
    g_printerr("wzp-relay: there is no --config to read again\n");
    return G_SOURCE_CONTINUE;
  }
  relay_config_init(&config);
  if (relay_config_load(&config, program->config_path, &error) &&
      bind_access(config.access, program->identity, &error)) {
    g_printerr("wzp-relay: %u rooms have a list of who may join; the other settings are as they "
               "were\n",
               relay_access_n_rules(config.access));
    relay_server_take_access(program->server, g_steal_pointer(&config.access));
  } else {
    g_printerr("wzp-relay: all stays as it was: %s\n", error->message);
    g_error_free(error);
  }
  relay_config_clear(&config);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_goodbyes_sent(gpointer user)
{
  g_main_loop_quit(((Program *)user)->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_signal(gpointer user)
{
  Program *program = user;

  if (program->stopping) {
    g_main_loop_quit(program->loop);
    return G_SOURCE_CONTINUE;
  }
  program->stopping = true;
  g_printerr("wzp-relay: stopping\n");
  relay_server_shutdown(program->server);
  g_timeout_add(SHUTDOWN_MS, on_goodbyes_sent, program);
  return G_SOURCE_CONTINUE;
}

static void
harden(void)
{
  struct rlimit none = {0, 0};
  int fd;

  /* a descriptor below 3 that came closed would go to a socket, and messages would go into it */
  do
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd < 3);
  if (fd >= 0)
    close(fd);
#ifdef __GLIBC__
  /* What is freed is overwritten: others' code (HTTP, JSON) holds tokens in large buffers of its own. We wipe ours, and
   * packets are forwarded without allocating. */
  (void)mallopt(M_PERTURB, 0x5a);
#endif
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)signal(SIGPIPE, SIG_IGN);
}

static void
print_start(const RelayServer *server, const WzpIdentity *identity)
{
  char address[WZP_ADDRESS_TEXT], fingerprint[WZP_FINGERPRINT_TEXT];
  uint16_t second = relay_server_second_port(server);

  g_print("wzp-relay " WZP_VERSION " listening on %s, ",
          wzp_address_format(relay_server_address(server), address));
  if (second != 0)
    g_print("second port %u, ", second);
  g_print("key %s\n", wzp_fingerprint_format(identity->fingerprint, fingerprint));
  if (relay_server_tls_address(server) != NULL)
    g_print("TLS on %s\n", wzp_address_format(relay_server_tls_address(server), address));
  if (relay_server_metrics_url(server) != NULL)
    g_print("metrics on %s\n", relay_server_metrics_url(server));
  fflush(stdout);
}

static void
print_room_id(const char *name, const WzpIdentity *identity)
{
  WzpRoomSecret secret;
  uint8_t id[32];
  unsigned i;

  wzp_room_secret_open(&secret, name);
  wzp_room_id(id, &secret, identity->ed25519_public);
  for (i = 0; i < sizeof id; i++)
    g_print("%02x", id[i]);
  g_print("\n");
}

/* Runs until a signal. */
static bool
serve(RelayConfig *config, const char *config_path, const WzpIdentity *identity, GError **error)
{
  Program program = {.config_path = config_path, .identity = identity};

  if (!bind_access(config->access, identity, error))
    return false;
  program.server = relay_server_new(config, identity, error);
  if (program.server == NULL)
    return false;
  relay_server_take_access(program.server, g_steal_pointer(&config->access));
  program.loop = g_main_loop_new(NULL, FALSE);
  g_unix_signal_add(SIGTERM, on_signal, &program);
  g_unix_signal_add(SIGINT, on_signal, &program);
  g_unix_signal_add(SIGHUP, on_reload, &program);
  print_start(program.server, identity);
  g_main_loop_run(program.loop);
  g_main_loop_unref(program.loop);
  relay_server_free(program.server);
  return true;
}

static bool
run(RelayConfig *config, const Flags *flags, GError **error)
{
  WzpIdentity *identity = load_identity(config, error);
  bool good = true;

  if (identity == NULL)
    return false;
  if (flags->room_id != NULL)
    print_room_id(flags->room_id, identity);
  else
    good = serve(config, flags->config, identity, error);
  wzp_identity_free(identity);
  return good;
}

int
main(int argc, char **argv)
{
  Flags flags = {0};
  RelayConfig config;
  GError *error = NULL;
  int code = 0;

  setlocale(LC_ALL, "");
  harden();
  if (!parse_flags(&flags, &argc, &argv))
    return EXIT_USAGE;
  if (flags.version) {
    g_print("wzp-relay " WZP_VERSION "\n");
    return 0;
  }
  wzp_init();
  relay_config_init(&config);
  if (!make_config(&config, &flags, &error) || !run(&config, &flags, &error)) {
    g_printerr("wzp-relay: %s\n", error->message);
    /* a bad value in the file has a code of its own, so this one came with a flag */
    code = g_error_matches(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE) ? EXIT_USAGE : 1;
    g_error_free(error);
  }
  relay_config_clear(&config);
  g_free(flags.listen);
  g_free(flags.tls_listen);
  g_free(flags.config);
  g_free(flags.identity);
  g_free(flags.metrics_port);
  g_free(flags.auth_url);
  g_free(flags.room_id);
  return code;
}

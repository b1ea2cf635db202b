/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-config.h"
#include "relay-server.h"
#include "wzp/keyfile.h"
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
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
  char *listen, *config, *identity, *metrics_port;
  gboolean version;
} Flags;

typedef struct {
  GMainLoop *loop;
  RelayServer *server;
  bool stopping;
} Program;

static bool
parse_flags(Flags *flags, int *argc, char ***argv)
{
  GOptionEntry entries[] = {
      {"listen", 'l', 0, G_OPTION_ARG_STRING, &flags->listen,
       "Where to listen (default " RELAY_DEFAULT_LISTEN "; [::]:4433 for IPv6 and IPv4)",
       "ADDRESS:PORT"},
      {"config", 'c', 0, G_OPTION_ARG_FILENAME, &flags->config,
       "Configuration file, group [relay]; flags win over it", "FILE"},
      {"identity", 'i', 0, G_OPTION_ARG_FILENAME, &flags->identity,
       "The relay's secret (default $XDG_STATE_HOME/wzp/relay-identity; made when missing)",
       "FILE"},
      {"metrics-port", 'm', 0, G_OPTION_ARG_STRING, &flags->metrics_port,
       "Serve /metrics, /livez, /readyz on this port of 127.0.0.1 (default: off; 0: any free one)",
       "PORT"},
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
  if (flags->identity != NULL && !relay_config_set(config, "identity", flags->identity, error))
    return false;
  if (flags->metrics_port != NULL &&
      !relay_config_set(config, "metrics-port", flags->metrics_port, error))
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
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)signal(SIGPIPE, SIG_IGN);
}

static void
print_start(const RelayServer *server, const WzpIdentity *identity)
{
  char address[WZP_ADDRESS_TEXT], fingerprint[WZP_FINGERPRINT_TEXT];

  g_print("wzp-relay " WZP_VERSION " listening on %s, key %s\n",
          wzp_address_format(relay_server_address(server), address),
          wzp_fingerprint_format(identity->fingerprint, fingerprint));
  if (relay_server_metrics_url(server) != NULL)
    g_print("metrics on %s\n", relay_server_metrics_url(server));
  fflush(stdout);
}

/* Runs until a signal. */
static bool
run(const RelayConfig *config, GError **error)
{
  Program program = {0};
  WzpIdentity *identity = load_identity(config, error);

  if (identity == NULL)
    return false;
  program.server = relay_server_new(config, identity, error);
  if (program.server != NULL) {
    program.loop = g_main_loop_new(NULL, FALSE);
    g_unix_signal_add(SIGTERM, on_signal, &program);
    g_unix_signal_add(SIGINT, on_signal, &program);
    print_start(program.server, identity);
    g_main_loop_run(program.loop);
    g_main_loop_unref(program.loop);
    relay_server_free(program.server);
  }
  wzp_identity_free(identity);
  return program.loop != NULL;
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
  if (!make_config(&config, &flags, &error) || !run(&config, &error)) {
    g_printerr("wzp-relay: %s\n", error->message);
    /* a bad value in the file has a code of its own, so this one came with a flag */
    code = g_error_matches(error, RELAY_CONFIG_ERROR, RELAY_CONFIG_ERROR_VALUE) ? EXIT_USAGE : 1;
    g_error_free(error);
  }
  relay_config_clear(&config);
  g_free(flags.listen);
  g_free(flags.config);
  g_free(flags.identity);
  g_free(flags.metrics_port);
  return code;
}

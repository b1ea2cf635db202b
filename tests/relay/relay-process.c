/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-process.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT (30 * WZP_SECOND)

static const char *
program(void)
{
  const char *path = g_getenv("WZP_RELAY");

  if (path == NULL)
    g_error("WZP_RELAY is not set; it has to name the wzp-relay to be tested");
  return path;
}

/* Reads until end (line false) or one line without its end. NULL at the end of the stream. */
static char *
read_text(int fd, bool line, WzpTime timeout)
{
  WzpTime deadline = g_get_monotonic_time() + timeout;
  GString *text = g_string_new(NULL);

  for (;;) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int left = (int)((deadline - g_get_monotonic_time()) / WZP_MSEC);
    char c[4096];
    ssize_t n;

    if (left < 0 || poll(&poller, 1, left) == 0)
      g_error("wzp-relay did not answer in time");
    n = read(fd, c, line ? 1 : sizeof c);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    if (line && c[0] == '\n')
      return g_string_free(text, FALSE);
    g_string_append_len(text, c, n);
  }
  if (!line)
    return g_string_free(text, FALSE);
  g_string_free(text, TRUE);
  return NULL;
}

static pid_t
spawn(GStrvBuilder *arguments, int *out, int *err)
{
  char **words = g_strv_builder_end(arguments);
  GError *error = NULL;
  GPid pid;

  g_spawn_async_with_pipes(NULL, words, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                           out, err, &error);
  g_assert_no_error(error);
  g_strfreev(words);
  g_strv_builder_unref(arguments);
  return pid;
}

static void
start(RelayProcess *process, const char *listen)
{
  char **more = process->more;
  GStrvBuilder *arguments = g_strv_builder_new();
  char *identity = g_build_filename(process->directory, "identity", NULL);
  const char *word;
  char *line;

  g_strv_builder_add(arguments, program());
  g_strv_builder_add(arguments, "--listen");
  g_strv_builder_add(arguments, listen);
  g_strv_builder_add(arguments, "--identity");
  g_strv_builder_add(arguments, identity);
  g_strv_builder_add(arguments, "--metrics-port");
  g_strv_builder_add(arguments, "0");
  while (more != NULL && *more != NULL)
    g_strv_builder_add(arguments, *more++);
  process->pid = spawn(arguments, &process->out, &process->err);
  g_free(identity);

  g_free(process->start_line);
  process->start_line = read_text(process->out, true, START_TIMEOUT);
  if (process->start_line == NULL) {
    line = read_text(process->err, false, START_TIMEOUT);
    g_error("wzp-relay did not start: %s", line);
  }
  word = strstr(process->start_line, "listening on ");
  g_assert_nonnull(word);
  line = g_strdup(word + strlen("listening on "));
  *strchr(line, ',') = '\0';
  g_assert_true(wzp_address_parse(&process->address, line));
  g_free(line);

  line = read_text(process->out, true, START_TIMEOUT);
  g_assert_nonnull(line);
  if (g_str_has_prefix(line, "TLS on ")) {
    g_assert_true(wzp_address_parse(&process->tls_address, line + strlen("TLS on ")));
    process->tls_address.stream = 1;
    g_free(line);
    line = read_text(process->out, true, START_TIMEOUT);
  }
  g_assert_true(g_str_has_prefix(line, "metrics on http://"));
  g_free(process->metrics_url);
  process->metrics_url = g_strdup(line + strlen("metrics on "));
  g_free(line);
}

RelayProcess *
relay_process_new(const char *const *arguments)
{
  RelayProcess *process = g_new0(RelayProcess, 1);

  process->directory = g_dir_make_tmp("wzp-relay-XXXXXX", NULL);
  g_assert_nonnull(process->directory);
  process->more = g_strdupv((char **)arguments);
  start(process, "127.0.0.1:0");
  return process;
}

void
relay_process_restart(RelayProcess *process)
{
  char listen[WZP_ADDRESS_TEXT];

  g_assert_cmpint(process->pid, ==, 0);
  start(process, wzp_address_format(&process->address, listen));
}

static void
close_pipes(RelayProcess *process)
{
  close(process->out);
  close(process->err);
  process->pid = 0;
}

int
relay_process_wait(RelayProcess *process, WzpTime timeout, char **log)
{
  char *out, *err;
  int status = 0;

  /* the pipes end when the process does */
  out = read_text(process->out, false, timeout);
  err = read_text(process->err, false, timeout);
  g_assert_cmpint(waitpid(process->pid, &status, 0), ==, process->pid);
  close_pipes(process);
  g_free(out);
  if (log != NULL)
    *log = err;
  else
    g_free(err);
  return status;
}

const char *
relay_process_key(const RelayProcess *process)
{
  return strstr(process->start_line, ", key ") + strlen(", key ");
}

void
relay_process_wait_for_log(RelayProcess *process, const char *text, WzpTime timeout)
{
  WzpTime deadline = g_get_monotonic_time() + timeout;
  bool found = false;

  while (!found) {
    char *line = read_text(process->err, true, deadline - g_get_monotonic_time());

    if (line == NULL)
      g_error("the relay did not write \"%s\"", text);
    found = strstr(line, text) != NULL;
    g_free(line);
  }
}

void
relay_process_free(RelayProcess *process)
{
  char *identity = g_build_filename(process->directory, "identity", NULL);

  if (process->pid != 0) {
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    close_pipes(process);
  }
  g_unlink(identity);
  g_rmdir(process->directory);
  g_free(identity);
  g_free(process->directory);
  g_free(process->start_line);
  g_free(process->metrics_url);
  g_strfreev(process->more);
  g_free(process);
}

int
relay_process_run(const char *const *arguments, char **out, char **err)
{
  GStrvBuilder *all = g_strv_builder_new();
  int out_fd, err_fd, status;
  char *text;
  pid_t pid;

  g_strv_builder_add(all, program());
  while (*arguments != NULL)
    g_strv_builder_add(all, *arguments++);
  pid = spawn(all, &out_fd, &err_fd);
  text = read_text(out_fd, false, START_TIMEOUT);
  if (out != NULL)
    *out = g_steal_pointer(&text);
  g_free(text);
  text = read_text(err_fd, false, START_TIMEOUT);
  if (err != NULL)
    *err = g_steal_pointer(&text);
  g_free(text);
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  close(out_fd);
  close(err_fd);
  g_assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* Plain sockets: GIO would start threads, which ThreadSanitizer cannot see into. */
char *
relay_process_get(const RelayProcess *process, const char *path, unsigned *status)
{
  char **url = g_strsplit(process->metrics_url, "/", 4); /* "http:", "", "host:port", "metrics" */
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_storage native;
  char *request, *answer, *body;
  WzpAddress address;
  socklen_t length;

  g_assert_true(wzp_address_parse(&address, url[2]));
  length = wzp_address_to_sockaddr(&address, &native, false);
  g_assert_cmpint(connect(fd, (struct sockaddr *)&native, length), ==, 0);
  request = g_strdup_printf("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n",
                            path != NULL ? path : "/metrics");
  g_assert_cmpint(write(fd, request, strlen(request)), ==, (gssize)strlen(request));
  answer = read_text(fd, false, START_TIMEOUT);
  close(fd);
  g_assert_cmpint(sscanf(answer, "HTTP/%*s %u", status), ==, 1);
  body = strstr(answer, "\r\n\r\n");
  g_assert_nonnull(body);
  body = g_strdup(body + 4);
  g_free(answer);
  g_free(request);
  g_strfreev(url);
  return body;
}

double
relay_metric(const char *text, const char *name)
{
  char **lines = g_strsplit(text, "\n", -1);
  size_t length = strlen(name);
  double sum = 0;
  bool found = false;
  unsigned i;

  for (i = 0; lines[i] != NULL; i++) {
    if (strncmp(lines[i], name, length) == 0 && strchr(" {", lines[i][length]) != NULL) {
      found = true;
      sum += g_ascii_strtod(strrchr(lines[i], ' ') + 1, NULL);
    }
  }
  g_strfreev(lines);
  if (!found)
    g_error("no metric is called %s", name);
  return sum;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-terminal.h"
#include "client-options.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PAGE_ON "\033[?1049h\033[H\033[2J"
#define PAGE_OFF "\033[H\033[2J\033[?1049l"

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

struct ClientTerminal {
  int fd;
  gboolean page;
  struct sigaction before[G_N_ELEMENTS(stop_signals)], before_suspend;
  sigset_t before_mask;
};

static volatile sig_atomic_t stopped;

static void
on_stop(int number)
{
  stopped = number;
}

ClientTerminal *
client_terminal_open(const char *secret, GError **error)
{
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL,
                "%s only from and to a terminal, and here is none: %s", secret, g_strerror(errno));
    return NULL;
  }
  ClientTerminal *terminal = g_new0(ClientTerminal, 1);
  terminal->fd = fd;
  stopped = 0;
  /* without SA_RESTART: a question that is being asked comes back */
  const struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
  for (guint i = 0; i < G_N_ELEMENTS(stop_signals); i++)
    sigaction(stop_signals[i], &stop, &terminal->before[i]);
  sigaction(SIGTSTP, &ignore, &terminal->before_suspend);
  /* they come only while an answer is waited for: one between question and answer must not get lost */
  sigset_t stops;
  sigemptyset(&stops);
  for (guint i = 0; i < G_N_ELEMENTS(stop_signals); i++)
    sigaddset(&stops, stop_signals[i]);
  pthread_sigmask(SIG_BLOCK, &stops, &terminal->before_mask);
  return terminal;
}

static gboolean
stop_error(GError **error)
{
  g_set_error_literal(error, CLIENT_ERROR, CLIENT_LOCAL, "stopped; nothing was done");
  return FALSE;
}

gboolean
client_terminal_write(ClientTerminal *terminal, const char *text, GError **error)
{
  gsize left = strlen(text);
  while (left > 0) {
    const gssize put = write(terminal->fd, text, left);
    if (put < 0 && errno == EINTR && !stopped)
      continue;
    if (put < 0 && stopped)
      return stop_error(error);
    if (put < 0) {
      g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "the terminal cannot be written to: %s",
                  g_strerror(errno));
      return FALSE;
    }
    text += put;
    left -= (gsize)put;
  }
  return TRUE;
}

void
client_terminal_page(ClientTerminal *terminal)
{
  terminal->page = client_terminal_write(terminal, PAGE_ON, NULL);
}

static gboolean
read_line(ClientTerminal *terminal, char *line, gsize size, GError **error)
{
  struct pollfd wait = {.fd = terminal->fd, .events = POLLIN};
  gssize got = -1;
  do {
    if (ppoll(&wait, 1, NULL, &terminal->before_mask) >= 0)
      got = read(terminal->fd, line, size);
  } while (got < 0 && errno == EINTR && !stopped);
  if (stopped || got == 0 || (got > 0 && line[got - 1] != '\n' && (gsize)got < size))
    return stop_error(error); /* Ctrl-C; Ctrl-D, also in the middle of a line */
  if (got < 0) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "the terminal cannot be read: %s",
                g_strerror(errno));
    return FALSE;
  }
  if (line[got - 1] != '\n') {
    tcflush(terminal->fd, TCIFLUSH);
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "that line is too long: at most %zu letters",
                size - 1);
    return FALSE;
  }
  line[got - 1] = '\0';
  return TRUE;
}

gboolean
client_terminal_ask(ClientTerminal *terminal, const char *question, gboolean echo, char *line,
                    gsize size, GError **error)
{
  struct termios before, quiet;
  if (tcgetattr(terminal->fd, &before) != 0) {
    g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "/dev/tty is no terminal: %s",
                g_strerror(errno));
    return FALSE;
  }
  quiet = before;
  quiet.c_lflag |= ICANON | ISIG;
  quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
  if (echo)
    quiet.c_lflag |= ECHO | ECHOE | ECHOK;
  else
    quiet.c_lflag |= ECHONL;
  gboolean good = client_terminal_write(terminal, question, error);
  if (good) {
    tcsetattr(terminal->fd, TCSADRAIN, &quiet); /* lines pasted together are answers one by one */
    good = read_line(terminal, line, size, error);
    tcsetattr(terminal->fd, TCSANOW, &before);
  }
  if (!good)
    sodium_memzero(line, size);
  return good;
}

void
client_terminal_close(ClientTerminal *terminal)
{
  if (!terminal)
    return;
  if (terminal->page) {
    stopped = 0;
    client_terminal_write(terminal, PAGE_OFF, NULL);
  }
  close(terminal->fd);
  pthread_sigmask(SIG_SETMASK, &terminal->before_mask, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(stop_signals); i++)
    sigaction(stop_signals[i], &terminal->before[i], NULL);
  sigaction(SIGTSTP, &terminal->before_suspend, NULL);
  g_free(terminal);
}

gboolean
client_terminal_ask_passphrase(const char *question, char *passphrase, gsize size, GError **error)
{
  ClientTerminal *terminal = client_terminal_open("a passphrase goes", error);
  const gboolean good =
      terminal && client_terminal_ask(terminal, question, FALSE, passphrase, size, error);
  client_terminal_close(terminal);
  return good;
}

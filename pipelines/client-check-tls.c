/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-check-tls.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PATIENCE_MSEC 3000

/* FALSE: not in time. */
static gboolean
wait_for(int descriptor, short events, gint64 end)
{
  struct pollfd wait = {descriptor, events, 0};
  const gint64 left = (end - g_get_monotonic_time()) / 1000;
  return left > 0 && poll(&wait, 1, (int)left) == 1;
}

/* A connected socket, or -1 and errno. */
static int
connect_to(const WzpAddress *address, gint64 end)
{
  struct sockaddr_storage name;
  const socklen_t length = wzp_address_to_sockaddr(address, &name, false);
  int descriptor = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int problem = descriptor < 0 ? errno : 0;
  socklen_t size = sizeof problem;
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&name, length) == 0)
    return descriptor;
  if (errno != EINPROGRESS)
    problem = errno;
  else if (!wait_for(descriptor, POLLOUT, end))
    problem = ETIMEDOUT;
  else if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
    problem = errno;
  if (problem == 0)
    return descriptor;
  close(descriptor);
  errno = problem;
  return -1;
}

static WzpResult
shake_hands(int descriptor, WzpTls *tls, gint64 end)
{
  WzpResult result = WZP_OK;
  while (result == WZP_OK && !wzp_tls_is_up(tls)) {
    uint8_t bytes[4096];
    const uint8_t *output;
    size_t length;
    while ((output = wzp_tls_output(tls, g_get_monotonic_time(), &length)) != NULL) {
      const ssize_t sent = send(descriptor, output, length, MSG_NOSIGNAL);
      if (sent <= 0)
        return WZP_NOT_CONNECTED;
      wzp_tls_sent(tls, (size_t)sent);
    }
    if (!wait_for(descriptor, POLLIN, end))
      return WZP_TRUNCATED;
    const ssize_t got = recv(descriptor, bytes, sizeof bytes, 0);
    result = got > 0 ? wzp_tls_receive(tls, bytes, (size_t)got) : WZP_NOT_CONNECTED;
  }
  return result;
}

void
client_check_tls(const WzpAddress *relay, uint16_t port, ClientTlsAnswer *answer)
{
  const gint64 end = g_get_monotonic_time() + PATIENCE_MSEC * 1000;
  const WzpTlsExpect any = {.has_key = false};
  WzpAddress address = *relay;
  address.port = port;
  *answer = (ClientTlsAnswer){.answers = FALSE};
  const int descriptor = connect_to(&address, end);
  if (descriptor < 0) {
    g_strlcpy(answer->why, g_strerror(errno), sizeof answer->why);
    return;
  }
  WzpTls *tls = wzp_tls_connect(&any);
  const WzpResult result = shake_hands(descriptor, tls, end);
  answer->answers = result == WZP_OK && wzp_tls_peer_key(tls, answer->key);
  if (!answer->answers)
    g_strlcpy(answer->why,
              result == WZP_TRUNCATED ? "no answer" : "what answers there is not a relay",
              sizeof answer->why);
  wzp_tls_free(tls);
  close(descriptor);
}

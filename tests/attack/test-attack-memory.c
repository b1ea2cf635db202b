/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/relay/memory-search.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A19: a call is over; the application that had it lives on, and everything in its memory is read, as from a core dump.
 * No secret is there that libsodium was given since the start: seeds, X25519 secrets and what they gave, everything
 * that keys were derived from, keys of packets, records and tags. While the call is on some are, so the search works. */

typedef struct {
  pid_t pid;
  int from, to;
  MemorySearch *search;
} Client;

static void
start(Client *client)
{
  const char *program = g_getenv("WZP_LEAVING_CLIENT");
  int out[2], in[2];
  char descriptors[2][16];
  g_assert_nonnull(program);
  g_assert_cmpint(pipe(out), ==, 0);
  g_assert_cmpint(pipe(in), ==, 0);
  g_snprintf(descriptors[0], sizeof descriptors[0], "%d", out[1]);
  g_snprintf(descriptors[1], sizeof descriptors[1], "%d", in[0]);
  client->pid = fork();
  if (client->pid == 0) {
    close(out[0]);
    close(in[1]);
    execl(program, program, descriptors[0], descriptors[1], NULL);
    _exit(99);
  }
  close(out[1]);
  close(in[0]);
  client->from = out[0];
  client->to = in[1];
  client->search = memory_search_new();
}

static bool
read_all(int from, uint8_t *data, size_t length)
{
  while (length > 0) {
    const ssize_t n = read(from, data, length);
    if (n <= 0)
      return false;
    data += n;
    length -= (size_t)n;
  }
  return true;
}

static bool
is_zero(const uint8_t *bytes, size_t length)
{
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static const char *
kind_name(char kind)
{
  switch (kind) {
  case 'A':
    return "key of an AEAD";
  case 'H':
    return "key of HMAC";
  case 'I':
    return "what keys are made from";
  case 'X':
    return "secret of X25519";
  case 'D':
    return "result of X25519";
  case 'S':
    return "seed of Ed25519";
  case 'T':
    return "key of hop tags";
  default:
    g_error("an unknown kind: %c", kind);
  }
}

/* Collects secrets until the client says a word. */
static void
listen_until(Client *client, const char *word)
{
  for (;;) {
    uint8_t head[2], bytes[256];
    if (!read_all(client->from, head, sizeof head) || !read_all(client->from, bytes, head[1]))
      g_error("the client ended before it said \"%s\"", word);
    if (head[0] == 'M') {
      g_assert_cmpmem(bytes, head[1], word, strlen(word));
      return;
    }
    if (is_zero(bytes, head[1])) /* HKDF without a salt */
      continue;
    /* what libsodium clamps is a little different at the ends: look for the middle as well */
    if (head[0] == 'X')
      memory_search_add(client->search, "clamped secret of X25519", bytes + 1, 30);
    memory_search_add(client->search, kind_name((char)head[0]), bytes, head[1]);
  }
}

static void
go_on(const Client *client)
{
  g_assert_cmpint(write(client->to, "", 1), ==, 1);
}

static void
assert_none(const Client *client)
{
  if (memory_search_found(client->search) == 0)
    return;
  for (unsigned i = 0; i < client->search->needles->len; i++) {
    const MemoryNeedle *needle = memory_search_nth(client->search, i);
    if (needle->found > 0)
      g_test_message("%u times: %s, %02x%02x%02x%02x...", needle->found, needle->name,
                     needle->bytes[0], needle->bytes[1], needle->bytes[2], needle->bytes[3]);
  }
  g_error("%u secrets outlived their call", memory_search_found(client->search));
}

static void
test_after_the_call(void)
{
  Client client;
  int status;
  start(&client);
  for (unsigned call = 0; call < 3; call++) {
    listen_until(&client, "talking");
    if (!memory_search_run(client.search, client.pid)) {
      g_test_skip("this system does not let us read the memory of another process (ptrace)");
      kill(client.pid, SIGKILL);
      break;
    }
    g_test_message("talking: %u of %u secrets are there", memory_search_found(client.search),
                   client.search->needles->len);
    g_assert_cmpuint(memory_search_found(client.search), >=, 8);
    go_on(&client);
    listen_until(&client, "gone");
    g_assert_true(memory_search_run(client.search, client.pid));
    g_test_message("gone: %u secrets were used", client.search->needles->len);
    assert_none(&client);
    go_on(&client);
  }
  g_assert_cmpint(waitpid(client.pid, &status, 0), ==, client.pid);
  g_assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  close(client.from);
  close(client.to);
  memory_search_free(client.search);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/attack/memory/after-the-call", test_after_the_call);
  return g_test_run();
}

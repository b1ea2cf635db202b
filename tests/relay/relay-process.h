/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/time.h"
#include <glib.h>
#include <sys/types.h>

/* The real wzp-relay as a child process. Its path is in the environment: WZP_RELAY. */

typedef struct {
  pid_t pid;
  int out, err;
  WzpAddress address;     /* where it listens */
  WzpAddress tls_address; /* the same for TLS, with stream 1; family 0: nowhere */
  char *start_line;
  char *metrics_url; /* NULL when off */
  char *directory;   /* its own folder, with the identity */
  char **more;       /* its further flags */
} RelayProcess;

/* Starts it on 127.0.0.1, a free port, with metrics. arguments NULL, or more flags, NULL-terminated. */
RelayProcess *relay_process_new(const char *const *arguments);
/* Again after relay_process_wait(): same identity, port and flags. */
void relay_process_restart(RelayProcess *process);
/* Waits until it ends by itself, and reaps it. Returns the exit status as waitpid() gives it. The test
 * fails when that takes longer than timeout. What it wrote to stderr: *log (may be NULL). */
int relay_process_wait(RelayProcess *process, WzpTime timeout, char **log);
/* The fingerprint that it printed. */
const char *relay_process_key(const RelayProcess *process);
/* Reads its log until a line holds text. */
void relay_process_wait_for_log(RelayProcess *process, const char *text, WzpTime timeout);
/* Kills it if it still runs; removes the folder. */
void relay_process_free(RelayProcess *process);

/* Runs it until it ends by itself, as for wrong flags. Returns the exit code. */
int relay_process_run(const char *const *arguments, char **out, char **err);
/* The text of an HTTP answer's body; *status is the code. path NULL: /metrics. */
char *relay_process_get(const RelayProcess *process, const char *path, unsigned *status);
/* The sum of all samples of this name, label sets included ("wzp_relay_drops_total"). */
double relay_metric(const char *text, const char *name);

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "instructions.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two stops that the parent sees. */
static _Noreturn void
child(void (*run)(void *data), void *data)
{
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
    _exit(1);
  for (unsigned i = 0; i < 3; i++)
    run(data);
  raise(SIGSTOP);
  run(data);
  raise(SIGSTOP);
  _exit(0);
}

unsigned long
instructions_of(void (*run)(void *data), void *data)
{
  unsigned long steps = 0;
  int status;
  pid_t pid = fork();
  if (pid == 0)
    child(run, data);
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
      WSTOPSIG(status) != SIGSTOP) {
    fprintf(stderr, "bench: instructions cannot be counted: no tracing of children here\n");
    exit(1);
  }
  for (;;) {
    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid ||
        !WIFSTOPPED(status)) {
      fprintf(stderr, "bench: a child could not be stepped through\n");
      exit(1);
    }
    if (WSTOPSIG(status) == SIGSTOP)
      break;
    steps++;
  }
  ptrace(PTRACE_KILL, pid, NULL, NULL);
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return steps;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"
#include <sodium.h>

/* A direct path that must not be used for now, because more than two are to hear what is said. */

/* The other side may learn of it so much later, and sends directly until then. */
#define LINGER (5 * WZP_SECOND)

static void
drop_attempts(WzpPath *path, bool proven_too)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    if (proven_too || path->attempts[i].proven_at == WZP_NEVER)
      wzp_path_attempt_drop(path, &path->attempts[i]);
}

static void
output_free(gpointer data)
{
  sodium_memzero(data, sizeof(WzpPathOutput));
  g_free(data);
}

/* What was not said yet is of a path that is none any more. */
static void
drop_messages(WzpPath *path)
{
  for (GList *link = path->outputs.head, *next; link != NULL; link = next) {
    WzpPathOutput *output = link->data;
    next = link->next;
    if (output->type != WZP_PATH_SEND_MESSAGE)
      continue;
    output_free(output);
    g_queue_delete_link(&path->outputs, link);
  }
}

void
wzp_path_pause(WzpPath *path, WzpTime now)
{
  if (path->paused)
    return;
  path->paused = true;
  path->drop_at = now + LINGER;
  path->attempt_at = WZP_NEVER;
  path->comparison.since = WZP_NEVER;
  if (path->direct)
    wzp_path_change(path, now, false);
  drop_attempts(path, false);
  drop_messages(path);
}

void
wzp_path_resume(WzpPath *path, WzpTime now)
{
  bool any = false;
  if (!path->paused)
    return;
  path->paused = false;
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    any |= wzp_path_attempt_is_proven(&path->attempts[i]);
  if (!any && path->config.initiator) /* the other one waits for that */
    wzp_path_want_attempt(path);
  wzp_path_handle_timeout(path, now);
}

bool
wzp_path_is_paused(const WzpPath *path)
{
  return path->paused;
}

void
wzp_path_forget_agents(WzpPath *path)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    path->attempts[i].in_use = false;
  g_queue_clear_full(&path->outputs, output_free);
}

void
wzp_path_pause_timeout(WzpPath *path, WzpTime now)
{
  if (now >= path->drop_at)
    drop_attempts(path, true);
}

WzpTime
wzp_path_pause_next_timeout(const WzpPath *path)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    if (path->attempts[i].in_use)
      return path->drop_at;
  return WZP_NEVER;
}

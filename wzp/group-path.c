/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "group-private.h"
#include <sodium.h>
#include <string.h>

/* The direct path of a room of two: whether there may be one, and what the two say of it in their pairwise records.
 *
 * Each side says *on* to the one member whom it is alone with, and *off* as soon as anybody else is there. The path is
 * while both say on, which to hear is proof of the other one; else it is paused (path.h). Nothing about where we are leaves before. */

/* Nobody fetches them while the relay is away; the newest count. */
#define MESSAGES_MAX 32

/* --- Whether there may be one --- */

void
wzp_group_set_direct(WzpGroup *group, bool may)
{
  group->may_go_direct = may;
}

void
wzp_group_trust(WzpGroup *group, const uint8_t id[32])
{
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (memcmp(member->join.id, id, sizeof member->join.id) == 0)
      member->direct.trusted = true;
  }
}

/* Whom we are alone with; NULL: others may be there too. Who was shown counts, proven or not. */
static WzpGroupMember *
only_other(const WzpGroup *group)
{
  WzpGroupMember *found = NULL;
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    if (member->gone)
      continue;
    if (found != NULL)
      return NULL;
    found = member;
  }
  return found;
}

static bool
may_go_direct(const WzpGroup *group, const WzpGroupMember *member)
{
  bool vouched = group->secret.keyed || group->list != NULL || member->direct.trusted;
  return group->may_go_direct && !group->left && vouched;
}

/* --- The path follows --- */

static void
begin(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  WzpGroupDirect *direct = &member->direct;
  if (group->beside != member) {
    if (group->beside != NULL)
      wzp_path_forget_agents(group->beside->direct.path); /* another serial ends them */
    group->beside = member;
    group->path_serial++;
  }
  if (direct->path == NULL)
    direct->path = wzp_path_new(&direct->config, now);
  else
    wzp_path_resume(direct->path, now);
}

static void
messages_clear(WzpGroupDirect *direct)
{
  g_queue_clear_full(&direct->messages, (GDestroyNotify)g_bytes_unref);
}

static void
pause_path(WzpGroupDirect *direct, WzpTime now)
{
  messages_clear(direct);
  if (direct->path != NULL)
    wzp_path_pause(direct->path, now);
}

static bool
is_on(const WzpGroupDirect *direct)
{
  return direct->ours && direct->theirs;
}

static void
follow(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  if (!is_on(&member->direct))
    pause_path(&member->direct, now);
  else if (member->direct.path == NULL || wzp_path_is_paused(member->direct.path))
    begin(group, now, member);
}

void
wzp_group_follow_paths(WzpGroup *group, WzpTime now)
{
  const WzpGroupMember *only = only_other(group);
  for (unsigned i = 0; i < group->members->len; i++) {
    WzpGroupMember *member = wzp_group_nth(group, i);
    bool on = member == only && may_go_direct(group, member);
    if (member->gone || member->direct.ours == on)
      continue;
    member->direct.ours = on;
    member->direct.say = true;
    follow(group, now, member);
  }
}

void
wzp_group_direct_over(WzpGroup *group, WzpTime now, WzpGroupMember *member)
{
  (void)group;
  member->direct.ours = member->direct.theirs = member->direct.say = false;
  pause_path(&member->direct, now);
}

void
wzp_group_direct_forget(WzpGroup *group, WzpGroupMember *member)
{
  if (group->beside == member)
    group->beside = NULL;
}

void
wzp_group_direct_clear(WzpGroupMember *member)
{
  messages_clear(&member->direct);
  wzp_path_free(member->direct.path);
}

/* --- In records --- */

bool
wzp_group_direct_has_frames(const WzpGroupMember *member)
{
  return member->direct.say || member->direct.messages.length > 0;
}

void
wzp_group_direct_write(WzpGroupMember *member, WzpWriter *writer)
{
  WzpGroupDirect *direct = &member->direct;
  if (!wzp_group_direct_has_frames(member))
    return;
  if (direct->say) {
    wzp_writer_u8(writer, WZP_GROUP_FRAME_DIRECT);
    wzp_writer_u8(writer, direct->ours ? 1 : 0);
    direct->say = false;
  }
  GBytes *message = g_queue_pop_head(&direct->messages);
  if (message == NULL)
    return;
  size_t length;
  const uint8_t *data = g_bytes_get_data(message, &length);
  wzp_writer_u8(writer, WZP_GROUP_FRAME_PATH);
  wzp_writer_u16(writer, (uint16_t)length);
  wzp_writer_bytes(writer, data, length);
  g_bytes_unref(message);
}

void
wzp_group_direct_said(WzpGroup *group, WzpTime now, WzpGroupMember *member, bool on)
{
  member->direct.theirs = on;
  follow(group, now, member);
}

WzpResult
wzp_group_direct_message(WzpTime now, WzpGroupMember *member, const uint8_t *message, size_t length)
{
  if (!is_on(&member->direct))
    return WZP_NOT_ALLOWED;
  return wzp_path_receive(member->direct.path, now, message, length);
}

/* --- For the call --- */

WzpPath *
wzp_group_path(const WzpGroup *group, uint32_t *serial)
{
  *serial = group->path_serial;
  return group->beside != NULL ? group->beside->direct.path : NULL;
}

WzpResult
wzp_group_send_path(WzpGroup *group, const uint8_t *message, size_t length)
{
  if (group->beside == NULL || !is_on(&group->beside->direct))
    return WZP_NOT_ALLOWED;
  GQueue *messages = &group->beside->direct.messages;
  if (messages->length == MESSAGES_MAX)
    g_bytes_unref(g_queue_pop_head(messages));
  g_queue_push_tail(messages, g_bytes_new(message, length));
  return WZP_OK;
}

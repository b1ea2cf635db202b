/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "call-private.h"
#include <string.h>

/* RELAY mode without a room: dialled calls (dial.h) on the session to the relay. */

void
wzp_call_dial_init(WzpCall *call)
{
  const WzpDialConfig config = {
      .identity = call->identity,
      .random = call->config.random,
      .mode = call->config.accept_mode,
  };
  call->dial = wzp_dial_new(&config);
  call->callee_waits = call->config.has_callee;
}

WzpDial *
wzp_call_dial(WzpCall *call)
{
  return call->dial;
}

static void
send_message(WzpCall *call, GBytes *message)
{
  size_t length;
  const void *data = g_bytes_get_data(message, &length);
  WzpResult result = wzp_control_send(call->session->control, data, length);
  if (result != WZP_OK) /* what matters is said again from end to end */
    call->stats.drops[result]++;
  g_bytes_unref(message);
}

void
wzp_call_dial_promoted(WzpCall *call, WzpTime now)
{
  wzp_dial_set_connected(call->dial, now, false);
}

static void
place_call(WzpCall *call, WzpTime now)
{
  call->callee_waits = false;
  WzpResult result = wzp_dial_call(call->dial, now, call->config.callee,
                                   call->config.has_callee_key ? call->config.callee_key : NULL);
  /* one that came in first; or ourselves: the owner had to look */
  if (result != WZP_OK)
    call->stats.drops[result]++;
}

WzpResult
wzp_call_dial_message(WzpCall *call, WzpTime now, const uint8_t *message, size_t length)
{
  if (length > 0 && message[0] == WZP_MESSAGE_CALL_STATUS && !call->session->joined) {
    call->session->joined = call->was_up = true;
    wzp_dial_set_connected(call->dial, now, true);
    if (call->callee_waits)
      place_call(call, now);
  }
  return wzp_dial_receive(call->dial, now, message, length);
}

/* --- Who is there --- */

static void
report_member(WzpCall *call, const WzpDialEvent *from)
{
  bool came = from->type == WZP_DIAL_EVENT_ACCEPTED && !call->has_member;
  bool left = from->type == WZP_DIAL_EVENT_ENDED && call->has_member;
  if (!came && !left)
    return;
  if (came) {
    call->member = (WzpMemberInfo){
        .slot = from->outgoing ? 1 : 0,
        .state = WZP_MEMBER_CONFIRMED,
        .has_our_key = true,
        .we_have_key = true,
    };
    memcpy(call->member.id, from->key, sizeof call->member.id);
  }
  call->has_member = came;
  wzp_call_hearing_left(call, 0); /* whoever was on before */
  WzpEvent *event = wzp_call_push_event(call, came ? WZP_EVENT_MEMBER : WZP_EVENT_MEMBER_LEFT);
  event->slot = call->member.slot;
  memcpy(event->key, call->member.id, sizeof event->key);
}

static void
report_events(WzpCall *call)
{
  WzpDialEvent from;
  while ((from = wzp_dial_next_event(call->dial)).type != WZP_DIAL_EVENT_NONE) {
    wzp_call_push_event(call, WZP_EVENT_CALL)->dial = from;
    report_member(call, &from);
  }
}

void
wzp_call_dial_pump(WzpCall *call, WzpTime now)
{
  bool connected = call->session != NULL && call->session->joined;
  GBytes *message;
  wzp_dial_set_connected(call->dial, now, connected);
  wzp_call_path_pump(call, now);
  while (connected && (message = wzp_dial_poll(call->dial, now)) != NULL)
    send_message(call, message);
  wzp_call_path_pump(call, now);
  report_events(call);
}

void
wzp_call_dial_timeout(WzpCall *call, WzpTime now)
{
  if (now >= wzp_dial_next_timeout(call->dial))
    wzp_dial_handle_timeout(call->dial, now);
}

void
wzp_call_dial_leave(WzpCall *call, WzpTime now)
{
  (void)wzp_dial_hang_up(call->dial, now, NULL);
  wzp_call_dial_pump(call, now);
}

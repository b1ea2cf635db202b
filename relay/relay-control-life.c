/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How long a session lives, and its end. */
#include "relay-control-private.h"

#define CLOSING_LIFE (1 * WZP_SECOND)

static void
remove_leg(RelayControl *control, const RelaySession *session)
{
  RelayCommand command = {.type = RELAY_COMMAND_REMOVE_LEG, .sid = session->sid};

  control->hooks.command(control->hooks.user, &command);
}

void
relay_control_close(RelayControl *control, WzpTime now, RelaySession *session,
                    WzpCloseReason reason)
{
  g_assert(session->state == RELAY_SESSION_OPEN);
  relay_control_auth_forget(control, session);
  relay_control_leave_calls(control, session);
  relay_control_leave_room(control, now, session, reason);
  remove_leg(control, session);
  wzp_control_close(session->control, reason);
  relay_sessions_close(control->sessions, session, now);
  relay_sessions_mark_dirty(control->sessions, session);
}

void
relay_control_remove(RelayControl *control, WzpTime now, RelaySession *session,
                     WzpCloseReason reason)
{
  relay_control_auth_forget(control, session);
  if (session->state == RELAY_SESSION_OPEN) {
    relay_control_leave_calls(control, session);
    relay_control_leave_room(control, now, session, reason);
    remove_leg(control, session);
  }
  relay_sessions_remove(control->sessions, session);
}

static WzpTime
idle_deadline(const RelayControl *control, const RelaySession *session)
{
  WzpTime media = control->hooks.media_last_seen(control->hooks.user, session->sid);
  WzpTime heard = MAX(session->since, wzp_control_last_heard(session->control));

  return MAX(heard, media) + control->limits.idle_timeout_ms * WZP_MSEC;
}

static WzpTime
unauthorised_deadline(const RelayControl *control, const RelaySession *session)
{
  return session->auth == RELAY_SESSION_AUTHORISED
             ? WZP_NEVER
             : session->since + control->limits.unauthorised_timeout_ms * WZP_MSEC;
}

static WzpTime
lifetime_end(const RelayControl *control, const RelaySession *session)
{
  switch (session->state) {
  case RELAY_SESSION_HALF_OPEN:
    return session->since + RELAY_HALF_OPEN_LIFE;
  case RELAY_SESSION_OPEN:
    return MIN(idle_deadline(control, session), unauthorised_deadline(control, session));
  case RELAY_SESSION_CLOSING:
    return session->since + CLOSING_LIFE;
  case RELAY_SESSION_FREE:
    break;
  }
  return WZP_NEVER;
}

void
relay_control_set_timer(RelayControl *control, RelaySession *session)
{
  WzpTime due = lifetime_end(control, session);

  if (session->control != NULL)
    due = MIN(due, wzp_control_next_timeout(session->control));
  due = MIN(due, relay_control_move_deadline(session));
  relay_timers_set(relay_sessions_timers(control->sessions), session->index, due);
}

void
relay_control_handle_timeout(RelayControl *control, WzpTime now)
{
  RelayTimers *timers = relay_sessions_timers(control->sessions);
  unsigned index;

  while (relay_timers_pop(timers, now, &index)) {
    RelaySession *session = relay_sessions_get(control->sessions, index);
    bool over = lifetime_end(control, session) <= now;

    if (over && session->state == RELAY_SESSION_OPEN &&
        unauthorised_deadline(control, session) <= now) {
      relay_control_auth_expire(control, now, session);
    } else if (over && session->state == RELAY_SESSION_OPEN) {
      relay_control_log(control, session, "was silent too long");
      relay_control_close(control, now, session, WZP_CLOSE_TIMEOUT);
    } else if (over) {
      relay_control_remove(control, now, session, WZP_CLOSE_TIMEOUT);
    } else {
      relay_control_move_timeout(control, now, session);
      /* the poll that follows sets the timer again */
      relay_sessions_mark_dirty(control->sessions, session);
    }
  }
}

WzpTime
relay_control_next_timeout(const RelayControl *control)
{
  return relay_timers_next(relay_sessions_timers(control->sessions));
}

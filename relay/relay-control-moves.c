/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-control-private.h"
#include <sodium.h>
#include <string.h>

/* A leg changes its address: a NAT forgot it, a phone went to another network. What it sends is served from
 * wherever it comes; where it is sent to changes only by an answered challenge (docs/PROTOCOL.md 10).
 *
 * Somebody on the way can copy the leg's datagrams and send them from his address, faster, and pass on what he
 * gets there. So the old address is asked as well, with other bytes: if these are answered, from wherever, the leg
 * is still there, and nothing moves. Until that is clear both addresses get all. */

/* to an address that answered nothing yet, for what comes from it: at first so often that loss costs little */
#define SEND_EARLY (40 * WZP_MSEC)
#define SEND_EARLY_FOR (600 * WZP_MSEC)
#define SEND_EVERY (250 * WZP_MSEC)
#define OLD_EVERY (100 * WZP_MSEC)
#define OLD_FOR (400 * WZP_MSEC)
/* for the old address to object, after the new one answered */
#define OBJECTION (500 * WZP_MSEC)
#define GIVE_WAY WZP_SECOND   /* to a third address */
#define LIFE (3 * WZP_SECOND) /* of a challenge that nobody answers */
#define PAUSE (2 * WZP_SECOND)

static void
command_address(RelayControl *control, const RelaySession *session, RelayCommandType type,
                const WzpAddress *address)
{
  RelayCommand command = {.type = type, .sid = session->sid, .address = *address};

  control->hooks.command(control->hooks.user, &command);
}

static void
begin(RelayControl *control, WzpTime now, RelaySession *session, const WzpAddress *to)
{
  session->move =
      (RelayMove){.pending = true, .due = true, .to = *to, .since = now, .next_for_old = now};
  wzp_random_fill(&control->random, session->move.for_new, WZP_CHALLENGE_SIZE);
  wzp_random_fill(&control->random, session->move.for_old, WZP_CHALLENGE_SIZE);
}

static void
end(RelaySession *session, WzpTime not_before)
{
  session->move = (RelayMove){.not_before = not_before};
}

/* Something new and good of the leg came, from where it may be now. */
static void
heard_from(RelayControl *control, WzpTime now, RelaySession *session, const WzpAddress *from,
           size_t length)
{
  RelayMove *move = &session->move;

  /* nobody who proved nothing is sent more than he sent */
  if (session->state != RELAY_SESSION_OPEN || wzp_address_equal(from, &session->address) ||
      length < WZP_CHALLENGE_RECORD || now < move->not_before || move->answered)
    return;
  if (!move->pending || (!wzp_address_equal(from, &move->to) && now - move->since >= GIVE_WAY))
    begin(control, now, session, from);
  else if (wzp_address_equal(from, &move->to) &&
           now - move->sent >= (now - move->since < SEND_EARLY_FOR ? SEND_EARLY : SEND_EVERY))
    move->due = true;
  relay_sessions_mark_dirty(control->sessions, session);
}

static void
take_answer(RelayControl *control, WzpTime now, RelaySession *session, const WzpAddress *from,
            const uint8_t answer[WZP_CHALLENGE_SIZE])
{
  RelayMove *move = &session->move;

  if (!move->pending)
    return;
  if (sodium_memcmp(answer, move->for_old, WZP_CHALLENGE_SIZE) == 0) {
    if (move->answered)
      command_address(control, session, RELAY_COMMAND_SET_ADDRESS, &session->address);
    control->stats.moves_refused++;
    end(session, now + PAUSE);
  } else if (!move->answered && wzp_address_equal(from, &move->to) &&
             sodium_memcmp(answer, move->for_new, WZP_CHALLENGE_SIZE) == 0) {
    move->answered = true;
    move->answered_at = now;
    command_address(control, session, RELAY_COMMAND_ADD_ADDRESS, &move->to);
  }
}

void
relay_control_move_record(RelayControl *control, WzpTime now, RelaySession *session,
                          const WzpAddress *from, size_t length)
{
  uint8_t answer[WZP_CHALLENGE_SIZE];

  if (session->state != RELAY_SESSION_OPEN)
    return;
  if (wzp_control_take_answer(session->control, answer))
    take_answer(control, now, session, from, answer);
  else if (wzp_control_was_newest(session->control)) {
    /* A client of IPv4 and IPv6 says so, to be told what it looks like there: that is no move. Nobody's NAT changes the
     * family, and whose network loses one begins a new session. */
    if (from->family != session->address.family && from->stream == 0 &&
        session->address.stream == 0)
      relay_sessions_note_other(control->sessions, session, from);
    else
      heard_from(control, now, session, from, length);
  }
}

WzpResult
relay_control_move_media(RelayControl *control, WzpTime now, const WzpAddress *from,
                         const uint8_t *data, size_t length)
{
  RelaySession *session = relay_sessions_find_trailer(control->sessions, data, length);

  if (session == NULL || session->control == NULL)
    return WZP_UNKNOWN_SESSION;
  heard_from(control, now, session, from, length);
  return WZP_OK;
}

bool
relay_control_move_poll(RelayControl *control, WzpTime now, RelaySession *session,
                        RelayDatagram *datagram)
{
  RelayMove *move = &session->move;

  (void)control;
  if (!move->pending || session->state != RELAY_SESSION_OPEN)
    return false;
  if (move->due) {
    move->due = false;
    move->sent = now;
    datagram->to = move->to;
    return wzp_control_challenge(session->control, now, move->for_new, datagram->data,
                                 &datagram->length);
  }
  if (now < move->next_for_old)
    return false;
  move->next_for_old = now - move->since >= OLD_FOR ? WZP_NEVER : now + OLD_EVERY;
  datagram->to = session->address;
  return wzp_control_challenge(session->control, now, move->for_old, datagram->data,
                               &datagram->length);
}

static WzpTime
decision(const RelayMove *move)
{
  return move->answered ? move->answered_at + OBJECTION : move->since + LIFE;
}

void
relay_control_move_timeout(RelayControl *control, WzpTime now, RelaySession *session)
{
  RelayMove *move = &session->move;

  if (session->state != RELAY_SESSION_OPEN || !move->pending || now < decision(move))
    return;
  if (move->answered) {
    relay_sessions_move(control->sessions, session, &move->to);
    command_address(control, session, RELAY_COMMAND_SET_ADDRESS, &session->address);
    control->stats.legs_moved++;
    relay_control_log(control, session, "moved here");
  }
  end(session, now);
}

WzpTime
relay_control_move_deadline(const RelaySession *session)
{
  const RelayMove *move = &session->move;

  if (session->state != RELAY_SESSION_OPEN || !move->pending)
    return WZP_NEVER;
  return MIN(move->next_for_old, decision(move));
}

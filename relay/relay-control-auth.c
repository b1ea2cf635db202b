/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-control-private.h"
#include "wzp/auth.h"
#include <string.h>

/* Tokens: a session without a good one may do nothing but shake hands and keep itself alive, and that not
 * for long. The message that came with a token waits for the verdict. */

#define TOKENS_WAIT_MAX 256

typedef struct {
  WzpErrorCode code;
  WzpResult drop;
  const char *text;
} Refusal;

static const Refusal refusals[RELAY_N_AUTH_RESULTS] = {
    [RELAY_AUTH_REFUSED] = {WZP_ERROR_AUTH_REFUSED, WZP_NOT_ALLOWED,
                            "The token is not valid (any more). Get a new one."},
    [RELAY_AUTH_WRONG_IDENTITY] = {WZP_ERROR_AUTH_REFUSED, WZP_WRONG_IDENTITY,
                                   "The token was given to another identity. Use that identity, or "
                                   "get a token for this one."},
    [RELAY_AUTH_MALFORMED] = {WZP_ERROR_AUTH_REFUSED, WZP_MALFORMED,
                              "That is no token: it has to be 1 to 4096 printable characters "
                              "without spaces."},
    [RELAY_AUTH_UNAVAILABLE] = {WZP_ERROR_AUTH_UNAVAILABLE, WZP_NOT_ALLOWED,
                                "The relay cannot check tokens now. Try again later."},
    [RELAY_AUTH_BUSY] = {WZP_ERROR_AUTH_UNAVAILABLE, WZP_QUEUE_FULL,
                         "The relay has too many tokens to check now. Try again later."},
    [RELAY_AUTH_MISSING] = {WZP_ERROR_AUTH_REQUIRED, WZP_NOT_ALLOWED,
                            "This relay serves only who shows a token, and none came."},
};

void
relay_control_require_tokens(RelayControl *control)
{
  control->tokens_required = true;
}

void
relay_control_auth_forget(RelayControl *control, RelaySession *session)
{
  if (session->auth == RELAY_SESSION_TOKEN_WAITS)
    g_queue_unlink(&control->tokens_wait, &session->token_link);
  if (session->auth != RELAY_SESSION_AUTHORISED)
    session->auth = RELAY_SESSION_WITHOUT_TOKEN;
  g_clear_pointer(&session->token, wzp_token_free);
  g_clear_pointer(&session->held, g_bytes_unref);
}

static void
refuse(RelayControl *control, WzpTime now, RelaySession *session, RelayAuthResult result)
{
  control->stats.auth_results[result]++;
  relay_control_drop(control, refusals[result].drop);
  relay_control_log(control, session, wzp_error_code_name(refusals[result].code));
  relay_control_error(control, session, refusals[result].code, refusals[result].text);
  relay_control_close(control, now, session, WZP_CLOSE_ERROR);
}

static void
authorise(RelayControl *control, WzpTime now, RelaySession *session, RelayAuthResult result)
{
  GBytes *held = g_steal_pointer(&session->held);

  control->stats.auth_results[result]++;
  relay_control_auth_forget(control, session);
  session->auth = RELAY_SESSION_AUTHORISED;
  if (held != NULL) {
    relay_control_message(control, now, session, g_bytes_get_data(held, NULL),
                          g_bytes_get_size(held));
    g_bytes_unref(held);
  }
  relay_control_check_place(control, now, session);
  relay_sessions_mark_dirty(control->sessions, session);
}

/* A good answer about a token: is it the token of this session's identity? */
static void
judge(RelayControl *control, WzpTime now, RelaySession *session,
      const uint8_t owner[WZP_FINGERPRINT_SIZE], RelayAuthResult result)
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];

  wzp_fingerprint(fingerprint, session->identity);
  if (memcmp(fingerprint, owner, sizeof fingerprint) == 0)
    authorise(control, now, session, result);
  else
    refuse(control, now, session, RELAY_AUTH_WRONG_IDENTITY);
}

void
relay_control_auth_message(RelayControl *control, WzpTime now, RelaySession *session,
                           const uint8_t *body, size_t length)
{
  uint8_t hash[32], owner[WZP_FINGERPRINT_SIZE];
  WzpAuth auth;

  if (wzp_auth_parse(&auth, body, length) != WZP_OK) {
    refuse(control, now, session, RELAY_AUTH_MALFORMED);
    return;
  }
  if (session->auth == RELAY_SESSION_AUTHORISED) {
    /* nobody asks for a token (any more); what came with it counts */
    if (auth.message_length > 0)
      relay_control_message(control, now, session, auth.message, auth.message_length);
    return;
  }
  if (session->auth != RELAY_SESSION_WITHOUT_TOKEN) {
    relay_control_drop(control, WZP_UNEXPECTED);
    return;
  }
  if (auth.message_length > 0)
    session->held = g_bytes_new(auth.message, auth.message_length);
  session->token = g_strndup(auth.token, auth.token_length);
  relay_auth_hash(hash, session->token);
  if (relay_auth_recall(control->auth, now, hash, owner)) {
    judge(control, now, session, owner, RELAY_AUTH_REMEMBERED);
  } else if (control->tokens_wait.length >= TOKENS_WAIT_MAX) {
    refuse(control, now, session, RELAY_AUTH_BUSY);
  } else {
    session->auth = RELAY_SESSION_TOKEN_WAITS;
    g_queue_push_tail_link(&control->tokens_wait, &session->token_link);
  }
}

/* Told once: whoever goes on asking hears nothing more. */
void
relay_control_auth_missing(RelayControl *control, RelaySession *session)
{
  relay_control_drop(control, WZP_NOT_ALLOWED);
  if (session->auth_asked)
    return;
  session->auth_asked = true;
  relay_control_error(control, session, WZP_ERROR_AUTH_REQUIRED,
                      session->auth == RELAY_SESSION_WITHOUT_TOKEN
                          ? "This relay serves only who shows a token."
                          : "The token is still being checked.");
}

void
relay_control_auth_expire(RelayControl *control, WzpTime now, RelaySession *session)
{
  refuse(control, now, session,
         session->auth == RELAY_SESSION_WITHOUT_TOKEN ? RELAY_AUTH_MISSING
                                                      : RELAY_AUTH_UNAVAILABLE);
}

/* --- the embedder's side --- */

bool
relay_control_next_token_check(RelayControl *control, WzpTime now, RelayTokenCheck *check)
{
  GList *link;

  for (link = control->tokens_wait.head; link != NULL; link = link->next) {
    RelaySession *session = link->data;
    uint8_t hash[32];

    if (!relay_auth_has_room(control->auth, &session->address))
      continue;
    g_queue_unlink(&control->tokens_wait, link);
    session->auth = RELAY_SESSION_TOKEN_CHECKED;
    relay_auth_hash(hash, session->token);
    check->id =
        relay_auth_begin(control->auth, now, &session->address, session->index, session->sid, hash);
    check->token = session->token;
    return true;
  }
  return false;
}

void
relay_control_token_verdict(RelayControl *control, WzpTime now, uint64_t id,
                            RelayTokenVerdict verdict,
                            const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  RelaySession *session;
  RelayCheck check;

  if (!relay_auth_end(control->auth, now, id, verdict, fingerprint, &check))
    return;
  relay_control_observe(control->stats.check_buckets, &control->stats.check_seconds_sum,
                        now - check.began);
  session = relay_sessions_get(control->sessions, check.session);
  /* it may be gone, and another in its place */
  if (session->state != RELAY_SESSION_OPEN || session->sid != check.sid ||
      session->auth != RELAY_SESSION_TOKEN_CHECKED)
    return;
  switch (verdict) {
  case RELAY_TOKEN_GOOD:
    judge(control, now, session, fingerprint, RELAY_AUTH_OK);
    break;
  case RELAY_TOKEN_REFUSED:
    refuse(control, now, session, RELAY_AUTH_REFUSED);
    break;
  case RELAY_TOKEN_UNAVAILABLE:
    refuse(control, now, session, RELAY_AUTH_UNAVAILABLE);
    break;
  }
}

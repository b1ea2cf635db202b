/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpinbox.h"
#include "wzp/call.h"
#include "wzp/report.h"

G_BEGIN_DECLS

/* The client's session: one call, shared by the wzpsrc, wzpsink and wzpcrypt elements of a pipeline.
 * It owns the sockets, a thread with a main context of its own, and the timers; wzp/call.h is the state
 * machine in it. It starts with the first element that joins and brings a configuration, and ends with
 * the last one that leaves.
 *
 * Property `state` (see wzp_call_state_name()) and the signals `member-left` (slot, members that remain) and
 * `call-event` (the structure of the element message wzp-call) are
 * notified and emitted from the session's thread, without any lock held. */

#define WZP_TYPE_SESSION (wzp_session_get_type())
G_DECLARE_FINAL_TYPE(WzpSession, wzp_session, WZP, SESSION, GObject)

#define WZP_SESSION_CONTEXT "wzp.session"
#define WZP_SESSION_STATS "application/x-wzp-session-stats"
#define WZP_SESSION_LEAVE_MSEC 300      /* the longest time that a goodbye may take */
#define WZP_SESSION_TLS_LEAVE_MSEC 1500 /* the same by TLS, where TCP may have to say it again */
#define WZP_SESSION_LINGER_MSEC                                                                    \
  100 /* from the last media to the goodbye, which must not overtake it */
#define WZP_SESSION_WARN_MSEC 5000 /* without an answer: say so */
#define WZP_SESSION_CONNECT_TIMEOUT_MSEC 30000
#define WZP_SESSION_TLS_PORT 443

/* Somebody to call; the whole key when he is a contact. */
typedef struct {
  guint8 fingerprint[WZP_FINGERPRINT_SIZE];
  gboolean has_key;
  guint8 key[32];
} WzpSessionPerson;

/* Strings that are NULL are not set; the session copies what it keeps. */
typedef struct {
  gboolean udp; /* two boxes and a key file, no relay */
  const gchar *host;
  guint16 port;
  const gchar *room;
  gboolean calls;         /* dialled calls in the room's place */
  const gchar *callee;    /* a fingerprint or a contact's name; NULL: only be there for calls */
  const gchar *peer_name; /* what the callee is called: a contact of this name must have his key */
  const gchar *contacts;  /* path */
  WzpAcceptMode accept_mode;
  gboolean has_link_key;
  guint8 link_key[16];
  const gchar *passphrase,
      *passphrase_file;      /* of the room, itself or a path; not both, and no link key then */
  const gchar *list;         /* path: who may be in the room; then also: */
  const gchar *list_owner;   /* who must have signed it: a fingerprint or a contact's name */
  const gchar *known_lists;  /* path: which were seen */
  const gchar *relay;        /* fingerprint that the relay must have */
  const gchar *identity;     /* path */
  const gchar *known_relays; /* path */
  const gchar *key_file;     /* path, udp mode */
  const gchar *token_file;   /* path */
  gboolean accept_new_relay_key, token_at_first_use;
  guint connect_timeout; /* ms, 0: for ever */
  guint16 local_port;
  guint16 tls_port; /* TCP port of the relay where UDP does not get through; 0: never */
} WzpSessionConfig;

WzpSession *wzp_session_new(void);

/* element (not NULL) takes part until wzp_session_leave(). inbox: where packets go, or NULL. config may
 * be NULL when another element brings one; two that contradict each other are an error, and so is what
 * keeps the session from starting (a bad identity file, a taken port). Errors are of domain
 * GST_RESOURCE_ERROR with a sentence for people. */
gboolean wzp_session_join(WzpSession *session, GstElement *element, GstWzpInbox *inbox,
                          const WzpSessionConfig *config, GError **error);
void wzp_session_leave(WzpSession *session, GstElement *element);
gboolean wzp_session_is_configured(WzpSession *session);

/* The media path, from streaming threads; arguments as in wzp/call.h. position: of the packet among all that were made
 * for the stream, which repair counts by; those left out before it get numbers, too (wzp_call_leave_out()).
 * WZP_SESSION_UNPLACED: a packet made apart from the others. WZP_TOO_OLD: such a one went in between, and what the
 * packet says of earlier ones would be wrong. */
#define WZP_SESSION_UNPLACED G_MAXUINT64
WzpResult wzp_session_seal(WzpSession *session, guint64 position, guint8 code, guint32 timestamp,
                           guint8 flags, gboolean gap, gconstpointer plain, gsize length,
                           guint8 *out, gsize capacity, gsize *out_length, WzpHeader *header);
/* How often packets began to go another way: by the relay, directly, both. */
guint64 wzp_session_count_ways(WzpSession *session);
/* What the session says beside media takes no more than so many bit/s, 0: as it comes. Returns the bytes of it so far. */
guint64 wzp_session_share_way(WzpSession *session, guint rate);
/* How many packets made apart there were so far; who makes packets counts them in. */
guint64 wzp_session_count_unplaced(WzpSession *session);
WzpResult wzp_session_open(WzpSession *session, gconstpointer packet, gsize length, guint8 *out,
                           gsize *out_length, WzpOpened *opened);
typedef struct {
  const guint8 *data;
  gsize length;
} WzpSessionPacket;
/* Sends sealed packets; what cannot be sent is counted. Only an element that joined may call it. */
void wzp_session_send(WzpSession *session, const WzpSessionPacket *packets, guint n);

/* Reports between the two directions, see wzpboard.h; any thread. Ours about another's stream: a report that no
 * packet of our own stream took is sent in one of its own, with the others that wait. */
void wzp_session_post_report(WzpSession *session, const WzpReport *report);
gboolean wzp_session_take_report(WzpSession *session, WzpReport *report);
/* What the member of slot listener says. FALSE: not about the stream that we send now; dropped. */
gboolean wzp_session_hear_report(WzpSession *session, guint8 listener, const WzpReport *report);
gboolean wzp_session_take_heard(WzpSession *session, guint8 *listener, WzpReport *report);
/* Who left since that was asked, one at a time: what he said is no longer to be followed. */
gboolean wzp_session_take_left(WzpSession *session, guint8 *slot);
/* What follows from the reports, 0..1: how often full headers are repeated. */
void wzp_session_set_loss(WzpSession *session, gdouble loss);

/* --- Dialled calls --- */

/* text: a fingerprint, or a name in the contacts of path (NULL: the user's). name, not NULL: who that shall be; it
 * is an error (NOT_AUTHORIZED, a loud one) when a contact of this name has another key. */
gboolean wzp_session_find_person(const gchar *contacts_path, const gchar *text, const gchar *name,
                                 WzpSessionPerson *person, GError **error);
typedef struct {
  enum {
    WZP_SESSION_ACCEPT,
    WZP_SESSION_DECLINE,
    WZP_SESSION_HANG_UP,
    WZP_SESSION_HOLD,
    WZP_SESSION_MUTE,
    WZP_SESSION_TRANSFER,
    WZP_SESSION_DIAL, /* hangs up first, if a call is on */
    WZP_SESSION_SET_MODE
  } type;
  const gchar *id; /* accept, decline, hang up: of the call; NULL or "": the one that is on */
  WzpAcceptMode mode;
  WzpCallEnd end;
  gboolean on;
  WzpSessionPerson person; /* transfer, dial */
} WzpSessionAction;
/* FALSE: there is no such call, or not in a state for that. Any thread. */
gboolean wzp_session_call_act(WzpSession *session, const WzpSessionAction *action);
/* "three words here 123456", of the call that is on; NULL without one. */
gchar *wzp_session_dup_sas(WzpSession *session);

const gchar *wzp_session_get_state(WzpSession *session); /* static */
/* Eight words that all members have in common who see the same members (wzp_room_code()); takes some tenths of a second.
 * NULL while nobody else is there. */
gchar *wzp_session_dup_room_code(WzpSession *session);
gchar *wzp_session_dup_fingerprint(WzpSession *session); /* our own; NULL when not known yet */
/* application/x-wzp-session-stats; of the last run when none is on. docs/ELEMENTS.md has the fields. */
GstStructure *wzp_session_get_stats(WzpSession *session);

G_END_DECLS

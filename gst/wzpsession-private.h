/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzpagent.h"
#include "wzpboard.h"
#include "wzpsession.h"
#include "wzptls.h"
#include "wzpudp.h"
#include <gio/gio.h>

/* What wzpsession.c (life, media path), wzpsession-config.c (what it is told), wzpsession-thread.c (sockets, timers, names),
 * wzpsession-report.c (what people are told), wzpsession-dial.c (dialled calls), wzpsession-direct.c (agents), wzpsession-board.c (reports of reception) and wzpsession-stats.c share. */

GST_DEBUG_CATEGORY_EXTERN(wzp_session_debug);

/* Packets that reached nobody, beside what WzpCallStats counts. */
typedef struct {
  guint64 packets_received, packets_sent;
  guint64 queue_overflow;       /* oldest packets that a slow wzpsrc lost */
  guint64 unread;               /* came while no wzpsrc was playing */
  guint64 drops[WZP_N_RESULTS]; /* before the call was asked */
  guint64 direct_sent, direct_received, direct_bytes_sent, direct_bytes_received; /* datagrams */
  guint64 direct_unsent;                                                          /* of these, no */
} WzpSessionCounters;

struct _WzpSession {
  GObject parent;

  GMutex life;     /* held by join and leave from end to end: starting and stopping never overlap */
  WzpBoard *board; /* has its own lock */
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;

  /* Set before the thread starts, constant while it runs. */
  gboolean udp;
  gchar *host, *place; /* "host:port", for people and pins; "" without a host */
  guint16 port;
  gchar *relay, *known_relays;
  gboolean calls, has_callee;
  guint8 callee[WZP_FINGERPRINT_SIZE];
  gchar *peer_name, *contacts;
  gboolean had_pin, has_pinned;
  gboolean short_passphrase;
  gboolean vouched; /* the person wants the token shown to whatever relay answers */
  guint8 pinned[WZP_FINGERPRINT_SIZE]; /* what the relay's key must be; the thread moves it */
  guint connect_timeout;
  guint16 tls_port; /* 0: never */
  WzpUdp *sockets;
  WzpIdentity *identity; /* relay mode */
  gchar *list_path, *known_lists;
  WzpSessionPerson list_owner;
  gchar *token; /* the call borrows it; NULL: none */

  /* Of the session's thread only. */
  GCancellable *cancellable;
  gboolean resolving, resolved, connected, warned, failed;
  gboolean talked;    /* the dialled call that is on was accepted */
  gboolean dismissed; /* the other end said goodbye, it did not just fall silent */
  gchar *resolve_error;
  WzpTime resolve_again;                    /* WZP_NEVER: no need */
  WzpAddress remotes[WZP_CALL_REMOTES_MAX]; /* of the relay, as last resolved */
  unsigned n_remotes;
  gchar *stream_error; /* why there was no TLS, the last time it was tried; NULL */
  gboolean stream_warned;
  WzpTime code_at; /* when a change of the room code is told; WZP_NEVER: none */
  guint8 code_told[32];
  GArray *met;           /* keys of members who proved themselves and are not written down yet */
  GThread *writer;       /* who writes them, or did */
  gint writing;          /* atomic */
  gboolean has_expected; /* of a room for two: the other one */
  guint8 expected[32];
  WzpRoomList *list; /* who may be in the room; NULL: everybody */
  GFileMonitor *list_monitor;
  WzpTime episode; /* since when we wait for an answer; WZP_NEVER: we do not */

  GSource *network; /* tells of changed addresses; NULL: nobody wants to know */

  /* The lock guards all below; nothing foreign (bus, signals, sockets, inboxes) is called with it. */
  GMutex lock;
  WzpCall *call;
  WzpCallState state;
  gboolean configured, started;
  GList *users;             /* GstElement, borrowed: each leaves before it ends */
  GPtrArray *inboxes;       /* GstWzpInbox; never changed, replaced: readers take a reference */
  WzpTlsSocket *stream;     /* TLS to the relay; NULL: none. The thread opens and closes it */
  guint32 stream_number;    /* of that one, or of the last: streams of a session count up from 1 */
  WzpTlsStats past_streams; /* of those that were closed, of this run or the last */
  GQueue pending;           /* WzpOutput, in order; the session's thread sends and tells */
  WzpOutput scratch;
  GSource *timer;
  WzpTime armed;                    /* when the timer will wake the thread */
  WzpTime last_sent;                /* media */
  WzpTime leave_at;                 /* when to say goodbye; WZP_NEVER: not leaving, or said */
  WzpTime quit_at;                  /* WZP_NEVER: not leaving */
  gboolean placed;                  /* a packet with a position was sealed: */
  guint64 next_position;            /* of the one that would go on from all before */
  guint64 unplaced, unplaced_since; /* packets without; of these, behind the last one with */
  gint own_slot;                    /* of the last packet sealed; -1: none yet */
  WzpAgent *agents[2];              /* of the direct path, by k; changed by the thread only */
  guint32 sealed_timestamp;         /* its media time, ms */
  WzpTime sealed_at;
  WzpSessionCounters counters;
  WzpCallStats last_stats; /* of the run that ended */
  WzpUdpStats last_udp;
  WzpPathStats last_path;
  GStrv last_peers;
  gchar *fingerprint;

  /* What the first configuration said, to find contradictions; guarded by life. */
  gchar *room, *callee_text, *identity_path, *key_file, *token_file, *passphrase_file;
  gchar *list_owner_text;
  gchar *passphrase;
  guint16 local_port;
  gboolean has_link_key;
  guint8 link_key[16];
};

/* wzpsession.c: lock held. Takes over what the call has to say; call after every input. */
void wzp_session_drain_locked(WzpSession *session, WzpTime now);
/* lock held. Makes the thread wake no later than the call wants. */
void wzp_session_wake_locked(WzpSession *session, WzpTime when);

/* wzpsession-config.c: `life` is held. Errors as wzp_session_join() gives them. */
gboolean wzp_session_refuse(GError **error, gint code, const gchar *format, ...)
    G_GNUC_PRINTF(3, 4); /* FALSE */
/* A second element may say the same again, or less. */
gboolean wzp_session_check_config(WzpSession *session, const WzpSessionConfig *config,
                                  GError **error);
void wzp_session_copy_config(WzpSession *session, const WzpSessionConfig *config);
/* Reads what the configuration names. call, in guarded memory, is zero but for its random source. */
gboolean wzp_session_load(WzpSession *session, const WzpSessionConfig *config, WzpCallConfig *call,
                          GError **error);
void wzp_session_forget_config(WzpSession *session); /* wipes */

/* wzpsession-list.c */
/* As wzp_session_load(), of which it is a part. */
gboolean wzp_session_load_list(WzpSession *session, const WzpSessionConfig *config,
                               WzpCallConfig *call, GError **error);
/* In the session's thread, without the lock. */
void wzp_session_watch_list(WzpSession *session);
void wzp_session_unwatch_list(WzpSession *session);
void wzp_session_handle_wrong_list(WzpSession *session);

/* wzpsession-met.c: in the session's thread, without the lock. */
/* As wzp_session_load(), of which it is a part. */
gboolean wzp_session_load_expected(WzpSession *session, GError **error);
void wzp_session_meet(WzpSession *session, const guint8 key[32]);
/* FALSE: later, the last ones are still being written. */
gboolean wzp_session_write_met(WzpSession *session);
void wzp_session_finish_met(WzpSession *session); /* waits */
/* Somebody comes: the end, if the room is for two and it is not the other one. */
void wzp_session_check_expected(WzpSession *session, const guint8 key[32]);

/* wzpsession-stats.c: lock held. Fingerprints of the others. */
GStrv wzp_session_dup_peers_locked(WzpSession *session);

/* wzpsession-board.c */
void wzp_session_note_sealed_locked(WzpSession *session, WzpTime now, const WzpHeader *header,
                                    guint32 timestamp);
/* In the thread, unlocked. What others say of our stream, in a packet that no wzpsrc takes: we only speak. */
void wzp_session_read_report(WzpSession *session, const guint8 *packet, gsize length);
void wzp_session_send_reports(WzpSession *session, WzpTime now);

/* wzpsession-dial.c: in the session's thread, without the lock. */
void wzp_session_handle_call(WzpSession *session, const WzpDialEvent *event);
/* No dialled call is on. Any thread. */
gboolean wzp_session_is_between_calls(WzpSession *session);

/* wzpsession-direct.c: in the session's thread, without the lock. */
void wzp_session_direct_output(WzpSession *session, const WzpOutput *output);
gboolean wzp_session_is_direct(WzpSession *session); /* media need no relay now; any thread */
void wzp_session_path_changed(WzpSession *session, gboolean direct);
void wzp_session_watch_network(WzpSession *session);
/* The call is told from which addresses of this machine its sockets speak to the relay. */
void wzp_session_look_at_network_locked(WzpSession *session);
void wzp_session_unwatch_network(WzpSession *session);
void wzp_session_drop_agents(WzpSession *session); /* also after the thread ended */
/* Any thread. The agent to send by, or NULL; free with wzp_agent_unref(). */
WzpAgent *wzp_session_ref_agent_locked(WzpSession *session, guint16 k);
void wzp_session_count_direct_locked(WzpSession *session, WzpAgent *agent, gsize length,
                                     gboolean sent);
void wzp_session_put_path(WzpSession *session, GstStructure *stats);

/* wzpsession-room.c: in the session's thread, without the lock. */
void wzp_session_member_came(WzpSession *session, const WzpEvent *event);
void wzp_session_member_left(WzpSession *session, const WzpEvent *event);
void wzp_session_member_unproven(WzpSession *session, const WzpEvent *event, gboolean present);
void wzp_session_member_unlisted(WzpSession *session, const WzpEvent *event, gboolean present);
void wzp_session_member_moved(WzpSession *session, const WzpEvent *event);
/* What is to be said of a room before anybody is in it. */
void wzp_session_warn_of_room(WzpSession *session);
void wzp_session_tell_code_changed(WzpSession *session, WzpTime now);

void wzp_session_emit_call_event(WzpSession *session, GstStructure *event);
void wzp_session_emit_member_left(WzpSession *session, guint slot, guint remaining);

/* wzpsession-thread.c */
void wzp_session_deliver_media(WzpSession *session, GPtrArray *inboxes, const guint8 *data,
                               gsize length, guint64 age, WzpWay way, guint16 k);
/* What the call has to say goes out, and the timer is set; in the thread, after every input. */
void wzp_session_finish_turn(WzpSession *session);
gpointer wzp_session_thread(gpointer session);
void wzp_session_attach_sources(WzpSession *session); /* before the thread starts */
void wzp_session_detach_sources(WzpSession *session); /* after it ended */
void wzp_session_resolve(WzpSession *session);        /* in the thread; asks for the name again */

/* A datagram came; in the thread. age: nanoseconds since the kernel took it in. */
void wzp_session_handle_datagram(WzpSession *session, const guint8 *data, gsize length,
                                 const WzpAddress *from, guint64 age);

/* wzpsession-stream.c: TLS to the relay, in the thread. */
void wzp_session_mind_stream(WzpSession *session);  /* opens and closes it, as the call wants */
void wzp_session_close_stream(WzpSession *session); /* after the thread ended */
/* The one that leads to this address; any thread; NULL: it is UDP, or a stream that is over. */
WzpTlsSocket *wzp_session_ref_stream_locked(WzpSession *session, const WzpAddress *to);
/* Sends them, all to one kind of address. Any thread, without the lock. stream: as above, taken over. */
void wzp_session_send_datagrams(WzpSession *session, WzpTlsSocket *stream,
                                const WzpUdpDatagram *datagrams, guint n);

/* wzpsession-report.c: in the session's thread, without the lock. */
/* On the bus, from the session's first element. Takes structure. */
void wzp_session_post_structure(WzpSession *session, GstStructure *structure);
void wzp_session_post_trouble(WzpSession *session, GstMessageType type, gint code,
                              const gchar *text);
/* The end, with an error. */
void wzp_session_fail(WzpSession *session, gint code, const gchar *text);
void wzp_session_handle_event(WzpSession *session, const WzpEvent *event);
void wzp_session_check_patience(WzpSession *session, WzpTime now);
WzpTime wzp_session_patience_deadline(WzpSession *session);

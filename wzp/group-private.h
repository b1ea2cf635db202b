/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "group.h"
#include "path.h"
#include <glib.h>

/* The inside of a room's keys, shared by join.c (JOINs and pairwise keys), group-pair.c (pairwise keys that
 * ratchet, and what they seal), group-keys.c (our sender key: who holds what, when the epoch changes),
 * group-records.c (pairwise records), group-path.c (direct paths), group-life.c (time) and group.c (members).
 *
 * Our sender key lives in the WzpSender: the base of the current epoch and, while a change is under
 * way, a pending one for the next. The newest base is the pending one if there is one. A pending base
 * is either the ratchet of the current (a newcomer gets it; those who hold the current one reach it by
 * themselves) or fresh random bytes (somebody left; everybody who stays needs it). */

#define WZP_PAIR_COUNTER_MAX 0x0fffffff /* the upper four bits on the wire are the generation */
#define WZP_PAIR_HEADER 6
#define WZP_PAIR_WINDOW 64
#define WZP_PAIR_RATCHET_EVERY (600 * WZP_SECOND)
/* a generation outlives its successor's first record so long */
#define WZP_PAIR_LATE (10 * WZP_SECOND)
#define WZP_KEYS_REMEMBERED 8

/* Pairwise keys of one pair, both directions (PROTOCOL.md 7). A direction's key ratchets, which is a new
 * generation whose counter starts at 0; a record's number is generation << 28 | counter, and never repeats. */
typedef struct {
  uint8_t key[32];
  uint32_t generation;
  WzpWindow window;
} WzpGroupPairKey;

typedef struct {
  uint8_t send_key[32];
  uint32_t send_generation, send_counter;
  WzpTime ratcheted_at, ratchet_at; /* of the sending direction: last, next */
  WzpGroupPairKey receive, previous;
  bool has_previous;
  WzpTime previous_until;
} WzpGroupPair;

/* The KEY that a member was sent last: what acknowledgements and KEYREQ refer to. */
typedef struct {
  bool sent;        /* a record with it left */
  bool replaced;    /* its base went before it was used: acknowledgements no longer count */
  bool for_pending; /* it carries the pending base */
  bool acknowledged;
  uint32_t epoch;
  uint8_t base[32];
  uint64_t first_number, last_number; /* records that carried it */
  WzpTime resend_at, resend_step;
} WzpGroupKey;

/* A direct path to a member. It is when both sides say that they would go directly. */
typedef struct {
  WzpPathConfig config; /* keys, the same for as long as the pair's are */
  bool trusted;         /* may learn where we are, whatever the room */
  bool ours, theirs;    /* what either side said last */
  bool say;             /* ours is to be said */
  GQueue messages;      /* GBytes for the other side's path */
  WzpPath *path;        /* kept from the first time on: its numbers never come again */
} WzpGroupDirect;

typedef struct {
  WzpJoin join;
  WzpMemberState state;
  bool gone; /* left; kept because its pairwise counters must never start again */
  bool
      silent; /* gone because nothing was heard; the relay still shows it at its slot: a record brings it back */
  bool absent; /* the relay forgot everybody; not shown again yet */
  WzpTime absent_until;
  bool has_slot;
  uint8_t slot;
  WzpTime late_until; /* gone: until then packets that the goodbye overtook still open */

  WzpGroupPair pair;
  WzpGroupDirect direct;
  WzpTime heard_at, said_at; /* the last sign of life of theirs; of ours, to them */

  WzpReceiver *receiver; /* their stream */
  struct {
    bool set;
    uint32_t epoch;
    uint64_t number;
  } keys_seen[WZP_KEYS_REMEMBERED]; /* by epoch: the newest record that brought a KEY for it */

  WzpGroupKey key;
  bool holds_current, holds_pending; /* acknowledged, or follows from what was */
  bool keyreq_answered;
  WzpTime keyreq_answered_at;

  /* What the next record to this member carries. */
  bool send_confirm, send_key_frame, send_newest, send_ack, send_keyreq, send_leave;
  uint32_t ack_epoch, ack_counter;
} WzpGroupMember;

/* Its JOIN is good; should a newer list have it, it is a member at once. */
typedef struct {
  WzpJoin join;
  uint8_t slot;
} WzpGroupUnlisted;

struct WzpGroup {
  WzpRoomSecret secret;
  uint8_t relay_key[32], room_id[32];
  WzpRandom random;
  uint8_t blob[WZP_JOIN_BLOB_SIZE];
  WzpJoin join; /* our own */
  uint8_t e_secret[32];
  bool has_slot, left;
  uint8_t slot;
  unsigned max_members; /* ourselves included */

  WzpRoomList *list;   /* NULL: everybody may be here */
  GPtrArray *unlisted; /* WzpGroupUnlisted: shown by the relay, not on the list */
  unsigned unlisted_told;
  GPtrArray *members;           /* WzpGroupMember, also gone ones */
  WzpGroupMember *by_slot[256]; /* those of them that have one */
  GHashTable *retired;          /* jh of gone members that were forgotten: never again */
  GArray *events;
  unsigned next_record; /* round robin */

  bool may_go_direct;
  WzpGroupMember *beside; /* whose direct path is the room's, or was last; NULL: nobody's yet */
  uint32_t path_serial;

  WzpSender *sender;
  WzpHeaderPolicy policy;
  bool pending_fresh;
  WzpTime pending_since;
  WzpTime changed_at;   /* of the epoch */
  bool changed_unknown; /* by a wrap while sealing, where no time is at hand */
  WzpTime base_at;      /* the base became known to be fresh; WZP_NEVER: no time was at hand yet */
  uint32_t sealed;      /* packets since */
  bool spoke;           /* sealed something since said_at was last looked at */
  WzpTime looked_at,
      watched_since; /* somebody's silence counts only while we were there to hear it */
};

/* For tests of a full room. */
void wzp_group_set_max_members(WzpGroup *group, unsigned max_members);

/* --- join.c --- */
/* out = H(label | data) */
void wzp_labelled_hash(uint8_t out[32], const char *label, const void *data, size_t length);
/* Fills blob and parsed from room and identity. */
void wzp_join_build(uint8_t blob[WZP_JOIN_BLOB_SIZE], WzpJoin *join, const WzpIdentity *identity,
                    const WzpRoomSecret *secret, const uint8_t relay_key[32], const uint8_t e[32],
                    const uint8_t j[16]);
/* Keyed rooms: the mac holds; open ones: it is zero. */
bool wzp_join_check_mac(const uint8_t blob[WZP_JOIN_BLOB_SIZE], const WzpRoomSecret *secret);
/* path: of a direct path between the two. WZP_WEAK_KEY when the other's e is a low-order point. */
WzpResult wzp_pair_keys(uint8_t send_key[32], uint8_t receive_key[32], WzpPathConfig *path,
                        const WzpRoomSecret *secret, const WzpJoin *own, const uint8_t e_secret[32],
                        const WzpJoin *other);
/* sid = H(id | jh) */
void wzp_join_stream_id(uint8_t sid[32], const WzpJoin *join);

/* --- room-passphrase.c --- */
/* Argon2id(input, salt[0..16], 64 MiB, 3 passes); length of at least 16. False: no memory. */
bool wzp_room_stretch(uint8_t *out, size_t length, const void *input, size_t input_length,
                      const uint8_t salt[32]);

/* --- group-pair.c --- */
/* send_key and receive.key are set already (generation 0). */
void wzp_group_pair_init(WzpGroupPair *pair, WzpTime now);
bool wzp_group_pair_can_send(const WzpGroupPair *pair);
uint64_t wzp_group_pair_next_number(const WzpGroupPair *pair);
/* The number of a record of ours whose ctr a peer names; UINT64_MAX: we sent none. */
uint64_t wzp_group_pair_sent_number(const WzpGroupPair *pair, uint32_t ctr);
/* A record of at most WZP_DATAGRAM_MAX bytes: to | from | ctr | AEAD. */
GBytes *wzp_group_pair_seal(WzpGroupPair *pair, uint8_t to, uint8_t from, const uint8_t *frames,
                            size_t length);
/* length >= WZP_PAIR_HEADER + 16. frames has room for length - that. Failures change nothing: WZP_NO_KEY (an
 * erased generation), WZP_REPLAYED, WZP_TOO_OLD, WZP_BAD_TAG. */
WzpResult wzp_group_pair_open(WzpGroupPair *pair, WzpTime now, const uint8_t *record, size_t length,
                              uint8_t *frames, uint64_t *number);
/* What was sent before can no more be read with what we hold. */
void wzp_group_pair_ratchet(WzpGroupPair *pair, WzpTime now);
void wzp_group_pair_ratchet_soon(WzpGroupPair *pair); /* as soon as the receiver can follow */
void wzp_group_pair_expire(WzpGroupPair *pair, WzpTime now);

/* --- group-keys.c --- */
/* Somebody who was sent our key is gone: a new base for those who stay. */
void wzp_group_rotate(WzpGroup *group, WzpTime now);
/* When the base has served its time (10 minutes, or 2^15 packets) and somebody listens; WZP_NEVER if not. */
WzpTime wzp_group_rekey_at(const WzpGroup *group);
/* Switches to the pending base when it is time. */
void wzp_group_advance(WzpGroup *group, WzpTime now);
WzpTime wzp_group_switch_at(const WzpGroup *group); /* WZP_NEVER without a pending base */
/* wzp_sender_seal() went to the next epoch by itself. */
void wzp_group_wrapped(WzpGroup *group, bool had_pending);
/* Makes the newest base the member's KEY, carried by records from number on. */
void wzp_group_key_assign(WzpGroup *group, WzpTime now, WzpGroupMember *member, uint64_t number);
/* A further record carries the same KEY. */
void wzp_group_key_repeat(WzpGroupMember *member, WzpTime now, uint64_t number);
/* WZP_NEVER unless an acknowledgement is missing and the member can be reached. */
WzpTime wzp_group_key_resend_at(const WzpGroupMember *member);
void wzp_group_key_acknowledged(WzpGroup *group, WzpGroupMember *member, uint32_t epoch,
                                uint64_t number);
void wzp_group_key_requested(WzpGroupMember *member, WzpTime now);
/* True when there is somebody to speak to: who has our key, or to whom it is on its way. */
bool wzp_group_has_receiver(const WzpGroup *group);

/* --- group-path.c --- */
void wzp_group_direct_clear(WzpGroupMember *member); /* wipes */
/* The member is no more in the room, or is forgotten. */
void wzp_group_direct_over(WzpGroup *group, WzpTime now, WzpGroupMember *member);
void wzp_group_direct_forget(WzpGroup *group, WzpGroupMember *member);
/* Frames of a record: there is something to write, after all others; the other side said. */
bool wzp_group_direct_has_frames(const WzpGroupMember *member);
void wzp_group_direct_write(WzpGroupMember *member, WzpWriter *writer);
void wzp_group_direct_said(WzpGroup *group, WzpTime now, WzpGroupMember *member, bool on);
WzpResult wzp_group_direct_message(WzpTime now, WzpGroupMember *member, const uint8_t *message,
                                   size_t length);
#define WZP_GROUP_DIRECT_FRAMES_MAX (2 + 3 + WZP_PATH_MESSAGE_MAX)
#define WZP_GROUP_FRAME_DIRECT 6
#define WZP_GROUP_FRAME_PATH 7

/* --- group-list.c --- */
void wzp_group_list_init(WzpGroup *group);
void wzp_group_list_clear(WzpGroup *group);
bool wzp_group_may_enter(const WzpGroup *group, const uint8_t id[32]);
/* Somebody who may not is shown: WZP_NOT_ALLOWED, or WZP_QUEUE_FULL when there were too many to tell of. */
WzpResult wzp_group_show_unlisted(WzpGroup *group, uint8_t slot, const WzpJoin *join);
/* The slot is another's now, or nobody's. */
void wzp_group_forget_unlisted(WzpGroup *group, uint8_t slot);

/* --- group.c --- */
void wzp_group_confirm(WzpGroup *group, WzpTime now, WzpGroupMember *member);
void wzp_group_drop(WzpGroup *group, WzpTime now, WzpGroupMember *member);
void wzp_group_tell(WzpGroup *group, WzpGroupEventType type, uint8_t slot, const uint8_t id[32]);
void wzp_group_event(WzpGroup *group, WzpGroupEventType type, const WzpGroupMember *member);
/* A JOIN that holds, of somebody who may be here. */
WzpResult wzp_group_admit(WzpGroup *group, WzpTime now, uint8_t slot, const WzpJoin *join);
/* Who is in the room and holds the slot, or NULL. */
WzpGroupMember *wzp_group_by_slot(const WzpGroup *group, uint8_t slot);
/* Who held the slot until it fell silent, or NULL. */
WzpGroupMember *wzp_group_silent_by_slot(const WzpGroup *group, uint8_t slot);
/* It speaks again. WZP_ROOM_FULL when its place was given away. */
WzpResult wzp_group_hear_again(WzpGroup *group, WzpTime now, WzpGroupMember *member);

static inline WzpGroupMember *
wzp_group_nth(const WzpGroup *group, unsigned n)
{
  return g_ptr_array_index(group->members, n);
}

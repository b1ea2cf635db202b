/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A sender's keys in a room (docs/PROTOCOL.md 7 and 8; wzp/group-keys.c, group-records.c, sender.c, receiver.c), for
 * SPIN: everybody's every order of steps. The network loses records and lets them overtake each other; time is
 * any order of what may happen.
 *
 * A base is a lineage: fresh bytes begin a new one, the ratchet goes on in it. Who was given lineage L at epoch E can
 * make its keys for E and all later epochs, for no earlier one.
 *
 * Safety    no (lineage, epoch, seq) seals twice; who left cannot make the key of what is sealed once the change is
 *           done; who joins is given no key of what was sealed before; what a member acknowledged opens.
 * Progress  when nothing can happen any more, everybody in the room holds the current key.
 *
 * A rule is left out with -D: check.sh does so with each, and each time SPIN finds what then goes wrong. */

#ifndef MEMBERS
#define MEMBERS 2  /* 0 is there from the start, the others come, 1 goes */
#endif
#define EPOCHS 5   /* numbers of epochs */
#define LINEAGES 4 /* fresh bases */
#define WRAP 2     /* seq before it wraps */
#define NONE 255

#ifndef MORE
#define MORE 0
#endif
#define SEALS (3 + MORE)
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef REKEYS
#define REKEYS 1
#endif

#if MEMBERS > 2
#define THIRD(condition) (condition)
#else
#define THIRD(condition) false
#endif

#define ABSENT 0
#define IN 1
#define LEFT 2

/* --- the sender --- */
byte line, epoch, seq, sealed; /* current key; next seq; a bit for each seq that was sealed under it */
bool used;
byte pending = NONE; /* lineage of the base for epoch + 1 */
bool fresh;          /* the pending one is not the ratchet's */
byte lineages = 1;   /* given out */

typedef Member {
  byte state;
  /* as the sender sees it */
  bool current, next;                  /* holds our current, our pending base */
  bool due, again;                     /* is to be sent the newest base; the same once more */
  bool waiting;                        /* for an acknowledgement */
  bool replaced;                       /* the base in its last KEY is no more, nor leads to one that is */
  bool for_next;                       /* that KEY was for the pending base */
  byte key_line, key_epoch, first, last; /* of that KEY; records that carried it */
  byte first_allowed, joined_line;     /* nothing below was for it */
  /* its own */
  byte known[LINEAGES]; /* from which epoch on it can make this lineage's keys */
  byte lines[EPOCHS], from[EPOCHS]; /* KEYs that count, by epoch; of which record */
  byte opened;          /* a bit for each epoch in which a packet opened */
};
Member members[MEMBERS];

/* --- records under way: any may come next, or be lost --- */
typedef Record {
  bool there;
  byte line, epoch, number;
};
typedef Way {
  Record keys[2];
  Record ack;
};
Way ways[MEMBERS];

byte seals = SEALS, losses = LOSSES, rekeys = REKEYS;
byte m, x, e, found; /* work; zeroed behind each use */

#define M members[m]
/* has the current key, or can have it soon: it was sent */
#define MAY_LISTEN(i)                                                                              \
  (members[i].current ||                                                                           \
   (members[i].state == IN && members[i].first > 0 && !members[i].replaced && !members[i].for_next))
#define FOR_ALL(v) for (v : 0 .. MEMBERS - 1)

inline forget() { m = 0; x = 0; e = 0; found = 0 }

/* what nobody asks about a member that left, so that it makes no states: all but the keys that it knows */
inline gone() {
  m = 1;
  M.replaced = false; M.for_next = false; M.key_line = 0; M.key_epoch = 0; M.first = 0; M.last = 0;
  M.first_allowed = 0; M.joined_line = 0; M.opened = 0;
  for (e : 0 .. EPOCHS - 1) { M.lines[e] = NONE; M.from[e] = 0 }
  ways[m].ack.there = false; ways[m].ack.number = 0; ways[m].ack.epoch = 0
}

/* somebody left, or the base has served its time */
inline rotate() {
  if
  :: used ->
#ifdef WITHOUT_FRESH_BASE
    if :: pending == NONE -> pending = line; fresh = false :: else fi;
#else
# ifdef WITHOUT_REPLACING_PENDING
    if :: pending == NONE -> pending = lineages; lineages++; fresh = true :: else fi;
# else
    pending = lineages; lineages++; fresh = true;
# endif
#endif
  :: else ->
#ifndef WITHOUT_REPLACING_UNUSED
    line = lineages; lineages++
#else
    skip
#endif
  fi;
  FOR_ALL(x) {
    if
    :: members[x].state == IN ->
#if !defined(WITHOUT_REPLACING_PENDING) && !defined(WITHOUT_FRESH_BASE)
      members[x].next = false;
# ifndef WITHOUT_REPLACING_UNUSED
      if :: !used -> members[x].current = false :: else fi;
      if :: !used || members[x].for_next -> members[x].replaced = true :: else fi;
# endif
#endif
      members[x].due = true
    :: else
    fi
  }
}

inline pending_is_current() {
  FOR_ALL(x) {
#ifndef WITHOUT_FORGETTING_THE_PASSED
    if :: fresh && !members[x].for_next -> members[x].replaced = true :: else fi;
#endif
    members[x].current = (fresh -> members[x].next : members[x].current || members[x].next);
    members[x].next = false;
    members[x].for_next = false
  }
  line = pending; pending = NONE; epoch++; used = false; sealed = 0
}

/* what a member of the room makes of a packet */
inline hear() {
  found = NONE;
  if
  :: M.lines[epoch] != NONE -> found = M.lines[epoch]
  :: else ->
    for (e : 0 .. EPOCHS - 1) {
      if :: e < epoch && M.lines[e] != NONE -> found = M.lines[e] :: else fi
    }
  fi;
  if
  :: found == line -> M.opened = M.opened | (1 << epoch)
  :: else -> assert(!M.current) /* what it acknowledged opens */
  fi
}

active proctype sender_and_room()
{
  atomic {
    FOR_ALL(m) {
      for (e : 0 .. EPOCHS - 1) { M.lines[e] = NONE }
      for (x : 0 .. LINEAGES - 1) { M.known[x] = NONE }
      M.joined_line = NONE
    }
    members[0].state = IN;
    members[0].due = true;
    forget()
  }

end:
  do
  /* a packet; only while somebody may listen, and while there are numbers for another epoch */
  :: atomic {
      seals > 0 && (MAY_LISTEN(0) || MAY_LISTEN(1) || THIRD(MAY_LISTEN(2))) &&
      (seq < WRAP || epoch < EPOCHS - 2) ->
      seals--;
      if
      :: seq == WRAP ->
        seq = 0;
#ifndef WITHOUT_EPOCH_AT_WRAP
# ifdef WITHOUT_PENDING_AT_WRAP
        if :: true -> epoch++; used = false; sealed = 0 fi
# else
        if
        :: pending != NONE -> pending_is_current()
        :: else -> epoch++; used = false; sealed = 0
        fi
# endif
#endif
      :: else
      fi;
      assert(!(sealed & (1 << seq)));
      sealed = sealed | (1 << seq);
      used = true;
      seq++;
      FOR_ALL(m) {
        if
        :: M.state == LEFT && pending == NONE -> assert(M.known[line] > epoch)
        :: M.state == IN -> if :: hear() :: true /* lost */ fi
        :: else
        fi
      }
      forget()
    }

  /* somebody comes */
  :: atomic {
      members[1].state == ABSENT || THIRD(members[2].state == ABSENT) ->
      if
      :: members[1].state == ABSENT -> m = 1
#if MEMBERS > 2
      :: members[2].state == ABSENT -> m = 2
#endif
      fi;
      epoch < EPOCHS - 2 ->
      M.state = IN;
      M.joined_line = line;
      M.first_allowed = (used -> epoch + 1 : epoch);
      M.due = true;
      forget()
    }

  /* one goes; the relay keeps what it is sent */
  :: atomic {
      members[1].state == IN && lineages < LINEAGES && epoch < EPOCHS - 2 ->
      members[1].state = LEFT;
      members[1].current = false; members[1].next = false;
      members[1].due = false; members[1].again = false; members[1].waiting = false;
      gone();
      rotate();
      forget()
    }

  /* the base has served its time */
  :: atomic {
      rekeys > 0 && used && pending == NONE && lineages < LINEAGES && epoch < EPOCHS - 2 ->
      rekeys--;
      rotate();
      forget()
    }

  /* time: the change is due, acknowledged by all or not */
  :: atomic { pending != NONE -> pending_is_current(); forget() }

  /* a KEY: the newest base, or the same again */
  :: atomic {
      if
      :: (members[0].due || members[0].again) && !ways[0].keys[1].there -> m = 0
      :: (members[1].due || members[1].again) && !ways[1].keys[1].there -> m = 1
#if MEMBERS > 2
      :: (members[2].due || members[2].again) && !ways[2].keys[1].there -> m = 2
#endif
      fi;
      M.last++;
      if
      :: M.due ->
#ifndef WITHOUT_RATCHET_ON_JOIN
        if
        :: used && pending == NONE && !M.current && epoch < EPOCHS - 2 -> pending = line; fresh = false
        :: else
        fi;
#endif
        M.key_line = (pending != NONE -> pending : line);
        M.key_epoch = (pending != NONE -> epoch + 1 : epoch);
        M.first = M.last; M.replaced = false;
        M.for_next = (pending != NONE)
      :: else
      fi;
      /* none of what was sealed before it came */
      assert(!(M.key_line == M.joined_line && M.key_epoch < M.first_allowed));
      ways[m].keys[1].there = ways[m].keys[0].there;
      ways[m].keys[1].line = ways[m].keys[0].line;
      ways[m].keys[1].epoch = ways[m].keys[0].epoch;
      ways[m].keys[1].number = ways[m].keys[0].number;
      ways[m].keys[0].there = true;
      ways[m].keys[0].line = M.key_line; ways[m].keys[0].epoch = M.key_epoch;
      ways[m].keys[0].number = M.last;
      M.due = false; M.again = false; M.waiting = true;
      forget()
    }

#ifndef WITHOUT_RESENDING
  /* nothing came back */
  :: atomic {
      if
      :: members[0].waiting && !ways[0].keys[0].there && !ways[0].keys[1].there && !ways[0].ack.there -> m = 0
      :: members[1].waiting && !ways[1].keys[0].there && !ways[1].keys[1].there && !ways[1].ack.there -> m = 1
#if MEMBERS > 2
      :: members[2].waiting && !ways[2].keys[0].there && !ways[2].keys[1].there && !ways[2].ack.there -> m = 2
#endif
      fi;
      M.again = true; M.waiting = false;
      forget()
    }
#endif

  /* an acknowledgement comes: of which record, so of which base */
  :: atomic {
      if
      :: ways[0].ack.there -> m = 0
      :: ways[1].ack.there -> m = 1
#if MEMBERS > 2
      :: ways[2].ack.there -> m = 2
#endif
      fi;
      if
      :: M.state == IN &&
#ifndef WITHOUT_NAMING_THE_RECORD
         !M.replaced && ways[m].ack.number >= M.first && ways[m].ack.number <= M.last &&
#endif
         ways[m].ack.epoch == M.key_epoch ->
        M.waiting = false;
        if :: M.for_next -> M.next = true :: else -> M.current = true fi
      :: else
      fi;
      ways[m].ack.there = false;
      ways[m].ack.number = 0; ways[m].ack.epoch = 0;
      forget()
    }
  od
}

/* One KEY comes, the older or the newer one. */
inline receive(k) {
  x = ways[m].keys[k].line; e = ways[m].keys[k].epoch; found = ways[m].keys[k].number;
  ways[m].keys[k].there = false; ways[m].keys[k].line = 0; ways[m].keys[k].epoch = 0; ways[m].keys[k].number = 0;
  if :: M.known[x] > e -> M.known[x] = e :: else fi;
  if
  :: M.state == LEFT
#ifdef WITHOUT_THE_LATER_RECORD_WINS
  :: M.state != LEFT ->
#else
  :: M.state != LEFT && M.from[e] < found ->
#endif
    M.from[e] = found;
    if :: !(M.opened & (1 << e)) -> M.lines[e] = x :: else fi;
    ways[m].ack.there = true; ways[m].ack.epoch = e; ways[m].ack.number = found
#ifndef WITHOUT_THE_LATER_RECORD_WINS
  :: else
#endif
  fi;
  forget()
}

active proctype network()
{
end:
  do
  :: atomic {
      if
      :: ways[0].keys[0].there || ways[0].keys[1].there -> m = 0
      :: ways[1].keys[0].there || ways[1].keys[1].there -> m = 1
#if MEMBERS > 2
      :: ways[2].keys[0].there || ways[2].keys[1].there -> m = 2
#endif
      fi;
      if
      :: ways[m].keys[0].there -> receive(0)
      :: ways[m].keys[1].there -> receive(1)
      :: ways[m].keys[0].there && losses > 0 -> losses--; ways[m].keys[0].there = false; forget()
      :: ways[m].keys[1].there && losses > 0 -> losses--; ways[m].keys[1].there = false; forget()
      fi
    }
  :: atomic {
      losses > 0 && (ways[0].ack.there || ways[1].ack.there || THIRD(ways[2].ack.there)) ->
      if
      :: ways[0].ack.there -> ways[0].ack.there = false
      :: ways[1].ack.there -> ways[1].ack.there = false
#if MEMBERS > 2
      :: ways[2].ack.there -> ways[2].ack.there = false
#endif
      fi;
      losses--
    }
  od
}

/* Nothing can happen any more. */
active proctype progress()
{
end:
  do
  :: timeout ->
    atomic {
      FOR_ALL(m) { assert(M.state != IN || M.current) }
      forget();
      break
    }
  od
}

/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* New keys in a dialled call (docs/PROTOCOL.md 15; wzp/dial-keys.c, control-record.c), for SPIN: every order of steps
 * of the two sides. Messages of the channel come in order, but each in a record that may be lost and sent again, sealed
 * anew under what its sender then sends with. Time is any order of what may happen.
 *
 * Safety    both make a generation of the same two ephemerals; no old keys are erased that are still sent with; a
 *           fresh base travels under the new generation; what is acknowledged opens.
 * Progress  when nothing can happen any more, both have and send with the same generation, older ones are erased, no
 *           offer is open, each stream has its fresh base, and opens.
 *
 * A rule is left out with -D: check.sh does so with each, and each time SPIN finds what then goes wrong. */

#ifndef MORE
#define MORE 0
#endif
#define OFFERS 2         /* that the clock asks for, of both sides together */
#define REFUSALS 1       /* offers that come too soon after another */
#define WRAPS (1 + MORE) /* of a stream's seq */
#define HURRIES 1        /* offers made again while the answer is on its way */
#define GENERATIONS 4
#define EPOCHS (5 + MORE)
#define QUEUE 4
#define NONE 0

#define CALLER 0

/* messages */
#define REKEY 1
#define REKEY_ACK 2
#define KEY 3
#define KEYACK 4

typedef Message {
  byte type, number, id; /* id: of an ephemeral or a base; all are fresh, and so all numbers are */
  byte first;            /* the generation of the record that carried it first */
  byte due;              /* KEY: the generation that asked for it */
};

typedef Side {
  /* the channel */
  byte generation, send;
  bool previous;    /* the keys before are still there */
  bool drop;        /* ... and the ten seconds run */
  bool offered, asked; /* asked: REKEY is on its way, or the answer */
  byte offer;
  byte offer_of[GENERATIONS], answer_of[GENERATIONS]; /* what made them */
  Message queue[QUEUE];
  byte queued;
  /* its stream */
  bool due, acknowledged;
  byte due_of;
  byte epoch, base, pending;
  bool known; /* the base in use was acknowledged */
  /* the other's stream */
  byte bases[EPOCHS];
};
Side sides[2];
byte ids, offers = OFFERS, refusals = REFUSALS, wraps = WRAPS, hurries = HURRIES;
byte s, k, record; /* work; zeroed behind each use */

#define S sides[s]
#define O sides[1 - s]
#define SETTLED (S.send == S.generation)
/* only two generations are ever held */
#ifdef WITHOUT_ERASING_THE_LAST_ONE_FIRST
#define MAY_CHANGE SETTLED
#else
#define MAY_CHANGE (SETTLED && !S.previous)
#endif

inline forget() { s = 0; k = 0; record = 0 }

inline say(what, which, whose) {
  assert(S.queued < QUEUE);
  S.queue[S.queued].type = what;
  S.queue[S.queued].number = which;
  S.queue[S.queued].id = whose;
  S.queue[S.queued].first = S.send;
  S.queue[S.queued].due = (what == KEY -> S.due_of : 0);
  S.queued++
}

inline next_generation(theirs, ours, sends) {
  assert(!S.previous); /* only two are ever held */
  S.generation++;
  S.offer_of[S.generation] = theirs;
  S.answer_of[S.generation] = ours;
  assert(O.generation < S.generation ||
         (O.offer_of[S.generation] == theirs && O.answer_of[S.generation] == ours));
  S.previous = true;
  if
#ifdef WITHOUT_ANSWERING_UNDER_THE_OLD
  :: true -> S.send = S.generation
#else
  :: sends -> S.send = S.generation
  :: else
#endif
  fi;
  S.due = true; S.due_of = S.generation
}

/* one record of the other side came, under generation `record` */
inline heard() {
  if
  :: record == S.generation && S.send < record -> S.send = record
  :: else
  fi;
  if
  :: S.previous && !S.drop && record == S.generation -> S.drop = true
  :: else
  fi
}

#define OPENS(which) ((which) == S.generation || (S.previous && (which) + 1 == S.generation))

inline pending_is_current() {
  S.epoch++; S.base = S.pending; S.pending = NONE; S.known = S.acknowledged; S.acknowledged = false
}

inline take() {
  k = O.queue[0].id;
  if
  :: O.queue[0].type == REKEY ->
    if
#ifndef WITHOUT_THE_NUMBER
    :: O.queue[0].number != S.generation + 1 -> O.asked = false
#endif
#ifndef WITHOUT_SETTLING
    :: !(MAY_CHANGE) -> O.asked = false
#endif
#ifndef WITHOUT_THE_CALLERS_OFFER_STANDS
    :: S.offered && s == CALLER -> O.asked = false
#endif
    :: refusals > 0 -> refusals--; O.asked = false /* too soon */
    ::
#ifndef WITHOUT_THE_NUMBER
       O.queue[0].number == S.generation + 1 &&
#endif
#ifndef WITHOUT_SETTLING
       MAY_CHANGE &&
#endif
#ifndef WITHOUT_THE_CALLERS_OFFER_STANDS
       !(S.offered && s == CALLER) &&
#endif
       true ->
      ids++;
      next_generation(k, ids, false);
      S.offered = false; S.asked = false; S.offer = NONE;
      say(REKEY_ACK, S.generation, ids)
    fi
  :: O.queue[0].type == REKEY_ACK ->
    if
    :: S.offered && O.queue[0].number == S.generation + 1 ->
      next_generation(S.offer, k, true);
      S.offered = false; S.asked = false; S.offer = NONE;
      S.drop = true
    :: else
    fi
  :: O.queue[0].type == KEY ->
    assert(record >= O.queue[0].due); /* under the new keys */
    if
    :: S.bases[O.queue[0].number] == NONE -> S.bases[O.queue[0].number] = k
    :: else
    fi;
    say(KEYACK, O.queue[0].number, NONE)
  :: O.queue[0].type == KEYACK ->
    if
    :: S.pending != NONE && O.queue[0].number == S.epoch + 1 -> S.acknowledged = true
    :: else
    fi
  fi;
  for (k : 1 .. QUEUE - 1) {
    O.queue[k - 1].type = O.queue[k].type; O.queue[k - 1].number = O.queue[k].number;
    O.queue[k - 1].id = O.queue[k].id; O.queue[k - 1].first = O.queue[k].first;
    O.queue[k - 1].due = O.queue[k].due
  }
  O.queued--;
  O.queue[O.queued].type = 0; O.queue[O.queued].number = 0; O.queue[O.queued].id = 0;
  O.queue[O.queued].first = 0; O.queue[O.queued].due = 0
}

/* what the other side makes of a packet of ours */
inline opens_there() {
  record = NONE;
  for (k : 0 .. EPOCHS - 1) {
    if :: k <= S.epoch && O.bases[k] != NONE -> record = O.bases[k] :: else fi
  }
}

#define MINE sides[me]
#define THEIRS sides[1 - me]
#define I_OPEN(which)                                                                              \
  ((which) == MINE.generation || (MINE.previous && (which) + 1 == MINE.generation))

#ifdef WITHOUT_ERASING_THE_LAST_ONE_FIRST
#define I_MAY_CHANGE (MINE.send == MINE.generation)
#else
#define I_MAY_CHANGE (MINE.send == MINE.generation && !MINE.previous)
#endif

bool begun;

active [2] proctype side()
{
  byte me = _pid; /* 0 calls */
  atomic {
    if
    :: !begun ->
      begun = true;
      for (s : 0 .. 1) {
        ids++;
        S.base = ids; S.known = true;
        O.bases[0] = ids
      }
      forget()
    :: else
    fi
  }

end:
  do
  /* the clock asks for new keys */
  :: atomic {
      offers > 0 && !MINE.offered && I_MAY_CHANGE && MINE.generation < GENERATIONS - 1 &&
      MINE.queued < QUEUE - 1 ->
      s = me;
      offers--; ids++;
      S.offered = true; S.asked = true; S.offer = ids;
      say(REKEY, S.generation + 1, S.offer);
      forget()
    }
#ifndef WITHOUT_OFFERING_AGAIN
  /* a minute without an answer: the same again */
  :: atomic {
      MINE.offered && (!MINE.asked || hurries > 0) && I_MAY_CHANGE && MINE.queued < QUEUE - 1 ->
      s = me;
      if :: S.asked -> hurries-- :: else fi;
      S.asked = true;
      say(REKEY, S.generation + 1, S.offer);
      forget()
    }
#endif
  /* a record without a message: an acknowledgement, a ping */
  :: atomic {
      I_OPEN(THEIRS.send) && THEIRS.send == MINE.generation &&
      (MINE.send < MINE.generation || (MINE.previous && !MINE.drop)) ->
      s = me; record = O.send;
      heard();
      forget()
    }
  /* the next message, in its first record or in one of now */
  :: atomic {
      THEIRS.queued > 0 && MINE.queued < QUEUE &&
      (I_OPEN(THEIRS.queue[0].first) || I_OPEN(THEIRS.send)) ->
      s = me;
      if
      :: OPENS(O.queue[0].first) -> record = O.queue[0].first
      :: OPENS(O.send) -> record = O.send
      fi;
      heard();
      take();
      forget()
    }
  /* ten seconds */
  :: atomic {
#ifdef WITHOUT_WAITING_FOR_THE_OTHER
      MINE.previous ->
#else
      MINE.previous && MINE.drop ->
#endif
      s = me;
      assert(SETTLED);
      S.previous = false; S.drop = false;
      forget()
    }
  /* a fresh base */
  :: atomic {
#ifndef WITHOUT_THE_BASE_UNDER_THE_NEW
      MINE.send == MINE.generation &&
#endif
#ifndef WITHOUT_ONE_BASE_AT_A_TIME
      MINE.pending == NONE &&
#endif
      MINE.due && MINE.queued < QUEUE - 1 && MINE.epoch < EPOCHS - 1 ->
      s = me;
      ids++;
      S.due = false; S.pending = ids; S.acknowledged = false;
      say(KEY, S.epoch + 1, ids);
      forget()
    }
  :: atomic {
#ifndef WITHOUT_THE_ACKNOWLEDGEMENT
      MINE.acknowledged &&
#endif
      MINE.pending != NONE ->
      s = me;
      S.acknowledged = true;
      pending_is_current();
      opens_there();
      assert(record == S.base);
      forget()
    }
  /* seq wraps: on with the pending base, or with the ratchet of the one in use */
  :: atomic {
      wraps > 0 && MINE.epoch < EPOCHS - 2 ->
      s = me;
      wraps--;
      if
      :: S.pending != NONE -> pending_is_current()
      :: else -> S.epoch++
      fi;
      opens_there();
      assert(!S.known || record == S.base);
      forget()
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
      for (s : 0 .. 1) {
        assert(S.generation == O.generation && SETTLED);
        assert(!S.previous && !S.offered && !S.due && S.pending == NONE && S.queued == 0);
        opens_there();
        assert(record == S.base)
      }
      forget();
      break
    }
  od
}

# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reports, written from section 9 of docs/PROTOCOL.md: what a listener says of a stream, and how its sender reads it."""

from collections import namedtuple

from wzp_wire import be, check, elements, number

FIELDS = (
    ("slot", 1),
    ("judged", 2),
    ("received", 2),
    ("runs", 2),
    ("unrepaired", 2),
    ("playout", 1),
    ("jitter", 1),
    ("repaired", 2),
    ("heard", 2),
    ("held", 1),
    ("transit", 2),
    ("stepped", 2),
)
Report = namedtuple("Report", [name for name, _ in FIELDS])
LEAST = 18  # bytes: what came later is 0 where it is not said
AT_MOST = 32  # of a packet, each about another stream
HELD_MS, HELD_LONGER = 4, 255


def parse(body):
    """A longer body's tail is ignored."""
    values = []
    check(len(body) >= LEAST, "malformed")
    for _, size in FIELDS:
        body = body if len(body) >= size else bytes(size)
        values.append(number(body[:size]))
        body = body[size:]
    return Report(*values)


def write(report):
    return b"".join(be(value, size) for (_, size), value in zip(FIELDS, report, strict=True))


def reports_of(bundle):
    found = {}
    for body in [body for kind, body in elements(bundle) if kind == 3][:AT_MOST]:
        report = parse(body)
        found.setdefault(report.slot, report)
    return list(found.values())


def element(report):
    body = write(report)
    return b"\x31" + be(len(body), 1) + body


class Listener:
    """What we say of one stream. All frames of a packet that came are played, nothing is brought back by repair, and a
    packet that is missing behind a newer one is lost: our network does not reorder."""

    def __init__(self, slot, playout_ms=60):
        self.slot, self.playout_ms = slot, playout_ms
        self.first, self.newest, self.received, self.runs = None, None, 0, 0
        self.audio, self.transits, self.jitter, self.mean, self.last = None, [], 0, 0, None

    def packet(self, heard, packet_ms, now):
        seq = heard.seq
        if self.newest is not None:
            gap = (seq - self.newest) % 65536
            check(0 < gap < 32768, "overtaken")
            self.runs += gap > 1
        else:
            self.first = seq
        self.newest, self.received = seq, self.received + 1
        if not heard.frame or heard.time is None:
            return
        self.audio = (heard.time, now)
        if heard.flags & 1:
            return
        transit = now * 1000 - (heard.time + packet_ms)
        if self.last is not None:
            step = transit - self.last
            self.mean += (step - self.mean) / 16
            self.jitter += (abs(step) - self.jitter) / 16
        self.last = transit
        self.transits = (self.transits + [transit])[-max(2, min(4, 80 // packet_ms)) :]

    def report(self, now):
        judged = (self.newest - self.first) % 65536 + 1
        held = HELD_LONGER if self.audio is None else min(HELD_LONGER, int((now - self.audio[1]) * 1000 / HELD_MS))
        return Report(
            slot=self.slot,
            judged=(self.newest + 1) % 65536,
            received=self.received % 65536,
            runs=self.runs % 65536,
            unrepaired=(judged - self.received) % 65536,
            playout=self.playout_ms // 10,
            jitter=min(255, round(max(0, self.jitter - abs(self.mean)))),
            repaired=0,
            heard=self.audio[0] % 65536 if self.audio else 0,
            held=held,
            transit=round(min(self.transits)) % 65536 if self.transits else 0,
            stepped=0,
        )


class Talker:
    """What we make of reports about our own stream."""

    def __init__(self):
        self.sent, self.reports, self.round_trips = {}, [], []  # when the packet of a media time went

    def packet(self, time_ms, now):
        self.sent[time_ms % 65536] = now

    def take(self, report, now):
        """A report must speak of what was sent, and its counters only grow."""
        if self.reports:
            before = self.reports[-1]
            for name in ("judged", "received", "runs", "unrepaired", "repaired"):
                grown = (getattr(report, name) - getattr(before, name)) % 65536
                check(grown < 32768, f"{name} went back")
            judged, received = ((getattr(report, n) - getattr(before, n)) % 65536 for n in ("judged", "received"))
            check(received <= judged, "more came than was judged")
        if report.held != HELD_LONGER:
            check(report.heard in self.sent, f"nothing was sent at {report.heard}")
            self.round_trips.append(now - self.sent[report.heard] - report.held * HELD_MS / 1000)
        self.reports.append(report)

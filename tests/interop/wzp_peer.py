# SPDX-License-Identifier: MIT OR Apache-2.0
"""Peers that call, on what wzp_wire.py has: rooms over a relay, and udp mode.

One thread: drive() waits on the sockets of all peers and gives each its time."""

import hmac
import json
import math
import os
import select
import socket
import ssl
import struct
import time
from collections import Counter

from wzp_report import Listener, Talker, element, reports_of
from wzp_wire import (
    CAPS,
    HMAC,
    HOP,
    LP,
    PACKET_MS,
    UDP,
    Control,
    Exp,
    Ext,
    H,
    Handshake,
    Identity,
    MediaIn,
    MediaOut,
    Refused,
    Window,
    X25519,
    X25519PrivateKey,
    be,
    bundle_of,
    check,
    number,
    public,
    seal,
    siphash24,
    unseal,
    verify,
)

# --- a peer with a socket: what hop and udp mode share


class Peer:
    def __init__(self, mode, address=None, identity=None, lose_every=0, trunks=False, tls=False):
        self.mode, self.address, self.identity, self.tls = mode, address, identity or Identity(), tls
        self.open_socket()
        self.control, self.drops, self.received, self.outgoing = None, Counter(), [], []
        self.without_frames = []
        self.connected, self.cookie, self.cookies, self.last_sent, self.next_media = False, bytes(16), 0, 0, 0
        self.media_out, self.out_frames, self.hs3, self.resend_at = None, [], None, float("inf")
        self.lose_every, self.control_datagrams, self.trunks = lose_every, 0, trunks
        # reports: talker reads those about our stream; listeners, by slot, speak of others', when reporting
        self.talker, self.listeners, self.reporting, self.report_at, self.lose_media = Talker(), {}, False, 0, 0
        self.own_slot = lambda: self.media_out.slot

    def open_socket(self):
        if self.tls:
            self.open_tls()
            return
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    def open_tls(self):
        """Section 16. The certificate's key is for the caller to look at, once HS2 said what it has to be."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.socket = context.wrap_socket(socket.create_connection(self.address))
        self.certificate, self.stream = self.socket.getpeercert(binary_form=True), b""
        self.socket.setblocking(False)

    def datagrams(self):
        if not self.tls:
            return [self.socket.recvfrom(2048)]
        try:
            while piece := self.socket.recv(4096):
                self.stream += piece
        except ssl.SSLWantReadError:
            pass
        whole = []
        while len(self.stream) >= 2 and len(self.stream) >= 2 + number(self.stream[:2]):
            size = number(self.stream[:2])
            whole.append((self.stream[2 : 2 + size], self.address))
            self.stream = self.stream[2 + size :]
        return whole

    def port(self):
        return self.socket.getsockname()[1]

    def send(self, datagram, now):
        if not self.lost(datagram):
            if self.tls:
                self.socket.sendall(LP(datagram))
            else:
                self.socket.sendto(datagram, self.address)
        self.last_sent = now

    def lost(self, datagram):
        """A bad network for handshake and control: every n-th datagram of both directions is gone."""
        if not self.lose_every or datagram[0] not in range(0x40, 0x45):
            return False
        self.control_datagrams += 1
        return self.control_datagrams % self.lose_every == 0

    def begin(self, now, handshake):
        self.handshake, self.started, self.resend_at, self.twin = handshake, now, now, False
        handshake.hs1()

    def establish(self, initiator):
        key = self.handshake.key
        out, back = ("app i2r", "app r2i") if initiator else ("app r2i", "app i2r")
        self.control = Control(
            key(out), key(back), self.handshake.cid, self.handshake.peer_cid, int(initiator), int(not initiator)
        )

    def tick(self, now):
        if not self.connected:
            if self.address and now >= self.resend_at:
                step = 0.1 if now - self.started < 1 else 0.25
                self.twin = now - self.started >= 0.5 and not self.twin
                self.resend_at = now + (0.03 if self.twin else step if now - self.started < 0.5 else step - 0.03)
                self.send(self.hs3 or self.handshake.padded(self.cookie), now)
            return
        for record in self.control.tick(now):
            self.send(record, now)
        if now - self.last_sent >= (8 if self.mode == HOP else 1):
            self.send(self.control.ping(), now)
        if self.out_frames and self.may_seal() and now >= self.next_media:
            self.next_media = now + PACKET_MS / 4000  # four times as fast as speech, to save time
            packets = [self.next_packet() for _ in self.out_frames[: 2 if self.trunks else 1]]
            trunk = b"\x45" + b"".join(LP(packet) for packet in packets)
            self.send_media(trunk if self.trunks else packets[0], now)

    def next_packet(self):
        now, bundle = time.monotonic(), bundle_of(self.out_frames.pop(0), self.media_out.count % 3)
        self.talker.packet(self.media_out.count * PACKET_MS, now)
        return self.media_out.packet(self.reports(now) + bundle)

    def reports(self, now):
        """Each 200 ms, inside what is said."""
        if not self.reporting or now < self.report_at:
            return b""
        self.report_at = now + 0.2
        return b"".join(element(listener.report(now)) for listener in self.listeners.values())

    def receive(self, now):
        for datagram, source in self.datagrams():
            try:
                check(datagram and not self.lost(datagram), "lost")
                self.take(datagram, source, now)
            except (Refused, struct.error, IndexError) as error:
                self.drops[str(error)] += 1

    def take(self, datagram, source, now):
        kind = datagram[0]
        if kind == 0x41 and not self.control:
            payload = self.handshake.take_hs2(datagram)
            self.hs3 = self.handshake.hs3(self.answer(payload))
            self.establish(True)
            self.started = self.resend_at = now
        elif kind == 0x43 and not self.control and datagram[1:9] == self.handshake.cid and len(datagram) == 25:
            self.cookie, self.resend_at, self.cookies = datagram[9:], now, self.cookies + 1
        elif kind == 0x44:
            check(self.control, "early")
            messages, records = self.control.take(datagram)
            if not self.connected:
                self.connected = True
                self.on_connected(now)
            for record in records:
                self.send(record, now)
            for message in messages:
                self.on_message(message, now)
        elif kind == 0x45:
            rest = datagram[1:]
            entries = []
            while rest:
                size = number(rest[:2])
                check(len(rest) >= 2 + size and size > 0, "malformed")
                entries.append(rest[2 : 2 + size])
                rest = rest[2 + size :]
            for entry in entries:
                self.on_media(entry, now)
        elif kind & 0x80:
            self.on_media(datagram, now)
        else:
            raise Refused("kind")

    def on_media(self, packet, now):
        if self.lose_media and number(packet[2:4]) % self.lose_media == 0:
            return  # a bad network
        heard = self.media_in(packet[1]).open(packet)
        self.listeners.setdefault(packet[1], Listener(packet[1])).packet(heard, PACKET_MS, now)
        for report in reports_of(heard.bundle):
            if report.slot == self.own_slot():
                self.talker.take(report, now)
        (self.received if heard.frame else self.without_frames).append(heard)

    def post(self, message, now):
        for record in self.control.message(message, now):
            self.send(record, now)

    def close(self, now):
        if self.control:
            self.send(self.control.record(b"\x07\x00"), now)
        self.socket.close()

    # what the two kinds of peer fill in
    def on_connected(self, now):
        pass

    def answer(self, payload):
        return b""

    def on_message(self, message, now):
        pass


# --- section 7: rooms


class Generation:
    """One of a direction's pairwise keys."""

    def __init__(self, number, key):
        self.number, self.key, self.window, self.until = number, key, Window(64), math.inf

    def next(self):
        return Generation(self.number + 1, Exp(self.key, "wz1 pw ratchet", 32))


class Member:
    def __init__(self, room, slot, blob):
        join, signature, mac = blob[:155], blob[155:219], blob[219:]
        check(len(blob) == 235 and join[:9] == b"wz1 join\x01", "bad-join")
        check(join[9:41] == room.room_id and join[41:73] == room.handshake.peer, "other-room")
        verify(join[73:105], signature, join)
        check(hmac.compare_digest(mac, room.mac(join)), "bad-mac")
        self.slot, self.id, self.jh, self.confirmed, self.acked = slot, join[73:105], H(join + signature), False, False
        lo, hi = sorted([self.jh, room.jh])
        secret = X25519(room.e, join[105:137])
        prk = Ext(H(b"wz1 pair" + room.room_id + lo + hi), secret + room.psk)
        labels = ("wz1 pw lo", "wz1 pw hi") if room.jh == lo else ("wz1 pw hi", "wz1 pw lo")
        self.sending = Generation(0, Exp(prk, labels[0], 32))
        self.receiving = [Generation(0, Exp(prk, labels[1], 32))]  # the current one, then the one before
        self.ctr, self.carried, self.key_sent, self.keyreq_at = 0, {}, 0, 0
        self.ratcheted_at, self.said_at = time.monotonic(), time.monotonic()
        self.media = MediaIn(H(self.id + self.jh))


    def wire_ctr(self):
        return (self.sending.number & 15) << 28 | self.ctr

    def ratchet(self, now):
        """Every 10 minutes, and once a KEY was acknowledged, but not twice within 10 s."""
        self.sending, self.ctr, self.ratcheted_at = self.sending.next(), 0, now

    def open(self, record, now):
        ctr = number(record[2:6])
        current = self.receiving[0]
        ahead = (ctr >> 28) - current.number & 15
        if 0 < ahead <= 8:
            generation = current
            for _ in range(ahead):
                generation = generation.next()
        else:
            generation = next((g for g in self.receiving if g.number & 15 == ctr >> 28 and now < g.until), None)
            check(generation is not None, "no-key")
        check(generation.window.new(ctr & 0xFFFFFFF), "replayed")
        frames = unseal(generation.key, bytes(8) + record[2:6], record[:6], record[6:])
        generation.window.mark(ctr & 0xFFFFFFF)
        if 0 < ahead <= 8:
            current.until = now + 10
            self.receiving = [generation, current]
        return ctr, frames


class RoomPeer(Peer):
    """It talks when all is sure to be heard, or, eager, as soon as it may."""

    def __init__(self, address, room, link_key=None, first_seq=0, eager=False, **others):
        super().__init__(HOP, address, **others)
        self.eager = eager
        self.keyed = link_key is not None
        self.psk = Exp(Ext(b"wz1 room psk", link_key), "psk", 32) if self.keyed else bytes(32)
        self.room_key = self.psk if self.keyed else H(b"wz1 open room" + room.encode())
        self.members, self.slot, self.signals, self.observed, self.first_seq = {}, None, [], None, first_seq
        self.join, self.known = None, {}
        self.begin(time.monotonic(), Handshake(self.identity, HOP))

    def reconnect(self):
        """A new session from a new address, as after a change of network; the JOIN and all keys stay."""
        self.socket.close()
        self.open_socket()
        self.control, self.connected, self.hs3, self.cookie, self.slot = None, False, None, bytes(16), None
        self.begin(time.monotonic(), Handshake(self.identity, HOP))

    def move(self):
        """The same session from a new address, as when a NAT forgot the old one."""
        self.socket.close()
        self.open_socket()

    def mac(self, join):
        return HMAC(self.room_key, b"wz1 mac" + join)[:16] if self.keyed else bytes(16)

    def answer(self, payload):
        """payload_R of HS2; returns the JOIN that goes with HS3."""
        self.session_id, family = payload[:4], payload[4]
        check(family in (4, 6), "malformed")
        end = {4: 11, 6: 23}[family]
        check(len(payload) >= end, "malformed")
        check(self.session_id == self.handshake.peer_cid[4:], "session-id")
        host = socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, payload[7:end])
        self.observed = (host, number(payload[5:7]))
        if self.join:
            return self.join
        relay = self.handshake.peer
        self.room_id = Exp(self.room_key, b"wz1 room id" + relay, 32)
        self.e = X25519PrivateKey.generate()
        join = b"wz1 join\x01" + self.room_id + relay + self.identity.id + public(self.e) + os.urandom(16) + be(CAPS, 2)
        signature = self.identity.sign(join)
        self.jh = H(join + signature)
        self.join = b"\x02" + join + signature + self.mac(join)
        return self.join

    def on_connected(self, now):
        self.hop_key, self.media_index = self.handshake.key("hop i2r", 16), None

    def on_message(self, message, now):
        kind, body = message[0], message[1:]
        if kind == 1:
            signal = json.loads(body)
            self.signals.append(signal)
            if signal["type"] == "joined":
                self.slot = signal["slot"]
                check(signal["home"] == self.handshake.peer.hex(), "home")
                sid = H(self.identity.id + self.jh)
                self.media_out = self.media_out or MediaOut(sid, self.slot, os.urandom(32), self.first_seq)
                self.media_out.slot = self.slot
            elif signal["type"] == "left":
                self.drop_member(signal["slot"], now)
        elif kind == 3:
            self.take_member(body[0], body[1:], now)
        elif kind == 4:
            check(body[0] == self.slot and body[1] in self.members, "slot")
            self.take_pairwise(self.members[body[1]], body, now)

    def take_member(self, slot, blob, now):
        """Keys, counters and windows of a JOIN last as long as ours: starting again would repeat nonces."""
        jh = H(blob[:219])
        if jh == self.jh:
            return
        if jh not in self.known:
            self.known[jh] = Member(self, slot, blob)
            self.media_out.next_epoch()
        member = self.known[jh]
        self.members = {s: m for s, m in self.members.items() if m is not member} | {slot: member}
        member.slot = slot
        self.pairwise(member, b"\x01", now)
        if not member.acked:
            self.send_key(member, now)

    def drop_member(self, slot, now):
        member = self.members.pop(slot, None)
        if member:
            member.confirmed = member.acked = False
            self.media_out.fresh_base()
            for other in self.members.values():
                self.send_key(other, now)

    def pairwise(self, member, frames, now):
        head = bytes([member.slot, self.slot]) + be(member.wire_ctr(), 4)
        member.ctr += 1
        member.said_at = now
        self.post(b"\x04" + head + seal(member.sending.key, bytes(8) + head[2:], head, frames), now)

    def send_key(self, member, now):
        out = self.media_out
        member.carried[member.wire_ctr()], member.key_sent, member.acked = out.base, now, False
        self.pairwise(member, b"\x02" + be(out.epoch, 4) + out.base, now)

    def take_pairwise(self, member, record, now):
        ctr, frames = member.open(record, now)
        member.confirmed = True
        while frames:
            kind, body = frames[0], frames[1:]
            if kind == 1:
                frames = body
            elif kind == 2:
                member.media.key(number(body[:4]), body[4:36])
                self.pairwise(member, b"\x03" + body[:4] + be(ctr, 4), now)
                frames = body[36:]
            elif kind == 3:
                member.acked |= member.carried.get(number(body[4:8])) == self.media_out.base
                frames = body[8:]
            elif kind == 4:
                if now - member.keyreq_at >= 1:
                    member.keyreq_at = now
                    self.send_key(member, now)
                frames = body
            elif kind == 5:
                self.drop_member(member.slot, now)
                break
            else:
                break

    def tick(self, now):
        super().tick(now)
        for member in self.members.values():
            if not member.acked and now - member.key_sent >= 1:
                self.send_key(member, now)
            if now - member.ratcheted_at >= (600 if member.sending.number > 0 or not member.acked else 10):
                member.ratchet(now)
                self.pairwise(member, b"\x01", now)
            if now - member.said_at >= 10:
                self.pairwise(member, b"\x01", now)

    def may_seal(self):
        ready = lambda m: m.carried if self.eager else m.confirmed and m.acked
        return self.slot is not None and any(map(ready, self.members.values()))

    def send_media(self, packet, now):
        """Section 10: the trailer. Its key is another one after each wrap within the session."""
        at = 5 if packet[0] == 0x45 else 2
        seq, last = number(packet[at : at + 2]), self.media_index
        index = seq if last is None else last + (seq - last + 0x8000) % 0x10000 - 0x8000
        self.media_index, wraps = index, index >> 16
        key = Exp(Ext(bytes(32), self.hop_key), b"wz1 hop wrap" + be(wraps, 4), 16) if wraps else self.hop_key
        covered = packet + self.session_id
        self.send(covered + siphash24(key, covered)[:4], now)

    def media_in(self, slot):
        check(slot in self.members, "unknown-slot")
        return self.members[slot].media

    def leave(self, now):
        self.post(b"\x01" + json.dumps({"type": "leave"}).encode(), now)
        for slot in list(self.members):
            self.drop_member(slot, now)


# --- section 11: udp mode


class UdpPeer(Peer):
    """With an address it initiates; without one it answers whoever knows the psk. `low` chooses what c_I
    begins with, and so who stays initiator when both initiate. It has one session at a time: an older one that
    serves on, and handshakes after silence, are the other side's business here."""

    def __init__(self, psk, address=None, low=None, **others):
        super().__init__(UDP, address, **others)
        self.psk, self.initiator, self.hs2, self.crossed = psk, bool(address), None, False
        self.slot_pair = None  # not connected
        if address:
            self.begin(time.monotonic(), Handshake(self.identity, UDP, psk=psk))
            while low is not None and self.handshake.head1[44] != (0 if low else 255):
                self.begin(time.monotonic(), Handshake(self.identity, UDP, psk=psk))

    def take(self, datagram, source, now):
        if datagram[0] == 0x40:
            if not self.hs2 or datagram[:79] != self.handshake.head1:
                handshake = Handshake(self.identity, UDP, psk=self.psk)
                handshake.take_hs1(datagram)
                if self.initiator:
                    self.crossed = True
                    check(handshake.head1[44:76] < self.handshake.head1[44:76], "crossed")
                self.handshake, self.address, self.hs2 = handshake, source, handshake.hs2()
                self.initiator, self.resend_at, self.control, self.hs3 = False, float("inf"), None, None
            self.send(self.hs2, now)
        elif datagram[0] == 0x42 and self.hs2:
            check(source == self.address, "other-address")
            if not self.control:
                self.handshake.take_hs3(datagram)
                self.establish(False)
                self.first_record = self.control.ping()
            self.send(self.first_record, now)
        else:
            super().take(datagram, source, now)

    def on_connected(self, now):
        key, peer, own = self.handshake.key, self.handshake.peer, self.identity.id
        mine, theirs = ("media i", "media r") if self.initiator else ("media r", "media i")
        self.slot_pair = self.handshake.th4[0] % 125 * 2
        self.media_out = MediaOut(H(own + self.handshake.th4), self.slot_pair + (0 if self.initiator else 1), key(mine))
        self.incoming = MediaIn(H(peer + self.handshake.th4))
        self.incoming.key(0, key(theirs))
        if self.initiator:
            self.send(self.control.ping(), now)  # lets the responder forget its stored record

    def may_seal(self):
        return True

    send_media = Peer.send

    def media_in(self, slot):
        check(self.slot_pair is not None and slot == self.slot_pair + (1 if self.initiator else 0), "unknown-slot")
        return self.incoming


def drive(peers, until, timeout=8, extra=()):
    """Runs peers until until() holds; returns whether it did. `extra` are (file descriptor, callback)."""
    end = time.monotonic() + timeout
    handlers = {peer.socket: peer.receive for peer in peers} | {fd: lambda now, call=call: call() for fd, call in extra}
    while not until():
        now = time.monotonic()
        if now >= end:
            return False
        for peer in peers:
            peer.tick(now)
        for ready in select.select(list(handlers), [], [], 0.005)[0]:
            handlers[ready](time.monotonic())
    return True

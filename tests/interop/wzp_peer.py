# SPDX-License-Identifier: MIT OR Apache-2.0
"""A second implementation, written from docs/PROTOCOL.md alone. Section numbers are that document's.

It is there to find what the text leaves out, so it shares nothing with wzp/ and is as plain as the text allows.
One thread: drive() waits on the sockets of all peers and gives each its time."""

import hmac
import json
import os
import select
import socket
import struct
import time
from collections import Counter, namedtuple
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CAPS = 0x0003  # this media format, and trunks
HOP, UDP = 1, 4
PACKET_MS = 20

Heard = namedtuple("Heard", "time frame epoch seq full flags")


class Refused(Exception):
    """A datagram, record or message that fails a check; it is counted and dropped."""


def check(condition, reason):
    if not condition:
        raise Refused(reason)


# --- section 1: notation


def be(value, size):
    return value.to_bytes(size, "big")


def number(data):
    return int.from_bytes(data, "big")


def H(data):
    return sha256(data).digest()


def LP(data):
    return be(len(data), 2) + data


def HMAC(key, data):
    return hmac.digest(key, data, "sha256")


Ext = HMAC  # RFC 5869, section 2.2


def Exp(prk, info, size):
    return HKDFExpand(SHA256(), size, info.encode() if isinstance(info, str) else info).derive(prk)


def raw(public_key):
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public(secret_key):
    return raw(secret_key.public_key())


def X25519(secret_key, public_bytes):
    try:
        return secret_key.exchange(X25519PublicKey.from_public_bytes(public_bytes))
    except ValueError as error:
        raise Refused("x25519") from error


def verify(identity, signature, data):
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, data)
    except InvalidSignature as error:
        raise Refused("bad-signature") from error


def seal(key, nonce, ad, data):
    return ChaCha20Poly1305(key).encrypt(nonce, data, ad)


def unseal(key, nonce, ad, data):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, data, ad)
    except (InvalidTag, ValueError) as error:
        raise Refused("bad-tag") from error


def siphash24(key, data):
    mask = 2**64 - 1

    def rounds(v, count):
        a, b, c, d = v
        rotate = lambda x, n: (x << n | x >> (64 - n)) & mask
        for _ in range(count):
            a = (a + b) & mask
            b = rotate(b, 13) ^ a
            a = rotate(a, 32)
            c = (c + d) & mask
            d = rotate(d, 16) ^ c
            a = (a + d) & mask
            d = rotate(d, 21) ^ a
            c = (c + b) & mask
            b = rotate(b, 17) ^ c
            c = rotate(c, 32)
        return [a, b, c, d]

    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        v = rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    v = rounds(v, 4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


class Window:
    """What was accepted among the newest `size` numbers."""

    def __init__(self, size):
        self.size, self.top, self.seen = size, -1, set()

    def new(self, n):
        return n > self.top - self.size and n not in self.seen

    def mark(self, n):
        self.top = max(self.top, n)
        self.seen = {old for old in self.seen | {n} if old > self.top - self.size}


# --- section 2: identity


class Identity:
    def __init__(self, seed=None):
        prk = Ext(bytes(32), seed or os.urandom(32))
        self.secret = Ed25519PrivateKey.from_private_bytes(Exp(prk, "warzone-ed25519", 32))
        self.id = public(self.secret)
        self.x25519 = public(X25519PrivateKey.from_private_bytes(Exp(prk, "warzone-x25519", 32)))

    def sign(self, data):
        return self.secret.sign(data)


def fingerprint(identity):
    text = H(identity)[:16].hex()
    return ":".join(text[i : i + 4] for i in range(0, 32, 4))


# --- section 4: handshake


class Handshake:
    """Either role. What is random can be given, for the vectors."""

    def __init__(self, identity, mode, ctx=b"", psk=b"", caps=CAPS, cid=None, e=None, n=None):
        self.identity, self.mode, self.psk, self.caps = identity, mode, psk, be(caps, 2)
        self.prologue = b"wz1 handshake" + bytes([mode]) + ctx
        self.cid, self.n = cid or os.urandom(8), n or os.urandom(16)
        self.e = X25519PrivateKey.from_private_bytes(e or os.urandom(32))

    def hs1(self):
        """HS1 as far as the transcript goes; mode 4 adds its proof with padded()."""
        commit = H(b"wz1 commit" + self.n + public(self.e) + self.identity.id)
        self.head1 = bytes([0x40, 1, self.mode, 1]) + self.cid + public(self.e) + commit + b"\x02" + self.caps
        return self.head1

    def padded(self, cookie=bytes(16)):
        if self.mode == UDP:
            cookie = HMAC(Exp(self.psk, "wz1 udp mac", 32), self.head1)[:16]
        return (self.head1 + cookie).ljust(224, b"\0")

    def agree(self, head2, e):
        self.th2 = H(LP(self.prologue) + LP(self.head1) + LP(head2))
        self.shared = X25519(self.e, e)
        self.ikm = self.shared + self.psk
        prk1 = Ext(self.th2, self.ikm)
        self.k2, self.k3 = Exp(prk1, "wz1 k2", 32), Exp(prk1, "wz1 k3", 32)

    def finish(self, box3, id_r, n_i, id_i):
        self.th4 = H(self.th3 + LP(box3))
        self.prk2 = Ext(self.th4, self.ikm)
        self.sas = Exp(Ext(H(b"wz1 sas" + self.th2 + id_r + n_i + id_i), self.ikm), "wz1 sas", 8)

    def key(self, label, size=32):
        return Exp(self.prk2, "wz1 " + label, size)

    def take_hs2(self, hs2):
        """The initiator's check of HS2; returns payload_R."""
        head2, box2 = hs2[:66], hs2[66:]
        check(len(hs2) >= 66 + 96 + 16 and head2[:9] == b"\x41" + self.cid and head2[17] == 1, "malformed")
        self.peer_cid = head2[9:17]
        self.agree(head2, head2[18:50])
        plain = unseal(self.k2, bytes(12), self.th2, box2)
        self.peer = plain[:32]
        check(self.peer != self.identity.id, "own-identity")
        verify(self.peer, plain[32:96], b"wz1 sig r" + self.th2 + self.peer)
        self.th3 = H(self.th2 + LP(box2))
        return plain[96:]

    def hs3(self, payload):
        own = self.identity
        signature = own.sign(b"wz1 sig i" + self.th3 + own.id + self.peer)
        box3 = seal(self.k3, bytes(12), self.th3, own.id + self.n + signature + payload)
        self.finish(box3, self.peer, self.n, own.id)
        return b"\x42" + self.peer_cid + box3

    def take_hs1(self, hs1):
        check(len(hs1) == 224 and hs1[:4] == bytes([0x40, 1, self.mode, 1]) and hs1[76] == 2, "malformed")
        self.head1, self.peer_cid = hs1[:79], hs1[4:12]
        check(hmac.compare_digest(self.padded(), hs1), "bad-proof")

    def hs2(self, payload=b""):
        own = self.identity
        head2 = b"\x41" + self.peer_cid + self.cid + b"\x01" + public(self.e) + self.n
        self.agree(head2, self.head1[12:44])
        box2 = seal(self.k2, bytes(12), self.th2, own.id + own.sign(b"wz1 sig r" + self.th2 + own.id) + payload)
        self.th3 = H(self.th2 + LP(box2))
        return head2 + box2

    def take_hs3(self, hs3):
        check(hs3[:9] == b"\x42" + self.cid, "malformed")
        plain = unseal(self.k3, bytes(12), self.th3, hs3[9:])
        check(len(plain) >= 112, "malformed")
        peer, n_i, signature = plain[:32], plain[32:48], plain[48:112]
        check(H(b"wz1 commit" + n_i + self.head1[12:44] + peer) == self.head1[44:76], "commitment")
        check(peer != self.identity.id, "own-identity")
        verify(peer, signature, b"wz1 sig i" + self.th3 + peer + self.identity.id)
        self.peer = peer
        self.finish(hs3[9:], self.identity.id, n_i, peer)
        return plain[112:]


# --- section 5: control channel


class Control:
    def __init__(self, send_key, receive_key, own_cid, peer_cid, first_number, next_expected):
        self.send_key, self.receive_key, self.own_cid, self.peer_cid = send_key, receive_key, own_cid, peer_cid
        self.ctr, self.window = 0, Window(64)
        self.number, self.unacked = first_number, {}  # number -> [frames, first sent, last sent]
        self.next, self.partial = next_expected, {}  # number -> {fragment: bytes}, fragments
        self.resent, self.closed, self.pongs = 0, None, 0

    def record(self, frames):
        head = b"\x44" + self.peer_cid + be(self.ctr, 4)
        self.ctr += 1
        return head + seal(self.send_key, bytes(8) + head[9:], head, frames)

    def ping(self):
        return self.record((b"\x03" + os.urandom(4)).ljust(40, b"\0"))

    def message(self, data, now):
        """Takes a message for sending; returns the records that carry it."""
        pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
        frames = [struct.pack(">BHBBH", 2, self.number, i, len(pieces), len(p)) + p for i, p in enumerate(pieces)]
        self.unacked[self.number] = [frames, now, now]
        self.number = (self.number + 1) % 65536
        return [self.record(frame) for frame in frames]

    def tick(self, now):
        records = []
        for entry in self.unacked.values():
            if now - entry[2] >= (0.1 if now - entry[1] < 1 else 0.25):
                entry[2] = now
                self.resent += 1
                records += [self.record(frame) for frame in entry[0]]
        return records

    def ahead(self, n):
        return (n - self.next) % 65536

    def ack(self):
        complete = [n for n, (pieces, count) in self.partial.items() if len(pieces) == count]
        bitmap = sum(1 << (self.ahead(n) - 1) for n in complete if 1 <= self.ahead(n) <= 32)
        return struct.pack(">BHI", 1, self.next, bitmap)

    def take(self, datagram):
        """Opens a record; returns (messages that are due, records to send)."""
        head = datagram[:13]
        check(len(datagram) >= 29 and head[:9] == b"\x44" + self.own_cid, "malformed")
        ctr = number(head[9:])
        check(ctr < 1 << 28 and self.window.new(ctr), "replayed")
        plain = unseal(self.receive_key, bytes(8) + head[9:], head, datagram[13:])
        self.window.mark(ctr)
        reply, got_message = b"", False
        while plain:
            kind, body = plain[0], plain[1:]
            if kind == 1:
                self.take_ack(*struct.unpack(">HI", body[:6]))
                plain = body[6:]
            elif kind == 2:
                n, fragment, count, size = struct.unpack(">HBBH", body[:6])
                check(fragment < count <= 32 and len(body) >= 6 + size, "malformed")
                if self.ahead(n) <= 32:
                    self.partial.setdefault(n, ({}, count))[0].setdefault(fragment, body[6 : 6 + size])
                plain, got_message = body[6 + size :], True
            elif kind == 3:
                reply += b"\x04" + body[:4]
                plain = body[4:]
            elif kind == 4:
                self.pongs += 1
                plain = body[4:]
            elif kind in (5, 6):
                plain = body[8:]
            elif kind == 7:
                self.closed, plain = body[0], body[1:]
            else:
                break  # padding, or a type of a later version
        messages = []
        while self.next in self.partial and len(self.partial[self.next][0]) == self.partial[self.next][1]:
            pieces, count = self.partial.pop(self.next)
            messages.append(b"".join(pieces[i] for i in range(count)))
            self.next = (self.next + 1) % 65536
        if got_message:
            reply += self.ack()
        return messages, [self.record(reply)] if reply else []

    def take_ack(self, next_, bitmap):
        for n in list(self.unacked):
            ahead = (n - next_) % 65536
            if ahead >= 32768 or 1 <= ahead <= 32 and bitmap >> (ahead - 1) & 1:
                del self.unacked[n]


# --- sections 8 and 9: media


def ratchet(base, epoch):
    return Exp(base, b"wz1 ratchet" + be(epoch, 4), 32)


def media_keys(base, epoch, seq, sid):
    mask = Exp(base, b"wz1 ms" + be(epoch, 4) + sid, 12)
    nonce = bytes(a ^ b for a, b in zip(mask, bytes(6) + be(epoch, 4) + be(seq, 2)))
    return Exp(base, b"wz1 mk" + be(epoch, 4) + sid, 32), nonce


def seal_packet(base, epoch, sid, header, bundle):
    key, nonce = media_keys(base, epoch, number(header[2:4]), sid)
    return header + seal(key, nonce, header + be(epoch, 4), bundle)


class MediaOut:
    def __init__(self, sid, slot, base, seq=0, cccc=0):
        self.sid, self.slot, self.base, self.seq, self.cccc = sid, slot, base, seq, cccc
        self.epoch, self.count, self.full_left, self.sealed = 0, 0, 3, False

    def packet(self, bundle):
        if self.seq == 65536:
            self.seq, self.epoch, self.full_left = 0, self.epoch + 1, 3
            self.base = ratchet(self.base, self.epoch)
        full = self.full_left > 0 or self.count % (1000 // PACKET_MS) == 0
        header = bytes([0x80 | (0 if full else 0x40) | self.epoch % 4 << 4 | self.cccc, self.slot]) + be(self.seq, 2)
        if full:
            start = 1 if self.count < 3 else 0
            header += be(self.count * PACKET_MS, 4) + bytes([self.epoch % 256, start, 0, 0])
        packet = seal_packet(self.base, self.epoch, self.sid, header, bundle)
        self.full_left, self.count, self.seq, self.sealed = max(0, self.full_left - 1), self.count + 1, self.seq + 1, True
        return packet

    def fresh_base(self):
        """Somebody left."""
        self.base = os.urandom(32)
        if self.sealed:
            self.epoch, self.full_left, self.sealed = self.epoch + 1, 3, False


class MediaIn:
    def __init__(self, sid):
        self.sid, self.bases, self.epoch, self.windows, self.last_full = sid, {}, None, {}, None

    def key(self, epoch, base):
        if self.epoch is None:
            self.epoch = epoch
        if epoch not in self.windows:
            self.epoch = max(self.epoch, epoch - 1)
            self.bases[epoch] = base

    def open(self, packet):
        """Returns what was heard, with the bundle for a frame."""
        full = not packet[0] & 0x40
        size = 12 if full else 4
        check(len(packet) >= size + 16, "malformed")
        check(self.epoch is not None, "no-key")
        header, seq, low = packet[:size], number(packet[2:4]), self.epoch - 1
        if full:
            check(packet[8] % 4 == packet[0] >> 4 & 3, "malformed")
            epoch = low + (packet[8] - low) % 256
        else:
            epoch = low + ((packet[0] >> 4 & 3) - low) % 4
        check(0 <= epoch <= self.epoch + 8, "epoch")
        window = self.windows.get(epoch, Window(1024))
        check(window.new(seq), "replayed")
        known = max((e for e in self.bases if e <= epoch), default=None)
        check(known is not None, "no-key")
        base = self.bases[known]
        for step in range(known, epoch):
            base = ratchet(base, step + 1)
        key, nonce = media_keys(base, epoch, seq, self.sid)
        bundle = unseal(key, nonce, header + be(epoch, 4), packet[size:])
        window.mark(seq)
        self.windows[epoch], self.bases[epoch], self.epoch = window, base, max(self.epoch, epoch)
        self.bases = {e: b for e, b in self.bases.items() if e >= self.epoch - 1}
        if full:
            self.last_full = (seq, number(packet[4:8]))
        time_ms = None
        if self.last_full:
            between = (seq - self.last_full[0] + 32768) % 65536 - 32768
            time_ms = (self.last_full[1] + between * PACKET_MS) % 2**32
        return Heard(time_ms, bundle, epoch, seq, full, header[9] if full else 0)


def bundle_of(frame, form):
    """A frames element in all three forms, also behind padding and a type that nobody knows."""
    size = b"" if form == 0 else be(len(frame), form)
    return (b"\x01\x02\0\0\xf2\0\x03???" if form else b"") + bytes([0x10 | form]) + size + frame


def frames_of(bundle):
    """The body of the frames element."""
    while bundle:
        kind, form = bundle[0] >> 4, bundle[0] & 15
        check(form <= 2 and len(bundle) > form, "malformed")
        size = number(bundle[1 : 1 + form]) if form else len(bundle) - 1
        body, bundle = bundle[1 + form : 1 + form + size], bundle[1 + form + size :]
        check(len(body) == size, "malformed")
        if kind == 1:
            return body
    raise Refused("no-frames")


# --- a peer with a socket: what hop and udp mode share


class Peer:
    def __init__(self, mode, address=None, identity=None, lose_every=0, trunks=False):
        self.mode, self.address, self.identity = mode, address, identity or Identity()
        self.open_socket()
        self.control, self.drops, self.received, self.outgoing = None, Counter(), [], []
        self.connected, self.cookie, self.cookies, self.last_sent, self.next_media = False, bytes(16), 0, 0, 0
        self.media_out, self.out_frames, self.hs3, self.resend_at = None, [], None, float("inf")
        self.lose_every, self.control_datagrams, self.trunks = lose_every, 0, trunks

    def open_socket(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    def port(self):
        return self.socket.getsockname()[1]

    def send(self, datagram, now):
        if not self.lost(datagram):
            self.socket.sendto(datagram, self.address)
        self.last_sent = now

    def lost(self, datagram):
        """A bad network for handshake and control: every n-th datagram of both directions is gone."""
        if not self.lose_every or datagram[0] not in range(0x40, 0x45):
            return False
        self.control_datagrams += 1
        return self.control_datagrams % self.lose_every == 0

    def begin(self, now, handshake):
        self.handshake, self.started, self.resend_at = handshake, now, now
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
                self.resend_at = now + (0.1 if now - self.started < 1 else 0.25)
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
        return self.media_out.packet(bundle_of(self.out_frames.pop(0), self.media_out.count % 3))

    def receive(self, now):
        datagram, source = self.socket.recvfrom(2048)
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
                self.on_media(entry)
        elif kind & 0x80:
            self.on_media(datagram)
        else:
            raise Refused("kind")

    def on_media(self, packet):
        heard = self.media_in(packet[1]).open(packet)
        self.received.append(heard._replace(frame=frames_of(heard.frame)))

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
        self.send_key, self.receive_key = (Exp(prk, label, 32) for label in labels)
        self.ctr, self.window, self.carried, self.key_sent, self.keyreq_at = 0, Window(64), {}, 0, 0
        self.media = MediaIn(H(self.id + self.jh))


class RoomPeer(Peer):
    def __init__(self, address, room, link_key=None, first_seq=0, **others):
        super().__init__(HOP, address, **others)
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
        self.control, self.connected, self.hs3, self.cookie = None, False, None, bytes(16)
        self.begin(time.monotonic(), Handshake(self.identity, HOP))

    def mac(self, join):
        return HMAC(self.room_key, b"wz1 mac" + join)[:16] if self.keyed else bytes(16)

    def answer(self, payload):
        """payload_R of HS2; returns the JOIN that goes with HS3."""
        self.session_id, family = payload[:4], payload[4]
        check(self.session_id == self.handshake.peer_cid[4:] and len(payload) == {4: 11, 6: 23}.get(family), "malformed")
        host = socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, payload[7:])
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
        self.hop_key = self.handshake.key("hop i2r", 16)

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
        head = bytes([member.slot, self.slot]) + be(member.ctr, 4)
        member.ctr += 1
        self.post(b"\x04" + head + seal(member.send_key, bytes(8) + head[2:], head, frames), now)

    def send_key(self, member, now):
        out = self.media_out
        member.carried[member.ctr], member.key_sent, member.acked = out.base, now, False
        self.pairwise(member, b"\x02" + be(out.epoch, 4) + out.base, now)

    def take_pairwise(self, member, record, now):
        ctr = number(record[2:6])
        check(ctr < 1 << 28 and member.window.new(ctr), "replayed")
        frames = unseal(member.receive_key, bytes(8) + record[2:6], record[:6], record[6:])
        member.window.mark(ctr)
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

    def may_seal(self):
        return any(member.confirmed and member.acked for member in self.members.values())

    def send_media(self, packet, now):
        """Section 10: the trailer."""
        covered = packet + self.session_id
        self.send(covered + siphash24(self.hop_key, covered)[:4], now)

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
    begins with, and so who stays initiator when both initiate."""

    def __init__(self, psk, address=None, low=None, **others):
        super().__init__(UDP, address, **others)
        self.psk, self.initiator, self.hs2, self.crossed = psk, bool(address), None, False
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
        self.media_out = MediaOut(H(own + self.handshake.th4), 0 if self.initiator else 1, key(mine))
        self.incoming = MediaIn(H(peer + self.handshake.th4))
        self.incoming.key(0, key(theirs))
        if self.initiator:
            self.send(self.control.ping(), now)  # lets the responder forget its stored record

    def may_seal(self):
        return True

    send_media = Peer.send

    def media_in(self, slot):
        check(slot == (1 if self.initiator else 0), "unknown-slot")
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

# SPDX-License-Identifier: MIT OR Apache-2.0
"""A second implementation, written from docs/PROTOCOL.md alone. Section numbers are that document's.

It is there to find what the text leaves out, so it shares nothing with wzp/ and is as plain as the text allows.
Here is what has no sockets: primitives, identity, handshake, control channel, media."""

import hmac
import os
import struct
from collections import namedtuple
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
FRAGMENT = 200  # small, so that a JOIN has two

Heard = namedtuple("Heard", "time frame epoch seq full flags cccc bundle")


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
        self.resent, self.closed, self.pongs, self.challenges = 0, None, 0, 0

    def record(self, frames):
        head = b"\x44" + self.peer_cid + be(self.ctr, 4)
        self.ctr += 1
        return head + seal(self.send_key, bytes(8) + head[9:], head, frames)

    def ping(self):
        return self.record((b"\x03" + os.urandom(4)).ljust(40, b"\0"))

    def message(self, data, now):
        """Takes a message for sending; returns the records that carry it."""
        pieces = [data[i : i + FRAGMENT] for i in range(0, len(data), FRAGMENT)]
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
            elif kind == 5:
                reply += b"\x06" + body[:8]
                self.challenges += 1
                plain = body[8:]
            elif kind == 6:
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
        self.full_left, self.sealed = max(0, self.full_left - 1), True
        self.count, self.seq = self.count + 1, self.seq + 1
        return packet

    def next_epoch(self):
        """Somebody came, who must not read what was sealed so far. The others reach this base by themselves."""
        if self.sealed:
            self.epoch, self.full_left, self.sealed = self.epoch + 1, 3, False
            self.base = ratchet(self.base, self.epoch)

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
        """Returns what was heard."""
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
        return Heard(time_ms, frames_of(bundle), epoch, seq, full, header[9] if full else 0, header[0] & 15, bundle)


def bundle_of(frame, form):
    """A frames element in all three forms, also behind padding and a type that nobody knows."""
    size = b"" if form == 0 else be(len(frame), form)
    return (b"\x01\x02\0\0\xf2\0\x03???" if form else b"") + bytes([0x10 | form]) + size + frame


def elements(bundle):
    """(type, body) of each element."""
    while bundle:
        kind, form = bundle[0] >> 4, bundle[0] & 15
        check(form <= 2 and len(bundle) > form, "malformed")
        size = number(bundle[1 : 1 + form]) if form else len(bundle) - 1
        body, bundle = bundle[1 + form : 1 + form + size], bundle[1 + form + size :]
        check(len(body) == size, "malformed")
        yield kind, body


def frames_of(bundle):
    """The body of the frames element; nothing: a packet without frames."""
    return next((body for kind, body in elements(bundle) if kind == 1), b"")

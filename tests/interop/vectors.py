# SPDX-License-Identifier: MIT OR Apache-2.0
"""Vectors of docs/PROTOCOL.md, read from the document and computed by the second implementation."""

import json
import re
from pathlib import Path

import wzp_repair as repair
from wzp_wire import (
    Exp,
    Ext,
    H,
    Handshake,
    Identity,
    X25519,
    X25519PrivateKey,
    be,
    elements,
    fingerprint,
    media_keys,
    public,
    ratchet,
    seal,
    seal_packet,
    siphash24,
)

SEEDS = {"32 x 00": bytes(32), "32 x 42": b"\x42" * 32, "00 01 .. 1f": bytes(range(32))}
BODY = b"opus frame bytes"


def identities():
    for name, seed in SEEDS.items():
        identity = Identity(seed)
        yield name, f"{identity.id.hex()} | {identity.x25519.hex()} | {fingerprint(identity.id)}"


def example():
    """The handshake of the document: mode 2, everything that is random given."""
    i, r = Identity(SEEDS["32 x 42"]), Identity(SEEDS["00 01 .. 1f"])
    ctx = bytes(range(0x60, 0x70)) + H(i.id)[:16] + H(r.id)[:16]
    given = dict(mode=2, ctx=ctx, caps=1)
    initiator = Handshake(i, cid=b"\x55" * 8, e=b"\x11" * 32, n=b"\x33" * 16, **given)
    responder = Handshake(r, cid=b"\x66" * 8, e=b"\x22" * 32, n=b"\x44" * 16, **given)
    hs1 = initiator.hs1()
    responder.head1, responder.peer_cid = hs1, hs1[4:12]
    hs2 = responder.hs2()
    initiator.take_hs2(hs2)
    hs3 = initiator.hs3(b"")
    responder.take_hs3(hs3)
    assert responder.prk2 == initiator.prk2 and responder.sas == initiator.sas
    return initiator, i, hs1, hs2, hs3


def handshake():
    initiator, _, hs1, hs2, hs3 = example()
    for name in ("th2", "th3", "th4"):
        yield name, getattr(initiator, name).hex()
    yield "X25519", initiator.shared.hex()
    for name, message in (("H(HS1)", hs1), ("H(HS2)", hs2), ("H(HS3)", hs3)):
        yield name, H(message).hex()
    yield "SAS", initiator.sas.hex()
    for name in ("app i2r", "app r2i", "media i", "media r"):
        yield name, initiator.key(name).hex()
    for name in ("hop i2r", "hop r2i"):
        yield name, initiator.key(name, 16).hex()
    first = initiator.key("hop i2r", 16)
    yield "hop wrap", Exp(Ext(bytes(32), first), b"wz1 hop wrap" + be(1, 4), 16).hex()


def sealed():
    initiator, i, *_ = example()
    base, sid = initiator.key("media i"), H(i.id + initiator.th4)
    base_1 = ratchet(base, 1)
    key, nonce = media_keys(base, 0, 7, sid)
    first = seal_packet(base, 0, sid, bytes.fromhex("c3000007"), BODY)
    yield "mk", key.hex()
    yield "nonce", nonce.hex()
    yield "E=0 seq=7", first.hex()
    yield "E=0 seq=8", seal_packet(base, 0, sid, bytes.fromhex("83000008") + be(7680, 4) + bytes(4), BODY).hex()
    yield "base_1", base_1.hex()
    yield "E=1 seq=0", seal_packet(base_1, 1, sid, bytes.fromhex("d3000000"), BODY).hex()
    head = b"\x44" + b"\x66" * 8 + bytes(4)
    yield "control record", (head + seal(initiator.key("app i2r"), bytes(12), head, b"ping")).hex()
    yield "hop tag", siphash24(initiator.key("hop i2r", 16), first)[:4].hex()


def room(psk):
    """The room with a passphrase. Its psk is made here where Argon2id is at hand, else taken as published."""
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    except ImportError:  # before version 44
        pass
    else:
        salt = H(b"wz1 room" + b"kitchen")[:16]
        psk = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=1 << 16).derive(b"correct horse battery staple")
    relay = Identity(SEEDS["32 x 00"]).id
    room_id = Exp(psk, b"wz1 room id" + relay, 32)
    yield "psk", psk.hex()
    yield "room_id", room_id.hex()
    e = [X25519PrivateKey.from_private_bytes(bytes([byte]) * 32) for byte in (0x11, 0x22)]
    hashes = []
    for member, own, j in zip((Identity(SEEDS[name]) for name in ("32 x 42", "00 01 .. 1f")), e, (0x33, 0x44)):
        join = b"wz1 join" + be(1, 1) + room_id + relay + member.id + public(own) + bytes([j]) * 16 + be(3, 2)
        hashes.append(H(join + member.sign(join)))
    prk = Ext(H(b"wz1 pair" + room_id + b"".join(sorted(hashes))), X25519(e[0], public(e[1])) + psk)
    for name in ("path lo", "path hi", "ice"):
        yield name, Exp(prk, b"wz1 pw " + name.encode(), 32).hex()


def room_list():
    """The signed list of section 7, for the open room "kitchen"."""
    owner, other, relay = (Identity(SEEDS[name]) for name in ("32 x 42", "00 01 .. 1f", "32 x 00"))
    room_id = Exp(H(b"wz1 open room" + b"kitchen"), b"wz1 room id" + relay.id, 32)
    keys = sorted((owner.id, other.id))
    signed = b"wz1 list" + be(1, 1) + room_id + be(7, 8) + owner.id + be(len(keys), 2) + b"".join(keys)
    yield "list room_id", room_id.hex()
    yield "list signature", owner.sign(signed).hex()


def published_room_list(section):
    yield "list room_id", re.search(r'room "kitchen" \(room_id ([0-9a-f]{64})\)', section)[1]
    yield "list signature", re.search(r"^    ([0-9a-f]{128})$", section, re.M)[1]


def call():
    """The messages and keys of a dialled call, section 15."""
    initiator, i, *_ = example()
    e1, e2 = (X25519PrivateKey.from_private_bytes(bytes([byte]) * 32) for byte in (0x77, 0x88))
    offer, answer = public(e1), public(e2)
    responder = Identity(SEEDS["00 01 .. 1f"])
    route = bytes(range(0x60, 0x70)) + H(i.id)[:16] + H(responder.id)[:16]
    yield "CALL_MEDIA", (b"\x08" + route + b"\x01").hex()
    yield "CALL_STATUS", (b"\x09" + route + b"\x05").hex()
    yield "ACCEPT", "0302"
    yield "REKEY", (b"\x09" + be(1, 4) + offer).hex()
    prk = Ext(initiator.key("rekey"), X25519(e1, answer) + offer + answer)
    for name in ("app i2r", "app r2i", "rekey"):
        yield f"{name} 1", Exp(prk, b"wz1 " + name.encode() + be(1, 4), 32).hex()
    ctr = be(1 << 28, 4)
    head = b"\x44" + b"\x66" * 8 + ctr
    key = Exp(prk, b"wz1 app i2r" + be(1, 4), 32)
    yield "record 1", (head + seal(key, bytes(8) + ctr, head, b"ping")).hex()


def featherchat():
    """The room and the call signals of section 14."""
    alice, bob = Identity(SEEDS["32 x 42"]), Identity(SEEDS["00 01 .. 1f"])
    text = lambda value: json.dumps(value, separators=(",", ":"))
    room = H(b"featherchat-group:warzone-squad")[:16].hex()
    profile = {"codec": "Opus6k", "fec_ratio": 0.5, "frame_duration_ms": 40, "frames_per_block": 10}
    offer = {"identity_pub": list(alice.id), "ephemeral_pub": [0] * 32, "signature": []}
    offer |= {"supported_profiles": [profile], "alias": "Alice"}
    busy = {"signal": {"Hangup": {"reason": "Busy", "call_id": "call-1"}}, "relay_addr": None, "room": None}
    call = {"id": "call-1", "sender_fingerprint": fingerprint(bob.id), "signal_type": "Busy"}
    call |= {"payload": text(busy), "target": fingerprint(alice.id)}
    yield "featherChat room", room
    yield "featherChat offer", text({"signal": {"CallOffer": offer}, "relay_addr": "relay.example:4433", "room": room})
    yield "featherChat call", text({"CallSignal": call})


def published_featherchat(section):
    yield "featherChat room", re.search(r'"warzone-squad": `([0-9a-f]+)`', section)[1]
    yield "featherChat offer", re.search(r"^    (\{.*CallOffer.*)$", section, re.M)[1]
    yield "featherChat call", re.search(r"^    (\{.*CallSignal.*)$", section, re.M)[1]


def published_call(section):
    names = "CALL_MEDIA|CALL_STATUS|ACCEPT|REKEY|app (?:i2r|r2i) 1|rekey 1|record 1"
    yield from re.findall(rf"^    ({names}) +([0-9a-f]+)$", section, re.M)


def published_room(section):
    yield from re.findall(r"^    (psk|room_id|path lo|path hi|ice) +([0-9a-f]{64})$", section, re.M)


def published(section):
    """The same names and values, as the document has them."""
    row = r"^\| ([^|]*?) \| ([0-9a-f]{64}) \| ([0-9a-f]{64}) \| ([0-9a-f:]{39}) \|$"
    for name, *values in re.findall(row, section, re.M):
        yield name, " | ".join(values)
    names = r"th[234]|X25519|H\(HS[123]\)|SAS|(?:app|hop) (?:i2r|r2i)|hop wrap|media [ir]"
    yield from re.findall(rf"^    ({names}) +([0-9a-f]+)", section, re.M)
    yield from re.findall(r"(mk|nonce|base_1) ([0-9a-f]{24,})", section)
    yield from re.findall(r"^    (E=\d seq=\d) .*\n +([0-9a-f]+)$", section, re.M)
    for name, value in re.findall(r"\b(Control record|Hop tag)[^`]*`([0-9a-f]+)`", section):
        yield name.lower(), value


def sas_people(section):
    """What people compare: the digits, and that the words stand in the order of their numbers in the sorted list."""
    sas = example()[0].sas
    words, digits = re.search(r'"([a-z ]+)", (\d{6})', section).groups()
    bits = int.from_bytes(sas, "big") >> 31
    indices = [bits >> 22, bits >> 11 & 2047, bits & 2047]
    by_word = [index for _, index in sorted(zip(words.split(), indices))]
    return digits == f"{int.from_bytes(sas[5:8], 'big') % 10**6:06}" and by_word == sorted(indices)


def mismatches(document):
    """Names of vectors that differ or that one side lacks; and how many were compared."""
    section, _, feather = document.split("\n## 13.")[1].partition("\n## 14.")
    feather, _, calls = feather.partition("\n## 15.")
    rooms = dict(published_room(section))
    lists = dict(published_room_list(document.split("\n## 7.")[1].split("\n## 8.")[0]))
    computed = {**dict(room(bytes.fromhex(rooms["psk"])))}
    computed |= {**dict(identities()), **dict(handshake()), **dict(sealed()), **dict(featherchat()), **dict(call())}
    computed |= dict(room_list())
    found = {**rooms, **lists, **dict(published(section)), **dict(published_featherchat(feather)), **dict(published_call(calls))}
    wrong = [name for name in computed.keys() | found.keys() if computed.get(name) != found.get(name)]
    return wrong + ([] if sas_people(section) else ["SAS words and digits"]), len(computed) + 1


# --- repair: the three bundles of section 9, and the encoding symbols of the raptorq tests

RAPTORQ = Path(__file__).resolve().parents[1] / "core" / "vectors-raptorq.h"
LOST = {"coded": {0, 1}, "lengths": {1}, "copies": {0, 1}}


def pattern(j, size):
    return bytes((37 * j + 11 * i + 5) % 256 for i in range(size))


def repair_mismatches(document):
    """Each bundle is parsed, agrees with the frames that it speaks of, and brings back those of LOST."""
    section = document.split("\n## 9.")[1].split("\n## 10.")[0]
    bundles = re.findall(r"^    (coded|lengths|copies) +([0-9a-f ]+[0-9a-f])  ", section, re.M)
    wrong = sorted(LOST.keys() ^ dict(bundles).keys())
    for name, text in bundles:
        frames = [pattern(j, 4 if name == "lengths" and j == 1 else 6) for j in range(4)]
        found = dict(elements(bytes.fromhex(text)))
        one = repair.parse(found[2], 0)
        newest = 4 - one.back // 20  # of frames before frame 3, whose packet it is
        window = range(newest - one.window, newest)
        with_holes = [None if j in LOST[name] else frames[j] for j in window]
        if found[1] != frames[3] or repair.bring_back(one, with_holes) != [frames[j] for j in window]:
            wrong.append(name)
    return wrong, len(bundles)


def raptorq_mismatches():
    rows = re.findall(r'\{(\d+), (\d+), (\d+), *"([0-9a-f]+)"\}', RAPTORQ.read_text())
    wrong = []
    for K, T, ESI, expected in rows:
        symbols = [pattern(j, int(T)) for j in range(int(K))]
        if repair.weigh(repair.block(int(K)).row(int(ESI)), symbols).hex() != expected:
            wrong.append(f"raptorq {K} {T} {ESI}")
    return wrong, len(rows)

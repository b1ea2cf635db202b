#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls between the second implementation (wzp_wire.py, wzp_peer.py) and the real programs, as TAP.

    run.py PATH/TO/wzp-relay FOLDER/OF/THE/PLUGIN PATH/TO/PROTOCOL.md"""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.dont_write_bytecode = True
try:
    import vectors
    import wzp_peer as wzp
    import wzp_repair as repair
    import wzp_wire as wire
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("cryptography"):
        raise
    print("1..0 # SKIP python3-cryptography is missing")
    sys.exit(0)

PACKETS = 100
ROOM_LINK_KEY = bytes(range(16))
RELAY, PLUGIN, DOCUMENT = (Path(argument).resolve() for argument in sys.argv[1:4])
LAUNCH = shutil.which("gst-launch-1.0")
PLAYING = re.compile(rb'from element "wzpsrc0" \(state-changed\).*new-state=\(GstState\)playing')


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def stop(process, number=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def relay(stack, folder, **settings):
    """Starts a relay; returns its address and the fingerprint it prints; with tls_listen, its address for TLS too."""
    config = folder / f"relay-{len(list(folder.iterdir()))}.conf"
    config.write_text("\n".join(["[relay]", *(f"{k.replace('_', '-')}={v}" for k, v in settings.items()), ""]))
    command = [RELAY, "--listen", "127.0.0.1:0", "--identity", folder / "relay-identity", "--config", config]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    stack.callback(lambda: (stop(process), process.stdout.close()))
    expect(select.select([process.stdout], [], [], 10)[0], "the relay prints its start line")
    line = process.stdout.readline().decode()
    found = re.fullmatch(r"wzp-relay \S+ listening on (127\.0\.0\.1):(\d+)(?:, second port \d+)?, key ([0-9a-f:]{39})\n", line)
    expect(found, f"a start line as described, not {line!r}")
    print("#", line, end="")
    address = (found[1], int(found[2]))
    if "tls_listen" not in settings:
        return address, found[3]
    found_tls = re.fullmatch(r"TLS on (127\.0\.0\.1):(\d+)\n", process.stdout.readline().decode())
    return address, found[3], (found_tls[1], int(found_tls[2]))


def close(*peers):
    for peer in peers:
        peer.close(time.monotonic())


def frames(count=PACKETS):
    """Frames of 60 bytes: only the two ends of a call look into them."""
    return [os.urandom(60) for _ in range(count)]


def everything(peer, sent):
    """All that was sent arrived, once, in order, 20 ms a packet."""
    times = [heard.time for heard in peer.received]
    expect([heard.frame for heard in peer.received] == sent, f"{len(times)} frames of {len(sent)}; {peer.drops}")
    expect(times == list(range(times[0], times[0] + 20 * len(sent), 20)), f"media time: {times}")


def call(one, two):
    sent = {one: frames(), two: frames()}
    for peer in sent:
        peer.out_frames, peer.received = list(sent[peer]), []
    whole = wzp.drive([one, two], lambda: len(one.received) == len(two.received) == PACKETS)
    state = [(p.connected, p.signals, len(p.members), len(p.received), p.drops) for p in (one, two)]
    expect(whole, f"both hear everything: {state}")
    everything(one, sent[two])
    everything(two, sent[one])


def test_vectors(stack, folder):
    "the vectors of section 13"
    wrong, compared = vectors.mismatches(DOCUMENT.read_text())
    print(f"# {compared} vectors")
    expect(not wrong, f"these differ: {wrong}")


def test_repair_vectors(stack, folder):
    "the bundles of section 9, decoded, and the encoding symbols of RFC 6330"
    for wrong, compared in (vectors.repair_mismatches(DOCUMENT.read_text()), vectors.raptorq_mismatches()):
        print(f"# {compared} vectors")
        expect(compared and not wrong, f"these differ: {wrong}")


def test_open_room(stack, folder):
    "two peers in an open room; one stream crosses an epoch"
    address, key = relay(stack, folder)
    one = wzp.RoomPeer(address, "room", first_seq=65500, trunks=True)
    two = wzp.RoomPeer(address, "room")
    stack.callback(close, one)
    call(one, two)
    expect(wire.fingerprint(one.handshake.peer) == key, "the relay's key is the one it prints")
    expect(one.observed == ("127.0.0.1", one.port()), f"observed address {one.observed}")
    expect({heard.epoch for heard in two.received} == {0, 1}, "the wrap changed the epoch")
    expect(all(m.confirmed and m.id == two.identity.id for m in one.members.values()), "one confirmed two")
    now = time.monotonic()
    one.send(one.control.ping(), now)
    expect(wzp.drive([one], lambda: one.control.pongs), "a pong")
    two.leave(now)
    gone = {"type": "left", "slot": two.slot, "reason": "leave"}
    expect(wzp.drive([one], lambda: gone in one.signals and not one.members), f"a leave: {one.signals}")


def test_tls(stack, folder):
    "one by TLS, the other by UDP; the certificate holds the relay's key"
    address, key, tls_address = relay(stack, folder, tls_listen="127.0.0.1:0")
    one, two = wzp.RoomPeer(tls_address, "room", tls=True), wzp.RoomPeer(address, "room", trunks=True)
    stack.callback(close, one, two)
    call(one, two)
    expect(wire.fingerprint(one.handshake.peer) == key, "the relay's key is the one it prints")
    expect(one.handshake.peer in one.certificate, "the certificate's key is the relay's")
    expect(one.observed == ("127.0.0.1", one.port()), f"observed address {one.observed}")


def test_move(stack, folder):
    "a leg moves by an answered challenge, twice, and nothing that it says is lost"
    address, _ = relay(stack, folder)
    one, two = wzp.RoomPeer(address, "room"), wzp.RoomPeer(address, "room")
    stack.callback(close, one, two)
    call(one, two)
    for _ in range(2):
        one.move()
        before, session = one.control.challenges, one.session_id
        sent = frames()
        two.received, one.out_frames = [], list(sent)
        expect(wzp.drive([one, two], lambda: len(two.received) == PACKETS), "all that it says from there is heard")
        everything(two, sent)
        expect(one.control.challenges > before, "it was asked")
        time.sleep(0.6)  # the relay decides after half a second
        call(one, two)
        expect(one.session_id == session, "the session is the same")


def come_back(peer, drive):
    """A new session; two round trips more, because the relay's media side may hear of a leg after its client does."""
    peer.reconnect()
    expect(drive(lambda: peer.connected and peer.may_seal()), "a new session")
    for _ in range(2):
        pongs = peer.control.pongs
        peer.send(peer.control.ping(), time.monotonic())
        expect(drive(lambda: peer.control.pongs > pongs), "a pong")


def test_same_join(stack, folder):
    "a peer comes back with the same JOIN, on a new session and after a leave"
    address, _ = relay(stack, folder)
    one, two = wzp.RoomPeer(address, "room"), wzp.RoomPeer(address, "room")
    stack.callback(close, one, two)
    call(one, two)
    come_back(two, lambda until: wzp.drive([one, two], until))
    call(one, two)
    expect(not [s for s in one.signals if s["type"] == "left"], f"nobody left: {one.signals}")
    two.leave(time.monotonic())
    expect(wzp.drive([one, two], lambda: not one.members), "a leave")
    two.post(two.join, time.monotonic())
    call(one, two)
    expect({heard.epoch for heard in two.received} == {1}, "a fresh base after the leave")
    expect(not one.drops["replayed"] and not two.drops["replayed"], "counters went on")


def test_shutdown(stack, folder):
    "a relay that stops says so"
    with ExitStack() as inner:
        address, _ = relay(inner, folder)
        peer = wzp.RoomPeer(address, "room")
        stack.callback(close, peer)
        expect(wzp.drive([peer], lambda: peer.signals), "it joins")
    expect(wzp.drive([peer], lambda: peer.control.closed is not None), "a CLOSE")
    expect(peer.control.closed == 1, f"reason shutdown, not {peer.control.closed}")


def three_talk(peers, launch=None, more=lambda: True):
    """All talk at once, and each hears each other, all of it, in order. Returns what each sent."""
    sent = {peer: frames() for peer in peers}
    for peer in peers:
        peer.out_frames, peer.received, peer.without_frames = list(sent[peer]), [], []
    drive = launch.drive if launch else wzp.drive
    if launch:
        launch.heard = b""

    def heard(peer, other):
        return [heard.frame for heard in peer.received if heard.frame in sent[other]]

    pairs = [(peer, other) for peer in peers for other in peers if peer is not other]
    done = lambda: all(len(heard(*pair)) == PACKETS for pair in pairs) and more()
    drive(peers, done)
    for pair in pairs:
        expect(heard(*pair) == sent[pair[1]], f"{len(heard(*pair))} of {PACKETS} frames: {pair[0].drops}")
    return sent


def test_three(stack, folder):
    "three in a room: one comes while the others talk, another one leaves"
    address, _ = relay(stack, folder)
    one, two, three = (wzp.RoomPeer(address, "room", trunks=trunks) for trunks in (True, False, False))
    stack.callback(close, one, three)
    call(one, two)
    expect(wzp.drive([one, two, three], lambda: three.may_seal() and len(three.members) == 2), "the third is in")
    three_talk([one, two, three])
    expect({heard.epoch for heard in one.received if heard.frame} == {0, 1}, "who spoke before changed its epoch")
    two.leave(time.monotonic())
    two.close(time.monotonic())
    acked = lambda: all(m.acked for peer in (one, three) for m in peer.members.values())
    expect(wzp.drive([one, three], lambda: len(one.members) == len(three.members) == 1 and acked()), "one left")
    call(one, three)


def test_lossy_control(stack, folder):
    "a keyed room, every third handshake and control datagram lost"
    address, _ = relay(stack, folder)
    one = wzp.RoomPeer(address, "room", link_key=ROOM_LINK_KEY, lose_every=3)
    two = wzp.RoomPeer(address, "room", link_key=ROOM_LINK_KEY, lose_every=3)
    stack.callback(close, one, two)
    call(one, two)
    expect(one.control.resent + two.control.resent > 0, "something was sent again")


def test_rooms_apart(stack, folder):
    "another link key is another room"
    address, _ = relay(stack, folder)
    one = wzp.RoomPeer(address, "room", link_key=ROOM_LINK_KEY)
    two = wzp.RoomPeer(address, "room", link_key=bytes(16))
    stack.callback(close, one, two)
    expect(wzp.drive([one, two], lambda: one.signals and two.signals), "both joined")
    alone = [[s.get("members") for s in p.signals if s["type"] == "joined"] == [[p.slot]] for p in (one, two)]
    expect(all(alone), f"each is alone: {one.signals} {two.signals}")


def test_room_full(stack, folder):
    "a third member is refused with ROOM_FULL"
    address, _ = relay(stack, folder, max_members=2)
    one, two, three = (wzp.RoomPeer(address, "room") for _ in range(3))
    stack.callback(close, one, two, three)
    expect(wzp.drive([one, two], lambda: one.may_seal() and two.may_seal()), "two are in")
    expect(wzp.drive([one, two, three], lambda: three.signals), "the third hears something")
    first = three.signals[0]
    expect((first["type"], first["code"]) == ("error", "ROOM_FULL") and first["text"], f"ROOM_FULL, not {first}")
    call(one, two)


def test_cookie(stack, folder):
    "a relay under load asks for its cookie"
    address, _ = relay(stack, folder, cookie_threshold=1)
    peers = []
    for _ in range(3):
        peers.append(wzp.RoomPeer(address, f"room {len(peers)}"))
        stack.callback(close, peers[-1])
    expect(wzp.drive(peers, lambda: all(p.signals for p in peers)), f"all join: {[p.drops for p in peers]}")
    expect(sum(p.cookies for p in peers) > 0, "somebody was asked for a cookie")


def launch_environment(registry):
    """A plugin that was built with AddressSanitizer needs its runtime in the program that loads it."""
    environment = os.environ | {"GST_PLUGIN_PATH_1_0": str(PLUGIN), "GST_REGISTRY_1_0": str(registry)}
    for module in PLUGIN.glob("*gstwzp.so"):
        libraries = subprocess.run(["ldd", module], capture_output=True, text=True).stdout
        if runtime := re.search(r"=> (\S*lib[at]san\S*)", libraries):
            environment |= {"LD_PRELOAD": runtime[1], "GST_REGISTRY_FORK": "no", "ASAN_OPTIONS": "detect_leaks=0"}
    return environment


class Launch:
    """A gst-launch-1.0 that speaks and hears; what it hears comes out of a pipe."""

    def __init__(self, stack, folder, ends, others=1):
        if not LAUNCH or not list(PLUGIN.glob("*gstwzp*")):
            raise NotImplementedError("gst-launch-1.0 or the plugin is missing")
        self.heard, self.log = b"", b""
        self.pipe, inner = os.pipe()
        line = f"audiotestsrc is-live=true ! audioconvert ! wzpenc ! wzpfec tier=manual ! wzpcrypt ! wzpsink {ends}"
        line += f" wzpsrc {ends} ! wzpdemux name=each" if others > 1 else f" wzpsrc {ends}"
        line += f" ! wzpcrypt ! wzpfec ! fdsink fd={inner}"
        line += f" each. ! wzpcrypt ! wzpfec ! fdsink async=false fd={inner}" * (others - 1)
        self.process = subprocess.Popen(
            [LAUNCH, "-m", *line.split()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[inner],
            env=launch_environment(folder.parent / "registry"),
        )
        os.close(inner)
        stack.callback(lambda: (stop(self.process), os.close(self.pipe), self.process.stdout.close()))
        # what comes before wzpsrc plays is not wanted there
        expect(self.drive([], lambda: PLAYING.search(self.log), 20), f"it plays: {self.log.decode()}")

    def drive(self, peers, until, timeout=8):
        output = self.process.stdout.fileno()
        return wzp.drive(peers, until, timeout, [(self.pipe, self.read), (output, self.read_log)])

    def read(self):
        self.heard += os.read(self.pipe, 65536)

    def read_log(self):
        self.log += os.read(self.process.stdout.fileno(), 65536)

    def talk(self, peer, count=PACKETS, back=60):
        """Python sends `count` frames and hears `back`; both ends open all."""
        sent = frames(count)
        peer.out_frames, peer.received, self.heard = list(sent), [], b""
        done = lambda: len(self.heard) >= 60 * count and len(peer.received) >= back
        whole = self.drive([peer], done)
        missing = [index for index, frame in enumerate(sent) if frame not in self.heard]
        state = f"lost {missing} of {count}; {len(self.heard)} bytes; sent back {len(peer.received)}; {peer.drops}"
        expect(whole, f"{state} {self.log.decode()[-2000:]}")
        expect(self.heard == b"".join(sent), f"what the C side opened is what was sent: {state}")
        expect({len(heard.frame) for heard in peer.received} == {60}, "frames of 60 bytes")
        # the first packets may have overtaken their key, and with them the full headers that tell the time
        timed = [heard for heard in peer.received if heard.time is not None]
        expect(timed == peer.received[-len(timed) :], "from the first full header on each tells its time")
        symbols = repair.verify([(heard.time, heard.cccc, heard.bundle) for heard in timed])
        expect(symbols or back < 60, "repair that agrees with its frames")
        times, numbers = [heard.time for heard in timed], [heard.seq for heard in peer.received]
        expect(times == list(range(times[0], times[0] + 20 * len(times), 20)), f"20 ms a packet: {times}")
        expect(numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"numbers without a gap: {numbers}")


def first_headers(peer):
    """Three full headers with the start flag, then fewer and fewer. The first may have overtaken their key."""
    early = peer.drops["no-key"]
    full = [index + early for index, heard in enumerate(peer.received) if heard.full]
    flags = [heard.flags for heard in peer.received if heard.full]
    expected = [index for index in (0, 1, 2, 7, 17, 37) if index >= early]
    starts = max(0, 3 - early)
    expect(full[: len(expected)] == expected, f"full headers at {full}, flags {flags}")
    expect(flags[:starts] == [1] * starts and set(flags[starts:]) == {0}, f"flags {flags}")


def launch_room(stack, folder, fragment="", members=2, **others):
    address, key = relay(stack, folder)
    peer = wzp.RoomPeer(address, "room", **others)
    known = folder / "known-relays"
    ends = f"uri=wzp://{address[0]}:{address[1]}/room{fragment} known-relays={known}"
    launch = Launch(stack, folder, ends, members - 1)
    launch.talk(peer)
    first_headers(peer)
    return peer, launch


def test_launch_open(stack, folder):
    "gst-launch-1.0 in an open room; Python's stream crosses an epoch"
    peer, launch = launch_room(stack, folder, first_seq=65500)
    stack.callback(close, peer)
    stop(launch.process, signal.SIGINT)
    left = lambda: [s["reason"] for s in peer.signals if s["type"] == "left"] == ["leave"]
    expect(wzp.drive([peer], left), f"it leaves when it stops: {peer.signals}")


def test_launch_eager(stack, folder):
    "gst-launch-1.0 and a peer that talks as soon as its key is on the way"
    address, _ = relay(stack, folder)
    launch = Launch(stack, folder, f"uri=wzp://{address[0]}:{address[1]}/room known-relays={folder / 'known-relays'}")
    peer = wzp.RoomPeer(address, "room", eager=True)
    stack.callback(close, peer)
    peer.out_frames = frames()
    expect(launch.drive([peer], lambda: len(launch.heard) >= 60 * (PACKETS - 20)), f"{len(launch.heard)} bytes heard")


def test_launch_same_join(stack, folder):
    "gst-launch-1.0 and a peer that comes back with the same JOIN, then another one"
    peer, launch = launch_room(stack, folder)
    first = peer.received[0].epoch
    come_back(peer, lambda until: launch.drive([peer], until))
    launch.talk(peer, 20, 20)
    expect({heard.epoch for heard in peer.received} == {first}, "keys stay over a new session")
    (member,) = peer.members.values()
    member.media = wire.MediaIn(member.media.sid)
    peer.pairwise(member, b"\x04", time.monotonic())
    expect(launch.drive([peer], lambda: member.media.windows), "KEYREQ brings the key again")
    peer.leave(time.monotonic())
    peer.post(peer.join, time.monotonic())
    launch.talk(peer, 20, 20)
    expect(peer.received[-1].epoch == first + 1, "a fresh base after a leave")
    expect(not peer.drops["replayed"], "counters went on")
    peer.close(time.monotonic())
    other = wzp.RoomPeer(peer.address, "room")
    stack.callback(close, other)
    launch.talk(other, 20, 20)
    expect(other.received[0].epoch == first + 2, "the next one gets a fresh base")


def test_launch_three(stack, folder):
    "gst-launch-1.0 and two peers in a room of three; it reports of both"
    one, launch = launch_room(stack, folder, members=3)
    first, slot = one.received[-1].epoch, next(iter(one.members))
    two = wzp.RoomPeer(one.address, "room")
    stack.callback(close, one)
    ready = lambda: two.may_seal() and all(m.acked for peer in (one, two) for m in peer.members.values())
    expect(launch.drive([one, two], lambda: ready() and len(two.members) == 2), "a third one comes")
    # its stream goes on in the epoch after the one before, which who was there reaches without a new key
    heard_by = lambda peer: [heard for heard in peer.received if heard.epoch == first + 1 and len(heard.bundle) > 62]
    whole = lambda: len(launch.heard) >= 120 * PACKETS and all(len(heard_by(peer)) >= 60 for peer in (one, two))
    sent = three_talk([one, two], launch, whole)
    for peer in (one, two):
        missing = [index for index, frame in enumerate(sent[peer]) if frame not in launch.heard]
        expect(not missing, f"what the C side opened of each is what was sent: lost {missing}")
    # reports: both streams, within the turns of a room
    both = lambda: all(peer.talker.reports for peer in (one, two))
    expect(launch.drive([one, two], both, 20), "reports of both streams")
    # who leaves is left out: a fresh key, and all goes on
    two.close(time.monotonic())
    gone = lambda: len(one.members) == 1 and any(heard.epoch == first + 2 for heard in one.received)
    expect(launch.drive([one], gone, 20), f"a fresh base for those who stay: {one.signals}")
    expect(slot in one.members and one.members[slot].acked, "the one that stays is the plugin")
    launch.talk(one, 20, 20)


def test_launch_reports(stack, folder):
    "gst-launch-1.0 and a peer that loses a quarter of it and says so; each reads what the other reports"
    peer, launch = launch_room(stack, folder)
    stack.callback(close, peer)
    # what it says of us: all came, and the time in between is that of a local network
    talker = peer.talker
    last = talker.reports[-1]
    expect(PACKETS / 2 < last.judged == last.received <= PACKETS and not last.runs, f"all came: {last}")
    expect(last.unrepaired == last.repaired == 0, f"nothing was repaired: {last}")
    expect(talker.round_trips and all(0 <= trip < 1 for trip in talker.round_trips), f"round trips: {talker.round_trips}")
    # what we say of it
    peer.reporting, peer.lose_media, launch.log = True, 4, b""
    peer.out_frames = frames(4000)
    loses = lambda: b"verdict=(string)uplink-loses" in launch.log
    expect(launch.drive([peer], loses, 20), f"it knows what it loses: {peer.listeners} {launch.log.decode()[-2000:]}")
    loss = re.findall(rb"verdict=\(string\)uplink-loses.*uplink-loss=\(double\)([0-9.]+)", launch.log)
    expect(loss and 0.15 <= float(loss[-1]) <= 0.35, f"about a quarter: {loss} {launch.log.decode()[-1000:]}")


def test_launch_keyed(stack, folder):
    "gst-launch-1.0 in a keyed room, every third control datagram lost"
    peer, _ = launch_room(stack, folder, "#" + ROOM_LINK_KEY.hex(), link_key=ROOM_LINK_KEY, lose_every=3, trunks=True)
    close(peer)


def key_file(folder):
    psk, path = os.urandom(32), folder / "key"
    path.write_text(psk.hex() + "\n")
    path.chmod(0o600)
    return psk, path


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def udp_crossing(stack, folder, low):
    psk, path = key_file(folder)
    port = free_port()
    peer = wzp.UdpPeer(psk, ("127.0.0.1", port), low=low)
    stack.callback(close, peer)
    launch = Launch(stack, folder, f"key-file={path} local-port={port} host=127.0.0.1 port={peer.port()}")
    launch.talk(peer)
    expect(peer.crossed, "both called")
    print("# Python is", "initiator" if peer.initiator else "responder")


def test_udp_crossing_low(stack, folder):
    "udp mode, both call, Python's commitment is low"
    udp_crossing(stack, folder, True)


def test_udp_crossing_high(stack, folder):
    "udp mode, both call, Python's commitment is high"
    udp_crossing(stack, folder, False)


def test_udp_initiator(stack, folder):
    "udp mode, Python calls, and again after a fresh start"
    psk, path = key_file(folder)
    port = free_port()
    launch = Launch(stack, folder, f"key-file={path} local-port={port}")
    for _ in range(2):  # the second one is a fresh start that said no goodbye
        peer = wzp.UdpPeer(psk, ("127.0.0.1", port))
        stack.callback(peer.socket.close)
        launch.talk(peer)


def test_udp_responder(stack, folder):
    "udp mode, Python answers"
    psk, path = key_file(folder)
    peer = wzp.UdpPeer(psk)
    stack.callback(close, peer)
    launch = Launch(stack, folder, f"key-file={path} host=127.0.0.1 port={peer.port()}")
    launch.talk(peer)


def test_udp_stranger(stack, folder):
    "udp mode, no answer to another key"
    psk, _ = key_file(folder)
    peer = wzp.UdpPeer(psk)
    stranger = wzp.UdpPeer(bytes(32), ("127.0.0.1", peer.port()))
    stack.callback(close, peer, stranger)
    expect(wzp.drive([peer, stranger], lambda: peer.drops["bad-proof"]), "the stranger is dropped")
    expect(not stranger.control and not peer.hs2, "and gets no answer")


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    failed = 0
    above = tempfile.TemporaryDirectory(prefix="wzp-interop-")
    print(f"1..{len(tests)}", flush=True)
    for index, test in enumerate(tests, 1):
        start = time.monotonic()
        with ExitStack() as stack:
            folder = Path(above.name) / test.__name__
            folder.mkdir()
            try:
                test(stack, folder)
                result = f"ok {index} - {test.__doc__}"
            except NotImplementedError as missing:
                result = f"ok {index} - {test.__doc__} # SKIP {missing}"
            except Exception as error:
                failed += 1
                why = f"{type(error).__name__}: {error}".replace("\n", "\n# ")
                result = f"not ok {index} - {test.__doc__}\n# {why}"
            print(f"# {time.monotonic() - start:.1f} s\n{result}", flush=True)
    above.cleanup()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

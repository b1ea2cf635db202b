#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""wzp-client identity and contacts, with pipes and with a terminal:  test-identity.py SOURCE-ROOT BUILD-ROOT"""

import codecs
import ctypes
import ctypes.util
import hashlib
import json
import os
import pty
import re
import resource
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

BUILD = Path(sys.argv[2])
CLIENT = str(BUILD / "pipelines" / "wzp-client")
# the seeds and words of docs/PROTOCOL.md, section 13
SEED = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
WORDS = (
    "abandon amount liar amount expire adjust cage candy arch gather drum bullet absurd math era live bid rhythm "
    "alien crouch range attend journey unaware"
).split()
FINGERPRINT = "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa"
KEY = "46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d"
OTHER_KEY = "a37a947ca8cc01976b7859cfb52eec500627d4c1a1e13c5ee6f7aa3b5c706909"
OTHER_FINGERPRINT = "518e:b935:62fa:9e34:e59c:28b6:7fc2:d384"
PASSPHRASE = "correct horse battery"


def expect(truth, what):
    if not truth:
        raise AssertionError(what)


def environment(folder):
    # no locale of the machine's: UTF-8 is what makes half blocks, and C.UTF-8 is everywhere
    return dict(os.environ, XDG_CONFIG_HOME=str(folder / "config"), HOME=str(folder), LC_ALL="C.UTF-8",
                GST_PLUGIN_PATH_1_0=str(BUILD / "gst"), GST_REGISTRY_1_0=str(folder.parent / "registry"),
                GST_REGISTRY_FORK="no")  # fmt: skip


def run(folder, *words, status=0, out="", err="", **others):
    """Without a terminal: exit code, and what standard output and error must have."""
    done = subprocess.run(
        [CLIENT, *map(str, words)], capture_output=True, text=True, env=environment(folder), stdin=subprocess.DEVNULL,
        start_new_session=True, timeout=60, **others,
    )  # fmt: skip
    state = f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    expect(done.returncode == status, state)
    expect(out in done.stdout and err in done.stderr, state)
    expect(status == 0 or err and done.stderr.count("\n") == 1, state)
    expect(status == 0 or re.search("^wzp-client: ", done.stderr, re.M), state)
    return done.stdout


class Terminal:
    """The program on a terminal of its own, as a person sees and types."""

    def __init__(self, folder, *words, out=None):
        self.seen, self.from_here = "", 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                if out:
                    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT, 0o600), 1)
                os.execve(CLIENT, [CLIENT, *map(str, words)], environment(folder))
            finally:
                os._exit(99)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += self.decoder.decode(data)
        return bool(data)

    def wait_for(self, text):
        end = time.monotonic() + 30
        while text not in self.seen[self.from_here :]:
            expect(self.read(max(0, end - time.monotonic())), f"'{text}' does not come: {self.seen!r}")
        self.from_here = self.seen.index(text, self.from_here) + len(text)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def answer(self, question, line, echo, end="\n"):
        self.wait_for(question)
        deadline = time.monotonic() + 10
        while self.echoes() != echo and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        expect(self.echoes() == echo, f"echo is {echo} at '{question}'")
        os.write(self.fd, (line + end).encode())

    def finish(self, status=0, text=""):
        while self.read(30):
            pass
        expect(self.echoes(), "the terminal echoes again")
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        expect(code == status and text in self.seen, f"exit code {code}: {self.seen!r}")
        return self.seen


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def seed_file(folder, name="seed", seed=SEED):
    path = folder / name
    path.write_text(seed + "\n")
    path.chmod(0o600)
    return path


# --- identity


def test_new(folder):
    "a new identity"
    out = run(folder, "identity", "new", err="Write its 24 words down now")
    path = folder / "config" / "wzp" / "identity"
    seed = path.read_text()
    expect(re.fullmatch("[0-9a-f]{64}\n", seed) and mode(path) == 0o600 and mode(path.parent) == 0o700, "the file")
    expect(seed.strip() not in out, "the seed is not shown")
    found = re.fullmatch(r"fingerprint ((?:[0-9a-f]{4}:){7}[0-9a-f]{4})\nkey +WZP-ID:[0-9a-f]{64}\nfile +(.*)\n", out)
    expect(found and found[2] == str(path), out)
    expect(run(folder, "identity", "show") == out, "show says the same")
    run(folder, "identity", "new", status=3, err="never written over")
    run(folder, "identity", "restore", status=3, err="never written over")
    expect(path.read_text() == seed, "it is still there")
    other = folder / "deep" / "er" / "id"
    expect(found[1] not in run(folder, "identity", "new", "--identity", other), "each one is new")
    link = folder / "link"
    link.symlink_to("nowhere")
    run(folder, "identity", "new", "--identity", link, status=3, err="never written over")


def test_show(folder):
    "what is shown of a known seed"
    path = seed_file(folder)
    out = run(folder, "identity", "show", "-i", path)
    expect(out == f"fingerprint {FINGERPRINT}\nkey         WZP-ID:{KEY}\nfile        {path}\n", out)
    path.chmod(0o644)
    run(folder, "identity", "show", "-i", path, status=3, err="chmod 600")
    run(folder, "identity", "show", status=3, err="there is no such file")
    path.chmod(0o600)
    path.write_text("short\n")
    run(folder, "identity", "show", "-i", path, status=3, err="64 hex digits")


def zbar(pixels, width):
    """What a telephone would read, by libzbar."""
    library = ctypes.util.find_library("zbar")
    if not library:
        return None
    zbar = ctypes.CDLL(library)
    for name in ("zbar_image_create", "zbar_image_scanner_create", "zbar_image_first_symbol", "zbar_symbol_get_data"):
        getattr(zbar, name).restype = ctypes.c_void_p
    image, scanner = ctypes.c_void_p(zbar.zbar_image_create()), ctypes.c_void_p(zbar.zbar_image_scanner_create())
    zbar.zbar_image_set_format(image, ctypes.c_ulong(int.from_bytes(b"Y800", "little")))
    zbar.zbar_image_set_size(image, width, len(pixels) // width)
    zbar.zbar_image_set_data(image, pixels, ctypes.c_ulong(len(pixels)), None)
    zbar.zbar_scan_image(scanner, image)
    symbol = ctypes.c_void_p(zbar.zbar_image_first_symbol(image))
    text = ctypes.string_at(zbar.zbar_symbol_get_data(symbol)).decode() if symbol else ""
    zbar.zbar_image_scanner_destroy(scanner)
    zbar.zbar_image_destroy(image)
    return text


def read_qr(rows):
    """Rows of modules, true where it is light."""
    expect(len({len(row) for row in rows}) == 1 and len(rows) >= len(rows[0]), "a square")
    expect(all(all(row[:4]) and all(row[-4:]) for row in rows) and all(map(all, rows[:4])), "a quiet zone")
    lines = [b"".join((b"\xff" if light else b"\0") * 8 for light in row) for row in rows]
    return zbar(b"".join(line * 8 for line in lines), 8 * len(rows[0]))


def half_blocks(text):
    rows = []
    for line in text.splitlines():
        if line and set(line) <= set(" \u2580\u2584\u2588"):
            rows += [[c in "\u2580\u2588" for c in line], [c in "\u2584\u2588" for c in line]]
    return rows


def test_qr(folder):
    "the QR code says the key"
    path = seed_file(folder)
    codes = [half_blocks(run(folder, "identity", "show", "--qr", "-i", path))]
    # a terminal: black on white is asked for, whatever its own colours are
    terminal = Terminal(folder, "identity", "show", "--qr", "-i", path)
    seen = terminal.finish()
    colored = re.findall("\033\\[38;5;231;48;5;16m([^\033]*)\033\\[0m", seen)
    codes.append(half_blocks("\n".join(colored)))
    # a locale without blocks
    plain = subprocess.run([CLIENT, "identity", "show", "--qr", "-i", path], capture_output=True, text=True,
                           env=dict(environment(folder), LC_ALL="C"), check=True).stdout  # fmt: skip
    codes.append([[pair == "##" for pair in re.findall("..", line)] for line in plain.splitlines() if line[:2] == "##"])
    for rows in codes:
        read = read_qr(rows)
        expect(read in (None, f"WZP-ID:{KEY.upper()}"), f"read: {read}")
    if read is None:
        return "no libzbar to read it with"
    # and what was read is a key to add
    run(folder, "contacts", "add", "Scanned", read)
    run(folder, "contacts", "list", out=f"Scanned  {FINGERPRINT}")


def test_words_terminal(folder):
    "the words, on a terminal"
    path = seed_file(folder)
    terminal = Terminal(folder, "identity", "words", "-i", path)
    terminal.answer("Enter clears the screen: ", "", False)
    seen = terminal.finish()
    expect(seen.startswith("\033[?1049h") and seen.rstrip().endswith("\033[?1049l"), "on a page of their own")
    numbered = dict(re.findall(r"(\d+) ([a-z]+)", seen.split("nobody else.")[1]))
    expect([numbered[str(n)] for n in range(1, 25)] == WORDS, numbered)
    # Ctrl-C: the page is left all the same
    terminal = Terminal(folder, "identity", "words", "-i", path)
    terminal.answer("Enter clears the screen: ", "", False, end="\x03")
    expect("\033[?1049l" in terminal.finish(3, "stopped"), "the page is left")


def test_words_pipe(folder):
    "the words go nowhere else"
    path = seed_file(folder)
    out = run(folder, "identity", "words", "-i", path, status=3, err="only from and to a terminal")
    expect(out == "", out)
    kept = folder / "kept"
    terminal = Terminal(folder, "identity", "words", "-i", path, out=str(kept))
    seen = terminal.finish(3, "standard output is a pipe or a file")
    expect(not any(word in seen for word in WORDS) and kept.read_text() == "", "nothing leaks")
    run(folder, "identity", "restore", "-i", folder / "new", status=3, err="only from and to a terminal")
    feed = subprocess.run([CLIENT, "identity", "restore", "-i", folder / "new"], input=" ".join(WORDS), text=True,
                          capture_output=True, env=environment(folder), start_new_session=True)  # fmt: skip
    expect(feed.returncode == 3 and not (folder / "new").exists(), "words from a pipe are not taken")


def test_restore(folder):
    "the identity comes back from its words"
    path = folder / "back" / "identity"
    terminal = Terminal(folder, "identity", "restore", "-i", path)
    terminal.answer("word 1: ", " ".join(WORDS[:5]), True)
    terminal.answer("word 6: ", "  ".join(WORDS[5:23]).upper(), True)
    terminal.answer("word 24: ", WORDS[23], True)
    terminal.finish(0, FINGERPRINT)
    expect(path.read_text() == SEED + "\n" and mode(path) == 0o600, "the seed")
    # a wrong word, a wrong order, then right; pasted as lines in one piece
    second = folder / "second"
    terminal = Terminal(folder, "identity", "restore", "-i", second)
    terminal.answer("word 1: ", " ".join(WORDS[:23] + ["unawares"]), True)
    terminal.wait_for('word 24 ("unawares") is not one of the 2048')
    terminal.answer("word 1: ", " ".join([WORDS[1], WORDS[0], *WORDS[2:]]), True)
    terminal.wait_for("checksum")
    terminal.answer("word 1: ", "\n".join(WORDS), True)
    terminal.finish(0, FINGERPRINT)
    expect(second.read_text() == SEED + "\n", "the seed")
    # never
    third = folder / "third"
    terminal = Terminal(folder, "identity", "restore", "-i", third)
    for _ in range(3):
        terminal.answer("word 1: ", "abandon", True)
        terminal.answer("word 2: ", "", True)
    terminal.finish(3, "there is 1 word; an identity has exactly 24")
    terminal = Terminal(folder, "identity", "restore", "-i", third)
    terminal.answer("word 1: ", "", True, end="\x04")
    terminal.finish(3, "stopped; nothing was done")
    terminal = Terminal(folder, "identity", "restore", "-i", third)
    terminal.answer("word 1: ", "abandon", True, end="\x03")
    terminal.finish(3, "stopped; nothing was done")
    expect(not third.exists(), "nothing was made")


def test_sealed(folder):
    "an identity that a passphrase opens"
    path = folder / "sealed"
    terminal = Terminal(folder, "identity", "new", "--passphrase", "-i", path)
    terminal.answer("not shown: ", PASSPHRASE, False)
    terminal.answer("once more: ", PASSPHRASE, False)
    seen = terminal.finish()
    fingerprint = re.search("fingerprint ([0-9a-f:]{39})", seen)[1]
    expect(PASSPHRASE not in seen, "it is not shown")
    expect(path.read_text().startswith("wzp-sealed-key 1 argon2id ") and mode(path) == 0o600, "sealed")
    terminal = Terminal(folder, "identity", "show", "-i", path)
    terminal.answer("not shown: ", PASSPHRASE, False)
    terminal.finish(0, fingerprint)
    terminal = Terminal(folder, "identity", "show", "-i", path)
    terminal.answer("not shown: ", PASSPHRASE + "!", False)
    terminal.finish(3, "this is not its passphrase")
    terminal = Terminal(folder, "identity", "show", "-i", path)
    terminal.answer("not shown: ", PASSPHRASE, False, end="\x03")
    terminal.finish(3, "stopped")
    run(folder, "identity", "show", "-i", path, status=3, err="a passphrase goes only from and to a terminal")

    note = folder / "note"
    note.write_text(PASSPHRASE + "\nmore\n")
    note.chmod(0o600)
    run(folder, "identity", "show", "-i", path, "--passphrase-file", note, out=fingerprint)
    terminal = Terminal(folder, "identity", "words", "-i", path, "--passphrase-file", note)
    terminal.answer("Enter clears the screen: ", "", False)
    words = re.findall(r"\d+ ([a-z]+)", terminal.finish().split("nobody else.")[1])
    expect(len(words) == 24, words)
    note.chmod(0o640)
    run(folder, "identity", "show", "-i", path, "--passphrase-file", note, status=3, err="chmod 600")
    note.chmod(0o600)
    note.write_text("\n")
    run(folder, "identity", "show", "-i", path, "--passphrase-file", note, status=3, err="its first line is empty")
    note.write_text("x" * 256)
    run(folder, "identity", "show", "-i", path, "--passphrase-file", note, status=3, err="too long")
    run(folder, "identity", "show", "-i", path, "--passphrase-file", folder / "none", status=3, err="no such file")
    whole = path.read_text()
    path.write_text(whole[:-20])
    note.write_text(PASSPHRASE)
    run(folder, "identity", "show", "-i", path, "--passphrase-file", note, status=3, err="not a whole sealed key")

    # two that differ, and one that is too short
    new = folder / "new"
    terminal = Terminal(folder, "identity", "new", "-p", "-i", new)
    terminal.answer("not shown: ", PASSPHRASE, False)
    terminal.answer("once more: ", PASSPHRASE.upper(), False)
    terminal.finish(3, "the two passphrases differ")
    terminal = Terminal(folder, "identity", "new", "-p", "-i", new)
    terminal.answer("not shown: ", "short", False)
    terminal.finish(3, "at least 8 letters")
    terminal = Terminal(folder, "identity", "new", "-p", "-i", new)
    terminal.answer("not shown: ", "x" * 300, False)
    terminal.finish(3, "that line is too long")
    expect(not new.exists(), "nothing was made")
    run(folder, "identity", "new", "-p", "--passphrase-file", note, "-i", new, status=2, err="choose one")
    # restored into a sealed file
    terminal = Terminal(folder, "identity", "restore", "--passphrase-file", note, "-i", new)
    terminal.answer("word 1: ", " ".join(WORDS), True)
    terminal.finish(0, FINGERPRINT)
    run(folder, "identity", "show", "-i", new, "--passphrase-file", note, out=FINGERPRINT)


# --- contacts


def store(folder):
    return folder / "config" / "wzp" / "contacts"


def test_contacts(folder):
    "contacts from first to last"
    expect(run(folder, "contacts", "list") == "", "nobody yet")
    run(folder, "contacts", "add", "Alice Example", f"WZP-ID:{KEY}")
    run(folder, "contacts", "add", "Bob", OTHER_KEY.upper())
    expect(mode(store(folder)) == 0o600, "private")
    day = r"\d{4}-\d\d-\d\d"
    first = run(folder, "contacts", "list").splitlines()[0]
    line = rf"Alice Example  {FINGERPRINT}  NOT verified  known since {day}, last call never"
    expect(re.fullmatch(line, first), first)
    run(folder, "contacts", "verify", "alice example", FINGERPRINT, out="is verified")
    first = run(folder, "contacts", "list").splitlines()[0]
    line = line.replace("NOT verified", f"verified by fingerprint {day}")
    expect(re.fullmatch(line, first), first)
    run(folder, "contacts", "rename", "Bob", "Robert")
    run(folder, "identity", "verify", "Robert", OTHER_KEY, out="is verified")
    run(folder, "contacts", "remove", "alice EXAMPLE")
    out = run(folder, "contacts", "list")
    expect(out.startswith(f"Robert  {OTHER_FINGERPRINT}  verified") and out.count("\n") == 1, out)
    other = folder / "others"
    run(folder, "contacts", "add", "Carol", KEY, "--contacts", other)
    run(folder, "contacts", "list", "-c", other, out="Carol")


def test_contacts_stop(folder):
    "a key that changed is a loud stop"
    run(folder, "contacts", "add", "Alice", KEY)
    before = store(folder).read_text()
    run(folder, "contacts", "add", "alice", OTHER_KEY, status=4, err="STOP: the key of Alice is not the one")
    run(folder, "contacts", "verify", "Alice", OTHER_FINGERPRINT, status=4, err="STOP: this fingerprint is not")
    run(folder, "identity", "verify", "Alice", OTHER_KEY, status=4, err="STOP: this key is not")
    run(folder, "contacts", "verify", "Alice", "twenty", "enjoy", "winter", status=1, err="call first")
    run(folder, "contacts", "add", "Anna", KEY, status=1, err="known already, as 'Alice'")
    run(folder, "contacts", "remove", "Bob", status=1, err="no contact is called 'Bob'")
    run(folder, "contacts", "rename", "Bob", "B", status=1, err="no contact is called 'Bob'")
    expect(store(folder).read_text() == before, "nothing changed")
    # the words of a call
    store(folder).write_text(before.replace(" - Alice", " eb2957f01c05c7d7 Alice"))
    run(folder, "contacts", "verify", "Alice", "twenty", "winter", "enjoy", status=4, err="STOP: these words are not")
    run(folder, "contacts", "verify", "Alice", "twenty Enjoy winter", out="is verified")
    run(folder, "contacts", "list", out="verified by words")


def test_contacts_damaged(folder):
    "a contact store that is damaged loses nothing"
    run(folder, "contacts", "add", "Alice", KEY)
    run(folder, "contacts", "add", "Bob", OTHER_KEY)
    whole = store(folder).read_text()
    for text, why in ((whole[:-2], "may be cut off"), (whole + "?\n", "line 3"), (whole + whole, "a second time")):
        store(folder).write_text(text)
        run(folder, "contacts", "list", status=3, err=why)
        run(folder, "contacts", "remove", "Bob", status=3, err=why)
        expect(store(folder).read_text() == text, "it stays as it is")
    store(folder).write_text(whole)
    store(folder).chmod(0o666)
    run(folder, "contacts", "list", status=3, err="chmod 600")
    run(folder, "contacts", "rename", "Bob", "B", status=3, err="chmod 600")
    store(folder).chmod(0o600)
    # no room: a limit on file size does what a full disk does
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
    run(folder, "contacts", "rename", "Bob", "Robert", status=3, err="cannot be written", preexec_fn=limit)
    expect(store(folder).read_text() == whole, "it stays as it is")
    expect(sorted(p.name for p in store(folder).parent.iterdir()) == ["contacts", "contacts.lock"], "nothing is left")


def test_full_output(folder):
    "a full disk behind standard output"
    path = seed_file(folder)
    run(folder, "contacts", "add", "Alice", KEY)
    for words in (["identity", "show", "-i", path], ["contacts", "list"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLIENT, *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=environment(folder))  # fmt: skip
        expect(done.returncode == 3 and "standard output cannot be written" in done.stderr, done)
    # a tiny file system, where one can be mounted
    small = folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", small], capture_output=True).returncode:
        return "no file system can be mounted"
    try:
        (small / "filler").write_bytes(bytes(4096))
        run(folder, "identity", "new", "-i", small / "id", status=3, err="cannot be written: No space left")
        run(folder, "contacts", "add", "Bob", KEY, "-c", small / "people", status=3, err="No space left")
        left = sorted(p.name for p in small.iterdir())
        expect(left in (["filler"], ["filler", "people.lock"]), f"nothing half is left: {left}")
    finally:
        subprocess.run(["umount", small], check=True)


# --- featherchat


def decoded(folder, text, status=0, err=""):
    done = subprocess.run([CLIENT, "featherchat", "decode"], input=text, capture_output=True, text=True,
                          env=environment(folder))  # fmt: skip
    expect(done.returncode == status and err in done.stderr, f"{text}: {done}")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_featherchat(folder):
    "call signals of featherChat"
    path = seed_file(folder)
    digest = hashlib.sha256("featherchat-group:équipe".encode()).hexdigest()[:32]
    expect(run(folder, "featherchat", "room", "équipe") == digest + "\n", "a group's room")
    place = ["--relay", "relay.example:4433", "--room", digest]
    text = run(folder, "featherchat", "encode", "offer", OTHER_FINGERPRINT, "-i", path, "--alias", "Åsa", *place)
    call = json.loads(text)["CallSignal"]
    payload = json.loads(call["payload"])
    offer = payload["signal"]["CallOffer"]
    expect(call["sender_fingerprint"] == FINGERPRINT and call["target"] == OTHER_FINGERPRINT, text)
    expect(call["signal_type"] == "Offer" and len(call["id"]) == 32, text)
    expect(bytes(offer["identity_pub"]).hex() == KEY and offer["alias"] == "Åsa", text)
    expect(not any(offer["ephemeral_pub"]) and offer["signature"] == [], "no signature that others could show")
    expect((payload["relay_addr"], payload["room"]) == ("relay.example:4433", digest), text)
    found = decoded(folder, text)
    expect(found["from"] == found["fingerprint"] == FINGERPRINT and found["alias"] == "Åsa", found)
    expect(found["room"] == digest and found["relay"] == "relay.example:4433" and found["key"] == KEY, found)
    expect(decoded(folder, call["payload"])["signal"] == "CallOffer", "a payload alone")
    decoded(folder, text.replace(FINGERPRINT, OTHER_FINGERPRINT), 4, "STOP: the messenger says")
    for kind, signal in (
        ("Answer", "CallAnswer"), ("Ringing", "CallRinging"), ("Busy", "Hangup"), ("Reject", "Hangup"),
        ("Hangup", "Hangup"), ("Hold", "Hold"), ("Unhold", "Unhold"), ("Mute", "Mute"), ("Unmute", "Unmute"),
    ):  # fmt: skip
        text = run(folder, "featherchat", "encode", kind.lower(), OTHER_FINGERPRINT, "-i", path, "--call-id", "c-1")
        found = decoded(folder, text)
        expect((found["type"], found["signal"], found["id"]) == (kind, signal, "c-1"), found)
    for text in ("", "hello", "{}", text[:-3], "{" * 20000):
        decoded(folder, text, 3, "no call signal of featherChat")
    to = OTHER_FINGERPRINT
    for words, why in (
        (["encode", "call", to], "'call' is no call signal"), (["encode", "offer", "bob"], "is no fingerprint"),
        (["encode", "transfer", to], "made by a running call only"), (["encode", "hold", to, "--alias", "x"], "--alias"),
        (["encode", "offer", to, "--alias", "a\nb", "-i", path], "without control characters"),
        (["encode", "offer", to, "--room", ""], "--room has 1 to 128 bytes"),
        (["encode", "offer", to, "--relay", "x" * 256], "--relay has 1 to 255 bytes"), (["room"], "it is: featherchat room"),
    ):  # fmt: skip
        run(folder, "featherchat", *words, status=2, err=why)


def test_usage(folder):
    "wrong usage"
    cases = {
        ("identity",): "identity needs a command: new, show, words, restore, verify",
        ("contacts",): "contacts needs a command: list, add, remove, rename, trust, distrust, verify",
        ("identity", "newer"): "identity has no command 'newer'",
        ("identity", "new", "file"): "it is: identity new",
        ("identity", "show", "--passphrase"): "show does not take --passphrase",
        ("identity", "words", "--qr"): "words does not take --qr",
        ("identity", "show", "--contacts", "x"): "show does not take --contacts",
        ("identity", "show", "--what"): "--what",
        ("contacts", "add", "Alice"): "it is: contacts add NAME KEY",
        ("contacts", "list", "all"): "it is: contacts list",
        ("contacts", "list", "--identity", "x"): "--identity",
        ("contacts", "add", "Alice", "12"): "'12' is not a key",
        ("contacts", "add", "Alice", FINGERPRINT): "is a fingerprint, not the whole key",
        ("contacts", "add", "", KEY): "a name has at least one letter",
        ("contacts", "add", "A\nB", KEY): "nothing that cannot be seen",
        ("contacts", "add", KEY, KEY): "a name is not a key",
        ("contacts", "verify", "Alice"): "it is: contacts verify",
        ("contacts", "verify", "Alice", "378839"): "verify takes a fingerprint",
        ("contacts", "verify", "Alice", "two", "words"): "verify takes a fingerprint",
        ("contacts", "verify", "Alice", FINGERPRINT[:-1]): "verify takes a fingerprint",
    }
    for words, why in cases.items():
        run(folder, *words, status=2, err=why)
    for group in ("identity", "contacts", "featherchat"):
        text = run(folder, group, "--help", out="Exit codes:")
        expect("4  STOP" in text and f"wzp-client {group}" in text, text)
    run(folder, "--help", out="wzp-client identity --help")
    expect(not store(folder).exists(), "and nothing is made")


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    failed = 0
    above = Path(tempfile.mkdtemp(prefix="wzp-identity-"))
    print(f"1..{len(tests)}", flush=True)
    for index, test in enumerate(tests, 1):
        folder = above / test.__name__
        folder.mkdir()
        try:
            skip = test(folder)
            result = f"ok {index} - {test.__doc__}" + (f" # SKIP in part: {skip}" if skip else "")
        except Exception as error:
            failed += 1
            why = f"{type(error).__name__}: {error}".replace("\n", "\n# ")
            result = f"not ok {index} - {test.__doc__}\n# {why}"
        print(result, flush=True)
    shutil.rmtree(above)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""check-table.py BUILD: docs/SECURITY.md names a test for each attack and rule, each test that it names exists, and
each of the suite "attack" is named. Prints TAP."""
import json, os, re, subprocess, sys

build = sys.argv[1]
document = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "SECURITY.md")
OPTIONAL = ["constant-time"]  # not there without valgrind, or with sanitizers
ATTACKS = [f"A{n}" for n in range(1, 22)]


def introspect():
    text = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True)
    return {test["name"]: test for test in json.loads(text.stdout)}


def cases(test):
    """What a GLib test program lists."""
    environment = dict(os.environ, **test["env"])
    listed = subprocess.run(
        [*test["cmd"], "-l"], capture_output=True, text=True, env=environment, timeout=60, cwd=build)
    return {line for line in listed.stdout.splitlines() if line.startswith("/")}


def main():
    tests, known, rows, problems = introspect(), {}, {}, []
    for line in open(document, encoding="utf-8"):
        row = re.match(r"\| ([AP]\d+) \|", line)
        named = re.findall(r"`([a-z0-9-]+) (/[a-z0-9/-]+/[a-z0-9/-]+)`", line)
        if row or named:
            rows.setdefault(row[1] if row else "the text", []).extend(named)
    for attack in {*ATTACKS, *rows} - {"the text"}:
        if not rows.get(attack):
            problems.append(f"{attack} has no test")
    for attack, named in rows.items():
        for name, path in named:
            if name not in tests and name in OPTIONAL:
                continue
            if name not in tests:
                problems.append(f"{attack}: there is no test {name}")
            elif name not in known:
                known[name] = cases(tests[name])
            if name in known and path not in known[name]:
                problems.append(f"{attack}: {name} has no case {path}")
    for name, test in tests.items():
        if "warzonephone:attack" in test["suite"] and test["protocol"] == "tap" and name not in known:
            if name != "attack-table":
                problems.append(f"the table does not name {name}")
    print("1..1")
    for problem in problems:
        print("#", problem)
    print("not ok" if problems else "ok", "1 - docs/SECURITY.md names tests that exist")
    return 1 if problems else 0


sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counts test cases in the log of `meson test`:  count-results.py BUILD/meson-logs/testlog.json
Prints "PASSED FAILED SKIPPED". A TAP line is a case; a program without TAP is one; a program that crashed,
ran out of time or said nothing is a failed case even when all its lines so far were good."""
import json
import re
import sys


def count(test):
    lines = re.findall(r'^(not ok|ok)\b[ \t]*\d*(.*)$', test.get('stdout') or '', re.MULTILINE)
    skipped = sum('# skip' in rest.lower() for word, rest in lines)
    expected = sum(word == 'not ok' and '# todo' in rest.lower() for word, rest in lines)
    passed = sum(word == 'ok' for word, rest in lines) - skipped
    failed = sum(word == 'not ok' for word, rest in lines) - expected
    good = test['result'] in ('OK', 'EXPECTEDFAIL')
    if test['result'] == 'SKIP':
        return 0, 0, max(skipped, 1)
    if good and not lines:
        passed = 1
    if not good and not failed:
        failed = 1
    return passed, failed, skipped


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='utf-8') as log:
        counts = [count(json.loads(line)) for line in log if line.strip()]
    print(*(sum(column) for column in zip(*counts)) if counts else (0, 1, 0))


main()

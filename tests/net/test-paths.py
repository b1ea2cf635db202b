#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Real calls of wzp-client through NATs: which way they go, how soon, and what is lost.

    test-paths.py BUILD [--runs N] [--only NAME...] [--jobs N]

From ten runs of each on there are tables at the end, and nine of ten calls have to be in time.
The table below says what each topology has to come to. Labs run beside each other; each call is a case. TAP on stdout.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
from changes import CHANGES, SECONDS, Failed, check_heard, check_share, expect  # noqa: E402

# name: (network, hosts, path that the call must come to (None: either), ms within which it goes directly: the median, nine of
# ten, all)
TOPOLOGIES = {
    'one LAN, no hairpin': (dict(), 'a1 a2', 'direct', 300, 500, 800),
    'one LAN, IPv4 and IPv6': (dict(v6='stateful'), 'a1 a2', 'direct', 300, 500, 800),
    'a room on one LAN': (dict(), 'a1 a2', 'direct', 300, 500, 800),
    'one LAN, UDP blocked towards the relay': (dict(nat_a='blocked'), 'a1 a2', 'direct', 300, 500, 800),
    'one LAN, the relay 300 ms away': (dict(delay=150), 'a1 a2', 'direct', 600, 1000, 2000),
    'one LAN, 5 % loss': (dict(delay=150, loss=0.05), 'a1 a2', 'direct', 1000, 2000, 4000),
    'one LAN, 30 % loss': (dict(delay=150, loss=0.3), 'a1 a2', 'direct', 2000, 3000, 6000),
    'one LAN, 50 % loss': (dict(delay=150, loss=0.5), 'a1 a2', 'direct', 2500, 3000, 8000),
    'one LAN, isolated from each other': (dict(isolated=True), 'a1 a2', 'relay', None, None, None),
    'cone and cone': (dict(), 'a1 b1', 'direct', 1000, 1500, 2500),
    'full cone and symmetric': (dict(nat_a='fullcone', nat_b='symmetric'), 'a1 b1', 'direct', 1000, 1500, 2500),
    'cone and a router that takes what comes': (dict(nat_b='accepting'), 'a1 b1', None, None, None, None),
    'cone and UDP blocked': (dict(nat_b='blocked'), 'a1 b1', 'relay', None, None, None),
    'symmetric and symmetric': (dict(nat_a='symmetric', nat_b='symmetric'), 'a1 b1', 'relay', None, None, None),
    'symmetric on both, and IPv6': (dict(nat_a='symmetric', nat_b='symmetric', v6='stateful'), 'a1 b1', 'direct', 1000, 1500, 2500),
    'cone with IPv6 and cone without': (dict(v6='stateful', v4_only=['b1'], relay='relay.test'), 'a1 b1', 'direct', 1000, 1500, 2500),
    'IPv6 alone, open': (dict(v4=False, v6='open'), 'a1 b1', 'direct', 1000, 1500, 2500),
    'IPv6 alone, stateful': (dict(v4=False, v6='stateful'), 'a1 b1', 'direct', 1000, 1500, 2500),
    'IPv6 alone, another address of the relay': (dict(v4=False, v6='open', relay='[%s]' % lab.OTHER[1]), 'a1 b1', 'direct',
                                                 1000, 1500, 2500),
}
SNIFF = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'sniff.py')
# what a client says of the NAT in front of it
CLASSES = {'cone': 'cone', 'fullcone': 'cone', 'symmetric': 'symmetric', 'blocked': 'unknown'}


def check_nats(network, hosts, reports):
    modes = [network.get('nat_' + lab.HOSTS[host][-1].lower(), 'cone') for host in hosts]
    expected = [CLASSES.get(mode) if network.get('v4', True) else 'open' for mode in modes]
    for report, own, peer in zip(reports, expected, reversed(expected)):
        also = ['unknown'] if network.get('loss', 0) >= 0.3 else []  # it asks five times
        for found, right in ((report['nat'], own), (report['peer_nat'], peer)):
            expect(right is None or found in [right, *also], 'it takes a NAT for another', report)
        if own == peer == 'symmetric' and network.get('v6', 'none') == 'none':
            expect(report['path_attempts'] == 1, 'it tried again what cannot work', report)


def way(report):
    """The path until the other one left, and how often it changed until then: who is alone in a room is back at the relay, and of a
    call that is over nothing more comes directly."""
    changes = report['path_switches']
    left = report['call'] is None and changes > 0 and changes % 2 == 0
    return ('direct', changes - left) if left or changes % 2 == 1 else (report['path'], changes)


def run_topology(build, name, number):
    network, hosts, path, *_, slowest = TOPOLOGIES[name]
    seconds = SECONDS + int(10 * network.get('loss', 0))
    place = lab.Lab(build, 't%d' % number, seed=number + 1, **network)
    try:
        begin = place.meet if name.startswith('a room') else place.call
        reports = begin(*hosts.split(), seconds=seconds)
    finally:
        place.close()
    check_heard(reports)
    check_nats(network, hosts.split(), reports)
    for host, report in zip(hosts.split(), reports):
        blocked = network.get('nat_' + lab.HOSTS[host][-1].lower()) == 'blocked'
        expect(report['transport'] == ('tls' if blocked else 'udp'), 'it reached the relay by %s' % report['transport'], report)
        found, changes = way(report)
        expect(path in (found, None), 'it went by %s' % found, report)
        if path == 'direct':
            expect(changes == 1, 'it changed %d times' % changes, report)
            expect(report['time_to_direct_ms'] <= slowest, 'it took too long', report)
    # counted from the moment that both may exchange candidates: the caller hears of it last
    return [report['time_to_direct_ms'] for report in reports]


def run_trusted(build, number):
    """Two who trust each other with their addresses: the direct path is there before the call is taken."""
    place = lab.Lab(build, 'e%d' % number)
    try:
        place.know_each_other('caller', 'callee')
        waiting = place.client('b1', 'callee', '--answer', '--control', '--trusted', '--send-tone', str(SECONDS), '--record',
                               place.work + '/callee.wav', '--duration', '60', stdin=subprocess.PIPE)
        place.wait_for('callee', waiting, 'no call is on')
        calling = place.client('a1', 'caller', '--call', 'callee', '--trusted', '--send-tone', str(SECONDS), '--record',
                               place.work + '/caller.wav')
        for who, process in (('caller', calling), ('callee', waiting)):
            place.wait_for(who, process, 'the call will go directly')
            expect('was taken' not in place.said(who), 'it was taken already:\n' + place.said(who))
        waiting.stdin.write('accept\n')
        waiting.stdin.flush()
        expect(calling.wait(60) == 0, 'the caller ended badly:\n' + place.said('caller'))
        waiting.terminate()
        waiting.wait(60)
        reports = [place.report(who) for who in ('caller', 'callee')]
    finally:
        place.close()
    check_heard(reports)
    for report in reports:
        expect(report['path'] == 'direct' and report['time_to_direct_ms'] == 0, 'it was not ready', report)
        expect(report['path_switches'] == 1 and report['path_attempts'] == 1, 'it tried or changed again', report)


def run_check(build, number):
    """wzp-client --check knows NATs apart: by two relays that see it, or by one that does at two ports. It knows a relay that is another
    one than the URI names."""
    relays = ['%s:%d' % (lab.RELAY, lab.PORT + i) for i in range(2)]
    place = lab.Lab(build, 'k%d' % number, nat_a='cone', nat_b='symmetric')
    try:
        place.start_second_relay()
        asked = {(host, n): place.check(host, *relays[:n]) for host in ('a1', 'b1', 'relay') for n in (1, 2)}
        named = place.client('a1', 'named', '--check', room='r?relay=' + '00' * 16)
        expect(named.wait(30) == 4, 'another relay was taken for the one that was named:\n' + place.said('named'))
        expect('is not the one that relay= names' in place.said('named'), 'it does not say so:\n' + place.said('named'))
    finally:
        place.close()
    for host, nat in (('a1', 'cone'), ('b1', 'symmetric'), ('relay', 'open')):
        for n in (1, 2):
            said = asked[host, n]
            expect(said['nat'] == nat, '%s is not %s, by %d' % (host, nat, n), said)
            expect(len(said['relays']) == n and all(relay['answered'] for relay in said['relays']), 'a relay did not answer', said)
    expect(all(55 <= relay['round_trip_ms'] < 1000 for relay in asked['a1', 2]['relays']), 'a strange round trip', asked['a1', 2])


def run_third(build, number):
    """Two in a room go directly; a third comes: by the relay, and it hears them; it leaves: directly again, 10 s after the change."""
    place = lab.Lab(build, 'd%d' % number)

    def during(place, first):
        place.wait_for('first', first, 'goes directly')
        place.wait_for('second', first, 'goes directly')
        third = place.enter_room('b1', 'third', 2)
        place.wait_for('first', first, 'by the relay')
        if third.wait(60) != 0:
            raise RuntimeError('the third ended with %d:\n%s' % (third.returncode, place.said('third')))

    try:
        reports = place.meet('a1', 'a2', seconds=15, during=during)
        third = place.report('third')
    finally:
        place.close()
    for report, other in zip(reports, reversed(reports)):
        expect(way(report) == ('direct', 3), 'it went by %s after %d changes' % way(report), report)
        # that playout found some too late, where the way became longer, is another matter
        heard = report['frames_received'] + report['frames_repaired']
        expect(heard >= other['frames_sent'] + third['frames_sent'] - 2, 'something was lost', report, other, third)
    expect(third['path_attempts'] == 0, 'it tried to go directly', third)
    expect(third['frames_received'] > 50, 'it heard too little', third)


def captured(place, begin, **how):
    """The reports of a call between a1 and a2, and of each of them all IP packets."""
    captures = []
    for host in ('a1', 'a2'):
        captures.append('%s/%s.packets' % (place.work, host))
        place.start(host, sys.executable, SNIFF, 'eth0', captures[-1])
    reports = begin('a1', 'a2', seconds=SECONDS, **how)
    return reports, [[line.split() for line in open(path)] for path in captures]


def leaks(packets):
    """What tells the two where they are: packets past the relay, and their addresses in what is in others, as they are, as STUN
    hides them, and in letters."""
    found = {}
    forms = {}
    for host in ('a1', 'a2'):
        raw = bytes(int(part) for part in lab.V4[host].split('.'))
        hidden = bytes(one ^ other for one, other in zip(raw, b'\x21\x12\xa4\x42'))
        for form in (raw, hidden, lab.V4[host].encode()):
            forms[form.hex()] = lab.V4[host]
    for source, target, payload in packets:
        if lab.RELAY not in (source, target):
            found['past the relay'] = '%s sent to %s' % (source, target)
        for form, address in forms.items():
            if form in payload:
                found['address'] = '%s is in a packet from %s' % (address, source)
    return found


def resident(process):
    """KiB of memory."""
    lines = open('/proc/%d/status' % process.pid).read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS'))


def drops_of(counts):
    return sum(count for name, count in counts.items() if name.startswith('wzp_relay_drops_total'))


TLS_GARBAGE = """
import random, socket
for n in range(30):
    with socket.create_connection((%r, 443)) as tls:
        try:
            tls.sendall(random.Random(n).randbytes(1000))
            tls.recv(100)
        except OSError:
            pass
""" % lab.RELAY


def flood(place, capture, seed, count):
    """Datagrams that are nearly right or not at all: at every socket of a2, from a1 and from the relay; at the relay's two ports, from a1.
    How many went where."""
    ours, theirs, relay = (place.udp_ports(host) for host in ('a2', 'a1', 'relay'))
    expect(len(ours) >= 2 and len(theirs) >= 2 and len(relay) == 2, 'which sockets?', ours, theirs, relay)
    flows = ['%s:%s>%s:%s' % (lab.V4['a1'], peer, lab.V4['a2'], port) for port in ours for peer in theirs]
    flows += ['%s:%d>%s:%s' % (lab.RELAY, lab.PORT, lab.V4['a2'], port) for port in ours]
    flows += ['%s:%s>%s:%s' % (lab.V4['a1'], port, lab.RELAY, to) for port in theirs for to in relay]
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'flood.py')
    return json.loads(place.exec('natA', sys.executable, program, capture, str(seed), str(count), *flows))


def run_flooded(build, number):
    """Garbage at every socket of one of the two in the middle of a direct call, and at the relay's ports: all of it is counted by reason,
    nothing grows, and the call goes on, directly and without a loss."""
    place = lab.Lab(build, 'f%d' % number)
    capture, found = place.work + '/a2.packets', {}

    def during(place, calling):
        for who in ('caller', 'callee'):
            place.wait_for(who, calling, 'directly')
        threading.Event().wait(0.5)  # both talk
        programs = [*place.processes[-2:], place.relay]
        dropped, unread = drops_of(place.relay_counts()), place.unread('relay')
        sent = [flood(place, capture, number, 24000)]  # fills pools and tables
        place.exec('b1', sys.executable, '-c', TLS_GARBAGE)
        before = [resident(program) for program in programs]
        sent.append(flood(place, capture, number + 1, 16000))
        counts = place.relay_counts()
        found.update(grown=[resident(program) - was for program, was in zip(programs, before)],
                     at_client=sum(one[lab.V4['a2']] for one in sent), at_relay=sum(one[lab.RELAY] for one in sent),
                     dropped_at_relay=drops_of(counts) - dropped + place.unread('relay') - unread, unread=place.unread('a2'),
                     tls=sum(n for name, n in counts.items() if name.startswith('wzp_relay_tls_connections_ended_total')))
        threading.Event().wait(0.5)  # what comes late is heard
        calling.terminate()  # it hangs up

    try:
        place.restart_relay('--metrics-port', '9433')
        place.start('a2', sys.executable, SNIFF, 'eth0', capture)
        reports = place.call('a1', 'a2', seconds=90, during=during)
    finally:
        place.close()
    check_share(reports, 0.97)
    for report in reports:
        expect(report['path_switches'] == 1 and report['path_silences'] == 0 and report['path_attempts'] == 1, 'it left its path', report, found)
    # the rest is what libnice takes for checks, and real packets that came once more; at the relay, what it answers
    counted = sum(reports[1]['drops'].values()) + found['unread']
    expect(counted >= 0.8 * found['at_client'], 'the client counts %d' % counted, reports[1]['drops'], found)
    expect(found['dropped_at_relay'] >= 0.98 * found['at_relay'] and found['tls'] >= 30, 'the relay counts too little', found)
    # who kept them would grow by more than 2 MiB
    expect(max(found['grown']) < 2048, 'memory grows', found)
    return '%d of %d counted at a client, %d of %d at the relay, which grew by %d KiB, the clients by %d and %d' % (
        counted, found['at_client'], found['dropped_at_relay'], found['at_relay'], *reversed(found['grown']))


def run_private(build, number, room=False):
    """Private on one side, of a call or a room: nothing goes from one to the other past the relay, and no address leaves."""
    place = lab.Lab(build, 'p%d' % number)
    try:
        reports, packets = captured(place, place.meet if room else place.call, private=True)
    finally:
        place.close()
    check_heard(reports)
    for report in reports:
        expect(room or report['call']['mode'] == 'private', 'it was not private', report)
        expect(report['path'] == 'relay', 'it was not private', report)
        expect(report['path_attempts'] == 0, 'it tried to go directly', report)
    for host, list_ in zip(('a1', 'a2'), packets):
        expect(len(list_) > SECONDS * 20, 'the capture of %s has %d packets only' % (host, len(list_)))
        expect(not leaks(list_), 'it was not private: %s' % leaks(list_))


def run_watched(build, number):
    """What is looked for in a private call is found in one that is not."""
    place = lab.Lab(build, 'w%d' % number)
    try:
        reports, packets = captured(place, place.call)
    finally:
        place.close()
    check_heard(reports)
    for list_ in packets:
        expect(set(leaks(list_)) == {'past the relay', 'address'}, 'nothing is found: %s' % leaks(list_))


def quantile(times, percent):
    """Of sorted ones, the lowest that so many are not above."""
    return times[max(0, -(-len(times) * percent // 100) - 1)]


def quantiles(found, percents):
    found = sorted(found)
    return ' '.join('%5.0f' % quantile(found, percent) for percent in percents)


def print_changes(figures):
    """Of all calls, at both ends, ms, p50 p95 max: the longest gap between two packets of one who talks, and how long after the direct
    path was found dead both had proof of a new one."""
    print('# %-46s %5s  %-20s %s' % ('', 'calls', 'gap', 'new path'))
    for name, calls in figures.items():
        columns = [[ms for call in calls for ms in call.get(key, [])] for key in ('gap', 'new path')]
        print('# %-46s %5d  %s' % (name, len(calls), '  '.join('%-20s' % quantiles(column, (50, 95, 100)) for column in columns if column)))


def print_table(wanted, times):
    """Direct calls of all, and ms from the answer to the change, p50 p90 p95 max: at the caller, who hears of the answer last, and
    at who answered."""
    print('# %-42s %7s  %-24s %s' % ('', 'direct', 'at the caller', 'at the callee'))
    for name in wanted:
        calls = times.get(name, [])
        line = ''
        for side in (0, 1):
            found = [call[side] for call in calls if call[side] is not None]
            line += ' %-25s' % quantiles(found, (50, 90, 95, 100)) if found else ''
        print('# %-42s %3d/%-3d %s' % (name, sum(call[0] is not None for call in calls), len(calls), line))


def main():
    options = argparse.ArgumentParser()
    options.add_argument('build')
    options.add_argument('--runs', type=int, default=2)
    options.add_argument('--only', nargs='*')
    options.add_argument('--jobs', type=int, default=4)
    options = options.parse_args()
    options.build = os.path.abspath(options.build)
    lab.enter()
    # what a fresh registry finds is the same for all: fill it once
    with tempfile.TemporaryDirectory() as work:
        os.environ['GST_REGISTRY_1_0'] = work + '/registry.bin'
        subprocess.run(['gst-inspect-1.0', 'wzpcall'], capture_output=True,
                       env=dict(os.environ, GST_PLUGIN_PATH_1_0=options.build + '/gst'))
        wanted = [name for name in TOPOLOGIES if not options.only or name in options.only]
        jobs, number = [], 0
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for name, job in (('a third comes into a room', run_third),  # the longest begins first
                              ('garbage on every socket', run_flooded), ('private', run_private), ('they trust each other', run_trusted),
                              ('not private, and seen to be', run_watched),
                              ('private in a room', lambda build, number: run_private(build, number, room=True)),
                              ('what --check says', run_check)):
                if not options.only or name in options.only:
                    jobs.append((name, pool.submit(job, options.build, number)))
                    number += 1
            for name, job in CHANGES.items():
                for _ in range(options.runs if options.runs > 2 else 1):
                    if not options.only or name in options.only:
                        jobs.append((name, pool.submit(job, options.build, number)))
                        number += 1
            for name in wanted:
                # what is slow is mostly waited for
                slow = 'delay' in TOPOLOGIES[name][0] and options.runs < 10
                for _ in range(1 if slow else options.runs):
                    jobs.append((name, pool.submit(run_topology, options.build, name, number)))
                    number += 1
        times, figures, failures = {}, {}, 0
        print('1..%d' % (len(jobs) + len([n for n in wanted if TOPOLOGIES[n][3]])))
        for count, (name, job) in enumerate(jobs, 1):
            try:
                found = job.result()
                if name in TOPOLOGIES:
                    times.setdefault(name, []).append(found)
                    found = found[0] and 'direct after %.0f ms' % found[0]
                elif name in CHANGES:
                    figures.setdefault(name, []).append(found)
                    found = '; '.join('%s: %d, %d ms' % (what, *both) for what, both in found.items())
                print('ok %d %s%s' % (count, name, ', ' + found if found else ''))
            except (Failed, RuntimeError, subprocess.TimeoutExpired) as problem:
                failures += 1
                print('not ok %d %s\n# %s' % (count, name, str(problem).replace('\n', '\n# ')))
        for count, name in enumerate((n for n in wanted if TOPOLOGIES[n][3]), len(jobs) + 1):
            half, most = TOPOLOGIES[name][3:5]
            found = sorted(both[0] for both in times.get(name, []))
            good = bool(found) and quantile(found, 50) <= half and (len(found) < 10 or quantile(found, 90) <= most)
            failures += not good
            print('%s %d %s: half of %d within %d ms%s (%s)' % (
                'ok' if good else 'not ok', count, name, len(found), half,
                ', nine of ten within %d' % most if len(found) >= 10 else '', ' '.join('%.0f' % time for time in found)))
        if options.runs >= 10:
            print_table(wanted, times)
            print_changes(figures)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())

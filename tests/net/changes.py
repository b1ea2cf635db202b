# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls in the middle of which the network changes: what still has to be heard, and by which way (see test-paths.py)."""
import threading

import lab

SECONDS = 3
TALKING = 'the other side is there'


class Failed(Exception):
    pass


def expect(holds, what, *reports):
    if not holds:
        raise Failed(what + ''.join('\n  %s' % report for report in reports))


def check_heard(reports):
    for report in reports:
        expect(report['error'] is None and (report['call'] or {}).get('end') in (None, 'hung-up'), 'the call failed', report)
        # who began later is heard for so much less; what is lost by a change of path the simulator counts
        expect(report['frames_received'] + report['frames_repaired'] >= 0.5 * SECONDS * 50, 'too little was heard', report)


def run_changed(build, name, change, callee='a2', seconds=SECONDS, least=0.7, direct=True, **network):
    """A call in which `change` happens once both go directly; of all that was said, the part `least` is heard."""
    place = lab.Lab(build, name, **network)

    def during(place, calling):
        for who in ('caller', 'callee'):
            place.wait_for(who, calling, TALKING)
            if direct:
                place.wait_for(who, calling, 'directly')
        threading.Event().wait(0.5)  # both talk
        change(place)

    try:
        reports = place.call('a1', callee, seconds=seconds, during=during)
    finally:
        place.close()
    check_share(reports, least)
    return reports


def check_share(reports, least):
    check_heard(reports)
    heard = sum(report['frames_received'] for report in reports) / sum(report['frames_sent'] for report in reports)
    expect(heard > least, 'too much was lost: %.2f' % (1 - heard), *reports)


def gaps(reports, limit):
    """How long nobody was heard at either end, a figure for the table; limit ms are for a busy machine."""
    longest = [report['path_longest_gap_ms'] for report in reports]
    expect(max(longest) <= limit, 'a gap of %d ms' % max(longest), *reports)
    return {'gap': longest}


def expect_new_way(reports):
    for report in reports:
        expect(report['path_attempts'] >= 2 and report['path'] == 'direct', 'it found no new way', report)


def renewals(reports, limit):
    """How long after either side noticed that the direct path was dead both had proof of a new one; limit ms are for a busy machine."""
    expect_new_way(reports)
    times = [report['path_renewal_ms'] for report in reports]
    expect(0 < max(times) <= limit, 'a new path after %d ms' % max(times), *reports)
    return {'new path': times}


def run_cut(build, number):
    """The LAN lets the two hear each other no more in the middle of the call: it goes on by the relay."""
    reports = run_changed(build, 'c%d' % number, lambda place: place.isolate())
    expect(any(report['path_silences'] == 1 for report in reports), 'nobody noticed', *reports)
    for report in reports:
        expect(report['path_unheard_here'] >= 1 and report['path_unheard_there'] >= 1, 'it is not counted', report)
    return gaps(reports, 1000)


def run_without_relay(build, number):
    """The relay dies in the middle of the call: the call goes on and ends as it should."""
    reports = run_changed(build, 'r%d' % number, lambda place: place.relay.kill(), least=0.8)
    expect(all(report['path_switches'] == 1 for report in reports), 'it changed its path', *reports)
    return gaps(reports, 1000)


def run_new_address(build, number):
    """One of the two gets another address in the middle of the call: it finds its way, and goes directly again."""
    def move(place):
        place.ip('a1', 'addr', 'del', lab.V4['a1'] + '/24', 'dev', 'eth0')
        place.ip('a1', 'addr', 'add', '192.168.88.33/24', 'dev', 'eth0')
        place.ip('a1', 'route', 'add', 'default', 'via', '192.168.88.1')

    reports = run_changed(build, 'n%d' % number, move, seconds=SECONDS + 1, least=0.6)
    expect_new_way(reports)
    for report in reports:
        expect(report['direct_round_trip_ms'] < 50, 'the new way is not the LAN', report)
    return gaps(reports, 2000)


def run_rebinding(build, number):
    """A router gets another address, and forgets all that it had mapped: the way to the relay and the direct one both change."""
    def rebind(place):
        place.ip('natA', 'addr', 'del', lab.OUTER['natA'] + '/32', 'dev', 'wan')
        place.ip('natA', 'addr', 'add', '203.0.113.1/32', 'dev', 'wan')
        place.ip('natA', 'route', 'replace', 'default', 'dev', 'wan')

    reports = run_changed(build, 'b%d' % number, rebind, callee='b1', seconds=SECONDS + 3)
    expect_new_way(reports)
    return gaps(reports, 2000)


def run_leg_rebinding(build, number):
    """The same, of a call that goes by the relay: the leg of one of the two moves."""
    def rebind(place):
        place.ip('natA', 'addr', 'del', lab.OUTER['natA'] + '/32', 'dev', 'wan')
        place.ip('natA', 'addr', 'add', '203.0.113.1/32', 'dev', 'wan')
        place.ip('natA', 'route', 'replace', 'default', 'dev', 'wan')

    reports = run_changed(build, 'm%d' % number, rebind, callee='b1', direct=False, least=0.8, nat_a='symmetric', nat_b='symmetric')
    return gaps(reports, 1000)


def run_udp_blocked(build, number):
    """UDP dies for one of the two, whose call goes by the relay: it goes on by TLS."""
    def block(place):
        place.exec('natA', 'nft', '-f', '-', text='table inet wall {\n chain c {\n type filter hook forward priority -10\n'
                   ' meta l4proto udp drop\n}\n}\n')

    reports = run_changed(build, 'u%d' % number, block, callee='b1', seconds=SECONDS + 7, direct=False, least=0.4, nat_a='symmetric', nat_b='symmetric')
    expect(reports[0]['transport'] == 'tls', 'it did not go on by TLS', *reports)
    return gaps(reports, 6000)


def run_link_down(build, number):
    """The link of one of the two is cut and restored a second later: the call goes on, directly."""
    def cut(place):
        place.ip('natA', 'link', 'set', 'la1', 'down')
        threading.Event().wait(1)
        place.ip('natA', 'link', 'set', 'la1', 'up')

    reports = run_changed(build, 'l%d' % number, cut, seconds=SECONDS + 3, least=0.6)
    for report in reports:
        expect(report['path'] == 'direct', 'it did not come back', report)
        expect(report['path_unheard_here'] >= 1, 'it is not counted', report)
    return gaps(reports, 3500)


def run_tls_link_down(build, number):
    """Of a call by TLS the link of one of the two is down for 8 s: both know that they hear nothing, and then they hear each other again."""
    def cut(place):
        place.ip('natA', 'link', 'set', 'la1', 'down')
        threading.Event().wait(8)
        said.extend('nothing is heard any more' in place.said(who) for who in ('caller', 'callee'))
        place.ip('natA', 'link', 'set', 'la1', 'up')

    said = []
    reports = run_changed(build, 't%d' % number, cut, callee='b1', seconds=SECONDS + 15, direct=False, least=0.3, nat_a='blocked', nat_b='symmetric')
    expect(all(said), 'they do not say that they hear nothing', *reports)
    expect(reports[0]['transport'] == 'tls', 'it is not by TLS', *reports)
    for report in reports:
        expect(report['path'] == 'relay', 'it did not go by the relay', report)
        expect(report['unheard_times'] >= 1, 'it is not counted', report)
        expect(not report['unheard'], 'it is not heard again', report)
    return gaps(reports, 14000)


def run_relay_restarts(build, number):
    """The relay restarts while the call goes by it: both find the new one, and go on."""
    reports = run_changed(build, 's%d' % number, lambda place: place.restart_relay(), seconds=SECONDS + 5, least=0.4, direct=False, isolated=True)
    for report in reports:
        expect(report['path'] == 'relay' and report['state'] != 'reconnecting', 'it did not come back', report)
    return gaps(reports, 5000)


def run_both_restart(build, number):
    """The relay restarts while the call is direct, and then the direct path dies too: the new relay takes over."""
    def restart(place):
        place.restart_relay()
        place.isolate()

    return gaps(run_changed(build, 'q%d' % number, restart, seconds=SECONDS + 6, least=0.4), 5500)


def run_direct_rebinding(build, number):
    """A router forgets the flow of the direct path alone: there is a new one soon, and the leg to the relay stays."""
    def forget(place):
        ports = ', '.join(place.udp_ports('a1'))
        place.exec('natA', 'nft', '-f', '-', text='''
table inet forget {
  chain c { type filter hook forward priority -10;
    ip saddr %s ip daddr %s udp sport { %s } drop
    ip saddr %s ip daddr %s udp dport { %s } drop
  }
}
''' % (lab.V4['a1'], lab.OUTER['natB'], ports, lab.OUTER['natB'], lab.V4['a1'], ports))

    reports = run_changed(build, 'g%d' % number, forget, callee='b1', seconds=SECONDS + 3)
    expect(all(report['path_switches'] == 1 for report in reports), 'it changed its path', *reports)
    return dict(gaps(reports, 1000), **renewals(reports, 1000))


def run_cellular(build, number):
    """From WiFi to mobile data: the interface goes, and another one in another network has the way out. The leg moves without a new
    handshake, and there is a new direct path."""
    def move(place):
        place.ip('a1', 'link', 'set', 'eth0', 'down')
        place.ip('a1', 'route', 'replace', 'default', 'via', lab.LAN['natB'][0], 'dev', 'cell')

    moved = []

    def change(place):
        place.add_cellular('a1')
        move(place)
        threading.Event().wait(3)
        moved.append('moved here' in open(place.work + '/relay.err').read())

    reports = run_changed(build, 'w%d' % number, change, seconds=SECONDS + 4, least=0.6)
    expect(all(moved), 'the leg did not move', *reports)
    expect_new_way(reports)
    return gaps(reports, 3500)


CHANGES = {
    'the direct path is cut': run_cut,
    'the relay dies': run_without_relay,
    'a new address': run_new_address,
    'a router with another address': run_rebinding,
    'a router with another address, by the relay': run_leg_rebinding,
    'UDP is blocked, by the relay': run_udp_blocked,
    'the link is cut and restored': run_link_down,
    'the link is cut and restored, by TLS': run_tls_link_down,
    'the relay restarts': run_relay_restarts,
    'the relay restarts, then the direct path dies': run_both_restart,
    'the direct path alone is forgotten': run_direct_rebinding,
    'from WiFi to mobile data': run_cellular,
}

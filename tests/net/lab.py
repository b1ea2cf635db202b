# SPDX-License-Identifier: MIT OR Apache-2.0
"""Networks of namespaces with NATs, a relay in them, and calls of wzp-client through them.

Two hosts a1, a2 on LAN A behind the router natA; b1 on LAN B behind natB; the relay; and between the routers and the
relay the program wan, with delay and loss. A NAT mode is one of
  cone       masquerade, port kept while it is free, filtered by address and port (port-restricted): the usual box
  fullcone   masquerade, and whatever comes to its address goes to the first host
  symmetric  masquerade with a random port for each destination
  blocked    as cone, but no UDP gets out
  accepting  as cone, but the router itself takes what comes to it: it spoils the port for the answer, and punching with it
None of them hairpins: a LAN's own outer address leads nowhere from inside, as with the routers that began all this.
IPv6 (none, open or stateful) is routed, and a stateful router lets in only answers.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

HOSTS = {'a1': 'natA', 'a2': 'natA', 'b1': 'natB'}
V4 = {'a1': '192.168.88.11', 'a2': '192.168.88.12', 'b1': '10.0.0.11'}
LAN = {'natA': ('192.168.88.1', '2001:db8:a::', 'fd00:a::'), 'natB': ('10.0.0.1', '2001:db8:b::', None)}
OUTER = {'natA': '203.0.113.2', 'natB': '203.0.113.6'}
RELAY = '198.51.100.1'
RELAY_V6 = '2001:db8:ff::1'
OTHER = ['198.51.100.2', '2001:db8:ff::2']  # the relay's, too
PORT = 4433
ROOM_SECRET = '000102030405060708090a0b0c0d0e0f'


def enter():
    """Runs the program again in a user, mount and network namespace of its own, where it may make others, and which go with it. Ends
    it with one line when that cannot be done here."""
    if 'WZP_NET_INSIDE' in os.environ:
        run('mount', '-t', 'tmpfs', 'tmpfs', '/run')
        # a relay by its name, for clients that are to try both families
        with open('/run/hosts', 'w') as hosts:
            hosts.write('127.0.0.1 localhost\n%s relay.test\n%s relay.test\n' % (RELAY, RELAY_V6))
        run('mount', '--bind', '/run/hosts', '/etc/hosts')
        return
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    rules = 'table ip try {\n chain c {\n type nat hook postrouting priority 100\n masquerade random,fully-random\n}\n}\n'
    why = next(('the program %s is missing' % name for name in ('unshare', 'ip', 'nft') if shutil.which(name) is None), None)
    if why is None and not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        why = 'there is no /dev/net/tun, or not for us'
    if why is None and subprocess.run(['unshare', '-rmn', 'sh', '-c', 'mount -t tmpfs tmpfs /run && ip netns add try && nft -f -'],
                                      input=rules, text=True, capture_output=True).returncode != 0:
        why = 'network namespaces cannot be made here (unshare -rmn, ip netns, nft)'
    if why is not None:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    os.environ['WZP_NET_INSIDE'] = '1'
    os.execvp('unshare', ['unshare', '-rmn', '--kill-child', sys.executable, *sys.argv])


def run(*words, text=None):
    done = subprocess.run(words, input=text, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError('%s: %s' % (' '.join(words), done.stderr.strip()))
    return done.stdout


class Lab:
    def __init__(self, build, name, nat_a='cone', nat_b='cone', v4=True, v6='none', isolated=False,
                 delay=30, loss=0.0, seed=1, relay=None, v4_only=()):
        """relay: as clients name it. v4_only: hosts without IPv6 where the others have it."""
        self.build, self.name = build, name
        self.v4, self.v6 = v4, v6
        self.relay_name = relay or (RELAY if v4 else '[%s]' % RELAY_V6)
        self.processes = []
        self.work = tempfile.mkdtemp(prefix='wzp-net-')
        try:
            self.make_links()
            self.start_wan(delay, loss, seed)
            self.make_addresses()
            for nat, mode in (('natA', nat_a), ('natB', nat_b)):
                self.rules(nat, mode)
            if isolated:
                self.isolate()
            for host in v4_only:
                self.ip(host, '-6', 'addr', 'flush', 'dev', 'eth0')
            self.start_relay()
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        for place in ['relay', 'natA', 'natB', *HOSTS]:
            subprocess.run(['ip', 'netns', 'del', self.ns(place)], capture_output=True)
        shutil.rmtree(self.work, ignore_errors=True)

    def ns(self, place):
        return '%s-%s' % (self.name, place)

    def ip(self, place, *words):
        return run('ip', '-n', self.ns(place), *words)

    def exec(self, place, *words, text=None):
        return run('ip', 'netns', 'exec', self.ns(place), *words, text=text)

    def start(self, place, *words, out=None, err=None, stdin=subprocess.DEVNULL):
        environment = dict(os.environ, XDG_CONFIG_HOME=self.work + '/' + place, XDG_STATE_HOME=self.work + '/' + place,
                           GST_PLUGIN_PATH_1_0=self.build + '/gst',
                           # with AddressSanitizer: as in tests/pipelines/lib.sh
                           GST_REGISTRY_FORK='no', ASAN_OPTIONS='detect_leaks=0',
                           GST_REGISTRY_1_0=os.environ.get('GST_REGISTRY_1_0', self.work + '/registry.bin'))
        process = subprocess.Popen(['ip', 'netns', 'exec', self.ns(place), *words], stdin=stdin, env=environment,
                                   stdout=out or subprocess.DEVNULL, stderr=err or subprocess.DEVNULL, text=True)
        self.processes.append(process)
        return process

    # --- the network ---

    def make_links(self):
        for place in ['relay', 'natA', 'natB', *HOSTS]:
            run('ip', 'netns', 'add', self.ns(place))
            self.ip(place, 'link', 'set', 'lo', 'up')
            off = int(self.v6 == 'none')
            settings = ['net.ipv6.conf.all.disable_ipv6=%d' % off, 'net.ipv6.conf.default.disable_ipv6=%d' % off,
                        'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0']
            if place.startswith('nat'):
                settings += ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']
            for setting in settings:
                key, value = setting.split('=')
                path = '/proc/sys/' + key.replace('.', '/')
                self.exec(place, 'sh', '-c', 'echo %s >%s' % (value, path))
        for nat in OUTER:
            self.ip(nat, 'link', 'add', 'lan', 'type', 'bridge')
            self.ip(nat, 'link', 'set', 'lan', 'up')
            # what stays on the LAN is not the NAT's business
            self.exec(nat, 'sh', '-c', 'for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do '
                      '[ ! -f $f ] || echo 0 >$f; done')
        for host, nat in HOSTS.items():
            self.ip(host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'l' + host, 'netns', self.ns(nat))
            self.ip(nat, 'link', 'set', 'l' + host, 'master', 'lan', 'up')
            self.ip(host, 'link', 'set', 'eth0', 'up')

    def start_wan(self, delay, loss, seed):
        self.wan = subprocess.Popen(
            [self.build + '/tests/net/wan', '--delay', str(delay), '--loss', str(loss), '--seed', str(seed),
             '--port', self.ns('relay') + '=198.51.100.0/24,2001:db8:ff::/48',
             '--port', self.ns('natA') + '=203.0.113.0/30,2001:db8:a::/48',
             '--port', self.ns('natB') + '=203.0.113.4/30,2001:db8:b::/48'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(self.wan)
        if self.wan.stdout.readline() != 'ready\n':
            raise RuntimeError('wan did not start')

    def say_to_wan(self, command):
        self.wan.stdin.write(command + '\n')
        self.wan.stdin.flush()

    def make_addresses(self):
        self.ip('relay', 'addr', 'add', RELAY + '/32', 'dev', 'wan')
        self.ip('relay', 'addr', 'add', OTHER[0] + '/32', 'dev', 'wan')
        if self.v6 != 'none':
            self.ip('relay', 'addr', 'add', RELAY_V6 + '/128', 'dev', 'wan')
            self.ip('relay', 'addr', 'add', OTHER[1] + '/128', 'dev', 'wan')
        for nat, address in OUTER.items():
            self.ip(nat, 'addr', 'add', address + '/32', 'dev', 'wan')
        for place in ['relay', *OUTER]:
            self.ip(place, 'link', 'set', 'wan', 'up', 'mtu', '1400')
            self.ip(place, 'route', 'add', 'default', 'dev', 'wan')
            if self.v6 != 'none':
                self.ip(place, '-6', 'route', 'add', 'default', 'dev', 'wan')
        for nat, (gateway, prefix, local) in LAN.items():
            self.ip(nat, 'addr', 'add', gateway + '/24', 'dev', 'lan')
            if self.v6 != 'none':
                self.ip(nat, 'addr', 'add', prefix + '1/64', 'dev', 'lan')
        for host, nat in HOSTS.items():
            gateway, prefix, local = LAN[nat]
            last = V4[host].split('.')[3]
            if self.v4:
                self.ip(host, 'addr', 'add', V4[host] + '/24', 'dev', 'eth0')
                self.ip(host, 'route', 'add', 'default', 'via', gateway)
            if self.v6 != 'none':
                self.ip(host, 'addr', 'add', prefix + last + '/64', 'dev', 'eth0')
                self.ip(host, '-6', 'route', 'add', 'default', 'via', prefix + '1')
                if local:
                    self.ip(host, 'addr', 'add', local + last + '/64', 'dev', 'eth0')

    def rules(self, nat, mode):
        first = V4['a1' if nat == 'natA' else 'b1']
        masquerade = 'masquerade random,fully-random' if mode == 'symmetric' else 'masquerade'
        inward = 'iifname wan meta l4proto udp dnat to ' + first if mode == 'fullcone' else ''
        v6 = 'accept' if self.v6 == 'open' else 'drop'
        here = 'accept' if mode == 'accepting' else 'drop'
        udp = 'drop' if mode == 'blocked' else 'accept'
        self.exec(nat, 'nft', '-f', '-', text='''
flush ruleset
table ip nat {
  chain in { type nat hook prerouting priority -100; %s
  }
  chain out { type nat hook postrouting priority 100; oifname wan %s
  }
}
table inet filter {
  chain here { type filter hook input priority 0; policy accept;
    iifname wan ct state established,related accept
    iifname wan meta l4proto ipv6-icmp accept
    iifname wan %s
  }
  chain through { type filter hook forward priority 0; policy accept;
    iifname lan oifname wan meta l4proto udp %s
    ct state established,related accept
    iifname lan oifname wan accept
    iifname lan oifname lan drop
    iifname wan meta nfproto ipv4 ct status dnat accept
    iifname wan meta nfproto ipv4 drop
    iifname wan meta nfproto ipv6 %s
  }
}
''' % (inward, masquerade, here, udp, v6))

    def isolate(self, on=True):
        """a1 and a2 hear each other no more; the router they do."""
        for host in ('a1', 'a2'):
            self.ip('natA', 'link', 'set', 'l' + host, 'type', 'bridge_slave', 'isolated', 'on' if on else 'off')

    def add_cellular(self, host):
        """Another interface of the host, behind the other router; nothing goes there yet."""
        self.ip(host, 'link', 'add', 'cell', 'type', 'veth', 'peer', 'name', 'l' + host + 'cell', 'netns', self.ns('natB'))
        self.ip('natB', 'link', 'set', 'l' + host + 'cell', 'master', 'lan', 'up')
        self.ip(host, 'addr', 'add', '10.0.0.77/24', 'dev', 'cell')
        self.ip(host, 'link', 'set', 'cell', 'up')

    def udp_ports(self, host):
        """Of all sockets there."""
        lines = self.exec(host, 'cat', '/proc/net/udp').splitlines()[1:]
        return sorted({str(int(line.split()[1].split(':')[1], 16)) for line in lines})

    # --- the relay, and calls ---

    def start_relay(self, *words):
        listen = '[::]:%d' % PORT if self.v6 != 'none' else '0.0.0.0:%d' % PORT
        self.relay = self.start('relay', self.build + '/relay/wzp-relay', '--listen', listen, '--tls-listen', '0.0.0.0:443',
                                '--identity', self.work + '/relay-identity', *words, out=subprocess.PIPE,
                                err=open(self.work + '/relay.err', 'w'))
        line = self.relay.stdout.readline()
        if 'listening' not in line:
            raise RuntimeError('the relay did not start: ' + open(self.work + '/relay.err').read())

    def restart_relay(self, *words):
        self.relay.kill()
        self.relay.wait()
        self.start_relay(*words)

    def relay_counts(self):
        """What a relay with --metrics-port 9433 counts, by name."""
        text = self.exec('relay', sys.executable, '-c', 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:9433/metrics").read().decode())')
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1]) for line in text.splitlines() if line and line[0] != '#'}

    def unread(self, place):
        """Datagrams that came faster than the sockets there were read."""
        names, counts = [line.split() for line in self.exec(place, 'cat', '/proc/net/snmp').splitlines() if line.startswith('Udp:')]
        return int(counts[names.index('RcvbufErrors')])

    def start_second_relay(self):
        second = self.start('relay', self.build + '/relay/wzp-relay', '--listen', '0.0.0.0:%d' % (PORT + 1),
                            '--identity', self.work + '/second-identity', out=subprocess.PIPE)
        second.stdout.readline()

    def check(self, place, *relays):
        """What wzp-client --check says there."""
        return json.loads(self.exec(place, self.build + '/pipelines/wzp-client', '--check', '--json', *relays))

    def client(self, place, who, *words, room=None, stdin=subprocess.DEVNULL):
        relay = '%s:%d' % (self.relay_name, PORT)
        if room is not None:
            relay = 'wzp://%s/%s' % (relay, room)
        files = [open('%s/%s.%s' % (self.work, who, end), 'w') for end in ('out', 'err')]
        return self.start(place, self.build + '/pipelines/wzp-client', '--json', '--identity',
                          '%s/%s' % (self.work, who), '--contacts', '%s/%s.contacts' % (self.work, who),
                          *words, relay, out=files[0], err=files[1], stdin=stdin)

    def know_each_other(self, *who):
        """Identities of the two, each the other one's contact: verified, and trusted with addresses."""
        def do(*words):
            return self.exec('relay', self.build + '/pipelines/wzp-client', *words)

        keys = {}
        for one in who:
            do('identity', 'new', '--identity', '%s/%s' % (self.work, one))
            shown = do('identity', 'show', '--identity', '%s/%s' % (self.work, one))
            keys[one] = next(word for word in shown.split() if word.startswith('WZP-ID:'))
        for one, other in (who, reversed(who)):
            contacts = ('--contacts', '%s/%s.contacts' % (self.work, one))
            do('contacts', 'add', *contacts, other, keys[other])
            do('contacts', 'verify', *contacts, other, keys[other])
            do('contacts', 'trust', *contacts, other)

    def said(self, who):
        return open('%s/%s.err' % (self.work, who)).read()

    def wait_for(self, who, process, words, seconds=30, times=1):
        done = threading.Event()
        for _ in range(int(seconds * 50)):
            if self.said(who).count(words) >= times:
                return
            if process.poll() is not None:
                break
            done.wait(0.02)
        raise RuntimeError('%s did not say "%s" but:\n%s' % (who, words, self.said(who)))

    def report(self, who):
        lines = open('%s/%s.out' % (self.work, who)).read().strip().splitlines()
        if not lines:
            raise RuntimeError('%s left no report:\n%s' % (who, self.said(who)))
        return json.loads(lines[-1])

    def enter_room(self, place, who, seconds, *words):
        return self.client(place, who, '--send-tone', str(seconds), '--tier', 'good', '--record', '%s/%s.wav' % (self.work, who), *words,
                           room='lab#' + ROOM_SECRET)

    def meet(self, first, second, seconds=6, private=False, during=None):
        """A room with a secret, of two who would go directly, but for the second one if private; the reports of both."""
        who = ['first', 'second']
        clients = [self.enter_room(first, 'first', seconds, '--trusted'),
                   self.enter_room(second, 'second', seconds, *([] if private else ['--trusted']))]
        if during is not None:
            during(self, clients[0])
        for name, process in zip(who, clients):
            if process.wait(seconds + 60) != 0:
                raise RuntimeError('%s ended with %d:\n%s' % (name, process.returncode, self.said(name)))
        return [self.report(name) for name in who]

    def call(self, caller, callee, seconds=6, private=False, during=None):
        """One call from host to host; the reports of both, the caller's first."""
        who = ['caller', 'callee']
        identity = self.exec('relay', self.build + '/pipelines/wzp-client', 'identity', 'new',
                             '--identity', self.work + '/callee')
        fingerprint = next(line.split()[1] for line in identity.splitlines() if line.startswith('fingerprint'))
        waiting = self.client(callee, 'callee', '--answer', *([] if private else ['--trusted']), '--send-tone',
                              str(seconds), '--record', self.work + '/callee.wav', '--duration', str(seconds + 30))
        self.wait_for('callee', waiting, 'no call is on')
        calling = self.client(caller, 'caller', '--call', fingerprint, '--trusted', '--send-tone', str(seconds),
                              '--record', self.work + '/caller.wav')
        if during is not None:
            during(self, calling)
        for name, process in zip(who, (calling, waiting)):
            if process.wait(seconds + 60) != 0:
                raise RuntimeError('%s ended with %d:\n%s' % (name, process.returncode, self.said(name)))
        return [self.report(name) for name in who]

# SPDX-License-Identifier: MIT OR Apache-2.0
"""flood.py CAPTURE SEED COUNT FLOW...: sends COUNT datagrams that look like those of a call: taken from a capture of sniff.py, as they were or
broken, or made up, on the flows SOURCE:PORT>TARGET:PORT in turn, whosever the source is. Prints how many went where, as JSON."""
import json
import random
import re
import socket
import struct
import sys
import threading

KINDS = [0x00, 0x01, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x80, 0xc0, 0xff]
BURST, PAUSE = 40, 0.01  # what sockets hold


def captured(path):
    """The payloads of UDP datagrams between two of the capture's addresses."""
    found = []
    for line in open(path):
        words = line.split()
        if len(words) == 3 and len(words[2]) > 16 and '.' in words[0]:
            found.append(bytes.fromhex(words[2])[8:])
    return found


def make(dice, real):
    data = bytearray(dice.choice(real))
    how = dice.randrange(6)
    if how == 0:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif how == 1:
        del data[dice.randrange(len(data)):]
    elif how == 2:
        data += dice.randbytes(dice.randrange(1, 200))
    elif how == 3:
        data[0] = dice.choice(KINDS)
    elif how == 4:
        data = bytearray([dice.choice(KINDS)]) + dice.randbytes(dice.randrange(1300))
    return bytes(data[:1300])  # how == 5: once more


def main():
    capture, seed, count, flows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    dice, sent, pause = random.Random(seed), {}, threading.Event()
    real = captured(capture)
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ends = [re.fullmatch(r'(.*):(\d+)>(.*):(\d+)', flow).groups() for flow in flows]
    for n in range(count):
        source, source_port, target, port = ends[n % len(ends)]
        data = make(dice, real)
        udp = struct.pack('!HHHH', int(source_port), int(port), 8 + len(data), 0) + data
        ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target))
        out.sendto(ip + udp, (target, 0))
        sent[target] = sent.get(target, 0) + 1
        if n % BURST == BURST - 1:
            pause.wait(PAUSE)
    print(json.dumps(sent))


main()

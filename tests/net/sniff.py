# SPDX-License-Identifier: MIT OR Apache-2.0
"""sniff.py INTERFACE FILE: a line for each IP packet on the interface, in and out, but IGMP and ICMPv6, until it is told to end:
source, target and the bytes behind the IP header in hex."""
import ipaddress
import signal
import socket
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
sniffer.bind((sys.argv[1], 0))
with open(sys.argv[2], 'w', buffering=1) as out:
    while True:
        frame = sniffer.recv(2048)
        kind, packet = frame[12:14], frame[14:]
        if kind == b'\x08\x00' and packet[9] != 2:  # IGMP: of the system
            source, target, payload = packet[12:16], packet[16:20], packet[(packet[0] & 15) * 4:]
        elif kind == b'\x86\xdd' and packet[6] != 58:  # neighbours, groups
            source, target, payload = packet[8:24], packet[24:40], packet[40:]
        else:
            continue
        print(ipaddress.ip_address(source), ipaddress.ip_address(target), payload.hex(), file=out)

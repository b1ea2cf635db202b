#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A router gets another address in the middle of a call, so that the relay hears the client behind it from elsewhere.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client

host router 10.78.1.2
ip netns add phone
ip -n router link add home type veth peer name wire netns phone
ip -n router addr add 192.168.7.1/24 dev home
ip -n router link set home up
ip -n phone addr add 192.168.7.2/24 dev wire
ip -n phone link set wire up
ip -n phone route add default via 192.168.7.1
at router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
at router nft -f - <<'RULES'
table ip nat {
  chain out {
    type nat hook postrouting priority 100
    oifname "wire" masquerade
  }
}
RULES
start relay "$build/relay/wzp-relay" --listen 0.0.0.0:4433 --identity "$work/relay-identity"
wait_for "$work/relay.out" ' listening on '
start free "$client" --send-tone 20 --record "$work/free.wav" --json --latency 200 --room r 127.0.0.1
free_pid=$pid
wait_for "$work/free.err" 'nobody else'
start phone ip netns exec phone "$client" --send-tone 6 --record "$work/phone.wav" --json --latency 200 --room r 10.78.1.1
phone_pid=$pid
wait_for "$work/phone.err" 'the other side is there'
sleep 1.5
# with its address the router forgets what it had mapped to it
ip -n router -batch - <<'CHANGE'
addr del 10.78.1.2/24 dev wire
addr add 10.78.1.9/24 dev wire
route add default via 10.78.1.1
CHANGE
check 'the leg moved' wait_for "$work/relay.err" 'moved here'
check 'the phone ends well' wait "$phone_pid"
check 'the free one ends well' wait "$free_pid"
check 'heard there' heard "$work/phone.wav" 5
check 'heard here' heard "$work/free.wav" 5
check 'nobody looked for the relay' sh -c "! grep -q 'looking for it again' '$work/phone.err'"
# for a moment the router itself has no way out
check 'next to nothing was lost on the way out' [ "$(json "$work/free.out" frames_received)" -ge \
  $(($(json "$work/phone.out" frames_sent) - 4)) ]
# 100 ms are five frames; the rest is for a busy machine
check "little on the way in ($(json "$work/phone.out" frames_concealed) concealed)" [ \
  "$(json "$work/phone.out" frames_concealed)" -le 15 ]
finish

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A network that lets out TCP to port 443 only: a real call goes by TLS, and leaves it when UDP gets through again.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client

host blocked 10.77.1.2
host dead 10.77.2.2
nft add table inet dead
nft add chain inet dead in '{ type filter hook input priority 0; }'
nft add rule inet dead in iifname to-dead ip protocol udp drop
nft -f - <<RULES
table inet wall {
  chain in {
    type filter hook input priority 0
    iifname "to-blocked" ip protocol udp counter drop
    iifname "to-blocked" tcp dport != 443 reject
  }
}
RULES
start relay "$build/relay/wzp-relay" --listen 0.0.0.0:4433 --tls-listen 0.0.0.0:443 \
  --identity "$work/relay-identity"
wait_for "$work/relay.out" '^TLS on 0.0.0.0:443'

# a port that nobody listens on, and none at all
start refused ip netns exec dead "$client" --tls-port 444 --connect-timeout 5 --send-tone 1 --room none 10.77.2.1
refused_pid=$pid
start without ip netns exec dead "$client" --tls-port 0 --connect-timeout 4 --send-tone 1 --room none 10.77.2.1
without_pid=$pid

start checking ip netns exec blocked "$client" --check --json 10.77.1.1
checking_pid=$pid

start free "$client" --send-tone 25 --record "$work/free.wav" --json --latency 200 --room r 127.0.0.1
free_pid=$pid
wait_for "$work/free.err" 'nobody else'
begun=$(date +%s%3N)
start blocked ip netns exec blocked "$client" --send-tone 14 --record "$work/blocked.wav" --json --latency 200 \
  --room r 10.77.1.1
blocked_pid=$pid
check 'by TLS' wait_for "$work/blocked.err" 'no answer by UDP yet; going on by TLS'
took=$(($(date +%s%3N) - begun))
check "three seconds for UDP, and a few for a busy machine ($took ms)" [ $took -lt 10000 ]
wait_for "$work/blocked.err" 'the other side is there'
check 'nothing came by UDP' sh -c "nft list table inet wall | grep -q 'counter packets [1-9].* drop'"
sleep 2
nft delete table inet wall
check 'back to UDP' wait_for "$work/blocked.err" 'UDP gets through again; TLS is left'
check 'the blocked one ends well' wait "$blocked_pid"
check 'the free one ends well' wait "$free_pid"
check 'heard there' heard "$work/blocked.wav" 12
check 'heard here' heard "$work/free.wav" 12
check 'nothing was lost on the way out' [ "$(json "$work/free.out" frames_received)" -ge \
  $(($(json "$work/blocked.out" frames_sent) - 2)) ]
check 'nor on the way in' [ "$(json "$work/blocked.out" frames_concealed)" -le 5 ]
check 'the last word on the transport' [ "$(json "$work/blocked.out" transport)" = udp ]

check 'the check ends well' wait "$checking_pid"
check 'the check: not by UDP, but by TLS' grep -q '"answered":false,"tls":true,"tls_fingerprint":"[0-9a-f:]*"' \
  "$work/checking.out"
check 'no TLS either' ended "$refused_pid" 1 refused 'nor does it by TLS on port 444 (Connection refused)'
check 'TLS is not wanted' ended "$without_pid" 1 without 'does not answer; gave up'
finish

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# wzp-client and a relay that serves only who shows a token.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client

# private FILE TEXT
private() {
  (umask 077 && echo "$2" >"$1")
}

# the identities of docs/PROTOCOL.md 13
private "$work/alice" 4242424242424242424242424242424242424242424242424242424242424242
private "$work/alice-token" of-518e:b935:62fa:9e34:e59c:28b6:7fc2:d384
private "$work/bob" 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
private "$work/bob-token" of-6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa
private "$work/stale-token" stale

start auth python3 "$source_root/tests/pipelines/auth-server.py"
wait_for "$work/auth.out" http
start_relay --auth-url "$(cat "$work/auth.out")"
named="wzp://$relay/a?relay=$relay_key"

check 'no token' exits 4 'AUTH_REQUIRED' "$client" --send-tone 1 "$named"
chmod 644 "$work/alice-token"
check 'a token that others can read' exits 3 'chmod 600' "$client" --send-tone 1 --token-file "$work/alice-token" "$named"
chmod 600 "$work/alice-token"
check 'no such file' exits 3 'no such file' "$client" --send-tone 1 --token-file "$work/none" "$named"
check 'a token that is not valid' exits 4 'AUTH_REFUSED' "$client" --send-tone 1 \
  --token-file "$work/stale-token" "$named"
check "another's token" exits 4 'another identity' "$client" --send-tone 1 --identity "$work/alice" \
  --token-file "$work/bob-token" "$named"

start recorder "$client" --record "$work/a.wav" --json --duration 20 --latency 200 \
  --identity "$work/alice" --token-file "$work/alice-token" "$named"
recorder_pid=$pid
wait_for "$work/recorder.err" 'nobody else'
check 'two with tokens talk' "$client" --send-tone 2 --profile opus-24k --identity "$work/bob" \
  --token-file "$work/bob-token" "$named"
check 'and end' wait "$recorder_pid"
check 'heard' heard "$work/a.wav" 1.8
check 'all of it' test "$(json "$work/recorder.out" frames_received)" = 100

# nothing is known of the relay: no "relay=", and no call before that pinned its key
for time in first second; do
  check "the $time time the token is not shown" exits 4 'nobody vouches' "$client" --send-tone 1 \
    --known-relays "$work/known" --identity "$work/bob" --token-file "$work/bob-token" "$relay"
done
for known in known known-2; do
  check 'unless the person says so' exits 1 'nobody came' "$client" --record "$work/b.wav" \
    --duration 1 --known-relays "$work/$known" --identity "$work/bob" \
    --token-file "$work/bob-token" --token-at-first-use "$relay"
  check 'which is remembered' exits 1 'nobody came' "$client" --record "$work/b.wav" --duration 1 \
    --known-relays "$work/$known" --identity "$work/bob" --token-file "$work/bob-token" "$relay"
done
check 'no token in the logs' sh -c "! grep -q 'of-[0-9a-f]' '$work'/*.err '$work'/*.out"
finish

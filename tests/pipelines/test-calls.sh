#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# wzp-client calls somebody and is called: words, contacts, refusals, exit codes.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client

# of_call FILE FIELD: from the report's "call"
of_call() {
  sed -n "s/.*\"call\":{[^}]*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$1"
}

check 'a call and a room' exits 2 'choose one' "$client" --live --call x --room r localhost
check 'a name for nobody' exits 2 'not known before' "$client" --live --answer --name x localhost
check 'answering as nobody' exits 2 'needs an --identity' "$client" --live --answer localhost
check 'nothing to steer' exits 2 'add --call or --answer' "$client" --live --control localhost
check 'called twice' exits 2 'named twice' "$client" --live --call a wzp://localhost/@b

start_relay
for who in alice bob; do
  "$client" identity new --identity "$work/$who" >/dev/null
done
bob=$("$client" identity show --identity "$work/bob" | grep -o '[0-9a-f]\{4\}\(:[0-9a-f]\{4\}\)\{7\}' | head -n 1)
check 'bob has an identity' test -n "$bob"

check 'nobody is there' exits 1 'cannot be reached' "$client" --send-tone 1 --identity "$work/alice" \
  --call "$bob" "$relay"
check 'said once' sh -c "[ \$(grep -c 'cannot be reached' '$work/exits.log') = 1 ]"
check 'not a contact' exits 2 'neither the name of a contact' "$client" --send-tone 1 \
  --identity "$work/alice" --call Bob "$relay"

# bob waits, alice calls him by fingerprint and gives him a name
call_bob() {
  start bob "$client" --answer --record "$work/bob.wav" --identity "$work/bob" --json --latency 200 \
    --contacts "$work/bobs" --duration 30 "$@" "$relay"
  bob_pid=$pid
  wait_for "$work/bob.err" 'no call is on'
}
call_bob --trusted
check 'a call' sh -c "'$client' --send-tone 3 --identity '$work/alice' --json --trusted \
  --contacts '$work/alices' --call '$bob' --name Bob '$relay' >'$work/alice.out' 2>'$work/alice.err'"
check 'the callee ends with it' wait "$bob_pid"
check 'it was heard' heard "$work/bob.wav" 2.7
check 'the caller saw words' grep -q 'both of you see the same words' "$work/alice.err"
words=$(of_call "$work/alice.out" sas_words)
check 'three words' test "$(echo "$words" | wc -w)" = 3
check 'the same at both' test "$words" = "$(of_call "$work/bob.out" sas_words)"
check 'six digits, the same' test "$(of_call "$work/alice.out" sas_digits)" = \
  "$(of_call "$work/bob.out" sas_digits)"
check 'both trust' test "$(of_call "$work/bob.out" mode)" = trusted
check 'nothing was lost' test "$(json "$work/bob.out" frames_lost)" = 0

# the name stands for the key now; the words of the call verify it
# shellcheck disable=SC2086
check 'verified by words' "$client" contacts verify --contacts "$work/alices" Bob $words
call_bob
start hop "$build/tests/lossy-hop" --listen 127.0.0.1:0 --to "$relay" --delay 50 --loss 0.3
wait_for "$work/hop.out" 'listening on'
hop=$(sed -n 's/.*listening on //p' "$work/hop.out")
check 'called by name, on a bad line' sh -c "'$client' --send-tone 3 --identity '$work/alice' --json \
  --contacts '$work/alices' --call bob '$hop' >'$work/alice.out' 2>'$work/alice.err'"
check 'shown as verified' grep -q 'Bob (verified' "$work/alice.err"
check 'private, as bob said' test "$(of_call "$work/alice.out" mode)" = private
check 'the callee hears of its end' wait "$bob_pid"
check 'heard on a bad line' heard "$work/bob.wav" 2.5

# a person at bob's decides what is taken, and more
mkfifo "$work/bob.in"
exec 3<>"$work/bob.in"
start bob sh -c 'exec "$@" <"$0"' "$work/bob.in" "$client" --answer --control --send-tone 90 \
  --record "$work/bob.wav" --identity "$work/bob" --contacts "$work/bobs" --duration 120 "$relay"
bob_pid=$pid
wait_for "$work/bob.err" 'no call is on'
echo accept >&3
check 'nothing rings' wait_for "$work/bob.err" 'accept: not now'
echo 'yes please' >&3
check 'no such command' wait_for "$work/bob.err" "no command 'yes'"
call_control() {
  start alice "$client" --send-tone 90 --identity "$work/alice" --contacts "$work/alices" --call "$bob" "$relay"
  alice_pid=$pid
  wait_for "$work/alice.err" 'it rings'
}
call_control
echo 'decline busy' >&3
check 'declined, as busy' ended "$alice_pid" 1 alice 'is busy'
check 'and so it says here' wait_for "$work/bob.err" 'was told that you are busy'
call_control
echo accept >&3
check 'taken by hand' wait_for "$work/alice.err" 'was taken'
wait_for "$work/alice.err" 'the other side is there'
echo hold >&3
check 'on hold' wait_for "$work/alice.err" 'put the call on hold'
echo resume >&3
check 'goes on' wait_for "$work/alice.err" 'goes on with the call'
echo mute >&3
check 'muted' wait_for "$work/alice.err" 'is muted'
echo transfer >&3
check 'to whom' wait_for "$work/bob.err" 'transfer needs'
echo hangup >&3
check 'the caller ends well, and hears why' ended "$alice_pid" 0 alice 'hung up'
wait "$bob_pid" || true
exec 3>&-

# somebody else under a known name
"$client" identity new --identity "$work/mallory" >/dev/null
mallory=$("$client" identity show --identity "$work/mallory" | grep -o '[0-9a-f]\{4\}\(:[0-9a-f]\{4\}\)\{7\}' |
  head -n 1)
check 'a known name with another key is a loud stop' exits 4 'STOP' "$client" --send-tone 1 \
  --identity "$work/alice" --contacts "$work/alices" --call "$mallory" --name Bob "$relay"
check 'nobody calls himself' exits 2 'own identity' "$client" --send-tone 1 --identity "$work/bob" \
  --call "$bob" "$relay"

# the relay dies, nothing goes directly, and what is said after that nobody hears
call_bob
start alice "$client" --send-tone 7 --identity "$work/alice" --contacts "$work/alices" --json --call "$bob" "$relay"
alice_pid=$pid
wait_for "$work/alice.err" 'the other side is there'
kill -9 "$relay_pid"
check 'cut off is no good end' ended "$alice_pid" 1 alice 'the relay was away when the last was said'
check 'no gap is told that nobody looks for' grep -q '"path_longest_gap_ms":null' "$work/alice.out"
kill "$bob_pid"
wait "$bob_pid" || true

finish

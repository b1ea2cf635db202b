#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# wzp-client as people and scripts meet it: calls, reports, files, refusals, exit codes.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client

# --- usage

check 'help names the exit codes' exits 0 '4  stopped for security' "$client" --help
check 'version' exits 0 '^wzp-client [0-9]' "$client" --version
check 'no relay' exits 2 'name one RELAY' "$client" --send-tone 1
check 'two relays' exits 2 'name one RELAY' "$client" --send-tone 1 one two
check 'a check of nothing' exits 2 'RELAYs to look at' "$client" --check
check 'a check that nobody answers' exits 1 'no relay answers' "$client" --check 127.0.0.1:9
check 'nothing to do' exits 2 'say what to do' "$client" localhost
check 'unknown option' exits 2 'wrong' "$client" --wrong localhost
check 'two things to send' exits 2 'choose one' "$client" --send-tone 1 --live localhost
check 'two identities' exits 2 'choose one' "$client" --send-tone 1 --identity a \
  --mnemonic-file b localhost
check 'nobody and somebody' exits 2 'choose one' "$client" --send-tone 1 --anonymous --identity a localhost
check 'nobody, to be called' exits 2 'that others know' "$client" --record "$work/x.wav" --anonymous --answer \
  localhost
check 'no identity to be called' exits 2 'nobody knows the fingerprint' "$client" --record "$work/x.wav" \
  --answer localhost
check 'two passphrases' exits 2 'choose one' "$client" --send-tone 1 --room-passphrase \
  --room-passphrase-file a localhost
check 'a passphrase of a call' exits 2 'closes a room' "$client" --send-tone 1 --call Ann \
  --room-passphrase-file a localhost
check 'a list without its owner' exits 2 'go together' "$client" --send-tone 1 --list a localhost
check 'a list of a call' exits 2 'is of a room' "$client" --send-tone 1 --call Ann --list a --list-owner b localhost
check 'negative seconds' exits 2 'number of seconds above 0' "$client" --send-tone=-1 localhost
check 'seconds that are no number' exits 2 'number of seconds above 0' "$client" --send-tone=nan localhost
check 'bad port' exits 2 'not a port' "$client" --send-tone 1 localhost:65536
check 'bad TLS port' exits 2 'is not a port' "$client" --send-tone 1 --tls-port 65536 localhost
check 'bad relay' exits 2 'is not a relay' "$client" --send-tone 1 '[::1'
check 'room named twice' exits 2 'named twice' "$client" --send-tone 1 --room a wzp://localhost/b
check 'unknown microphone' exits 3 'no microphone is called' "$client" --live --microphone none-of-these localhost
check 'unknown echo' exits 2 'there are auto, off, on, webrtc, speex' "$client" --live --echo-cancel loud localhost
check 'speaker of nothing' exits 2 'add --live' "$client" --send-tone 1 --speaker any localhost
check 'echo of nothing' exits 2 'add --live' "$client" --send-tone 1 --echo-cancel speex localhost
check 'unknown strength' exits 2 'there are off, light, strong' "$client" --send-tone 1 --denoise much localhost
check 'unknown profile' exits 2 'there are opus-64k' "$client" --send-tone 1 --profile opus localhost
check 'latency out of range' exits 2 'milliseconds from' "$client" --record "$work/x.wav" \
  --latency 100000 localhost
check 'negative latency' exits 2 'milliseconds from' "$client" --record "$work/x.wav" \
  --latency -5 localhost
check 'bad relay fingerprint' exits 2 '[Ff]ingerprint' "$client" --send-tone 1 'wzp://localhost/a?relay=12'

# --- a call

printf '[relay]\nmax-members=2\n' >"$work/two-only.conf"
start_relay --config "$work/two-only.conf"
start recorder "$client" --record "$work/a.wav" --json --duration 20 --latency 200 --room r "$relay"
recorder_pid=$pid
wait_for "$work/recorder.err" 'nobody else'
check 'send a tone' sh -c "'$client' --send-tone 3 --profile opus-24k --json --room r '$relay' >'$work/sender.out'"
check 'the recorder ends when the sender left' wait "$recorder_pid"
check 'heard' heard "$work/a.wav" 2.7
check 'the recording is there under its name only' test ! -e "$work/a.wav.part"
check 'frames sent' test "$(json "$work/sender.out" frames_sent)" = 150
check 'frames received' test "$(json "$work/recorder.out" frames_received)" = 150
check 'frames repaired' test "$(json "$work/recorder.out" frames_repaired)" = 0
check 'frames concealed' test "$(json "$work/recorder.out" frames_concealed)" = 0
check 'relay key' test "$(json "$work/sender.out" relay_fingerprint)" = "$relay_key"
check 'each is shown to the other, unverified' grep -q \
  "\"peers\":\[{\"fingerprint\":\"$(json "$work/sender.out" fingerprint)\",\"verified\":false" \
  "$work/recorder.out"
check 'no error' test "$(json "$work/sender.out" error)" = null

# on a terminal, of 60 columns
start listener "$client" --record "$work/t.wav" --duration 20 --room t "$relay"
listener_pid=$pid
wait_for "$work/listener.err" 'nobody else'
check 'a terminal' script -qec "stty cols 60; '$client' --send-tone 2 --room t '$relay'" "$work/terminal"
check 'the listener ends' wait "$listener_pid"
tr '\r' '\n' <"$work/terminal" | grep 'out \[#' >"$work/status-lines" || true
check 'a status line' grep -q '^.\[Kout \[#*\.*\] active, path relay' "$work/status-lines"
# three bytes clear the line
check 'no status line wraps' awk 'length > 62 { exit 1 }' "$work/status-lines"

# on a terminal, when the other side dies without a word
start talker "$client" --send-tone 30 --room dead "$relay"
talker_pid=$pid
start hearer script -qfec "stty cols 120; '$client' --record '$work/dead.wav' --duration 20 --room dead '$relay'" \
  "$work/dead"
hearer_pid=$pid
wait_for "$work/dead" 'active, path relay'
kill -9 "$talker_pid"
check 'the status line: nothing is heard' wait_for "$work/dead" 'active, path relay, NOTHING IS HEARD'
check 'and it is said' grep -q 'nothing is heard any more, though somebody was speaking' "$work/dead"
kill "$hearer_pid"

# a name, bare samples, SIGTERM
start recorder "$client" --record "$work/b.raw" --room r "localhost:${relay##*:}"
recorder_pid=$pid
start sender "$client" --send-tone 30 --room r --json "$relay"
sender_pid=$pid
wait_for "$work/recorder.err" 'the other side is there'
wait_for "$work/sender.err" 'the other side is there'
tries=100
until [ "$(stat -c %s "$work/b.raw.part")" -gt 100000 ] || [ $tries = 0 ]; do
  tries=$((tries - 1))
  sleep 0.1
done
kill -TERM "$recorder_pid"
check 'SIGTERM is a good end' wait "$recorder_pid"
check 'bare samples: as many bytes as samples need' \
  test $(($(stat -c %s "$work/b.raw") % 2)) = 0 -a "$(stat -c %s "$work/b.raw")" -ge 100000
check 'bare samples: no header' sh -c "! head -c 4 '$work/b.raw' | grep -q RIFF"
check 'the sender ends when the other side left' wait "$sender_pid"

# IPv6, where there is any
if "$build/tests/lossy-hop" --listen '[::1]:0' --to 127.0.0.1:9 --loss 2 2>&1 | grep -q probability &&
  [ -e /proc/net/if_inet6 ] && grep -q '^0\{31\}1 ' /proc/net/if_inet6; then
  start relay6 "$build/relay/wzp-relay" --listen '[::1]:0' --identity "$work/relay6-identity"
  wait_for "$work/relay6.out" ' listening on '
  relay6=$(sed -n 's/.* listening on \([^,]*\),.*/\1/p' "$work/relay6.out")
  start recorder "$client" --record "$work/six.wav" --duration 20 "$relay6"
  recorder_pid=$pid
  check 'IPv6' "$client" --send-tone 1 "$relay6"
  check 'IPv6: the recorder ends' wait "$recorder_pid"
  check 'IPv6: heard' heard "$work/six.wav" .8
fi

# --- identities

umask 077
printf '%064d\n' 0 | tr 0 4 | sed 's/44/42/g' >"$work/seed"
"$build/tests/vectors" identity "$(cat "$work/seed")" >"$work/identity"
sed -n 's/^mnemonic=//p' "$work/identity" >"$work/words"
expected=$(sed -n 's/^fingerprint=//p' "$work/identity")
start other "$client" --record "$work/other.wav" --duration 60 --room id "$relay"
other_pid=$pid
check 'identity file' sh -c "'$client' --send-tone .2 --json --room id --identity '$work/seed' \
  '$relay' >'$work/id.out'"
check 'identity file: whose it is' test "$(json "$work/id.out" fingerprint)" = "$expected"
start other "$client" --record "$work/other.wav" --duration 60 --room id2 "$relay"
other_pid="$other_pid $pid"
check 'mnemonic file' sh -c "TMPDIR='$work' XDG_RUNTIME_DIR='$work' '$client' --send-tone .2 --json \
  --room id2 --mnemonic-file '$work/words' '$relay' >'$work/id.out'"
check 'mnemonic file: whose it is' test "$(json "$work/id.out" fingerprint)" = "$expected"
check 'mnemonic file: no seed is left behind' sh -c "! ls '$work' | grep wzp-client"
cp "$work/words" "$work/open-words"
chmod 644 "$work/open-words"
check 'a mnemonic file that others can read' exits 3 'chmod 600' "$client" --send-tone 1 \
  --mnemonic-file "$work/open-words" "$relay"
sed 's/^[a-z]*/abandon/' "$work/words" >"$work/wrong-words"
check 'wrong words' exits 3 'checksum' "$client" --send-tone 1 --mnemonic-file "$work/wrong-words" "$relay"
check 'no words' exits 3 'there is no file' "$client" --send-tone 1 --mnemonic-file "$work/none" "$relay"
cp "$work/seed" "$work/open-seed"
chmod 644 "$work/open-seed"
check 'an identity file that others can read' exits 3 'chmod 600' "$client" --send-tone 1 \
  --identity "$work/open-seed" "$relay"
# the own one is taken where it lies, but not by who wants to be nobody; a passphrase, from a file and typed
mkdir -p -m 700 "$work/config/wzp"
cp "$work/seed" "$work/config/wzp/identity"
echo 'four words of a room' >"$work/room-passphrase"
chmod 600 "$work/room-passphrase"
start own "$client" --record "$work/other.wav" --json --room id6 --room-passphrase-file "$work/room-passphrase" \
  "$relay"
own_pid=$pid
check 'a link to a room with a passphrase, and nobody to ask' exits 3 'only from and to a terminal' \
  setsid -w "$client" --send-tone 1 "wzp://$relay/id6#passphrase"
wait_for "$work/own.err" 'nobody else'
check 'anonymous, with a passphrase' sh -c "echo 'four words of a room' | script -qec \
  \"'$client' --send-tone .2 --json --anonymous 'wzp://$relay/id6#passphrase' >'$work/id.out'\" '$work/terminal'"
check 'anonymous: not the own one' test "$(json "$work/id.out" fingerprint)" != "$expected"
check 'the own identity: the call ends' wait "$own_pid"
check 'the own identity' test "$(json "$work/own.out" fingerprint)" = "$expected"
check 'a passphrase is asked' grep -q 'passphrase of the room, not shown' "$work/terminal"
rm "$work/config/wzp/identity"
# contacts: shown by name, the call is noted
ann=$("$client" identity show --identity "$work/seed" | sed -n 's/^key  *//p')
"$client" contacts add 'Ann "A"' "$ann"
start other "$client" --record "$work/other.wav" --json --room id4 "$relay"
other_pid="$other_pid $pid"
contact_pid=$pid
check 'a contact calls' "$client" --send-tone .2 --room id4 --identity "$work/seed" "$relay"
check 'a contact: the call ends' wait "$contact_pid"
check 'a contact is shown by name' grep -q "Ann \"A\" (unverified, $expected) is here" "$work/other.err"
check 'a contact in JSON' grep -q "\"$expected\",\"verified\":false,\"present\":false,\"name\":\"Ann .\"A.\"\"" \
  "$work/other.out"
check 'the call is noted' sh -c "'$client' contacts list | grep 'last call 2'"
"$client" contacts verify 'Ann "A"' "$expected" >/dev/null
start other "$client" --record "$work/other.wav" --room id5 "$relay"
contact_pid=$pid
check 'a verified contact calls' "$client" --send-tone .2 --room id5 --identity "$work/seed" "$relay"
check 'a verified contact: the call ends' wait "$contact_pid"
check 'a verified contact is shown so' grep -q "with       Ann \"A\" (verified, $expected)" "$work/other.out"
cp "$work/config/wzp/contacts" "$work/contacts"
printf 'half a line' >>"$work/contacts"
check 'contacts that are damaged' exits 3 'does not end' "$client" --send-tone 1 \
  --contacts "$work/contacts" "$relay"

# a list of who may be in the room: made, signed, used, and one taken off while the call is on
"$client" identity new --identity "$work/owner" >"$work/owner.out" 2>/dev/null
owner=$(sed -n 's/^fingerprint //p' "$work/owner.out")
list=$work/room.list
check 'list: a relay that is not known' exits 1 'call there once' "$client" list new "$list" localhost:9 \
  --room listed --identity "$work/owner"
check 'list: new' "$client" list new "$list" "$relay" --room listed --identity "$work/owner"
check 'list: never written over' exits 3 'there already' "$client" list new "$list" "$relay" --identity "$work/owner"
check 'list: add' "$client" list add "$list" 'Ann "A"'
check 'list: add twice' exits 1 'on the list already' "$client" list add "$list" 'Ann "A"'
check 'list: add nobody' exits 1 'neither a contact nor a key' "$client" list add "$list" nobody
check 'list: a draft is not used' exits 4 'not signed yet' "$client" --send-tone 1 --room listed --list "$list" \
  --list-owner "$owner" --identity "$work/owner" "$relay"
check 'list: not by others' exits 4 'cannot sign' "$client" list sign "$list" --identity "$work/seed"
check 'list: sign' exits 0 'version 1 is signed' "$client" list sign "$list" --identity "$work/owner"
check 'list: show' exits 0 'member  *[0-9a-f:]*  Ann "A"$' "$client" list show "$list"
check 'list: verify' exits 0 'signed by its owner' "$client" list verify "$list" "$owner"
check 'list: of somebody else' exits 4 'STOP' "$client" list verify "$list" 'Ann "A"'
cp "$list" "$work/holder.list"
start holder "$client" --record "$work/other.wav" --room listed --list "$work/holder.list" --list-owner "$owner" \
  --identity "$work/owner" "$relay"
holder_pid=$pid
wait_for "$work/holder.err" 'nobody else'
cp "$list" "$work/ann.list"
start ann "$client" --send-tone 60 --room listed --list "$work/ann.list" --list-owner "$owner" \
  --identity "$work/seed" "$relay"
ann_pid=$pid
wait_for "$work/holder.err" 'Ann .* is here'
# Ann's copy alone: who sees it first would end the call for both
"$client" list remove "$list" "$expected" 2>/dev/null
"$client" list sign "$list" --identity "$work/owner" >/dev/null
mv "$list" "$work/ann.list"
status=0
wait "$ann_pid" || status=$?
check 'list: taken off: exit code' test $status = 4
check 'list: taken off: said' grep -q 'taken off the list' "$work/ann.err"
check 'list: the call ends' wait "$holder_pid"

# sealed with a passphrase
echo 'correct horse battery' >"$work/passphrase"
"$client" identity new --identity "$work/sealed" --passphrase-file "$work/passphrase" >"$work/sealed.out" \
  2>"$work/sealed.err"
start other "$client" --record "$work/other.wav" --duration 60 --room id3 "$relay"
other_pid="$other_pid $pid"
check 'sealed identity file' sh -c "TMPDIR='$work' XDG_RUNTIME_DIR='$work' '$client' --send-tone .2 --json \
  --room id3 --identity '$work/sealed' --passphrase-file '$work/passphrase' '$relay' >'$work/id.out'"
check 'sealed identity file: whose it is' grep -q "^fingerprint $(json "$work/id.out" fingerprint)" \
  "$work/sealed.out"
check 'sealed identity file: no seed is left behind' sh -c "! ls '$work' | grep wzp-client"
check 'sealed identity file, and nobody to ask' exits 3 'only from and to a terminal' setsid -w "$client" \
  --send-tone 1 --identity "$work/sealed" "$relay"
check 'a passphrase without its file' exits 2 'name it too' "$client" --send-tone 1 \
  --passphrase-file "$work/passphrase" "$relay"
# shellcheck disable=SC2086 # a list of ids
kill $other_pid 2>/dev/null || true

# --- files

check 'no such file to send' exits 3 'there is no file' "$client" --send-file "$work/none" "$relay"
echo 'no audio at all' >"$work/text"
check 'a file without audio' exits 3 'cannot be sent' "$client" --send-file "$work/text" --duration 20 "$relay"
check 'a folder that is not there' exits 3 'cannot write the recording' "$client" \
  --record "$work/none/x.wav" "$relay"
check 'a folder' exits 2 'is a folder' "$client" --record "$work" "$relay"
echo 'dear to somebody' >"$work/old.wav"
check 'nobody came' exits 1 'nobody came' "$client" --record "$work/old.wav" --duration 1 --room empty "$relay"
check 'nobody came: the old file is still there' grep -q dear "$work/old.wav"
# a limit on file size does what a full disk does
start recorder sh -c "ulimit -f 200; exec '$client' --record '$work/full.wav' --json --room full '$relay'"
recorder_pid=$pid
start sender "$client" --send-tone 20 --room full "$relay"
status=0
wait "$recorder_pid" || status=$?
check 'a disk that is full: exit code' test $status = 3
check 'a disk that is full: said' grep -q 'cannot be written: .*too large' "$work/recorder.err"
check 'a disk that is full: what fitted is kept' heard "$work/full.wav" .5

# --- refusals

start one "$client" --record "$work/one.wav" --room two-only "$relay"
start two "$client" --record "$work/two.wav" --room two-only "$relay"
wait_for "$work/one.err" 'the other side is there'
wait_for "$work/two.err" 'the other side is there'
check 'a third member' exits 1 'ROOM_FULL' "$client" --send-tone 1 --room two-only "$relay"
# its recording ends before it began, at one of several moments
for again in 1 2 3 4 5; do
  check "a third member that records, $again" env G_DEBUG=fatal-criticals \
    sh -c '"$1" --record "$2/none.wav" --room two-only "$3" 2>"$2/third.log"
      [ $? = 1 ] && grep -q ROOM_FULL "$2/third.log"' sh "$client" "$work" "$relay"
done
check 'no relay there' exits 1 'does not answer' "$client" --send-tone 1 --connect-timeout 1 \
  "127.0.0.1:$(free_port)"
check 'no such host' exits 1 'cannot be resolved' "$client" --send-tone 1 --connect-timeout 1 host.invalid
other_key=0000:0000:0000:0000:0000:0000:0000:0001
check 'another key than the URI names' exits 4 "$relay_key" "$client" --send-tone 1 \
  "wzp://$relay/a?relay=$other_key"
start waiting "$client" --record "$work/goodbye.wav" "$relay"
waiting_pid=$pid
wait_for "$work/waiting.err" 'nobody else is in the room'
kill "$relay_pid"
wait "$relay_pid" || true
check 'a relay that stops says so' wait_for "$work/waiting.err" 'the relay said goodbye; looking for it again'
kill -INT "$waiting_pid"
wait "$waiting_pid" || true
port=${relay##*:}
start relay "$build/relay/wzp-relay" --listen "127.0.0.1:$port" --identity "$work/another-identity"
wait_for "$work/relay.out" ' listening on '
check 'a relay whose key changed' exits 4 'say --accept-new-relay-key once' "$client" --send-tone 1 "$relay"
check 'a relay whose key changed: in JSON' exits 4 '"error":"The key of relay' "$client" --json \
  --send-tone 1 "$relay"
check 'accepted' exits 1 'nobody came' "$client" --accept-new-relay-key --record "$work/c.wav" \
  --duration 1 "$relay"
check 'and remembered' exits 1 'nobody came' "$client" --record "$work/c.wav" --duration 1 "$relay"

finish

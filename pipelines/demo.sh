#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A real call, from nothing: installs what is missing, builds, starts a relay, and lets one process speak
# recorded human speech to another through a network that loses datagrams. Prints what came of it; the exit
# code is 0 when all of it held. The recording stays in build/demo/received.wav.
#
#   demo.sh [--loss P] [--delay MS] [--jitter MS] [--seconds S]      0.1  30  20  30
set -eu
cd "$(dirname "$0")/.."
loss=0.1 delay=30 jitter=20 seconds=30

fail() {
  echo "demo.sh: $1" >&2
  exit "${2:-1}"
}

while [ $# -gt 0 ]; do
  case $1 in
  --loss | --delay | --jitter | --seconds)
    [ $# -ge 2 ] || fail "$1 needs a number" 2
    case $2 in '' | *[!0-9.]* | *.*.*) fail "$1 needs a number, not '$2'" 2 ;; esac
    eval "${1#--}=\$2"
    shift 2
    ;;
  *) fail "there is no option '$1': demo.sh [--loss P] [--delay MS] [--jitter MS] [--seconds S]" 2 ;;
  esac
done
# less would be too few sealed bytes to call them random
awk "BEGIN { exit !($loss < 1 && $seconds >= 28 && $seconds <= 70) }" ||
  fail '--loss is below 1, --seconds from 28 to 70' 2

pipelines/install.sh build
build=${WZP_BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build" >/dev/null
ninja -C "$build" relay/wzp-relay gst/libgstwzp.so pipelines/wzp-client \
  tests/lossy-hop tests/wire-check tests/stoi >"$build/demo-build.log" 2>&1 || {
  tail -n 40 "$build/demo-build.log" >&2
  fail 'the build failed'
}

demo=$build/demo
rm -rf "$demo"
mkdir -p "$demo"
export GST_PLUGIN_PATH_1_0="$PWD/$build/gst" GST_REGISTRY_1_0="$PWD/$demo/registry.bin"
case $build in /*)
  export GST_PLUGIN_PATH_1_0="$build/gst" GST_REGISTRY_1_0="$demo/registry.bin"
  ;;
esac

# --- speech: bare G.722, of which a byte lasts as long as one of mu-law; so that parser gives it times

speech=
for file in /usr/share/asterisk/sounds/en*/demo-instruct.g722; do
  [ ! -r "$file" ] || speech=$file
done
[ -n "$speech" ] || fail 'the package asterisk-core-sounds-en-g722 has no demo-instruct.g722'
head -c "$(awk "BEGIN { print int($seconds * 8000) }")" "$speech" >"$demo/speech.g722"
gst-launch-1.0 -q filesrc location="$demo/speech.g722" \
  ! rawaudioparse format=mulaw sample-rate=8000 num-channels=1 \
  ! capssetter join=false replace=true caps=audio/G722,rate=16000,channels=1 ! avdec_g722 \
  ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 \
  ! wavenc ! filesink location="$demo/sent.wav"
# the same frames that the sender will make, for the search on the wire
gst-launch-1.0 -q filesrc location="$demo/sent.wav" ! wavparse ! audioconvert ! audioresample \
  ! wzpenc profile=opus-24k ! filesink location="$demo/frames.opus"

# --- the network: recorder - hop - relay - hop that loses - sender

pids=
cleanup() {
  for pid in $pids; do
    kill "$pid" 2>/dev/null || true
  done
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# wait_for FILE PATTERN WHAT: until FILE has a line with PATTERN
wait_for() {
  tries=100
  until grep -q "$2" "$1"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || {
      cat "$1" >&2
      fail "$3"
    }
    sleep 0.1
  done
}

: >"$demo/relay.log"
"$build/relay/wzp-relay" --listen 127.0.0.1:0 --identity "$demo/relay-identity" \
  >"$demo/relay.log" 2>&1 &
pids="$pids $!"
wait_for "$demo/relay.log" ' listening on ' 'the relay did not start'
relay=$(sed -n 's/.* listening on \([^,]*\),.*/\1/p' "$demo/relay.log")

# start_hop NAME OPTIONS...
start_hop() {
  name=$1
  shift
  : >"$demo/$name.log"
  "$build/tests/lossy-hop" --listen 127.0.0.1:0 --to "$relay" --capture "$demo/$name.pcap" "$@" \
    >"$demo/$name.log" 2>&1 &
  hop_pid=$!
  pids="$pids $hop_pid"
  wait_for "$demo/$name.log" 'listening on' 'a hop did not start'
  hop=$(sed -n 's/.*listening on //p' "$demo/$name.log")
}
start_hop near-sender --loss "$loss" --delay "$delay" --jitter "$jitter" --seed 7
sender_hop=$hop sender_hop_pid=$hop_pid
start_hop near-recorder --delay 10 --jitter 5 --seed 8
recorder_hop=$hop recorder_hop_pid=$hop_pid

# --- the call

# a recording is in no hurry: 160 ms are enough for all repair, and the sound keeps its time
room=a-room-with-a-long-name
: >"$demo/recorder.log"
"$build/pipelines/wzp-client" --json --room "$room" --record "$demo/received.wav" --latency 160 \
  --duration "$(awk "BEGIN { print $seconds + 30 }")" \
  --known-relays "$demo/known-relays-recorder" "$recorder_hop" \
  >"$demo/recorder.json" 2>"$demo/recorder.log" &
recorder_pid=$!
pids="$pids $recorder_pid"
wait_for "$demo/recorder.log" 'nobody else is in the room' 'the recorder did not get into the room'
sender_exit=0
"$build/pipelines/wzp-client" --json --room "$room" --send-file "$demo/sent.wav" \
  --duration "$(awk "BEGIN { print $seconds + 20 }")" \
  --known-relays "$demo/known-relays-sender" "$sender_hop" \
  >"$demo/sender.json" 2>"$demo/sender.log" || sender_exit=$?
recorder_exit=0
wait "$recorder_pid" || recorder_exit=$?
kill "$sender_hop_pid" "$recorder_hop_pid"
wait "$sender_hop_pid" "$recorder_hop_pid" || fail 'a hop could not write its capture'

# --- what came of it

# field FILE NAME [N]: the Nth value of that name in one line of JSON
field() {
  grep -o "\"$2\":\"\{0,1\}[^\",}]*" "$1" | sed -n "${3:-1}s/.*:\"\{0,1\}\([^\"]*\)\$/\1/p" | sed 's/^null$//'
}
# the fingerprints have colons themselves
fingerprint() {
  sed -n "s/.*[{,]\"$2\":\"\([0-9a-f:]*\)\".*/\1/p" "$1"
}
number() {
  value=$(field "$@")
  echo "${value:-0}"
}
sender=$(sed 's/"peers":\[[^]]*\],//' "$demo/sender.json" >"$demo/sender-only.json" &&
  fingerprint "$demo/sender-only.json" fingerprint)
recorder=$(sed 's/"peers":\[[^]]*\],//' "$demo/recorder.json" >"$demo/recorder-only.json" &&
  fingerprint "$demo/recorder-only.json" fingerprint)
relay_key=$(fingerprint "$demo/recorder.json" relay_fingerprint)

sent=$(number "$demo/sender.json" frames_sent)
received=$(number "$demo/recorder.json" frames_received)
repaired=$(number "$demo/recorder.json" frames_repaired)
concealed=$(number "$demo/recorder.json" frames_concealed)
recorded=$(number "$demo/recorder.json" recorded_seconds)
playout=$(number "$demo/recorder.json" delay_ms)
first=$(awk "BEGIN { printf \"%.0f\", $(number "$demo/recorder.json" first_heard_unix_ms) - \
  $(number "$demo/sender.json" started_unix_ms) }")
behind=$(awk "BEGIN { printf \"%.0f\", $(number "$demo/recorder.json" first_heard_unix_ms) - \
  $(number "$demo/sender.json" first_sent_unix_ms) }")
share=$(awk "BEGIN { s = $sent; printf \"%.1f\", s ? 100 * $concealed / s : 0 }")

wire=0
for leg in near-sender near-recorder; do
  "$build/tests/wire-check" --json --frames "$demo/frames.opus" --frame-size 60 --text "$room" \
    --hex "${sender:-0}" --hex "${recorder:-0}" "$demo/$leg.pcap" >"$demo/$leg.json" || wire=$?
done
datagrams=$(($(number "$demo/near-sender.json" datagrams) + $(number "$demo/near-recorder.json" datagrams)))
pieces=$(number "$demo/near-sender.json" known_pieces)
judged=$(field "$demo/near-sender.json" judged) # behind the loss there may be too few
quality=$("$build/tests/stoi" --json "$demo/sent.wav" "$demo/received.wav" 2>/dev/null) || quality=
echo "$quality" >"$demo/quality.json"
level=$(field "$demo/quality.json" level_dbfs)

# randomness WHERE: what the chi-square test says of it
randomness() {
  [ "$(field "$demo/$1.json" judged)" = true ] && echo "p = $(field "$demo/$1.json" p)" || echo 'too few'
}
percent=$(awk "BEGIN { printf \"%g\", 100 * $loss }")
cat <<END

speech      $seconds s of recorded human speech; $percent % of all datagrams lost each way between sender and
            relay, $delay ms delay and up to $jitter ms jitter
sender      ${sender:-none}
recorder    ${recorder:-none}
            each shows the other as unverified; the relay is $relay_key
first audio $first ms after the sender was started
frames      $sent sent, $received received, $repaired repaired, $concealed concealed ($share %)
delay       $behind ms from the first frame sent to the first heard, $playout ms of it playout
wire        $(field "$demo/near-sender.json" kbit_s 1) kbit/s sender to relay, $(field "$demo/near-recorder.json" kbit_s 2) kbit/s relay to recorder, all-in (IP, UDP)
speech now  STOI $(field "$demo/quality.json" stoi), level $level dBFS
plaintext   $(number "$demo/near-sender.json" clear) and $(number "$demo/near-recorder.json" clear) of $pieces pieces of the speech, the room's name and the identities found in
            $datagrams captured datagrams; sealed bytes random: $(randomness near-sender), $(randomness near-recorder)
recording   $demo/received.wav, $recorded s

END

held=0
# must WHAT CONDITION: CONDITION is for awk
must() {
  if ! awk "BEGIN { exit !($2) }"; then
    echo "NOT HELD: $1"
    held=1
  fi
}
must "both programs end well (sender $sender_exit, recorder $recorder_exit)" \
  "$sender_exit == 0 && $recorder_exit == 0"
must 'the parties see each other' "$(grep -c "$recorder" "$demo/sender.log") > 0 && \
  $(grep -c "$sender" "$demo/recorder.log") > 0"
must 'first audio within 3 s' "$first > 0 && $first < 3000"
# frames of 20 ms, or of 40 where the tier went down for a while
must 'every frame was sent' "$sent >= $seconds * 25 - 2"
must 'the recording is as long as the speech, within half a second' \
  "$recorded > $seconds - .5 && $recorded < $seconds + .5"
must 'the recording is not silent' "${level:--200} > -40"
must 'repaired and concealed together fit the loss' \
  "$repaired + $concealed >= $sent * $loss * .5 && $repaired + $concealed <= $sent * ($loss * 1.6 + .005)"
must 'little is left to conceal' "$concealed <= $sent * ($loss * $loss + .01)"
must 'the delay is bounded' "$behind > 0 && $behind < 250 + $delay + $jitter && $playout < 250"
must 'the speech was looked for on the wire' "$pieces > 1000 * $seconds"
must 'the wire shows nothing' "$wire == 0"
must 'there were enough sealed bytes to judge' "\"$judged\" == \"true\""
[ $held = 0 ] && echo 'All of it held.' || {
  tail -n 5 "$demo/sender.log" "$demo/recorder.log" >&2
  for leg in near-sender near-recorder; do
    "$build/tests/wire-check" --frames "$demo/frames.opus" --frame-size 60 --text "$room" \
      "$demo/$leg.pcap" >"$demo/$leg.txt" || grep '^!' "$demo/$leg.txt" >&2 || true
  done
}
exit $held

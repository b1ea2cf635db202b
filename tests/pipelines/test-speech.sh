#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Recorded speech through the whole of it without loss: every frame arrives, and it is as intelligible as
# the codec leaves it; and what a stranger captured of it is specified, random, and nothing of the speech.
# Bare G.722 in, because that is what the speech of the Debian package is.
. "$(dirname "$0")/lib.sh"
client=$build/pipelines/wzp-client
speech=
for file in /usr/share/asterisk/sounds/en*/demo-congrats.g722; do
  [ ! -r "$file" ] || speech=$file
done
if [ -z "$speech" ]; then
  echo '1..0 # SKIP the package asterisk-core-sounds-en-g722 is missing'
  exit 0
fi
seconds=12
head -c $((seconds * 8000)) "$speech" >"$work/speech.g722"
check 'the reference' gst-launch-1.0 -q filesrc location="$work/speech.g722" \
  ! rawaudioparse format=mulaw sample-rate=8000 num-channels=1 \
  ! capssetter join=false replace=true caps=audio/G722,rate=16000,channels=1 ! avdec_g722 \
  ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 \
  ! wavenc ! filesink location="$work/sent.wav"

check 'the frames that are looked for' gst-launch-1.0 -q filesrc location="$work/sent.wav" ! wavparse \
  ! audioconvert ! audioresample ! wzpenc ! filesink location="$work/frames.opus"

check 'of a conversation more than half is not sent, next to no speech is cut, the room sounds as it is' \
  "$build/tests/bench/bench-silence" --min-unsent 55 --max-cut 1.5 "$work/sent.wav"

check 'where silence is left out, words are whole: STOI >= .985' \
  "$build/tests/bench/bench-speech" --ours --dtx --only 'loss 0' --min-stoi .985 "$work/sent.wav"

# the weights of RNNoise are there when the build has them; libspeexdsp always is. Sanitizers see the same code in tests
# of its own, and valgrind does not go with them
engines=speexdsp
[ -z "$asan" ] || engines=
[ -z "$engines" ] || [ ! -x "$build/tests/core/test-rnnoise" ] || engines='speexdsp rnnoise'
for engine in $engines; do
  bounds='--min-stoi .84 --min-si-sdr 7'
  [ "$engine" != rnnoise ] || bounds='--min-stoi .885 --min-si-sdr 9.9 --cost --max-cost 25'
  # shellcheck disable=SC2086 # a list of words
  check "noise 5 dB below is taken away by $engine, clean speech is left alone" \
    "$build/tests/bench/bench-denoise" --engine "$engine" $bounds --min-clean .99 "$work/sent.wav"
done
if [ "${engine:-}" = rnnoise ]; then
  check 'RNNoise is RNNoise, frame by frame' "$build/tests/core/test-rnnoise" node \
    "$source_root/tests/core/rnnoise-module.mjs" "$build/wzp/rnnoise.wasm" "$work/sent.wav"
  check 'what it hears says what is silence' "$build/tests/bench/bench-silence" --denoise \
    --min-unsent 55 --max-cut 1.5 "$work/sent.wav"
fi

start_relay
start hop "$build/tests/lossy-hop" --listen 127.0.0.1:0 --to "$relay" --delay 20 --jitter 10 \
  --capture "$work/wire.pcap"
hop_pid=$pid
wait_for "$work/hop.out" 'listening on'
hop=$(sed -n 's/.*listening on //p' "$work/hop.out")
start recorder "$client" --record "$work/heard.wav" --json --duration 40 --latency 200 "$relay"
recorder_pid=$pid
wait_for "$work/recorder.err" 'nobody else'
# a second call through the same hop, at a higher rate, for more to judge
start recorder2 "$client" --record "$work/second.wav" --duration 40 --room second "$relay"
recorder2_pid=$pid
wait_for "$work/recorder2.err" 'nobody else'
start sender2 "$client" --send-file "$work/sent.wav" --profile opus-64k --room second "$hop"
sender2_pid=$pid
check 'speech is sent' sh -c "'$client' --send-file '$work/speech.g722' --profile opus-24k --json '$hop' >'$work/sender.out'"
check 'and recorded' wait "$recorder_pid"
check 'a second call at 64 kbit/s' wait "$sender2_pid"
check 'a second call: recorded' wait "$recorder2_pid"
kill "$hop_pid"
check 'the capture is whole' wait "$hop_pid"
sent=$(json "$work/sender.out" frames_sent)
check 'every frame was sent' test "$sent" = $((seconds * 50))
check 'every frame was received' test "$(json "$work/recorder.out" frames_received)" = "$sent"
check 'none was concealed' test "$(json "$work/recorder.out" frames_concealed)" = 0
check 'it is whole and intelligible: STOI >= .97' "$build/tests/stoi" --min .97 \
  --min-seconds $((seconds - 1)) "$work/sent.wav" "$work/heard.wav"
check 'the wire shows nothing of it' "$build/tests/wire-check" --frames "$work/frames.opus" \
  --frame-size 60 --hex "$(json "$work/sender.out" fingerprint)" \
  --hex "$(json "$work/recorder.out" fingerprint)" "$work/wire.pcap"
"$build/tests/wire-check" --json "$work/wire.pcap" >"$work/wire.json" || true
check 'the sealed bytes were enough to call random' grep -q '"ok":true.*"judged":true' "$work/wire.json"
# the search itself: the same capture, with a piece of a frame over the end of its last datagram
size=$(stat -c %s "$work/wire.pcap")
dd if="$work/frames.opus" of="$work/wire.pcap" bs=1 skip=12010 count=8 seek=$((size - 8)) \
  conv=notrunc 2>/dev/null
found() {
  ! "$build/tests/wire-check" --frames "$work/frames.opus" --frame-size 60 "$work/wire.pcap" \
    >"$work/found.txt" && cat "$work/found.txt" && grep -q 'has clear text' "$work/found.txt"
}
check 'eight bytes of one frame on the wire are found' found

finish

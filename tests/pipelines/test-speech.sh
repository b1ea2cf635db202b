#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Recorded speech through the whole of it without loss: every frame arrives, and it is as intelligible as
# the codec leaves it. Bare G.722 in, because that is what the speech of the Debian package is.
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

start_relay
start hop "$build/tests/lossy-hop" --listen 127.0.0.1:0 --to "$relay" --delay 20 --jitter 10 \
  --capture "$work/wire.pcap"
hop_pid=$pid
wait_for "$work/hop.out" 'listening on'
hop=$(sed -n 's/.*listening on //p' "$work/hop.out")
start recorder "$client" --record "$work/heard.wav" --json --duration 40 --latency 200 "$relay"
recorder_pid=$pid
wait_for "$work/recorder.err" 'nobody else'
check 'speech is sent' sh -c "'$client' --send-file '$work/speech.g722' --json '$hop' >'$work/sender.out'"
check 'and recorded' wait "$recorder_pid"
kill "$hop_pid"
wait "$hop_pid" || true
sent=$(json "$work/sender.out" frames_sent)
check 'every frame was sent' test "$sent" = $((seconds * 50))
check 'every frame was received' test "$(json "$work/recorder.out" frames_received)" = "$sent"
check 'none was concealed' test "$(json "$work/recorder.out" frames_concealed)" = 0
check 'it is whole and intelligible: STOI >= .97' "$build/tests/stoi" --min .97 \
  --min-seconds $((seconds - 1)) "$work/sent.wav" "$work/heard.wav"
check 'the wire shows nothing of it' "$build/tests/wire-check" --hex "$(json "$work/sender.out" fingerprint)" \
  --hex "$(json "$work/recorder.out" fingerprint)" "$work/wire.pcap"

finish

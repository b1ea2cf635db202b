#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A whole call in one launch line: two parties in one pipeline, and a relay that this script starts on a free
# port of this machine.
#
#   loopback.sh [SECONDS [WHERE]]      10  speaker
#
# WHERE is "speaker" or a WAV file to write.
set -eu
. "$(dirname "$0")/environment.sh"
seconds=${1:-10} where=${2:-speaker}

case $where in
speaker) set -- autoaudiosink ;;
*) set -- wavenc ! filesink location="$where" ;;
esac

folder=$(mktemp -d)
relay_pid=
: >"$folder/relay.log"
trap '[ -z "$relay_pid" ] || kill "$relay_pid"; rm -r "$folder"' EXIT
wzp-relay --listen 127.0.0.1:0 --identity "$folder/relay-identity" >"$folder/relay.log" &
relay_pid=$!
relay=
while [ -z "$relay" ]; do
  kill -0 "$relay_pid" 2>/dev/null || wzp_fail 'the relay did not start'
  sleep 0.1
  relay=$(sed -n 's/.* listening on \([^,]*\),.*/\1/p' "$folder/relay.log")
done

# Elements of one session find each other by its name. The relay is new each time, so its key is remembered
# in a file that goes with it. Ctrl-C, here from timeout, ends both streams.
uri="wzp://$relay/loopback" known="$folder/known-relays"
timeout --foreground --preserve-status --signal=INT "$seconds" gst-launch-1.0 -e \
  audiotestsrc is-live=true volume=0.3 ! audioconvert ! audioresample \
  ! wzpenc ! wzpfec session=a ! wzpcrypt session=a ! wzpsink session=a uri="$uri" known-relays="$known" \
  wzpsrc session=b uri="$uri" known-relays="$known" ! wzpcrypt session=b ! wzpfec session=b \
  ! wzpjitter ! wzpdec ! audioconvert ! audioresample ! "$@"

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# One way, the sending side, element by element.
#
#   send.sh [RELAY [ROOM [WHAT]]]      127.0.0.1:4433  default  microphone
#
# WHAT is "microphone", "tone" or an audio file. Ctrl-C ends it.
set -eu
. "$(dirname "$0")/environment.sh"
relay=${1:-127.0.0.1:4433} room=${2:-default} what=${3:-microphone}

case $what in
microphone) set -- autoaudiosrc ;;
tone) set -- audiotestsrc is-live=true volume=0.3 ;;
*)
  [ -r "$what" ] || wzp_fail "there is no file '$what' (or say microphone, or tone)" 2
  # a file could be read in a moment: clocksync makes it last as long as it is
  set -- filesrc location="$what" ! decodebin ! clocksync
  ;;
esac

# wzpenc    audio to Opus frames of constant size
# wzpfec    frames to bundles, with repair for older frames
# wzpcrypt  bundles to sealed packets; without it wzpsink does not link
# wzpsink   the packets to the relay. What nobody holds a key for is not sent, only counted
exec gst-launch-1.0 -e "$@" ! audioconvert ! audioresample \
  ! wzpenc ! wzpfec ! wzpcrypt ! wzpsink uri="wzp://$relay/$room"

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A call, both ways, in one element.
#
#   call.sh [RELAY [ROOM [WHAT [WHERE]]]]      127.0.0.1:4433  default  microphone  speaker
#
# WHAT is "microphone", "tone" or an audio file; WHERE is "speaker" or a WAV file to write. It ends when the
# other side leaves, or at Ctrl-C.
set -eu
. "$(dirname "$0")/environment.sh"
relay=${1:-127.0.0.1:4433} room=${2:-default} what=${3:-microphone} where=${4:-speaker}

case $where in
speaker) set -- autoaudiosink ;;
*) set -- wavenc ! filesink location="$where" ;;
esac
set -- ! wzpcall uri="wzp://$relay/$room" end-on-leave=true ! audioconvert ! audioresample ! "$@"

case $what in
microphone) set -- autoaudiosrc "$@" ;;
tone) set -- audiotestsrc is-live=true volume=0.3 "$@" ;;
*)
  [ -r "$what" ] || wzp_fail "there is no file '$what' (or say microphone, or tone)" 2
  # wzpcall itself waits for the other side and then reads the file at its own pace
  set -- filesrc location="$what" ! decodebin ! audioconvert ! audioresample "$@"
  ;;
esac

exec gst-launch-1.0 -e "$@"

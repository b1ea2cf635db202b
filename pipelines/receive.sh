#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# One way, the receiving side, element by element.
#
#   receive.sh [RELAY [ROOM [WHERE]]]      127.0.0.1:4433  default  speaker
#
# WHERE is "speaker" or a WAV file to write. It ends when the sender leaves, or at Ctrl-C.
set -eu
. "$(dirname "$0")/environment.sh"
relay=${1:-127.0.0.1:4433} room=${2:-default} where=${3:-speaker}

case $where in
speaker) set -- autoaudiosink ;;
*) set -- wavenc ! filesink location="$where" ;;
esac

# wzpsrc     sealed packets from the relay
# wzpcrypt   opens them, or drops them: there is no third way
# wzpfec     bundles to frames; brings lost ones back
# wzpjitter  in order and on time, as far behind as the network and repair need; says what is lost
# wzpdec     frames to audio; conceals what is lost
exec gst-launch-1.0 -e wzpsrc uri="wzp://$relay/$room" end-on-leave=true \
  ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec \
  ! audioconvert ! audioresample ! "$@"

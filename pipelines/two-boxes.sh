#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Two boxes and no relay: udp mode, with a key that both boxes hold.
#
#   two-boxes.sh key FILE                              makes a key; bring it to the other box safely
#   two-boxes.sh receive FILE [PORT [WHERE]]           4433  speaker
#   two-boxes.sh send FILE HOST [PORT [WHAT]]          4433  microphone
#
# WHAT is "microphone", "tone" or an audio file; WHERE is "speaker" or a WAV file to write. The receiver waits
# for the sender at PORT and ends when it leaves.
set -eu
. "$(dirname "$0")/environment.sh"
usage='say: key FILE, receive FILE [PORT [WHERE]] or send FILE HOST [PORT [WHAT]]'
[ $# -ge 2 ] || wzp_fail "$usage" 2
task=$1 key=$2
shift 2

# the element would warn of a number that is no port and take another one
check_port() {
  case $1 in
  *[!0-9]* | ??????*) ;;
  *) [ "$1" -lt 1 ] || [ "$1" -gt 65535 ] || return 0 ;;
  esac
  wzp_fail "'$1' is not a port: it is a number from 1 to 65535" 2
}

case $task in
key)
  [ ! -e "$key" ] || wzp_fail "'$key' is there already, and a key is never written over" 2
  umask 077 # a key that others can read is refused
  od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$key"
  echo >>"$key"
  ;;
receive)
  port=${1:-4433} where=${2:-speaker}
  check_port "$port"
  case $where in
  speaker) set -- autoaudiosink ;;
  *) set -- wavenc ! filesink location="$where" ;;
  esac
  # no host: wait for the other box
  exec gst-launch-1.0 -e wzpsrc local-port="$port" key-file="$key" end-on-leave=true \
    ! wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ! audioconvert ! audioresample ! "$@"
  ;;
send)
  [ $# -ge 1 ] || wzp_fail "$usage" 2
  host=$1 port=${2:-4433} what=${3:-microphone}
  check_port "$port"
  case $what in
  microphone) set -- autoaudiosrc ;;
  tone) set -- audiotestsrc is-live=true volume=0.3 ;;
  *)
    [ -r "$what" ] || wzp_fail "there is no file '$what' (or say microphone, or tone)" 2
    set -- filesrc location="$what" ! decodebin ! clocksync
    ;;
  esac
  exec gst-launch-1.0 -e "$@" ! audioconvert ! audioresample \
    ! wzpenc ! wzpfec ! wzpcrypt ! wzpsink host="$host" port="$port" key-file="$key"
  ;;
*) wzp_fail "$usage" 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every launch line of pipelines/ makes a real call through a real relay (or without one), for seconds.
. "$(dirname "$0")/lib.sh"
lines=$source_root/pipelines

# for_seconds N COMMAND...: then Ctrl-C
for_seconds() {
  seconds=$1
  shift
  timeout --foreground --preserve-status --signal=INT "$seconds" "$@"
}

# what waits for the other side does not wait for ever when that fails
patience='timeout --foreground --signal=INT 60'

start_relay

check 'loopback.sh' "$lines/loopback.sh" 3 "$work/loopback.wav"
check 'loopback.sh: heard' heard "$work/loopback.wav" 2

start receive $patience "$lines/receive.sh" "$relay" one "$work/one.wav"
receive_pid=$pid
wait_for "$work/receive.out" 'Setting pipeline to PLAYING'
check 'send.sh' for_seconds 3 "$lines/send.sh" "$relay" one tone
check 'receive.sh ends when the sender left' wait "$receive_pid"
check 'send.sh and receive.sh: heard' heard "$work/one.wav" 2

start receive $patience "$lines/receive.sh" "$relay" two "$work/two.wav"
receive_pid=$pid
wait_for "$work/receive.out" 'Setting pipeline to PLAYING'
check 'send.sh, a file' "$lines/send.sh" "$relay" two "$work/loopback.wav"
check 'receive.sh, of a file' wait "$receive_pid"
check 'send.sh, a file: heard at its own pace' heard "$work/two.wav" 2

start call $patience "$lines/call.sh" "$relay" three tone "$work/a.wav"
call_pid=$pid
check 'call.sh' for_seconds 4 "$lines/call.sh" "$relay" three tone "$work/b.wav"
check 'call.sh ends when the other side left' wait "$call_pid"
check 'call.sh: heard on one side' heard "$work/a.wav" 2
check 'call.sh: heard on the other' heard "$work/b.wav" 2

key=$work/box-key
check 'two-boxes.sh key' "$lines/two-boxes.sh" key "$key"
check 'two-boxes.sh key: private' test "$(stat -c %a "$key")" = 600
refused() {
  ! "$@"
}
check 'two-boxes.sh key never replaces one' refused "$lines/two-boxes.sh" key "$key"
port=$(free_port)
start receive $patience "$lines/two-boxes.sh" receive "$key" "$port" "$work/boxes.wav"
receive_pid=$pid
wait_for "$work/receive.out" 'Setting pipeline to PLAYING'
check 'two-boxes.sh send' for_seconds 3 "$lines/two-boxes.sh" send "$key" 127.0.0.1 "$port" tone
check 'two-boxes.sh receive ends when the sender left' wait "$receive_pid"
check 'two-boxes.sh: heard' heard "$work/boxes.wav" 2
check 'two-boxes.sh: no port' refused for_seconds 3 "$lines/two-boxes.sh" receive "$key" 99999 "$work/x.wav"
chmod 644 "$key"
check 'two-boxes.sh: a key that others can read is refused' \
  refused for_seconds 3 "$lines/two-boxes.sh" send "$key" 127.0.0.1 "$port" tone

# says WORDS COMMAND...: fails, and says so in these words
says() {
  words=$1
  shift
  ! "$@" >"$work/says.log" 2>&1 && grep -q -- "$words" "$work/says.log"
}
check 'no such file' says "there is no file 'nowhere.wav'" "$lines/send.sh" "$relay" one nowhere.wav
check 'a line without wzpcrypt does not link' says 'could not link' \
  gst-launch-1.0 audiotestsrc ! wzpenc ! wzpfec ! wzpsink uri="wzp://$relay/five"
check 'nor does one that would hear without it' says 'could not link' \
  gst-launch-1.0 wzpsrc uri="wzp://$relay/five" ! wzpfec ! wzpjitter ! wzpdec ! fakesink

finish

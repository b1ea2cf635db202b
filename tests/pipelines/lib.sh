# SPDX-License-Identifier: MIT OR Apache-2.0
# Read by the tests beside it:  test-NAME.sh SOURCE-ROOT BUILD-ROOT.  TAP on stdout, the rest on stderr.
set -eu
source_root=$1 build=$2
export WZP_BUILD="$build"
work=$(mktemp -d)
export XDG_CONFIG_HOME="$work/config" XDG_STATE_HOME="$work/state"
GST_REGISTRY_1_0=$work/registry.bin
GST_PLUGIN_PATH_1_0=$build/gst
export GST_REGISTRY_1_0 GST_PLUGIN_PATH_1_0
# A plugin that was built with AddressSanitizer needs its runtime in the programs that load it, and the
# scanner, a program of GStreamer's own, cannot load it at all.
asan=$(ldd "$build/gst/libgstwzp.so" | sed -n 's/.* => \(.*libasan[^ ]*\) .*/\1/p')
if [ -n "$asan" ]; then
  # With all of GStreamer there are more than 2048 quarks, and GLib then leaves the old table where it is, on
  # purpose; leaks are looked for in the tests that load our plugin only.
  export GST_REGISTRY_FORK=no ASAN_OPTIONS=detect_leaks=0
  mkdir "$work/bin"
  for program in gst-launch-1.0 gst-inspect-1.0; do
    printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$asan" "$(command -v $program)" \
      >"$work/bin/$program"
    chmod +x "$work/bin/$program"
  done
  PATH=$work/bin:$PATH
fi
# what a fresh registry finds is the same for all cases: fill it once
gst-inspect-1.0 wzpcall >/dev/null 2>&1 || {
  echo "Bail out! the plugin wzp is not in $build/gst"
  exit 1
}

cases=0 failures=0 started=
cleanup() {
  for pid in $started; do
    kill "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# check WHAT COMMAND...: a test case; it holds when COMMAND does
check() {
  cases=$((cases + 1))
  what=$1
  shift
  if "$@" >"$work/check.log" 2>&1; then
    echo "ok $cases $what"
  else
    echo "not ok $cases $what"
    failures=$((failures + 1))
    {
      echo "--- $what: $*"
      cat "$work/check.log"
      for log in "$work"/*.err; do
        if [ -s "$log" ]; then
          echo "--- $(basename "$log")"
          tail -n 8 "$log"
        fi
      done
    } >&2
  fi
}

finish() {
  echo "1..$cases"
  exit $((failures > 0))
}

# start NAME COMMAND...: in the background; output in $work/NAME.out and .err, its id in $pid
start() {
  name=$1
  shift
  : >"$work/$name.out"
  : >"$work/$name.err"
  "$@" >"$work/$name.out" 2>"$work/$name.err" &
  pid=$!
  started="$started $pid"
}

# wait_for FILE PATTERN: until a line has it; 20 s at most
wait_for() {
  tries=200
  until grep -q -- "$2" "$1"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.1
  done
}

# ended PID STATUS NAME PATTERN: what start NAME began ends so, and said that
ended() {
  status=0
  wait "$1" || status=$?
  [ $status = "$2" ] && grep -q -- "$4" "$work/$3.err"
}

# start_relay [OPTIONS...]: $relay is its address, $relay_pid its id
start_relay() {
  start relay "$build/relay/wzp-relay" --listen 127.0.0.1:0 --identity "$work/relay-identity" "$@"
  relay_pid=$pid
  wait_for "$work/relay.out" ' listening on '
  relay=$(sed -n 's/.* listening on \([^,]*\),.*/\1/p' "$work/relay.out")
  relay_key=$(sed -n 's/.* key \([0-9a-f:]*\)$/\1/p' "$work/relay.out")
}

# free_port: a UDP port of 127.0.0.1 that nobody has just now
free_port() {
  start hop "$build/tests/lossy-hop" --listen 127.0.0.1:0 --to 127.0.0.1:9
  wait_for "$work/hop.out" 'listening on'
  kill "$pid"
  wait "$pid"
  sed -n 's/.*listening on 127.0.0.1://p' "$work/hop.out"
}

# exits CODE WORDS COMMAND...: with this code, and says these words
exits() {
  code=$1 words=$2 status=0
  shift 2
  "$@" >"$work/exits.log" 2>&1 || status=$?
  cat "$work/exits.log"
  echo "exit code $status"
  [ $status = "$code" ] && grep -q -- "$words" "$work/exits.log"
}

# heard FILE SECONDS: a WAV of at least so many seconds that is not silent. Adaptive playout may leave out some.
heard() {
  "$build/tests/stoi" --min-seconds "$2" --min-level -35 --min -2 "$1" "$1"
}

# json FILE NAME: the value of a member of the last line
json() {
  tail -n 1 "$1" | sed 's/"peers":\[[^]]*\],//' |
    sed -n "s/.*[{,]\"$2\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p" | tr -d '"'
}

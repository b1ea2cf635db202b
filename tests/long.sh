#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# What takes longer than continuous integration may: every suite of core, sim and relay again and again with
# fresh seeds, the targets of repair at their full length, the fuzzers for minutes, the demo on worse networks.
# After tests/run.sh, which builds.
#
#   tests/long.sh [ROUNDS [FUZZ_SECONDS]]      20  120; about 62 minutes on two cores
set -u
cd "$(dirname "$0")/.."
rounds=${1:-20} fuzz_seconds=${2:-120}
for number in "$rounds" "$fuzz_seconds"; do
  case $number in '' | *[!0-9]* | 0*)
    echo "long.sh: '$number' is not a number above 0: long.sh [ROUNDS [FUZZ_SECONDS]]" >&2
    exit 2
    ;;
  esac
done
[ -f build/build.ninja ] || {
  echo 'long.sh: there is no build/; run tests/run.sh first' >&2
  exit 2
}
passed=0 failed=0
log=build/test-logs/long.log
mkdir -p build/test-logs
: >$log

# try NAME COMMAND...
try() {
  name=$1
  shift
  if "$@" >>$log 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name (see $log)"
  fi
}

for round in $(seq "$rounds"); do
  for suite in core sim relay; do
    try "$suite, round $round" meson test -C build --no-rebuild --print-errorlogs --suite "$suite"
  done
done
try 'residual loss' tests/sim/residual.sh build/tests/sim/wzp-sim
try 'what codes lose' build/tests/bench/bench-fec-loss --frames 2000000
for bench in bench-latency bench-call; do
  try "$bench" build/tests/bench/$bench
done
try fuzz tests/fuzz/run.sh "$fuzz_seconds"
try floods env WZP_RELAY=build/relay/wzp-relay build/tests/attack/flood-gate 20
for round in $(seq 10); do
  for name in rebinding udp-blocked; do
    try "network $name, round $round" "tests/net/test-$name.sh" "$PWD" "$PWD/build"
  done
done
try 'calls through NATs' tests/net/test-paths.py build --runs 10
# the tables at their end
sed -n '/^#  .* at the caller/,/^[^#]/s/^# //p' $log
# frames concealed when a leg moves; ms until TLS carries where UDP never did
for what in 'little on the way in' 'three seconds for UDP'; do
  sed -n "s/^ok [0-9]* $what[^(]*(\([0-9]*\).*/\1/p" $log | sort -n | awk -v what="$what" '
    { all[NR] = $1 }
    END { if (NR) print what ": p50 " all[int((NR + 1) / 2)] ", p95 " all[int(NR * .95 + .999)] ", n " NR }'
done
try 'model of keys in rooms, longer' tests/model/check.sh sender-keys 1
try 'model of keys in calls, longer' tests/model/check.sh dial-keys 1
for loss in 0 0.3 0.5; do
  try "demo at loss $loss" pipelines/demo.sh --loss "$loss"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Fuzzes every target for a while:  tests/fuzz/run.sh [SECONDS-PER-TARGET (10)] [TARGET-NAME...]
# or only builds them:              tests/fuzz/run.sh --build
# New inputs go to build-fuzz/corpus/NAME, crashes to build-fuzz/crashes, logs to build-fuzz/logs. As many
# targets at a time as there are processors. Prints TAP; exit code 1 if any target crashed, leaked, ran out of
# time or did not build.
set -eu
cd "$(dirname "$0")/../.."
self=tests/fuzz/run.sh
build=build-fuzz

# one target, in a process of its own: --one SECONDS NAME
if [ "${1:-}" = --one ]; then
  seconds=$2 name=$3
  log=$build/logs/$name.log
  mkdir -p "$build/corpus/$name"
  dictionary=tests/fuzz/$name.dict
  [ -f "$dictionary" ] && dictionary=-dict=$dictionary || dictionary=
  if ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    "$build/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -max_len=4096 -artifact_prefix="$build/crashes/$name-" -print_final_stats=1 $dictionary \
    "$build/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
    echo "ok - fuzz-$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
  else
    echo "not ok - fuzz-$name: see $log and $build/crashes/$name-*"
    tail -n 40 "$log" >&2
    exit 1
  fi
  exit 0
fi

seconds=${1:-10}
case $seconds in
  --build) ;;
  '' | *[!0-9]*)
    echo "run.sh: SECONDS is a whole number, not '$seconds'" >&2
    exit 2
    ;;
esac
[ $# -gt 0 ] && shift

clang=$(command -v clang-14 || command -v clang) || {
  echo 'run.sh: needs clang: apt install clang-14 libclang-rt-14-dev' >&2
  exit 1
}
if [ ! -f $build/build.ninja ]; then
  CC=$clang meson setup $build -Dfuzz=true -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
fi
# all that there is: in the list of meson.build, and as a source; a target that is only one of both is a mistake
targets=$(ninja -C $build -t targets all | sed -n 's|^tests/fuzz/fuzz-\([a-z0-9-]*\): .*|\1|p')
for source in tests/fuzz/fuzz-*.c; do
  name=${source#tests/fuzz/fuzz-}
  echo "$targets" | grep -qx "${name%.c}" || {
    echo "run.sh: $source is not in the list of tests/fuzz/meson.build" >&2
    exit 1
  }
done
[ $# = 0 ] || targets=$(printf '%s\n' "$@")
# shellcheck disable=SC2046 # a list of targets
ninja -C $build $(echo "$targets" | sed 's|^|tests/fuzz/fuzz-|')
[ "$seconds" != --build ] || exit 0

mkdir -p $build/crashes $build/logs
echo "1..$(echo "$targets" | wc -l)"
echo "$targets" | xargs -n 1 -P "$(($(nproc) + $(nproc) / 2))" "$self" --one "$seconds"

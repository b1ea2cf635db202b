#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Fuzzes every target for a while:  tests/fuzz/run.sh [SECONDS-PER-TARGET (10)] [TARGET-NAME...]
# New inputs go to build-fuzz/corpus/NAME, crashes to build-fuzz/crashes. Ends with one line a target and
# exit code 1 if any target crashed, leaked, ran out of time or did not build.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
case $seconds in '' | *[!0-9]*)
  echo "run.sh: SECONDS is a whole number, not '$seconds'" >&2
  exit 2
  ;;
esac
[ $# -gt 0 ] && shift

clang=$(command -v clang-14 || command -v clang) || {
  echo 'run.sh: needs clang: apt install clang-14 libclang-rt-14-dev' >&2
  exit 1
}
build=build-fuzz
if [ ! -f $build/build.ninja ]; then
  CC=$clang meson setup $build -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
    -Dbuildtype=debugoptimized
fi
# only the targets and what they stand on
targets=$(ninja -C $build -t targets all | sed -n 's|^\(tests/fuzz/fuzz-[a-z0-9-]*\): .*|\1|p')
[ -n "$targets" ] || {
  echo 'run.sh: there is no fuzz target' >&2
  exit 1
}
# shellcheck disable=SC2086 # a list of targets
ninja -C $build $targets

mkdir -p $build/crashes $build/logs
failed=0
for target in $targets; do
  name=${target#tests/fuzz/fuzz-}
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  mkdir -p "$build/corpus/$name"
  dictionary=tests/fuzz/$name.dict
  if ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    "$build/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=4096 \
    -artifact_prefix="$build/crashes/$name-" -print_final_stats=1 \
    $([ -f "$dictionary" ] && echo "-dict=$dictionary") \
    "$build/corpus/$name" "tests/fuzz/corpus/$name" >"$build/logs/$name.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$name.log")
    echo "ok fuzz-$name: $runs inputs in $seconds s"
  else
    failed=1
    echo "not ok fuzz-$name: see $build/logs/$name.log and $build/crashes/$name-*"
    tail -n 40 "$build/logs/$name.log" >&2
  fi
done
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs what is missing, builds and tests everything: as it is shipped, under AddressSanitizer and
# UndefinedBehaviorSanitizer, the threads under ThreadSanitizer, the parsers under the fuzzer, and the demo.
# One line a step; logs in build/test-logs/. The last line is "N passed, N failed"; exit code 1 if any failed.
#
#   tests/run.sh            everything
#   tests/run.sh STEP...    some of it: format tests sanitizers threads fuzz demo
set -u
cd "$(dirname "$0")/.."
steps=${*:-format tests sanitizers threads fuzz demo}
for step in $steps; do
  case $step in format | tests | sanitizers | threads | fuzz | demo) ;; *)
    echo "run.sh: there is no step '$step': format tests sanitizers threads fuzz demo" >&2
    exit 2
    ;;
  esac
done
logs=build/test-logs
passed=0 failed=0 skipped=0
test_environment= # of the next suite: NAME=VALUE...
# Debian 12's sanitizers need their addresses free; newer kernels scatter maps further than they expect
steady=
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] && setarch -R true 2>/dev/null; then
  steady='setarch -R'
fi
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

wanted() {
  case " $steps " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# report NAME STATUS SECONDS PASSED FAILED SKIPPED
report() {
  passed=$((passed + $4)) failed=$((failed + $5)) skipped=$((skipped + $6))
  detail="$4 passed"
  [ "$5" = 0 ] || detail="$detail, $5 FAILED"
  [ "$6" = 0 ] || detail="$detail, $6 skipped"
  printf '%-28s %4d s  %s\n' "$1" "$3" "$detail"
  [ "$2" = 0 ] || {
    what='^(▶ | *)[0-9]+/[0-9]+ .*(FAIL|ERROR|TIMEOUT)|^not ok|^ERROR:|^SUMMARY: |NOT HELD'
    grep -E "$what|: (error|fatal error|warning):" \
      "$logs/$1.log" | awk '!seen[$0]++' | head -n 20
    echo "  the whole of it: $logs/$1.log"
  }
}

# once NAME COMMAND...: a step that is one case
once() {
  name=$1
  shift
  begin=$(date +%s)
  "$@" >"$logs/$name.log" 2>&1
  status=$?
  report "$name" $status $(($(date +%s) - begin)) $((status == 0)) $((status != 0)) 0
  return $status
}

# tap NAME COMMAND...: a step that prints TAP
tap() {
  name=$1
  shift
  begin=$(date +%s)
  "$@" >"$logs/$name.log" 2>&1
  status=$?
  good=$(grep -c '^ok ' "$logs/$name.log")
  bad=$(grep -c '^not ok ' "$logs/$name.log")
  [ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ "$((good + bad))" -gt 0 ] || bad=1
  report "$name" $((bad > 0)) $(($(date +%s) - begin)) "$good" "$bad" 0
}

# suite NAME BUILD ARGUMENTS...: meson's tests
suite() {
  name=$1 folder=$2
  shift 2
  begin=$(date +%s)
  rm -f "$folder/meson-logs/testlog.json"
  # shellcheck disable=SC2086 # lists of words
  env $test_environment $steady meson test -C "$folder" --no-rebuild --print-errorlogs "$@" >"$logs/$name.log" 2>&1
  status=$?
  cp "$folder/meson-logs/testlog.txt" "$logs/$name.full.log" 2>/dev/null
  counts=$(python3 tests/count-results.py "$folder/meson-logs/testlog.json" 2>>"$logs/$name.log") ||
    counts='0 1 0'
  # shellcheck disable=SC2086 # three numbers
  set -- $counts
  bad=$2
  [ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ "$(($1 + bad))" -gt 0 ] || bad=1 # a suite without a test proves nothing
  report "$name" $((bad > 0)) $(($(date +%s) - begin)) "$1" "$bad" "$3"
}

# all_suites NAME BUILD OPTIONS...: first what needs a processor, then the calls, which mostly wait
all_suites() {
  name=$1 folder=$2
  shift 2
  suite "$name" "$folder" --no-suite pipelines --no-suite interop --no-suite net \
    --num-processes $(($(nproc) + $(nproc) / 2)) "$@"
  suite "$name-calls" "$folder" --suite pipelines --suite interop --suite net --num-processes $((2 * $(nproc))) "$@"
}

# configure FOLDER OPTIONS...
configure() {
  if [ -f "$1/build.ninja" ]; then
    meson configure "$@" || meson setup --reconfigure "$@" # options may have come since
  else
    meson setup "$@"
  fi
}

# make_targets FOLDER PATTERN OPTIONS...: builds the targets that match the pattern
make_targets() {
  folder=$1 pattern=$2
  shift 2
  # shellcheck disable=SC2046 # a list of targets
  configure "$folder" "$@" && ninja -C "$folder" \
    $(ninja -C "$folder" -t targets all | sed -n "s#^\($pattern\): .*#\1#p")
}

sources() {
  git ls-files '*.c' '*.h' 2>/dev/null || find gst pipelines relay tests wzp -name '*.[ch]'
}

begin_all=$(date +%s)
install_log=$(mktemp)
pipelines/install.sh test >"$install_log" 2>&1
installed=$?
# build/ is meson's to make
[ -f build/build.ninja ] || meson setup build -Dwerror=true -Drnnoise=weights >>"$install_log" 2>&1
mkdir -p $logs
mv "$install_log" "$logs/packages.log"
report packages $installed $(($(date +%s) - begin_all)) $((installed == 0)) $((installed != 0)) 0

if wanted format; then
  # shellcheck disable=SC2046 # a list of files
  once format clang-format-14 --dry-run -Werror $(sources)
fi
if wanted tests || wanted demo; then
  once build make_targets build all -Dwerror=true -Drnnoise=weights || steps=
fi
if wanted tests; then
  all_suites tests build
fi
if wanted sanitizers; then
  once build-asan make_targets build-asan all \
    -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=true \
    -Drnnoise=weights &&
    all_suites sanitizers build-asan --timeout-multiplier 4
fi
if wanted threads; then
  once build-tsan make_targets build-tsan \
    'tests/\(gst\|relay\)/test-[a-z-]*\|tests/libtsan-glib.so\|gst/libgstwzp.so\|relay/wzp-relay' \
    -Db_sanitize=thread -Db_lundef=false -Drnnoise=weights &&
    test_environment="TSAN_OPTIONS=ignore_noninstrumented_modules=1:history_size=4
      LD_PRELOAD=$PWD/build-tsan/tests/libtsan-glib.so" &&
    suite threads build-tsan --suite relay --suite gst --timeout-multiplier 6 --num-processes $((2 * $(nproc)))
fi
if wanted fuzz; then
  # shellcheck disable=SC2086 # a list of words
  tap fuzz $steady tests/fuzz/run.sh "${FUZZ_SECONDS:-10}"
fi
if wanted demo; then
  once demo pipelines/demo.sh
  sed -n '/^speech/,$p' $logs/demo.log
fi

echo "all of it took $(($(date +%s) - begin_all)) s"
[ $skipped = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ $failed = 0 ]

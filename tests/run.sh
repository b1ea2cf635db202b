#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs what is missing, builds and tests everything: as it is shipped, under AddressSanitizer and
# UndefinedBehaviorSanitizer, the threads under ThreadSanitizer, the parsers under the fuzzer, and the demo.
# One line a step; logs in build/test-logs/. The last line is "N passed, N failed"; exit code 1 if any failed.
# What runs in real time mostly waits; where sanitizers make all slow anyway, what does not runs beside it, with less of
# a right to the processors.
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
test_environment= # of the next suite: NAME=VALUE...
beside=           # what a command of the present lane begins with
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
  echo "$4 $5 $6" >>$logs/counts
  detail="$4 passed"
  [ "$5" = 0 ] || detail="$detail, $5 FAILED"
  [ "$6" = 0 ] || detail="$detail, $6 skipped"
  line=$(printf '%-28s %4d s  %s' "$1" "$3" "$detail")
  [ "$2" = 0 ] || {
    what='^(▶ | *)[0-9]+/[0-9]+ .*(FAIL|ERROR|TIMEOUT)|^not ok|^ERROR:|^SUMMARY: |NOT HELD'
    why=$(grep -E "$what|: (error|fatal error|warning):" \
      "$logs/$1.log" | awk '!seen[$0]++' | head -n 20)
    line="$line
$why
  the whole of it: $logs/$1.log"
  }
  echo "$line" # at once: there may be another lane
}

# once NAME COMMAND...: a step that is one case
once() {
  name=$1
  shift
  begin=$(date +%s)
  rm -f "$logs/$name.good"
  "$@" >"$logs/$name.log" 2>&1
  status=$?
  [ $status != 0 ] || : >"$logs/$name.good"
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
  log=$folder/meson-logs/$name${beside:+-beside.sh} # meson's way of naming it
  rm -f "$log.json"
  # shellcheck disable=SC2086 # lists of words
  env $test_environment $steady meson test -C "$folder" --no-rebuild --print-errorlogs --logbase "$name" \
    ${beside:+--wrapper "$PWD/tests/beside.sh"} --num-processes $(($(nproc) + $(nproc) / 2)) "$@" >"$logs/$name.log" 2>&1
  status=$?
  cp "$log.txt" "$logs/$name.full.log" 2>/dev/null
  counts=$(python3 tests/count-results.py "$log.json" 2>>"$logs/$name.log") ||
    counts='0 1 0'
  # shellcheck disable=SC2086 # three numbers
  set -- $counts
  bad=$2
  [ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ "$(($1 + bad))" -gt 0 ] || bad=1 # a suite without a test proves nothing
  report "$name" $((bad > 0)) $(($(date +%s) - begin)) "$1" "$bad" "$3"
}

# together REAL-TIME OTHER: two functions at once
together() {
  # shellcheck disable=SC2030,SC2031 # of that lane only
  (beside='setsid -w tests/beside.sh' && $2) &
  $1
  wait
}

good() {
  [ -f "$logs/$1.good" ]
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
  # shellcheck disable=SC2046,SC2086 # lists of words
  configure "$folder" "$@" && $beside ninja -C "$folder" \
    $(ninja -C "$folder" -t targets all | sed -n "s#^\($pattern\): .*#\1#p")
}

sources() {
  git ls-files '*.c' '*.h' 2>/dev/null || find gst pipelines relay tests wzp -name '*.[ch]'
}

# --- the steps, real-time and other ones; each builds what the next needs ---
real_tests() {
  ! wanted tests || suite tests-calls build --suite real-time --timeout-multiplier 2
}
other_tests() {
  ! wanted tests || suite tests build --no-suite real-time --timeout-multiplier 4
  # where there are bugs, lines of code are enough
  ! wanted sanitizers || once build-asan make_targets build-asan meson-test-prereq \
    -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=true \
    -Drnnoise=weights -Dc_args=-g1
}

real_sanitizers() {
  ! wanted sanitizers || ! good build-asan ||
    suite sanitizers-calls build-asan --suite real-time --timeout-multiplier 4
}
other_sanitizers() {
  ! wanted sanitizers || ! good build-asan ||
    suite sanitizers build-asan --no-suite real-time --timeout-multiplier 8
  ! wanted threads || once build-tsan make_targets build-tsan \
    'tests/\(gst\|relay\)/test-[a-z-]*\|tests/libtsan-glib.so\|gst/libgstwzp.so\|relay/wzp-relay' \
    -Db_sanitize=thread -Db_lundef=false -Drnnoise=weights -Dc_args=-g1
}

threads() {
  wanted threads && good build-tsan || return 0
  test_environment="TSAN_OPTIONS=ignore_noninstrumented_modules=1:history_size=4
    LD_PRELOAD=$PWD/build-tsan/tests/libtsan-glib.so"
  suite "$@"
  test_environment=
}
real_threads() {
  threads threads-calls build-tsan --suite real-time --no-suite attack --no-suite interop --no-suite net \
    --no-suite pipelines --no-suite tools --timeout-multiplier 6
}
other_threads() {
  threads threads build-tsan --suite relay --suite gst --no-suite real-time --timeout-multiplier 12
  ! wanted fuzz || once build-fuzz $beside tests/fuzz/run.sh --build
}

real_demo() {
  wanted demo || return 0
  once demo pipelines/demo.sh
  sed -n '/^speech/,$p' $logs/demo.log
}
other_demo() {
  # shellcheck disable=SC2086 # lists of words
  ! wanted fuzz || tap fuzz $beside $steady tests/fuzz/run.sh "${FUZZ_SECONDS:-10}"
}

begin_all=$(date +%s)
install_log=$(mktemp)
pipelines/install.sh test >"$install_log" 2>&1
installed=$?
# build/ is meson's to make
[ -f build/build.ninja ] || meson setup build -Dwerror=true -Drnnoise=weights >>"$install_log" 2>&1
mkdir -p $logs
rm -f $logs/counts
mv "$install_log" "$logs/packages.log"
report packages $installed $(($(date +%s) - begin_all)) $((installed == 0)) $((installed != 0)) 0

if wanted format; then
  # shellcheck disable=SC2046 # a list of files
  once format clang-format-14 --dry-run -Werror $(sources)
fi
if wanted tests || wanted demo; then
  once build make_targets build all -Dwerror=true -Drnnoise=weights || steps=
fi
if [ -n "$steps" ]; then
  # as it is shipped what is in time counts: nothing beside
  real_tests
  other_tests
  together real_sanitizers other_sanitizers
  together real_threads other_threads
  other_demo
  real_demo
fi

echo "all of it took $(($(date +%s) - begin_all)) s"
awk '{ passed += $1; failed += $2; skipped += $3 }
  END {
    if (skipped) print skipped " skipped"
    print passed " passed, " failed " failed"
    exit failed > 0
  }' $logs/counts

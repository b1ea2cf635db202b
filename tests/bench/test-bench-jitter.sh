#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Playout on traces that are made here, by bench-jitter: its figures stay as good as they are, its JSON has the fields
# that others read, and files that are no traces are told of.
#
#   test-bench-jitter.sh BENCH-JITTER

bench=$1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
n=0

# ok CONDITION NAME: CONDITION is for awk
ok() {
  n=$((n + 1))
  if awk "BEGIN { exit !($1) }"; then
    echo "ok $n $2"
  else
    echo "not ok $n $2"
    echo "# $1"
  fi
}

# trace NAME PROGRAM: a minute and a half of delays in ms; PROGRAM prints that of frame i, luck() is 0 to 1
trace() {
  awk "function luck() { seed = (seed * 69069 + 1) % 4294967296; return seed / 4294967296 }
    BEGIN { seed = 7; for (i = 0; i < 4500; i++) { $2 } }" >"$scratch/$1"
}

field() {
  sed -n "s/.*\"$2\":\([^,}]*\).*/\1/p" "$scratch/$1.json"
}

# judge NAME CONDITION...: conditions on the fields of that trace
judge() {
  trace=$1
  "$bench" "$scratch/$trace" --json >"$scratch/$trace.json"
  shift
  for condition in "$@"; do
    name=${condition%% *}
    ok "$(field "$trace" "$name")${condition#"$name"}" "$trace: $condition"
  done
}

trace constant 'print 20'
trace jitter 'print 20 + 50 * luck()'
trace steps 'print (int(i / 500) % 2) * 200 + 20 + 10 * luck()'
trace stalls 'left = 500 - i % 500 * 20; print 20 + (left > 0 ? left : 5 * luck())'
trace losses 'print luck() < .1 ? -1 : 20'

judge constant 'delay_mean_ms <= 3' 'delay_p95_ms <= 4' 'concealed_pct == 0' 'interruptions == 0' 'r50 >= 86' 'r250 >= 69.5'
judge jitter 'delay_p95_ms <= 55' 'concealed_pct <= .1' 'r250 >= 62'
judge steps 'concealed_pct <= 1.5' 'r250 >= 42'
judge stalls 'delay_mean_ms <= 25' 'delay_p95_ms <= 40' 'concealed_pct <= 5' 'interruptions >= 8' 'interruptions <= 9' 'r250 >= 49'
judge losses 'concealed_pct >= 8.5' 'concealed_pct <= 9.5' 'delay_mean_ms <= 6' 'delay_p95_ms <= 12'
names=$(grep -o '"[a-z0-9_]*":' "$scratch/constant.json" | tr -d '":\n' | tr '\n' ' ')
n=$((n + 1))
[ "$names" = 'tracedelay_mean_msdelay_p95_msconcealed_pctstretched_pctinterruptionsr50r250' ] &&
  echo "ok $n fields" || echo "not ok $n fields: $names"

# refuses NAME: with a sentence that names the file
refuses() {
  n=$((n + 1))
  if "$bench" "$scratch/$1" --json >"$scratch/out" 2>"$scratch/said"; then
    echo "not ok $n $1 is taken"
  elif [ -s "$scratch/out" ] || ! grep -q "$scratch/$1" "$scratch/said"; then
    echo "not ok $n $1: says $(cat "$scratch/said")"
  else
    echo "ok $n $1 is refused"
  fi
}
: >"$scratch/empty"
echo '# nothing' >"$scratch/comment"
printf '20\nnan\n' >"$scratch/nan"
printf '20\n1e300\n' >"$scratch/huge"
printf '20\n-5\n' >"$scratch/negative"
printf '20 30\n' >"$scratch/two"
printf -- '-1\n-1\n' >"$scratch/nothing-came"
for name in empty comment nan huge negative two nothing-came missing; do
  refuses $name
done
printf '20\n21' >"$scratch/no-newline"
judge no-newline 'concealed_pct == 0'
echo "1..$n"

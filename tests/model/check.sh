#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A model, searched whole by SPIN, and once more without each of its rules, when something has to go wrong.
#   check.sh MODEL [MORE (0)]
# sender-keys: so many more packets than in CI, where it takes seconds; 1 is 5 million states. dial-keys: so many more
# wraps; 1 is 1 million. Prints TAP; skipped where there is no spin.
set -eu
model=$(dirname "$0")/$1.pml
more=${2:-0}
command -v spin >/dev/null || {
  echo '1..0 # SKIP spin is not installed'
  exit 0
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$model" "$folder/model.pml"
cd "$folder"
rules=$(sed -n 's/^ *# *if.*def.*\(WITHOUT_[A-Z_]*\).*/\1/p' model.pml | sort -u)
# shellcheck disable=SC2086 # a list of words
set -- $rules
[ $# -ge 8 ] || {
  echo "check.sh: only $# rules in $model" >&2
  exit 1
}
number=0 failed=0
echo "1..$(($# + 1))"

# search OPTIMISATION FLAGS...: the result of the whole search, in search.log; true when there was no error
search() {
  optimisation=$1
  shift
  spin -a "$@" model.pml >generate.log 2>&1 || return 2
  cc "$optimisation" -w -DSAFETY -DNOFAIR -DVECTORSZ=512 -o pan pan.c >>generate.log 2>&1 || return 2
  ./pan -m100000 -w22 >search.log 2>&1 || return 2
  ! grep -q 'Search not completed' search.log || grep -q 'errors: [1-9]' search.log || return 2
  grep -q 'errors: 0' search.log
}

# told EXPECTED STATUS NAME
told() {
  number=$((number + 1))
  if [ "$1" = "$2" ]; then
    echo "ok $number - $3"
  else
    echo "not ok $number - $3"
    sed 's/^/# /' generate.log search.log | tail -n 30
    failed=1
  fi
}

status=0
search -O1 -DMORE="$more" || status=$?
told 0 $status "all orders of steps: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' search.log) states"
for rule in "$@"; do
  status=0
  search -O0 -DMORE="$more" -D"$rule" || status=$?
  told 1 $status "$rule: $(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' search.log)"
done
exit $failed

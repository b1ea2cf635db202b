#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Compares what gst-inspect-1.0 says of every element with tests/gst/inspect/, so that a default, a range, a
# flag or a pad template changes on purpose only.
#
#   tests/gst/check-inspect.sh [--update] [FOLDER OF libgstwzp.so, default build/gst]

here=$(dirname "$0")
update=no
if [ "$1" = --update ]; then
  update=yes
  shift
fi
plugin=${1:-$here/../../build/gst}
if [ ! -e "$plugin/libgstwzp.so" ]; then
  echo "Bail out! there is no $plugin/libgstwzp.so: build first, or name its folder"
  exit 1
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
export GST_PLUGIN_PATH_1_0="$plugin" GST_REGISTRY_1_0="${GST_REGISTRY_1_0:-$scratch/registry}"
export LC_ALL=C

# without what differs between machines and releases
page() {
  gst-inspect-1.0 "$1" 2>"$scratch/errors" | sed -E '/^  (Filename|Version) /d'
}

elements="wzpcall wzpcrypt wzpdec wzpdemux wzpdenoise wzpecho wzpenc wzpfec wzpjitter wzpmicrophone wzpsink wzpspeaker wzpsrc"
number=0
failed=0
echo "1..$(echo "$elements" | wc -w)"
for element in $elements; do
  number=$((number + 1))
  page "$element" >"$scratch/page"
  if [ ! -s "$scratch/page" ]; then
    echo "not ok $number $element: not found"
    sed 's/^/# /' "$scratch/errors"
    failed=1
    continue
  fi
  if [ $update = yes ]; then
    cp "$scratch/page" "$here/inspect/$element.txt"
  fi
  if diff -u "$here/inspect/$element.txt" "$scratch/page" >"$scratch/diff" 2>&1; then
    echo "ok $number $element"
  else
    echo "not ok $number $element: differs; if it is meant, run tests/gst/check-inspect.sh --update"
    sed 's/^/# /' "$scratch/diff"
    failed=1
  fi
done
exit $failed

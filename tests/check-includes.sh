#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The direction of dependency, which is the architecture: wzp/ stands alone and without I/O, gst/ and relay/
# stand on wzp/ and never on each other. Prints TAP.
set -eu
cd "$(dirname "$0")/.."
number=0 failed=0

# forbid WHAT FOLDER PATTERN: no #include in FOLDER matches
forbid() {
  number=$((number + 1))
  if found=$(grep -rnE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($3)" "$2"); then
    echo "not ok $number $1"
    echo "$found" | sed 's/^/# /'
    failed=1
  else
    echo "ok $number $1"
  fi
}
# forbid_calls WHAT FOLDER PATTERN: nor does anything there call these. random.c holds what callers may pass
# as their source of random bytes.
forbid_calls() {
  number=$((number + 1))
  if found=$(grep -rnE --include='*.[ch]' --exclude=random.c "(^|[^a-z_>.])($3)[[:space:]]*\\(" "$2" |
    grep -vE ':[0-9]+:[[:space:]]*(/\*|\*|//)'); then
    echo "not ok $number $1"
    echo "$found" | sed 's/^/# /'
    failed=1
  else
    echo "ok $number $1"
  fi
}

forbid 'wzp/ includes nothing of gst/, relay/, pipelines/ or tests/' wzp '(\.\./)*(gst|relay|pipelines|tests)/'
forbid 'wzp/ includes no GStreamer and no GIO' wzp 'gst/|gio/|nice/|libsoup/'
forbid_calls 'wzp/ has no sockets, clock, threads or randomness of its own' wzp \
  'socket|sendto|recvfrom|sendmsg|recvmsg|clock_gettime|gettimeofday|time|g_get_monotonic_time|g_get_real_time|g_thread_new|pthread_create|randombytes_buf|g_random_int|rand|getrandom'
forbid 'gst/ includes nothing of relay/' gst '(\.\./)*relay/'
forbid 'relay/ includes nothing of gst/ and no GStreamer' relay '(\.\./)*gst/|gst[a-z-]*\.h|nice/'
forbid 'pipelines/ uses elements, not the insides of gst/ or relay/' pipelines '(\.\./)*relay/|(\.\./)*gst/(gstwzp|wzp)'
echo "1..$number"
exit $failed

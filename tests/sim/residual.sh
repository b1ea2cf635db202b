#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# What is left of a call on lossy networks after repair, against what must be: the loss of frames, the bitrate on
# the wire with everything, by wzp-sim, mean of the seeds. In TAP, a line a target.
#
#   tests/sim/residual.sh PROGRAM [SECONDS [SEEDS [SLACK]]]     600  5  1; about a minute
#
# SLACK multiplies the loss that is allowed: short runs see few losses, and start-up is a larger part of them.
set -u
program=${1:?residual.sh PROGRAM [SECONDS [SEEDS [SLACK]]]} seconds=${2:-600} seeds=${3:-5} slack=${4:-1}

# profile  kbit/s  loss  longest delay in ms  frames lost in percent, at most
targets='good 60 0.05 200 0.1
good 60 0.1 200 0.3
good 60 0.2 360 0.8
good 60 0.3 360 1.2
catastrophic 11 0.3 400 1
catastrophic 11 0.5 400 7
catastrophic 13.5 0.5 400 2.5
catastrophic 13.5 0.7 400 14'

number=0 failed=0
echo "1..$(echo "$targets" | wc -l)"
while read -r profile budget loss delay most; do
  number=$((number + 1))
  line=$(
    for seed in $(seq "$seeds"); do
      "$program" --profile "$profile" --budget "$budget" --loss "$loss" --max-delay "$delay" \
        --seconds "$seconds" --seed "$seed" --json </dev/null || echo failed
    done | awk -v n="$number" -v profile="$profile" -v budget="$budget" -v loss="$loss" \
      -v delay="$delay" -v most="$most" -v slack="$slack" -v seeds="$seeds" '
      function value(name) {
        return match($0, "\"" name "\":[0-9.]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : -1
      }
      /^\{/ { runs++; lost += value("frames_lost"); sent += value("frames_sent"); rate = value("kbps")
              kbps += rate; if (rate > highest) highest = rate }
      END {
        share = sent > 0 ? 100 * lost / sent : 100
        verdict = "not ok"
        if (runs == seeds && share <= most * slack && highest <= budget) verdict = "ok"
        printf("%s %d - %s, %.0f %% loss, %d ms: %.3f %% lost (at most %g", verdict, n, profile, loss * 100, delay, share, most)
        if (slack != 1) printf(" times %g", slack)
        printf("), %.2f kbit/s, highest %.2f (at most %g)\n", runs > 0 ? kbps / runs : 0, highest, budget)
      }'
  )
  echo "$line"
  case $line in ok*) ;; *) failed=1 ;; esac
done <<END
$targets
END
exit $failed

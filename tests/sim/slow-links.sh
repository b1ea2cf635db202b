#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# What the quality controller makes of slow links with a deep queue, near and far, with and without loss: a line of a
# Markdown table for each, means of the seeds but for what is said to be the most. In a minute or two.
#
#   tests/sim/slow-links.sh PROGRAM [SECONDS [SEEDS]]     120  3
set -u
program=${1:?slow-links.sh PROGRAM [SECONDS [SEEDS]]} seconds=${2:-120} seeds=${3:-3}
echo '| kbit/s | round trip, ms | lost | tier most of the time | kbit/s sent | waits, ms: 95 %, most | frames lost | unheard, s | tier down, up |'
echo '|---|---|---|---|---|---|---|---|---|'
for rate in 14 16 24 32 48 64 128; do
  for trip in 60 300 800; do
    for loss in 0 0.1 0.3; do
      for seed in $(seq "$seeds"); do
        "$program" --tier auto --playout --loss "$loss" --rate "$rate" --queue 5000 --rtt "$trip" \
          --seconds "$seconds" --seed "$seed" --json
      done | awk -v rate="$rate" -v trip="$trip" -v loss="$loss" '
        function value(name) {
          return match($0, "\"" name "\":[0-9.]+") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) + 0 : 0
        }
        BEGIN { n_tiers = split("studio-64k studio-48k studio-32k good degraded catastrophic", tiers, " ") }
        {
          n++; sent += value("kbps"); lost += value("loss_pct"); unheard += value("unheard_ms") / 1000
          down += value("steps_down"); up += value("steps_up")
          for (i = 1; i <= n_tiers; i++) in_tier[i] += value(tiers[i])
          sub(/.*"wait_ms":/, ""); p95 += value("p95"); if (value("max") > most) most = value("max")
        }
        END {
          best = 1
          for (i = 2; i <= n_tiers; i++) if (in_tier[i] > in_tier[best]) best = i
          printf("| %d | %d | %d %% | %s | %.0f | %.0f, %d | %.1f %% | %.1f | %.1f, %.1f |\n", rate, trip, loss * 100,
                 tiers[best], sent / n, p95 / n, most, lost / n, unheard / n, down / n, up / n)
        }'
    done
  done
done

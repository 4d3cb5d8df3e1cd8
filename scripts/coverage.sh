#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Line coverage of src/ by gcov, one line for each folder:   scripts/coverage.sh BUILD-FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
find "$build/CMakeFiles" -path '*src*' -name '*.gcda' -exec gcov -n {} + 2>/dev/null |
  awk '
    /^File / { file = $2; gsub(/\x27/, "", file); sub(/.*\/src\//, "", file); next }
    /^Lines executed:/ && file ~ /^[a-z]+\/.*\.c$/ {
      split($0, part, /[:% ]+/)
      key = file
      if (!(key in lines)) { lines[key] = part[5]; hit[key] = part[3] * part[5] / 100 }
      else if (part[3] * part[5] / 100 > hit[key]) hit[key] = part[3] * part[5] / 100
      file = ""
    }
    END {
      for (f in lines) { split(f, p, "/"); room = p[1]; n[room] += lines[f]; h[room] += hit[f]; N += lines[f]; H += hit[f] }
      print "line coverage"
      for (room in n) printf "  %-8s %5.1f %% of %d lines\n", room, 100 * h[room] / n[room], n[room] | "sort"
      close("sort")
      if (N) printf "  %-8s %5.1f %% of %d lines\n", "all", 100 * H / N, N
    }'

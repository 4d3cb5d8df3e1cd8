#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs missing packages, builds and tests, also on a fresh Debian 12 or Ubuntu 24.04:
#   scripts/test.sh               everything: a plain build, one with address and undefined-behaviour sanitizers, one with
#                                 the thread sanitizer (both without the longest tests), then line coverage
#   scripts/test.sh -R allocate   one subject, in the plain build only (any options of ctest)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
jobs=$(nproc)

build() { # folder, options…
  local folder=$1
  shift
  # A folder may have been made with other options: without the tests, for example.
  cmake -S . -B "$folder" -DGPUMM_WERROR=ON -DGPUMM_TESTS=ON "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
  grep 'gpumm:' "$folder.log" || true
  rm -f "$folder.log"
  cmake --build "$folder" -j "$jobs" -- --no-print-directory -s || exit 1
}

run() { # folder, options of ctest's…
  local folder=$1
  shift
  (cd "$folder" && ctest --no-tests=error --output-on-failure -j "$((jobs + 1))" "$@") # some tests wait
}

build build -DGPUMM_COVERAGE=ON
if [ $# -gt 0 ]; then
  run build "$@"
  exit
fi
find build -name '*.gcda' -delete
compiled=-DGPUMM_TEST_CACHE=$PWD/build/kernel-cache
build build-asan "$compiled" -DGPUMM_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug
build build-tsan "$compiled" -DGPUMM_SANITIZE=thread

failed=0
run build || failed=1
echo "== sanitized: address and undefined behaviour"
run build-asan -LE '^long$' || failed=1
echo "== sanitized: threads"
run build-tsan -LE '^long$' || failed=1
scripts/coverage.sh build
exit $failed

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs missing packages, builds, lays out a real graph, and draws it to layout.png in the folder of the caller.
#   scripts/demo.sh [options of gpumm-layout; --help lists them]
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
scripts/setup.sh run
cmake -S . -B build-demo -DGPUMM_TESTS=OFF -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build-demo -j "$(nproc)" -- --no-print-directory -s
root=$PWD
cd "$here"
PATH="$root/build-demo:$PATH" "$root/scripts/gpumm-layout" "$root/examples/data/debian-sample.tsv" "$@"
picture=layout.png
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) exit ;;
    --out=*) picture=${1#--out=} ;;
    --out) picture=${2-} ;;
  esac
  shift
done
[ -z "$picture" ] || echo "the picture: $(realpath "$picture")"

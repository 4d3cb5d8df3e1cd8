#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs missing packages, builds, lays out a real graph that grows meanwhile, and draws it to layout.png.
#   scripts/demo.sh [options of examples/layout.lua]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh run
cmake -S . -B build-demo -DGPUMM_TESTS=OFF -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build build-demo -j "$(nproc)" -- --no-print-directory -s
build-demo/gpumm-run examples/layout.lua examples/data/debian-sample.tsv --out layout.png --grow 500 "$@"
echo "the picture: $PWD/layout.png"

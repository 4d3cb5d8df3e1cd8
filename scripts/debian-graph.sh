#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the whole dependency graph of this machine's Debian release, as apt knows it, to FILE:
#     scripts/debian-graph.sh FILE
# One line for each dependency, "package<TAB>depends on": Depends and Pre-Depends, every alternative; a virtual
# package is replaced by the first package (by name) that provides it. Only the largest component, dependencies before
# dependents, so that a graph which is read piece by piece in the order of the file grows at its existing nodes.
set -eu
if [ $# -ne 1 ]; then
  echo "usage: $0 FILE" >&2
  exit 2
fi
command -v apt-cache > /dev/null || { echo "$0: missing: apt-cache" >&2; exit 1; }
out=$1
trap 'rm -f "$out.new"' EXIT
apt-cache dumpavail | lua5.4 "$(dirname "$0")/debian-graph.lua" > "$out.new"
mv "$out.new" "$out"
sed -n '1,2p' "$out" >&2

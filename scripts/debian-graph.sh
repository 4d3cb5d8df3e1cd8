#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the whole dependency graph of this machine's Debian release, as apt knows it, to FILE:
#     scripts/debian-graph.sh FILE
# One line a dependency, "package<TAB>depends on": Depends and Pre-Depends, every alternative; a virtual package
# stands for the first (by name) that provides it. The largest component only, dependencies before dependents,
# so that a graph that is fed piece by piece in the order of the file grows at what is there already.
set -eu
if [ $# -ne 1 ]; then
  echo "usage: $0 FILE" >&2
  exit 2
fi
command -v apt-cache > /dev/null || { echo "$0: there is no apt-cache here" >&2; exit 1; }
out=$1
trap 'rm -f "$out.new"' EXIT
apt-cache dumpavail | lua5.4 "$(dirname "$0")/debian-graph.lua" > "$out.new"
mv "$out.new" "$out"
sed -n '1,2p' "$out" >&2

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the documentation's site: the pages of doc/ and the reference of Lua and C, as HTML in one folder that needs nothing
# else. Checks every link, and the spelling where codespell is installed.
#   scripts/site.sh [FOLDER]     build/site, unless given; what lies there is replaced
# Needs the Debian packages lowdown and lua5.4.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/build/site}
for program in lowdown lua5.4; do
  command -v $program >/dev/null || { echo "site.sh: missing: $program (apt-get install $program)" >&2; exit 1; }
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -n "$(ls -A "$out")" ] && [ ! -e "$out/style.css" ]; then
  echo "site.sh: $out holds something else than a site" >&2
  exit 1
fi
find "$out" -mindepth 1 -delete
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
cd "$root"
lua5.4 doc/site/reference.lua "$root" "$pages"
lua5.4 doc/site/site.lua "$root" "$out" "$pages"
lua5.4 doc/site/links.lua "$out"
if command -v codespell >/dev/null; then
  codespell README.md CHANGELOG.md doc library src/gpumm.h src/gpumm_lua.h src/gpumm_compat.h src/gpumm.hpp
fi

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the libraries show to a linker, and what they need: gpumm's own names alone (of Lua modules luaopen_gpumm… too),
# libc and its kin alone. INSTRUMENTED is what coverage links in.
#   symbols_test.sh names FILE…      archives, shared libraries and modules
#   symbols_test.sh needs FILE…      shared libraries and modules
#   symbols_test.sh alone FOLDER     the gpumm.so of that folder runs where libpng and zlib are broken
set -euo pipefail
what=$1
shift
instrumented=${INSTRUMENTED:-^$}
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "symbols test: $*" >&2; exit 1; }

names() {
  local option=-g
  case $1 in *.so) option=-D ;; esac
  nm "$option" --defined-only "$1" | awk 'NF >= 3 { print $3 }' | grep -Ev "$instrumented" | sort -u
}

check_names() {
  local own='^gpumm_' strangers
  case $1 in *gpumm.so | *gpumm_*) own='^(gpumm_|luaopen_gpumm)' ;; esac
  case $1 in *libgpumm.so) own='^gpumm_' ;; esac
  [ -n "$(names "$1")" ] || fail "$1 shows nothing"
  strangers=$(names "$1" | grep -Ev "$own" || true)
  [ -z "$strangers" ] || fail "$1 shows" $strangers
}

check_needs() {
  local strangers
  strangers=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -Ev '^(libc|libm|libdl|libpthread|libgpumm|ld-linux[a-z0-9_-]*)\.so' || true)
  [ -z "$strangers" ] || fail "$1 needs" $strangers
}

# Files of these names that are no libraries: what asks for them cannot be loaded.
check_alone() {
  broken=$(mktemp -d)
  trap 'rm -rf "$broken"' EXIT
  for library in $(ldd "$1/gpumm_layout.so" | awk '/libpng|libz/ { print $1 }'); do : >"$broken/$library"; done
  [ -n "$(ls "$broken")" ] || fail "gpumm_layout.so needs neither libpng nor zlib"
  LUA_CPATH="$1/?.so" LD_LIBRARY_PATH=$broken lua5.4 "$here/smoke.lua"
  LUA_CPATH="$1/?.so" LD_LIBRARY_PATH=$broken lua5.4 -e '
    local gpumm = require "gpumm"
    local ok, why = pcall(function() return gpumm.graph end)
    assert(not ok and why:find("gpumm_layout", 1, true) and why:find("gpumm-layout", 1, true), why)
    gpumm.npy.write("/dev/null", gpumm.view("f32", { 1, 2 }))'
}

case $what in
names) for file; do check_names "$file"; done ;;
needs) for file; do check_needs "$file"; done ;;
alone) check_alone "$1" ;;
*) fail "what is $what?" ;;
esac

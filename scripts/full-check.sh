#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The checks that take too long, or need too many tools, for every run of the tests. Each is a part:
#   scripts/full-check.sh                all parts
#   scripts/full-check.sh format lto     these parts
#   format     C files are as .clang-format (version 14) has them
#   shell      shellcheck of the scripts
#   commits    subjects are "area: what" within 72 columns, since CONTRIBUTING.md exists
#   rockspec   luarocks lint
#   structure  the rules of the source tree (spec/structure.lua)
#   lua55      every Lua file compiles with Lua 5.5 too (scripts/lua55.py; the PyPI package lupa)
#   lto        built with -flto, the libraries show gpumm_ names alone, and a program links and runs
#   functions  lines by folder, functions over 30 lines (listed) and over 60 (an error)
#   large      primitives of 10^8 elements, against plain references
#   sanitize   every test under Clang's address and undefined-behaviour sanitizers, and what test.sh leaves out under
#              the thread sanitizer
# A tool that is missing fails its part, with the name of its Debian package. GPUMM_INSTALL=1 installs them first.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

all="format shell commits rockspec structure lua55 lto functions large sanitize"
parts=${*:-$all}
for part in $parts; do
  [[ " $all " == *" $part "* ]] || { echo "full-check.sh: there is no part '$part'; there are: $all" >&2; exit 2; }
done
[ -z "${GPUMM_INSTALL:-}" ] || scripts/setup.sh full || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

needs() { # command, Debian package
  command -v "$1" >/dev/null && return
  echo "missing: $1 (apt-get install $2)"
  return 1
}
jobs() { nproc; }

check_format() {
  needs clang-format-14 clang-format-14 || return
  find src spec examples \( -name '*.[ch]' -o -name '*.cpp' \) -print0 | xargs -0 clang-format-14 --dry-run -Werror
}

check_shell() {
  needs shellcheck shellcheck || return
  shellcheck --severity=warning scripts/*.sh spec/*.sh .ci/run
}

check_commits() {
  needs git git || return
  git rev-parse --git-dir >/dev/null 2>&1 || { echo "this is no git checkout"; return 1; }
  local first bad
  first=$(git log --diff-filter=A --format=%h -- CONTRIBUTING.md | tail -n 1)
  bad=$(git log --no-merges --format='%h %s' "${first:-HEAD}..HEAD" |
    awk '{ subject = substr($0, length($1) + 2) } length(subject) > 72 || subject !~ /^[a-z][a-z0-9_\/, -]*: ./')
  [ -z "$bad" ] || { echo "not 'area: what' within 72 columns:"; echo "$bad"; return 1; }
}

check_rockspec() {
  needs luarocks luarocks || return
  local rockspec
  for rockspec in *.rockspec; do luarocks lint "$rockspec" || return; done
}

check_structure() {
  needs lua5.4 lua5.4 || return
  lua5.4 spec/structure.lua
}

check_lua55() {
  python3 -c 'import lupa.lua55' 2>/dev/null || { echo "missing: the Python module lupa (pip install lupa)"; return 1; }
  python3 scripts/lua55.py
}

# The names that a library shows and that are neither gpumm's nor a Lua module's entry.
strangers() { nm "$@" --defined-only 2>/dev/null | awk 'NF >= 3 { print $3 }' | grep -Ev '^(gpumm_|luaopen_gpumm)'; }

check_lto() {
  needs cmake cmake && needs cc gcc || return
  local build=build-lto library names
  cmake -S . -B $build -DGPUMM_TESTS=OFF -DCMAKE_C_FLAGS=-flto=auto && cmake --build $build -j "$(jobs)" || return
  names=$(strangers -g $build/libgpumm.a)
  [ -z "$names" ] || { echo "libgpumm.a shows:" $names; return 1; }
  for library in $build/*.so; do
    names=$(strangers -D "$library")
    [ -z "$names" ] || { echo "$library shows:" $names; return 1; }
  done
  cat >"$work/program.c" <<'END'
#include <gpumm.h>
#include <stdio.h>
int main(void) {
    gpumm_manager *m;
    if (gpumm_manager_open(&(gpumm_options){.device = "host"}, &m)) return puts(gpumm_message()), 1;
    gpumm_manager_release(m);
    return 0;
}
END
  cc -Isrc "$work/program.c" $build/libgpumm.a -o "$work/program" -lm -ldl -pthread && "$work/program"
}

# name, file, lines: of every C function.
functions() {
  ctags -R --languages=C --kinds-C=f --fields=+ne -o - src 2>/dev/null |
    sed -nE 's/^([^\t]+)\t([^\t]+)\t.*\tline:([0-9]+).*\tend:([0-9]+).*/\1 \2 \3 \4/p' | awk '{ print $1, $2, $4 - $3 + 1 }'
}

count_lines() {
  printf '%-14s %6s %8s %8s\n' folder files lines code
  local folder
  for folder in src/* lua; do
    [ -d "$folder" ] || continue
    find "$folder" -type f -print0 | xargs -0 awk -v folder="$folder" '
      FNR == 1 { files++; comment = 0 }
      { lines++ }
      /^[ \t]*$/ { next }
      /^[ \t]*(--|\/\/|\/\*.*\*\/[ \t]*$)/ { next }
      /^[ \t]*\/\*/ { comment = 1 }
      comment { if (/\*\//) comment = 0; next }
      { code++ }
      END { printf "%-14s %6d %8d %8d\n", folder, files, lines, code }'
  done
}

check_functions() {
  count_lines
  needs ctags universal-ctags || return
  ctags --version | grep -q Universal || { echo "missing: Universal Ctags (apt-get install universal-ctags)"; return 1; }
  functions >"$work/functions"
  awk '{ n++; sum += $3 } $3 > 30 { long++ } END { printf "%d functions, %.1f lines each, %d over 30\n", n, sum / n, long }' \
    "$work/functions"
  sort -k3nr "$work/functions" | awk '$3 > 30 { printf "  %3d  %s  %s\n", $3, $1, $2 }'
  ! awk '$3 > 60' "$work/functions" | grep . >"$work/too-long" || { echo "over 60 lines:"; cat "$work/too-long"; return 1; }
}

check_large() {
  needs cmake cmake || return
  local build=build-large
  cmake -S . -B $build && cmake --build $build -j "$(jobs)" --target c_primitives || return
  [ "$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)" -gt 6000000 ] || { echo "skipped: this takes 6 GB of memory"; return; }
  GPUMM_PRIMITIVES_MOST=100000000 $build/spec/c_primitives
}

check_sanitize() {
  needs clang clang && needs clang++ clang && needs cmake cmake || return
  local build=build-clang
  cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DGPUMM_SANITIZE=address \
    && cmake --build $build -j "$(jobs)" || return
  (cd $build && ctest --no-tests=error --output-on-failure -j "$(jobs)") || return
  cmake -S . -B build-tsan -DGPUMM_SANITIZE=thread && cmake --build build-tsan -j "$(jobs)" || return
  (cd build-tsan && ctest --no-tests=error --output-on-failure -j "$(jobs)" -L '^long$')
}

failed=0
summary=
for part in $parts; do
  echo "== $part"
  start=$SECONDS
  if "check_$part" >"$work/$part.log" 2>&1; then
    result=ok
    [ "$part" != functions ] || cat "$work/$part.log"
  else
    result=FAILED failed=1
    tail -n 40 "$work/$part.log"
  fi
  summary+=$(printf '%-7s %-10s %4d s' $result "$part" $((SECONDS - start)))$'\n'
done
echo "== summary"
printf '%s' "$summary"
exit $failed

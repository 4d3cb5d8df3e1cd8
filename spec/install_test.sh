#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs into an empty prefix and uses what lies there as others would: a consumer by find_package, one by
# pkg-config, the module under the stock interpreter, gpumm-run, the man page; then the same from the unpacked .deb.
# LDFLAGS are those that an instrumented build needs. Also looks at every symbol that the libraries show.
#   install_test.sh BUILD-FOLDER SOURCE-FOLDER
set -euo pipefail
build=$(cd "$1" && pwd)
source=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GPUMM_DEVICE=${GPUMM_DEVICE:-host} GPUMM_CACHE_DIR=${GPUMM_CACHE_DIR:-$work/kernels}
unset LUA_PATH LUA_CPATH LUA_PATH_5_4 LUA_CPATH_5_4 LUA_INIT PKG_CONFIG_PATH CMAKE_PREFIX_PATH

fail() { echo "install test: $*" >&2; exit 1; }
step() { echo "-- $*"; }
find_one() { # folder, name
  local found
  found=$(find "$1" -name "$2" -print -quit)
  [ -n "$found" ] || fail "no $2 under $1"
  printf '%s\n' "$found"
}

step "install into an empty prefix"
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install"; }
libdir=$(dirname "$(find_one "$prefix" libgpumm.so)")
for file in include/gpumm.h include/gpumm.hpp include/gpumm_compat.h include/gpumm_lua.h bin/gpumm-run bin/gpumm-layout lib/lua/5.4/gpumm.so lib/lua/5.4/gpumm_layout.so share/man/man1/gpumm-run.1 share/doc/gpumm/LICENSE; do
  [ -s "$prefix/$file" ] || fail "$file is missing"
done
for name in libgpumm.so.0.2 libgpumm.a libgpumm_lua.a libgpumm_layout.a libgpumm_lua.so gpummConfig.cmake gpummConfigVersion.cmake gpumm.pc gpumm-lua.pc; do
  find_one "$libdir" "$name" >/dev/null
done
if [ -f "$build/gpumm-vulkan.pc" ]; then
  for name in libgpumm_vulkan.so gpummVulkanTargets.cmake gpumm-vulkan.pc; do find_one "$libdir" "$name" >/dev/null; done
  [ -s "$prefix/include/gpumm_vulkan.h" ] || fail "include/gpumm_vulkan.h is missing"
fi
if grep -rIl --exclude-dir=examples -e "$build" -e "$source" "$prefix" >"$work/paths"; then
  cat "$work/paths"
  fail "these files name the build's or the source's folder"
fi
if readelf -d "$prefix/bin/gpumm-run" "$libdir"/*.so "$prefix"/lib/lua/5.4/*.so | grep -E "R(UN)?PATH" | grep -F "$build"; then
  fail "an installed file looks for libraries in the build folder"
fi

step "symbols"
instrumented='^$'
[ -z "${LDFLAGS:-}" ] || instrumented='^__gcov\|^mangle_path$' # what --coverage links in
exported() { nm -D --defined-only "$1" | awk 'NF >= 3 { print $3 }' | grep -v "$instrumented"; }
[ -z "$(exported "$libdir/libgpumm.so" | grep luaopen || true)" ] || fail "libgpumm.so knows Lua"
# Every function of the headers is there.
declared() { grep -oE '\bgpumm_[a-z0-9_]+\(' "$1" | tr -d '(' | sort -u; }
{ exported "$libdir/libgpumm.so"; exported "$libdir/libgpumm_lua.so"; exported "$prefix/lib/lua/5.4/gpumm_layout.so"; } | sort -u >"$work/there"
for header in gpumm.h gpumm_compat.h gpumm_lua.h; do
  cpp -fpreprocessed -dD -P "$prefix/include/$header" 2>/dev/null >"$work/$header" # without comments
  missing=$(grep -E '^GPUMM_API|^ ' "$work/$header" | tr -d '\n' | sed 's/GPUMM_API/\n/g' | grep -oE '^[^;(]*\(' |
    grep -oE 'gpumm_[a-z0-9_]+\($' | tr -d '(' | sort -u | comm -23 - "$work/there")
  [ -z "$missing" ] || fail "$header declares, and no library has: $missing"
done

# ---- Consumers -------------------------------------------------------------------------------

consumer=$work/consumer
mkdir -p "$consumer"
cat >"$consumer/c.c" <<'END'
#include <gpumm.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    gpumm_manager *m;
    gpumm_buffer *b;
    gpumm_type *f32;
    float in[3] = {1, 2, 3}, out[3] = {0};
    if (gpumm_manager_open(NULL, &m) || gpumm_type_parse("f32", &f32)) return puts(gpumm_message()), 1;
    gpumm_buffer_options options = {.name = "x", .type = f32, .length = 3};
    if (gpumm_manager_allocate(m, &options, &b) || gpumm_buffer_upload(b, NULL, 0, 3, in) ||
        gpumm_buffer_download(b, NULL, 0, 3, out) || memcmp(in, out, sizeof in))
        return puts(gpumm_message()), 1;
    gpumm_type_release(f32);
    gpumm_buffer_close(b);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
    return strcmp(gpumm_version(), GPUMM_VERSION);
}
END
cat >"$consumer/lua.c" <<'END'
#include <gpumm_lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
/* One gpumm in the process: an object made in C is Lua's too, and the message of a failure is the thread's one. */
int main(int argc, char **argv) {
    gpumm_manager *m;
    gpumm_buffer *none;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (argc < 2 || gpumm_manager_open(NULL, &m)) return puts(gpumm_message()), 1;
    gpumm_lua_push_manager(L, m, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "m");
    lua_pushstring(L, argv[1]);
    lua_setglobal(L, "cpath");
    if (luaL_dostring(L, "package.cpath = cpath\n"
                         "local gpumm = require 'gpumm'\n"
                         "local b = m:allocate('theirs', 'f32', 2); b:upload { 5, 6 }\n"
                         "assert(b:download()[2] == 6 and require 'gpumm.graph')\n"
                         "local ok, why = pcall(b.fill, b, 1, 5, 9)\n"
                         "assert(not ok and why:find 'theirs', why)\n"
                         "local it, message = m:get_buffer 'nothing'\n"
                         "assert(it == nil and message:find 'nothing', message)")) {
        puts(lua_tostring(L, -1));
        return 1;
    }
    lua_getglobal(L, "m");
    if (gpumm_lua_find_buffer(L, -1, "elsewhere", &none) != GPUMM_NOT_FOUND) return 1;
    puts(gpumm_message());
    lua_close(L);
    gpumm_manager_release(m);
    return 0;
}
END
cat >"$consumer/layout.c" <<'END'
#include <gpumm_lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
/* Everything linked statically: the layouts are opened by the application, for a contained state too. */
int main(void) {
    lua_State *L;
    if (gpumm_lua_sandbox_open(NULL, &L)) return puts(gpumm_message()), 1;
    gpumm_lua_open_layout(L);
    if (luaL_dostring(L, "assert(gpumm.graph.new(3, { 1, 2 }, { 2, 3 }).edges == 2 and gpumm.image and gpumm.inflate)"))
        return puts(lua_tostring(L, -1)), 1;
    gpumm_lua_sandbox_close(L);
    if (gpumm_lua_sandbox_open(NULL, &L)) return puts(gpumm_message()), 1;
    if (!luaL_dostring(L, "return gpumm.graph")) return puts("gpumm.graph came from nowhere"), 1;
    puts(lua_tostring(L, -1));
    gpumm_lua_sandbox_close(L);
    return 0;
}
END
cat >"$consumer/cpp.cpp" <<'END'
#include <gpumm.hpp>
#include <gpumm_lua.h>
#include <lua.hpp>
int main() {
    const auto position = gpumm::type::parse("f32x3");
    if (position.value().size() != 12) return 1;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    gpumm_lua_open(L);
    lua_close(L);
    return gpumm_status_named("BUSY") == GPUMM_BUSY ? 0 : 1;
}
END
cat >"$consumer/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C CXX)
find_package(gpumm 0.2 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
add_executable(c c.c)
target_link_libraries(c PRIVATE gpumm::gpumm)
add_executable(static c.c)
target_link_libraries(static PRIVATE gpumm::gpumm_static)
add_executable(lua lua.c)
target_link_libraries(lua PRIVATE gpumm::lua PkgConfig::LUA)
add_executable(layout layout.c)
target_link_libraries(layout PRIVATE gpumm::layout_static PkgConfig::LUA)
add_executable(cpp cpp.cpp)
target_link_libraries(cpp PRIVATE gpumm::lua PkgConfig::LUA)
if(TARGET gpumm::vulkan)
  add_executable(vulkan vulkan.c)
  target_link_libraries(vulkan PRIVATE gpumm::vulkan)
endif()
file(WRITE ${CMAKE_BINARY_DIR}/cpath "${gpumm_LUA_CPATH}")
END
cat >"$consumer/vulkan.c" <<'END'
#include <gpumm_vulkan.h>
int main(void) {
    gpumm_vulkan *v;
    gpumm_vulkan_options options = {.size = sizeof options};
    return gpumm_vulkan_open(&options, &v) == GPUMM_INVALID_ARGUMENT && gpumm_vulkan_message()[0] ? 0 : 1;
}
END

try_consumers() { # prefix, the folder of its libraries
  local at=$1 libraries=$2 out
  out=$(mktemp -d -p "$work")
  cmake -S "$consumer" -B "$out" -DCMAKE_PREFIX_PATH="$at" -DCMAKE_C_FLAGS=-Wall\ -Werror >"$out.log" 2>&1 &&
    cmake --build "$out" >>"$out.log" 2>&1 || { cat "$out.log"; fail "the find_package consumer does not build"; }
  "$out/c" && "$out/static" && "$out/cpp" || fail "a find_package consumer failed"
  [ ! -f "$build/gpumm-vulkan.pc" ] || "$out/vulkan" || fail "the consumer of gpumm::vulkan failed"
  [ "$(cat "$out/cpath")" = "$at/lib/lua/5.4/?.so" ] || fail "gpumm_LUA_CPATH is $(cat "$out/cpath")"
  "$out/lua" "$(cat "$out/cpath")" | grep -q elsewhere || fail "the gpumm::lua consumer failed"
  "$out/layout" | grep -q 'gpumm_layout, which was not opened' || fail "the gpumm::layout_static consumer failed"
  if ldd "$out/static" "$out/layout" | grep -q libgpumm; then fail "the static consumer needs libgpumm.so"; fi

  export PKG_CONFIG_PATH=$libraries/pkgconfig
  [ "$(pkg-config --modversion gpumm)" = 0.2.0 ] || fail "gpumm.pc has another version"
  # shellcheck disable=SC2046
  cc -Wall -Werror "$consumer/c.c" -o "$out/pc" $(pkg-config --cflags --libs gpumm) ${LDFLAGS:-}
  # shellcheck disable=SC2046
  cc -Wall -Werror "$consumer/lua.c" -o "$out/pc-lua" $(pkg-config --cflags --libs gpumm-lua lua5.4) ${LDFLAGS:-}
  LD_LIBRARY_PATH=$libraries "$out/pc" || fail "the pkg-config consumer failed"
  LD_LIBRARY_PATH=$libraries "$out/pc-lua" "$at/lib/lua/5.4/?.so" >/dev/null || fail "the gpumm-lua consumer failed"
  unset PKG_CONFIG_PATH
}

try_scripts() { # prefix
  local at=$1
  (cd / && LUA_CPATH="$at/lib/lua/5.4/?.so" lua5.4 "$source/spec/smoke.lua") || fail "the module under lua5.4"
  cat >"$work/simulation.lua" <<'END'
local gpumm = require "gpumm"
assert(arg[1] == "word" and require "gpumm.growth" == gpumm.growth)
return gpumm.simulation {
    b = gpumm.buffer { type = "f32", length = 4 },
    watch = gpumm.readback { "b", every = 1 },
    steps = 3,
    step = function(sim, i) sim.b:fill(i) end,
    finish = function(_, last) print("last", last.step, last.b[4]) end,
}
END
  (cd / && LUA_CPATH="$at/lib/lua/5.4/?.so" lua5.4 -e 'assert(require "gpumm.graph".new(2, { 1 }, { 2 }).edges == 1)') ||
    fail "the layouts under lua5.4"
  [ "$(cd / && "$at/bin/gpumm-run" --quiet "$work/simulation.lua" word)" = "$(printf 'last\t3\t3.0')" ] || fail "gpumm-run"
  "$at/bin/gpumm-run" --version | grep -q 'gpumm-run 0.2.0' || fail "gpumm-run --version"
}

step "consumers by find_package and pkg-config"
try_consumers "$prefix" "$libdir"
step "the examples, as the start of a project"
cp -r "$prefix/share/gpumm/examples" "$work/start"
[ ! -e "$work/start/embed/CMakeLists.txt" ] || fail "the build's own CMakeLists.txt is installed"
cmake -S "$work/start" -B "$work/start/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/start.log" 2>&1 &&
  cmake --build "$work/start/build" >>"$work/start.log" 2>&1 &&
  (cd "$work/start/build" && ctest --no-tests=error --output-on-failure) >>"$work/start.log" 2>&1 ||
  { cat "$work/start.log"; fail "the installed examples"; }
for test in plain application my_layout; do
  grep -q " $test \.* *Passed" "$work/start.log" || fail "the installed examples have no test $test"
done
step "lua5.4 and gpumm-run"
try_scripts "$prefix"

step "the man page names every option"
sed 's/\\-/-/g' "$prefix/share/man/man1/gpumm-run.1" >"$work/manual"
for option in $("$prefix/bin/gpumm-run" --help | grep -oE '^ +--[a-z-]+|, --[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u); do
  grep -qF -- "$option" "$work/manual" || fail "the man page does not know $option"
done
if command -v man >/dev/null; then
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$prefix/share/man/man1/gpumm-run.1" 2>&1 >/dev/null)
  [ -z "$warnings" ] || fail "the man page: $warnings"
fi

step "the .deb"
if command -v dpkg-deb >/dev/null && command -v cpack >/dev/null; then
  (cd "$build" && cpack -G DEB -B "$work/deb") >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; fail "cpack"; }
  live=
  [ ! -e "$build/gpumm_live.so" ] || live=gpumm-live
  vulkan=
  [ ! -e "$build/gpumm-vulkan.pc" ] || vulkan=gpumm-vulkan
  for package in gpumm gpumm-layout $live $vulkan gpumm-run; do
    deb=$(find_one "$work/deb" "${package}_0.2.0_*.deb")
    dpkg-deb --field "$deb" Package Version Depends
    dpkg-deb --extract "$deb" "$work/root"
  done
  if dpkg-deb --field "$work"/deb/gpumm_0.2.0_*.deb Depends | grep -E 'png|zlib|lua'; then
    fail "the runtime's package needs more than libc"
  fi
  dpkg-deb --field "$work"/deb/gpumm-layout_0.2.0_*.deb Depends | grep -q 'gpumm (= 0.2.0)' || fail "gpumm-layout does not depend on gpumm"
  # A Lua that no package brought is none that a package can depend on.
  lua=$(ldd "$build/gpumm-run" | awk '/liblua/ { print $3 }')
  if dpkg -S "$lua" >/dev/null 2>&1 || dpkg -S "$(realpath "$lua")" >/dev/null 2>&1; then
    dpkg-deb --field "$work"/deb/gpumm-run_0.2.0_*.deb Depends | grep -q 'liblua5.4-0' || fail "gpumm-run does not depend on Lua"
  fi
  [ "$(dpkg-deb --field "$deb" Homepage)" = https://github.com/gpumm/gpumm ] || fail "the package has no homepage"
  libraries=$(dirname "$(find_one "$work/root/usr" libgpumm.so)")
  try_consumers "$work/root/usr" "$libraries"
  try_scripts "$work/root/usr"
  if [ "$(id -u)" -eq 0 ] && [ -n "${GPUMM_INSTALL_DEB:-}" ]; then # on a machine of one's own
    rm -f "$work"/deb/gpumm-mpi_*.deb # its libraries may not be packages here
    dpkg -i "$work"/deb/*.deb
    (cd / && lua5.4 "$source/spec/smoke.lua" && gpumm-run --version)
    dpkg -r gpumm-layout $live gpumm-run gpumm
  fi
else
  echo "skipped: no dpkg-deb or cpack here"
fi
echo "installed, and used from everywhere"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# gpumm as part of another project, by add_subdirectory and by FetchContent: its targets are there under the names of
# find_package, and the project has its own build type, flags, options, tests and install rules, as without gpumm. Nothing of gpumm
# is compiled here.
#   subproject_test.sh SOURCE-FOLDER
set -euo pipefail
source=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "subproject test: $*" >&2; exit 1; }

cat >"$work/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(parent C)
enable_testing()
set(own COMPILE_OPTIONS COMPILE_DEFINITIONS LINK_OPTIONS INCLUDE_DIRECTORIES LINK_LIBRARIES)
set(variables CMAKE_BUILD_TYPE CMAKE_C_FLAGS CMAKE_C_STANDARD CMAKE_C_EXTENSIONS CMAKE_POSITION_INDEPENDENT_CODE
    CMAKE_C_VISIBILITY_PRESET CMAKE_INSTALL_PREFIX CMAKE_MODULE_PATH BUILD_SHARED_LIBS BUILD_TESTING LUA_INCLUDE_DIR PROJECT_NAME)
macro(remember to)
  set(${to} "")
  foreach(name IN LISTS own)
    get_directory_property(value ${name})
    list(APPEND ${to} "${name}=${value}")
  endforeach()
  foreach(name IN LISTS variables)
    list(APPEND ${to} "${name}=${${name}}")
  endforeach()
endmacro()
remember(before)
get_cmake_property(known CACHE_VARIABLES)
if(FETCH)
  include(FetchContent)
  FetchContent_Declare(gpumm SOURCE_DIR ${GPUMM_SOURCE})
  FetchContent_MakeAvailable(gpumm)
else()
  add_subdirectory(${GPUMM_SOURCE} gpumm)
endif()
remember(after)
if(NOT before STREQUAL after)
  message(FATAL_ERROR "changed:\n${before}\n${after}")
endif()
get_cmake_property(new CACHE_VARIABLES)
list(REMOVE_ITEM new ${known})
list(FILTER new EXCLUDE REGEX "^(GPUMM_|gpumm_|pkgcfg_|PKG_CONFIG_|__pkg_config_|FIND_PACKAGE_|FETCHCONTENT_|CUDA|prefix_result|CMAKE_|_CMAKE_)")
if(new)
  message(FATAL_ERROR "these options are the parent's now: ${new}")
endif()
add_executable(own own.c)
foreach(target gpumm gpumm_static lua lua_static)
  if(NOT TARGET gpumm::${target})
    message(FATAL_ERROR "there is no gpumm::${target}")
  endif()
  add_executable(with_${target} EXCLUDE_FROM_ALL own.c)
  target_link_libraries(with_${target} PRIVATE gpumm::${target})
endforeach()
install(TARGETS own)
add_test(NAME own COMMAND own)
END
echo 'int main(void) { return 0; }' >"$work/own.c"

for fetch in OFF ON; do
  out=$work/build-$fetch
  cmake -S "$work" -B "$out" -DFETCH=$fetch -DGPUMM_SOURCE="$source" -DGPUMM_LAYOUT=off -DGPUMM_LIVE=off -DGPUMM_MPI=off \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$out.log" 2>&1 || { cat "$out.log"; fail "FETCH=$fetch: cmake"; }
  [ "$fetch" = OFF ] || break
  # All of the project, and nothing of gpumm, since nothing of all links it.
  cmake --build "$out" >"$out.log" 2>&1 || { cat "$out.log"; fail "build"; }
  [ -z "$(find "$out/gpumm" -name '*.o' -o -name '*.so*' -o -name '*.a')" ] || fail "all of the project builds gpumm"
  cmake --install "$out" --prefix "$work/prefix" >"$out.log" || fail "install"
  [ "$(cd "$work/prefix" && find . -type f)" = ./bin/own ] || fail "installed too: $(find "$work/prefix" -type f)"
  [ "$(cd "$out" && ctest -N | sed -n 's/^Total Tests: //p')" = 1 ] || fail "tests of gpumm's are the project's"
  grep '"command".*own\.c' "$out/compile_commands.json" >"$work/commands"
  if grep -E -- ' -(W|std|O|g|f[^ ]*|D[^ ]*)' "$work/commands"; then fail "gpumm's flags are the project's"; fi
  [ "$(grep -c -- "-I$source/src .*with_" "$work/commands")" = 4 ] || fail "the headers are not found by all targets"
done
echo "a part of another project, which stays what it was"

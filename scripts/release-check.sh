#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a release's packages must do, in Debian 12 chroots of this script's own: they are built twice in different folders with the same
# bytes, pass lintian without errors, and install and work on a bare system; and gpumm is cross-built for aarch64, its C tests run
# under qemu-user. Not in CI: it needs root, debootstrap, a Debian mirror and up to an hour.
#   scripts/release-check.sh [FOLDER [PART…]]     FOLDER: where the chroots are kept (GBs), .release-check in TMPDIR unless given;
#                                                 PART: packages, install, aarch64; all of them unless given
# shellcheck disable=SC2317 # functions are called by `part`
# Prints what was checked, in how many seconds, and what could not be for something that is missing: then it fails.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(realpath -m "${1:-${TMPDIR:-/tmp}/gpumm-release-check}")
shift $(($# < 1 ? $# : 1))
parts=${*:-packages install aarch64}
mirror=${GPUMM_MIRROR:-http://deb.debian.org/debian}
version=$(sed -n 's/^gpumm (\([^)]*\)).*/\1/p' "$root/debian/changelog" | head -n 1)

if [ "$(id -u)" != 0 ]; then
  echo "missing: root, for chroots: nothing is checked" >&2
  exit 1
fi
# Mounts are this process' own, and gone when it ends.
if [ -z "${GPUMM_OWN_MOUNTS:-}" ]; then
  GPUMM_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$work" "$@"
fi
mkdir -p "$work"

outcomes=()
bad=0
note() { # OUTCOME SECONDS WHAT
  outcomes+=("$(printf '%-8s %5d s  %s' "$1" "$2" "$3")")
  [ "$1" = ok ] || [ "$1" = "left out" ] || bad=1
}
part() { # WHAT LOG COMMAND…: runs it, with its output in a log
  local what=$1 log=$work/$2.log begun=$SECONDS
  shift 2
  if "$@" >"$log" 2>&1; then
    note ok $((SECONDS - begun)) "$what"
  else
    note FAILED $((SECONDS - begun)) "$what: see $log"
    tail -n 5 "$log" >&2
    return 1
  fi
}
wanted() { [[ " $parts " = *" $1 "* ]]; }

finish() {
  echo
  printf '%s\n' "${outcomes[@]}"
  [ $bad = 0 ] && echo "release-check: gpumm $version passes" || echo "release-check: gpumm $version does not pass"
  exit $bad
}

# ---- Chroots -----------------------------------------------------------------------------------------

inside() { # CHROOT SCRIPT: bash in a chroot, with the environment of a build machine
  chroot "$work/$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive TERM=dumb bash -euo pipefail -c "$2"
}

bare() {
  [ -x "$work/bare/usr/bin/apt-get" ] || debootstrap --variant=minbase bookworm "$work/bare" "$mirror"
}

copy_of_bare() { # NAME: a chroot of that name, if there is none yet
  [ -d "$work/$1" ] || cp -a "$work/bare" "$work/$1"
  echo force-unsafe-io >"$work/$1/etc/dpkg/dpkg.cfg.d/unsafe-io" # a power cut may cost these chroots
}

mounts() { # NAME
  mountpoint -q "$work/$1/proc" || mount -t proc proc "$work/$1/proc"
  mountpoint -q "$work/$1/dev" || mount --rbind /dev "$work/$1/dev"
}

# Debian 12's own qemu-user keeps a record of every page of reserved address space: 6 MB for the 1 GiB that a buffer reserves. That of
# its backports does not.
builder() {
  copy_of_bare build
  mounts build
  echo "deb $mirror bookworm-backports main" >"$work/build/etc/apt/sources.list.d/backports.list"
  inside build "dpkg --add-architecture arm64; apt-get update -q
    apt-get install -q -y --no-install-recommends build-essential cmake debhelper fakeroot file gcc-aarch64-linux-gnu g++-aarch64-linux-gnu \
      libc6-dev:arm64 liblua5.4-dev liblua5.4-dev:arm64 libopenmpi-dev libpango1.0-dev libpng-dev libpng-dev:arm64 libwebsockets-dev \
      lintian lua-busted lua5.4 pkg-config qemu-user/bookworm-backports zlib1g-dev zlib1g-dev:arm64"
}

# The Toolkit's headers make the CUDA device; packages need nothing of it.
cuda() {
  local toolkit
  toolkit=$(realpath "${CUDA_PATH:-/usr/local/cuda}" 2>/dev/null)
  if [ ! -e "$toolkit/include/cuda.h" ]; then
    note missing 0 "a CUDA Toolkit: the packages have the host device alone"
    return
  fi
  mkdir -p "$work/build/usr/local/cuda"
  mountpoint -q "$work/build/usr/local/cuda" || mount --bind -o ro "$toolkit" "$work/build/usr/local/cuda"
}

# ---- Packages ----------------------------------------------------------------------------------------

source_to() { # FOLDER in the chroot of builds: what git has
  rm -rf "${work:?}/build/src/$1"
  mkdir -p "$work/build/src/$1/gpumm"
  git -C "$root" archive HEAD | tar -x -C "$work/build/src/$1/gpumm"
}

build_packages() { # FOLDER
  source_to "$1"
  inside build "cd /src/$1/gpumm; DEB_BUILD_OPTIONS=parallel=$(nproc) dpkg-buildpackage -b -us -uc"
}

same_bytes() {
  inside build "cd /src/one; sha256sum *.deb >/src/sums; cat /src/sums; cd /src/two/deeper; sha256sum --check /src/sums"
}

packages() {
  part "packages are built" build-one build_packages one || return
  part "the same in another folder" build-two build_packages two/deeper || return
  part "both have the same bytes" same same_bytes
  part "lintian finds no errors" lintian inside build "cd /src/one; lintian --allow-root --fail-on error ./*.changes"
}

# ---- A bare system --------------------------------------------------------------------------------------

install_all() {
  rm -rf "${work:?}/installed"
  copy_of_bare installed
  mounts installed
  mkdir -p "$work/installed/debs"
  find "$work/build/src/one" -name '*.deb' -not -name '*dbgsym*' -exec cp {} "$work/installed/debs/" \;
  inside installed "apt-get update -q; apt-get install -q -y --no-install-recommends /debs/*.deb lua5.4"
}

use_all() {
  inside installed '
    gpumm-run --version
    cd /tmp
    cat >sum.lua <<END
local gpumm = require "gpumm"
local m <close> = assert(gpumm.manager { device = "auto" })
local b, sum = m:buffer { type = "u32", length = 1000 }, m:buffer { type = "u32", length = 1 }
assert(b:fill(3) and m:reduce { from = b, to = sum, op = "sum" })
assert(sum:download()[1] == 3000)
gpumm.picture.write("p.svg", { positions = { { 0, 0 }, { 1, 1 } }, graph = gpumm.graph.new(2, { 1 }, { 2 }) })
assert(gpumm.live.open)
print "works"
END
    gpumm-run --quiet sum.lua
    lua5.4 sum.lua
    gpumm-run -e "assert(require [[gpumm.world]].open)"
    gpumm-run --quiet --describe /usr/share/gpumm/examples/growing.lua /usr/share/gpumm/examples/data/debian-sample.tsv
    test -s p.svg && test -s /usr/share/doc/gpumm-doc/doc/gallery.md && test -s /usr/share/man/man1/gpumm-run.1.gz'
}

develop() { # an application, with what the packages give
  inside installed '
    apt-get install -q -y --no-install-recommends gcc g++ cmake make pkg-config libc6-dev
    cp -r /usr/share/gpumm/examples /tmp/examples && cd /tmp/examples
    cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure --no-tests=error
    cd embed && gcc plain.c $(pkg-config --cflags --libs gpumm) -o plain && ./plain'
}

remove_all() {
  inside installed 'apt-get purge -q -y "*gpumm*"; left=$(find / -xdev -iname "*gpumm*" -not -path "/tmp/*" -not -path "/debs/*" \
    -not -path "/root/.cache/*" -not -path "/var/lib/apt/*" | head); [ -z "$left" ] || { echo "left: $left"; exit 1; }'
}

install() {
  part "they install on a bare Debian 12" install install_all || return
  part "they work there" use use_all
  part "an application is built with them" develop develop
  part "they go without a trace" remove remove_all
}

# ---- aarch64 -------------------------------------------------------------------------------------------

cross_build() {
  source_to arm
  inside build '
    cd /src/arm/gpumm
    export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
    cmake -S . -B build -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc \
      -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu \
      -DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64 -DGPUMM_CUDA=off -DGPUMM_MPI=off -DGPUMM_LIVE=off -DGPUMM_PANGO=off -DGPUMM_TESTS=ON
    make -C build -j'"$(nproc)"'
    file build/libgpumm.so.*.* | grep "ARM aarch64"'
}

# Kernels on the host are compiled by the cross compiler too, which knows no -march=native. Emulated tests take some ten times as long.
cross_tests() {
  mkdir -p "$work/build/src/arm/bin"
  cat >"$work/build/src/arm/bin/c++" <<'END'
#!/bin/bash
for word; do
  shift
  [ "$word" = -march=native ] || set -- "$@" "$word"
done
exec aarch64-linux-gnu-g++ "$@"
END
  chmod +x "$work/build/src/arm/bin/c++"
  inside build 'cd /src/arm/gpumm/build; export PATH=/src/arm/bin:$PATH
    find . -name CTestTestfile.cmake -exec sed -i "s/ TIMEOUT \"[0-9]*\"/ TIMEOUT \"3000\"/" {} +
    ctest -R "^(c|example)_" -E "^c_(fiber_ucontext|lua_statuses|sweep|embed_hooks|lua_alloc)$" -j'"$(nproc)"' --no-tests=error --output-on-failure'
}

aarch64() {
  part "aarch64 is cross-built" cross-build cross_build || return
  part "its C tests pass under qemu-user" cross-tests cross_tests
  note "left out" 0 "c_fiber_ucontext: to qemu-user every madvise is a success, also the one that makes guard pages"
  note "left out" 0 "c_lua_statuses: to qemu-user a limit of address space is a success, and none: what takes all that is left finds no end"
  note "left out" 0 "c_sweep, c_embed_hooks, c_lua_alloc: they took 20 GB under qemu-user 7.2, and are untried under that of the backports"
}

# ---- All of it ------------------------------------------------------------------------------------------

for tool in debootstrap git unshare; do
  command -v "$tool" >/dev/null || { note missing 0 "$tool (apt-get install $tool): nothing is checked"; finish; }
done
part "a bare Debian 12" debootstrap bare || finish
part "a chroot for builds" builder builder || finish
cuda
! wanted packages || packages
if wanted install; then
  if compgen -G "$work/build/src/one/*.deb" >/dev/null; then install; else note missing 0 "packages: nothing is installed"; fi
fi
! wanted aarch64 || aarch64
finish

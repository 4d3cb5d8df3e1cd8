#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the missing ones of the Debian packages that gpumm needs. Without root and without sudo it prints their names
# and fails.
#   scripts/setup.sh [run|test|full]     run: what the demo needs (default); test: also what the tests need; full: also
#                                        what scripts/full-check.sh needs
set -euo pipefail

packages=(gcc g++ cmake make pkg-config lua5.4 liblua5.4-dev libpng-dev zlib1g-dev libpango1.0-dev)
case "${1:-run}" in
  run) ;;
  test) packages+=(lua-busted lua-check lowdown codespell graphviz libwebsockets-dev python3-websockets libopenmpi-dev openmpi-bin libvulkan-dev glslang-tools) ;;
  full) packages+=(lua-busted lua-check lowdown codespell graphviz libwebsockets-dev python3-websockets libopenmpi-dev openmpi-bin libvulkan-dev glslang-tools mesa-vulkan-drivers lua-luv python3-numpy git clang clang-format-14 luarocks shellcheck universal-ctags) ;;
  *) echo "setup.sh: '$1' is not run, test or full" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
  sudo=()
elif command -v sudo >/dev/null; then
  sudo=(sudo)
else
  echo "gpumm needs these packages: ${missing[*]}" >&2
  echo "Ask someone with root to run: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the gallery's scripts with their usual inputs and makes the pictures of doc/gallery: 400 pixels wide, at most 40 KB each.
#   scripts/gallery-pictures.sh [BUILD [NAME…]]       BUILD: build; NAME: boids and so on, all unless given
# Needs the Debian packages librsvg2-bin, pngquant and optipng, chromium for the live page. It takes some minutes, and is not in CI.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
run=$(realpath "${1:-$root/build}")/gpumm-run
shift $(($# < 1 ? $# : 1))
for tool in rsvg-convert pngquant optipng; do
  command -v "$tool" >/dev/null || { echo "missing: $tool (apt-get install librsvg2-bin pngquant optipng)" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$root/doc/gallery
mkdir -p "$out"
export GPUMM_RUN=$run

# small NAME PICTURE: scales, and takes fewer colors until it is small enough.
small() {
  printf '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 %s %s"><image width="%s" height="%s" xlink:href="%s"/></svg>' \
    "$3" "$4" "$3" "$4" "$2" >"$work/frame.svg"
  rsvg-convert --unlimited -w 400 "$work/frame.svg" -o "$work/small.png"
  for colors in 256 128 64 32 16 8; do
    pngquant --force --speed 1 --nofs --output "$work/few.png" $colors "$work/small.png"
    optipng -quiet -o3 "$work/few.png"
    [ "$(stat -c %s "$work/few.png")" -gt 40960 ] || break
  done
  cp "$work/few.png" "$out/$1.png"
  echo "$1: $(stat -c %s "$out/$1.png") bytes, $colors colors"
}

size_of() { # of a PNG, from its header
  od -An -tu1 -j16 -N8 "$1" | awk '{ print $1*16777216 + $2*65536 + $3*256 + $4, $5*16777216 + $6*65536 + $7*256 + $8 }'
}

draw() { # NAME SCRIPT [words…]
  local name=$1 script=$root/examples/gallery/$2.lua
  shift 2
  case $name in
    histogram | readback_policies | budgets | growth_functions | memory_picture | trace)
      (cd "$work" && "$run" --quiet "$@" "$script" --out "$name.svg" >/dev/null)
      rsvg-convert -w 1200 "$work/$name.svg" -o "$work/$name.png" ;;
    live_page) look "$script" ;;
    *) (cd "$work" && "$run" --quiet "$@" "$script" --out "$name.png" >/dev/null) ;;
  esac
  # shellcheck disable=SC2046
  small "$name" "$work/$name.png" $(size_of "$work/$name.png")
}

look() { # at the live page, in Chromium
  "$run" --live --live-exit --rate 60 "$1" --steps 1500 >"$work/live.out" 2>&1 &
  local owner=$! url=
  while [ -z "$url" ] && kill -0 $owner; do
    sleep 0.2
    url=$(grep -o 'http://[^ ]*' "$work/live.out" | head -n 1 || true)
  done
  chromium --headless=new --no-sandbox --hide-scrollbars --user-data-dir="$work/profile" --enable-unsafe-swiftshader \
    --window-size=1000,750 --timeout=6000 --screenshot="$work/live_page.png" "$url" >"$work/chromium.log" 2>&1 || cat "$work/chromium.log"
  kill -INT $owner
  wait $owner || true
}

all=(particles/{boids,spatial_hash,nbody,sph,morton} fields/{reaction_diffusion,life,heat_mesh,wave,mandelbrot}
  primitives/{histogram,compaction} memory/{readback_policies,budgets,growth_functions,memory_picture}
  running/{recordings,trace,coroutines,live_page,two_processes} graphs/{reading,growing_tree,kcore,space})
for script in "${all[@]}"; do
  name=${script#*/}
  [ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
  if [ "$name" = budgets ]; then
    draw "$name" "$script" --limit 48MiB
  else
    draw "$name" "$script"
  fi
done

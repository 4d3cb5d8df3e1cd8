#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Opens a page that gpumm.page wrote in headless Chromium (Debian package chromium): saves a screenshot of each state that
# is asked for, and prints how long frames and the page's own work in them take while the view pans, how many draw calls a
# frame has, and how much memory it takes. Fails where WebGL takes more than 4 ms of script a frame (the median) or more
# than 6 draw calls. Not in CI, because timings depend on the machine.
#   scripts/look-at-page.sh PAGE.html [SHOT.png [STATE…]]     STATE as behind the # of the page's address: node=NAME,
#                                                              zoom=4, turn=30,20, degree=5-, frame=3; joined by &
# Without SHOT.png it is PAGE.shot.png; of a second state and so on, SHOT-2.png. GPUMM_PAINT=canvas does without
# WebGL, GPUMM_WINDOW=1600,1000 the size of the window.
set -euo pipefail
page=$(realpath "${1:?usage: scripts/look-at-page.sh PAGE.html [SHOT.png [STATE…]]}")
shot=$(realpath -m "${2:-${page%.html}.shot.png}")
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- ""
chromium=$(command -v chromium || command -v chromium-browser) || { echo "missing: chromium (apt-get install chromium)" >&2; exit 1; }
profile=$(mktemp -d)
browser=
finish() {
  if [ -n "$browser" ]; then
    kill "$browser" 2>/dev/null || true
    wait "$browser" 2>/dev/null || true
  fi
  rm -rf "$profile"
}
trap finish EXIT
flags=(--headless=new --hide-scrollbars --no-first-run --user-data-dir="$profile" --enable-unsafe-swiftshader
       --enable-precise-memory-info --window-size="${GPUMM_WINDOW:-1600,1000}")
[ "$(id -u)" != 0 ] || flags+=(--no-sandbox)
paint=${GPUMM_PAINT:-}

number=1
for state in "$@"; do
  to=$shot
  [ $number -eq 1 ] || to=${shot%.png}-$number.png
  timeout 120 "$chromium" "${flags[@]}" --virtual-time-budget=6000 --enable-logging=stderr --screenshot="$to" \
    "file://$page#$paint&$state" >"$profile/log" 2>&1 || { tail -n 5 "$profile/log" >&2; exit 1; }
  if grep -E 'CONSOLE.*(Error|WARNING: [0-9]+:|INVALID_)' "$profile/log" >&2; then
    echo "the page reports an error" >&2
    exit 1
  fi
  echo "screenshot: $to"
  number=$((number + 1))
done

"$chromium" "${flags[@]}" --remote-debugging-port=0 --enable-logging=stderr "file://$page#pan&$paint" \
  >"$profile/frames" 2>&1 &
browser=$!
for _ in $(seq 400); do
  if line=$(grep -o 'gpumm: [^"]*' "$profile/frames"); then
    echo "panning: ${line#gpumm: }"
    case $line in *canvas*) exit 0 ;; esac
    script=$(printf '%s' "$line" | sed -n 's/.*script median \([0-9.]*\) ms.*/\1/p')
    calls=$(printf '%s' "$line" | sed -n 's/.* \([0-9]*\) draw calls a frame.*/\1/p')
    if awk "BEGIN { exit !($script > 4 || $calls > 6) }"; then
      echo "a frame has more than 4 ms of script, or more than 6 draw calls" >&2
      exit 1
    fi
    exit 0
  fi
  kill -0 "$browser" 2>/dev/null || break
  sleep 0.25
done
echo "no frames were counted:" >&2
tail -n 5 "$profile/frames" >&2
exit 1

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Opens a page that gpumm.page wrote in headless Chromium (Debian package chromium): saves a screenshot, and prints how
# long frames take while the view pans, with the 95th percentile. Not in CI, because timings depend on the machine.
#   scripts/look-at-page.sh PAGE.html [SHOT.png]
# GPUMM_PAINT=canvas or webgl selects the painter, GPUMM_WINDOW=1600,1000 the size of the window.
set -euo pipefail
page=$(realpath "${1:?usage: scripts/look-at-page.sh PAGE.html [SHOT.png]}")
shot=$(realpath -m "${2:-${page%.html}.png}")
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
       --window-size="${GPUMM_WINDOW:-1600,1000}")
[ "$(id -u)" != 0 ] || flags+=(--no-sandbox)
hash=${GPUMM_PAINT:-}

timeout 120 "$chromium" "${flags[@]}" --virtual-time-budget=4000 --screenshot="$shot" "file://$page#$hash" \
  >"$profile/log" 2>&1 || { tail -n 5 "$profile/log" >&2; exit 1; }
echo "screenshot: $shot"

"$chromium" "${flags[@]}" --remote-debugging-port=0 --enable-logging=stderr "file://$page#pan,$hash" \
  >"$profile/frames" 2>&1 &
browser=$!
for _ in $(seq 240); do
  if line=$(grep -o 'gpumm: [^"]*' "$profile/frames"); then
    echo "panning: ${line#gpumm: }"
    exit 0
  fi
  kill -0 "$browser" 2>/dev/null || break
  sleep 0.25
done
echo "no frames were counted:" >&2
tail -n 5 "$profile/frames" >&2
exit 1

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one spec file and holds it to the number of successes that its first line promises, so that a file
# whose tests vanished, or are all pending, fails:   run-spec.sh GPUMM-RUN BUSTED FILE
#   -- successes: 12          in every build
#   -- successes: 12, gpu: 3  3 more where GPUMM_DEVICE=cuda; their count is printed as skipped elsewhere
#   -- successes: 12, luv: 1  1 more where that Lua module is; numpy: 1 where Python has it (GPUMM_PYTHON or python3);
#                             pango: 1 where pictures can have texts
run=$1 busted=$2 spec=$3
first=$(sed -n 1p "$spec")
wanted=$(printf '%s\n' "$first" | sed -n 's/^-- successes: \([0-9]*\).*/\1/p')
gpu=$(printf '%s\n' "$first" | sed -n 's/.*gpu: \([0-9]*\).*/\1/p')
if [ -z "$wanted" ]; then
  echo "$spec: its first line must be '-- successes: N'" >&2
  exit 1
fi
exclude="--exclude-tags=gpu"
if [ "$GPUMM_DEVICE" = cuda ]; then
  wanted=$((wanted + ${gpu:-0}))
  exclude=
elif [ -n "$gpu" ]; then
  echo "skipped: $gpu tests of $(basename "$spec") need a GPU"
fi
# The tests with this tag run where the command succeeds.
optional() {
  count=$(printf '%s\n' "$first" | sed -n "s/.*$1: \([0-9]*\).*/\1/p")
  [ -n "$count" ] || return 0
  tag=$1
  shift
  if "$@" >/dev/null 2>&1; then
    wanted=$((wanted + count))
  else
    echo "skipped: $count tests of $(basename "$spec") need $tag"
    exclude="$exclude --exclude-tags=$tag"
  fi
}
optional luv sh -c 'echo "require [[luv]]" | "$1" --quiet -' sh "$run"
optional pango sh -c 'echo "require [[gpumm]].picture.outputs { picture = [[/tmp/gpumm.pdf]] }" | "$1" --quiet -' sh "$run"
# A sanitized library is none that Python can load, and a GPU's arrays are not NumPy's.
optional numpy sh -c '[ -z "$GPUMM_SANITIZE" ] && [ "$GPUMM_DEVICE" != cuda ] && "$1" -c "import numpy"' sh "${GPUMM_PYTHON:-python3}"
# gpumm.live: the module, and a client of another make for Python, which may be the system's where python3 is another.
for python in "${GPUMM_PYTHON:-python3}" /usr/bin/python3; do
  "$python" -c 'import websockets' 2>/dev/null && GPUMM_PYTHON_WEBSOCKETS=$python && export GPUMM_PYTHON_WEBSOCKETS && break
done
optional websockets sh -c '[ -n "$GPUMM_PYTHON_WEBSOCKETS" ] && echo "return require [[gpumm]].live and nil" | "$1" --quiet -' sh "$run"
# A test that hangs is shown, with every process that it started, before ctest ends it (TIMEOUT 600).
"$(dirname "$0")/watchdog.sh" "${GPUMM_WATCHDOG:-480}" $$ &
dog=$!
output=$("$run" --quiet "$busted" --output=plainTerminal --helper=spec/helper.lua $exclude "$spec" 2>&1)
code=$?
kill "$dog" 2>/dev/null
wait "$dog" 2>/dev/null
printf '%s\n' "$output"
got=$(printf '%s\n' "$output" | sed -n 's/^\([0-9]*\) success[es]* \/ 0 failures \/ 0 errors \/ [0-9]* pending.*/\1/p' | tail -n 1)
if [ "$code" -ne 0 ] || [ "$got" != "$wanted" ]; then
  echo "$spec: $wanted successes are promised, got '${got:-none}', exit code $code" >&2
  exit 1
fi

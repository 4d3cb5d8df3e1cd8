#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a launcher until its ranks have ended:   run.sh SECONDS LAUNCHER…
# Says so and fails with 99 where a rank is left after so long. A launcher that is left without ranks is ended itself: Open MPI's
# can hang as it ends (PMIx 4.2), which is not what is tested.
limit=$((SECONDS + $1))
shift
"$@" </dev/null &
launcher=$!
trap 'kill -KILL $(ranks) "$launcher" 2>/dev/null' TERM

# The launcher's children that are no zombies.
ranks() {
  for child in $(cat /proc/$launcher/task/*/children 2>/dev/null); do
    grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$child/status" && echo "$child"
  done
}

begun='' gone=''
while grep -qs '^State:[[:space:]]*[^ZX[:space:]]' /proc/$launcher/status; do
  sleep 0.1
  left=$(ranks)
  if [ -n "$left" ]; then
    begun=yes gone=''
  elif [ -n "$begun" ]; then
    gone=${gone:-$SECONDS}
    [ $((SECONDS - gone)) -lt 4 ] || kill -KILL "$launcher" 2>/dev/null
  fi
  if [ $SECONDS -ge $limit ]; then
    echo "run.sh: not ended in time: $left"
    kill -KILL $left "$launcher" 2>/dev/null
    exit 99
  fi
done
wait "$launcher"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Watches a test's processes:   watchdog.sh SECONDS PID
# Where PID has not ended this after so long, shows every process below it with its threads and where they are, and ends
# them, so that the test fails with a reason. Ended itself (SIGTERM) it leaves nothing behind.
limit=$1 root=$2 own=$$
sleep "$limit" &
sleeper=$!
trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM
wait "$sleeper"

# The processes below $1, but this one, parents first.
below() {
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
    [ "$child" = "$own" ] && continue
    echo "$child"
    below "$child"
  done
}

# One line a thread; stacks where gdb may look.
show() {
  echo "---- process $1: $(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | cut -c 1-300)"
  for task in /proc/"$1"/task/*; do
    echo "  thread ${task##*/} $(cat "$task/comm" 2>/dev/null), $(sed -n 's/^State:[[:space:]]*//p' "$task/status" 2>/dev/null)," \
      "in $(cat "$task/wchan" 2>/dev/null), system call $(cut -d ' ' -f 1 "$task/syscall" 2>/dev/null)"
  done
  command -v gdb >/dev/null 2>&1 && timeout 30 gdb -q -batch -p "$1" -ex "thread apply all bt 25" 2>&1 | grep -E "^(#|Thread)"
}

processes=$(below "$root")
{
  echo "==== a test has not ended after $limit seconds; its processes:"
  for process in $processes; do show "$process"; done
  echo "==== they are ended now"
} >&2
for process in $processes; do kill -KILL "$process" 2>/dev/null; done

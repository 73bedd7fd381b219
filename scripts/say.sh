# How the scripts speak: one line a step, colour on a terminal only. Sourced.
# shellcheck shell=bash

say() {
  if [ -t 1 ]; then printf '\033[1m== %s\033[0m\n' "$*"; else printf '== %s\n' "$*"; fi
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# quietly LOG COMMAND...: runs a command with its output in a file, which is shown if it
# fails. On a terminal the seconds count up meanwhile.
quietly() {
  local log=$1 start=$SECONDS status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 &
  local pid=$!
  if [ -t 1 ]; then
    while kill -0 "$pid" 2>/dev/null; do
      printf '\r   %ds ' "$((SECONDS - start))"
      sleep 1
    done
    printf '\r          \r'
  fi
  wait "$pid" || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 60 "$log" >&2
    fail "'$*' failed with exit code $status; the whole output is in $log"
  fi
}

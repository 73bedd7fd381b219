#!/usr/bin/env bash
# Compares ttc with the reference package: every layer, and random models.
#   scripts/conformance.sh          what every change runs: 100 random models, new ones every day
#   scripts/conformance.sh --full   1,000 of them, every layout, the reference's own tests; writes
#                                   docs/conformance.md; then every layer, the zoo and events by
#                                   each schedule of test/conformance/schedules.py
# TTC_CONFORMANCE_MODELS=first,count in the environment chooses other random models.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

full=false
case "${1:-}" in
'') ;;
--full) full=true ;;
*) fail "scripts/conformance.sh takes --full or nothing, but was given '$1'" ;;
esac
python=.venv/bin/python
for built in $python build/bin/ttc build/lib/libttc_runtime.so; do
  [ -f "$built" ] || fail "'$built' is missing: run scripts/setup.sh and scripts/build.sh first"
done

if $full; then
  export TTC_CONFORMANCE_FULL=1
  : "${TTC_CONFORMANCE_MODELS:=$(($(date +%s) / 86400 * 1000)),1000}"
  export TTC_CONFORMANCE_MODELS
  if [ ! -f build/reference/tests/test_core.py ]; then
    say "Fetching the reference's own tests"
    mkdir -p build/reference
    quietly build/reference.log $python -m pip download --disable-pip-version-check --no-deps \
      --no-binary :all: --no-build-isolation --dest build/reference tracetorch==0.19.2
    tar -xzf build/reference/tracetorch-0.19.2.tar.gz -C build/reference --strip-components=1
  fi
  say "Conformance, all of it: it takes about an hour and a half"
else
  say "Conformance"
fi
status=0
$python -m pytest -q test/conformance -n 2 || status=$?
if $full; then
  $python scripts/conformance_table.py
  $python -c 'import sys; sys.path[:0] = ["python", "test/conformance"]
from schedules import SCHEDULES
print(*SCHEDULES, sep="\n")' >build/schedules.txt
  while read -r schedule; do
    say "Conformance by another schedule: $schedule"
    TTC_CONFORMANCE_SCHEDULE=$schedule $python -m pytest -q -n 2 -k 'not f64' \
      test/conformance/test_{table,zoo,events}.py </dev/null || status=$?
  done <build/schedules.txt
fi
exit "$status"

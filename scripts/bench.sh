#!/usr/bin/env bash
# Times ttc beside what else there is, and prints the table. bench/README.md says what is measured.
#   scripts/bench.sh [--cases 'a,b,b*,h,silent'] [--engines ttc,reference,...] [--quick]
#                    [--json FILE] [--markdown docs/performance.md] [--rounds N] [--core N]
# Most of the time goes to the compilers of PyTorch; what they make is kept for the next run.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
. "$home/scripts/say.sh"

[ -x "$home/.venv/bin/python" ] ||
  fail "'$home/.venv' is missing: run scripts/setup.sh, which makes it"
for built in "$home/build/bin/ttc" "$home/build/lib/libttc_runtime.so" \
  "${TTC_BENCH_LIBRARY:-$home/build/lib/libttc_bench.so}" \
  "${TTC_ROOFLINE:-$home/build/bin/ttc-roofline}"; do
  [ -f "$built" ] ||
    fail "'$built' is missing: run scripts/setup.sh and scripts/build.sh, which build it"
done
# Where the caller is, so that a relative FILE is the caller's.
exec "$home/.venv/bin/python" "$home/bench/run.py" "$@"

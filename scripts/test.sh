#!/usr/bin/env bash
# Sets up, builds and runs every test. Can be run again at the cost of the tests alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh
scripts/build.sh
python=.venv/bin/python

say "Source: format, dead tests, examples in the docs, the tour"
scripts/format.sh --check
$python scripts/check_lit.py --self-test
$python scripts/check_lit.py
$python scripts/check_doc_examples.py
$python scripts/tour.py --check
$python scripts/bad_inputs.py

say "Compiler: lit tests"
ninja -C build check-lit

say "Runtime: unit tests under AddressSanitizer and UBSan"
if [ ! -f build/runtime-asan/build.ninja ]; then
  quietly build/runtime-asan.log cmake -G Ninja -S runtime -B build/runtime-asan \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DTTC_SANITIZE=ON -DTTC_BUILD_TESTS=ON -DTTC_BUILD_TOOLS=ON
fi
quietly build/runtime-asan.log ninja -C build/runtime-asan
ctest --test-dir build/runtime-asan --output-on-failure -j 2

say "Torture: kills, power cuts, failing calls, damage, fuzzing: a tenth"
scripts/torture.sh --quick

say "Demo: the README's first command"
scripts/demo.sh >build/demo.log 2>&1 || {
  cat build/demo.log >&2
  fail "scripts/demo.sh failed"
}
grep -q '^resumed after step [0-9]*: identical$' build/demo.log || fail "the demo did not resume identically"

say "Python and conformance with the reference package"
for suite in python conformance bench; do
  # One run each: their helper modules may share names.
  $python -m pytest -q "test/$suite" -n 2
done

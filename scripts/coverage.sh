#!/usr/bin/env bash
# Measures how much of the readers of files the runtime's unit tests reach, and fails below 95 % of
# lines or 90 % of branches of any of them.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

out=build/coverage
mkdir -p $out/profiles
rm -f $out/profiles/*
if [ ! -f $out/build.ninja ]; then
  say "Configuring into $out/"
  quietly $out/configure.log cmake -G Ninja -S runtime -B $out -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_CXX_FLAGS="-g -O1 -DTTC_SANITIZED -fprofile-instr-generate -fcoverage-mapping" \
    -DCMAKE_BUILD_TYPE=None -DTTC_BUILD_TESTS=ON -DTTC_BUILD_TOOLS=ON
fi
say "Building with coverage"
quietly $out/build.log ninja -C $out

say "Running the runtime's unit tests"
export LLVM_PROFILE_FILE=$PWD/$out/profiles/%p.profraw
# Programs that are killed leave an empty profile, which says nothing.
# Killed savers and threads add no lines. Figures of time and memory are those of counted code.
quietly $out/tests.log ctest --test-dir $out --output-on-failure -E 'crash|resume|threads|service|damage'
find $out/profiles -size 0 -delete
ls $out/profiles/*.profraw >$out/profiles.txt
quietly $out/merge.log llvm-profdata-22 merge --failure-mode=warn -sparse -f $out/profiles.txt -o $out/tests.profdata
programs=($out/bin/runtime-* $out/bin/ttc-run $out/bin/ttc-state)
objects=()
for program in "${programs[@]:1}"; do objects+=(-object "$program"); done
sources=(runtime/files/{AtomicWrite,File,FileKind,Pickle*,SafetensorsReader,ShardIndex,TensorTable,Torch*,Zip}.cpp runtime/weights/{Weights,OpenWeights,Shards}.cpp runtime/{model/StateFile,tensors/Strided,support/Checksum}.cpp)
llvm-cov-22 export -summary-only -instr-profile $out/tests.profdata "${programs[0]}" "${objects[@]}" "${sources[@]}" >$out/summary.json 2>$out/export.log

say "Lines and branches of the readers that the tests reach"
python3 - $out/summary.json <<'PYTHON'
import json, pathlib, sys

LIMITS = {"lines": 95, "branches": 90}
# Lines of functions that the compiler alone evaluates.
COMPILED = {"Checksum.cpp": {"lines": 15, "branches": 0}}
low = 0
print(f"{'file':26}{'lines':>14}{'branches':>18}")
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    row = f"{pathlib.Path(file['filename']).name:26}"
    for kind, limit in LIMITS.items():
        found = file["summary"][kind]
        found["count"] -= COMPILED.get(pathlib.Path(file["filename"]).name, {}).get(kind, 0)
        percent = 100.0 if not found["count"] else 100 * found["covered"] / found["count"]
        low += percent < limit
        mark = "*" if percent < limit else " "
        row += f"{found['covered']:6}/{found['count']:<5}{percent:6.1f} %{mark}"
    print(row)
if low:
    sys.exit(f"error: {low} figures are below the limits ({LIMITS}); what is not reached: "
             "llvm-cov-22 show -instr-profile build/coverage/tests.profdata build/coverage/bin/runtime-safetensors FILE")
PYTHON

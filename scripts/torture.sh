#!/usr/bin/env bash
# Kills, cuts, fails, damages and fuzzes what reads and writes files, and shows how many times.
#   scripts/torture.sh            as much as a change to the runtime should bear; writes docs/torture.md
#   scripts/torture.sh --quick    a tenth: scripts/test.sh runs this
#   scripts/torture.sh --release  as much as a release must bear; hours; writes docs/torture.md
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

mode=full
case "${1:-}" in
'') ;;
--quick) mode=quick ;;
--release) mode=release ;;
*) fail "scripts/torture.sh takes --quick, --release or nothing, but was given '$1'" ;;
esac
# pick QUICK FULL RELEASE: the figure for this mode.
pick() { case $mode in quick) echo "$1" ;; full) echo "$2" ;; release) echo "$3" ;; esac; }

out=build/torture
mkdir -p $out
rows=()      # "what|asked|done|result", for the table
failures=0
# Saves are killed and damaged in memory: what a disk keeps has rows of its own.
[ -w /dev/shm ] && export TMPDIR=/dev/shm

# tree NAME CC CXX OPTIONS...: the runtime and its tests in a tree of its own.
tree() {
  local name=$1 cc=$2 cxx=$3
  shift 3
  if [ ! -f "$out/$name/build.ninja" ]; then
    quietly "$out/$name.log" cmake -G Ninja -S runtime -B "$out/$name" -DCMAKE_C_COMPILER="$cc" \
      -DCMAKE_CXX_COMPILER="$cxx" -DTTC_BUILD_TESTS=ON -DTTC_BUILD_TOOLS=ON "$@"
  fi
}
row() { rows+=("$1|$2|$3|$4"); }
# check WHAT ASKED LOG DONE COMMAND...: runs it; DONE, an extended regular expression, finds in its
# output what it did.
check() {
  local what=$1 asked=$2 log=$out/$3 found=$4 did
  shift 4
  say "$what ($asked)"
  local result=passed
  # A subshell: quietly ends the script when the command fails.
  (quietly "$log" "$@") || { result=FAILED; failures=$((failures + 1)); }
  did=$(grep -aoE "$found" "$log" | tail -1 || true)
  grep -aq 'skipped: ' "$log" && did=$(grep -aoE 'skipped: .*' "$log" | tail -1) && result=SKIPPED
  [ -n "$did" ] || did=-
  # The columns of the table are parted by what doctest puts between its figures.
  did=$(tr -s ' |' ' ' <<<"$did")
  did=$(sed -E 's/ *\| */, /g; s/ +/ /g' <<<"$did")
  row "$what" "$asked" "$did" "$result"
}

say "Building: g++, warnings as errors"
tree gcc gcc g++ -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
tests="crash power-cut damage failures crippled-writers resume quiet-step allocation allocation-readers"
check "The runtime builds alone with g++ -Wall -Wextra -Wconversion" "no warning" gcc-build.log '\[[0-9]+/[0-9]+\]|no work to do' \
  ninja -C $out/gcc ttc_runtime ttc_runtime_shared ttc-run ttc-state runtime-ext4-cuts $(printf 'runtime-%s ' $tests)
if [ $mode != quick ]; then
  tree clang clang-22 clang++-22 -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
  check "The same with clang++" "no warning" clang-build.log '\[[0-9]+/[0-9]+\]|no work to do' \
    ninja -C $out/clang ttc_runtime ttc_runtime_shared ttc-run ttc-state
fi
bin=$out/gcc/bin

check "SIGKILL at a random moment of a save" "$(pick 1000 10000 100000)" kills.log '[0-9]+ kills, [0-9]+ of them inside a save' \
  env TTC_CRASH_KILLS="$(pick 1000 10000 100000)" $bin/runtime-crash
check "Power cuts on a modelled disk, everywhere in three saves" "all" power-cuts.log '[0-9]+ cuts left [0-9]+ different disks' \
  $bin/runtime-power-cut
check "Power cuts on ext4, with and without a journal" "$(pick 50 500 10000)" ext4.log '[0-9]+ power cuts, [0-9]+ saves.*' \
  env TTC_EXT4_CUTS="$(pick 50 500 10000)" $bin/runtime-ext4-cuts
check "Every file call failing in turn, seven reasons, whole and short" "all" calls.log '[0-9]+ passed \| 0 failed' \
  $bin/runtime-failures
check "Every allocation failing in turn, of models and sessions" "all" allocations.log '[0-9]+ passed \| 0 failed' $bin/runtime-allocation
check "Every allocation failing in turn, of readers" "all" readers.log '[0-9]+ passed \| 0 failed' $bin/runtime-allocation-readers
check "Crippled writers that are caught" "5 of 5" crippled.log 'test cases: +[0-9]+ \| +[0-9]+ passed' $bin/runtime-crippled-writers
check "Every bit flip and truncation of a 4096-byte states file" "36864" damage.log '[0-9]+ damaged files' \
  $bin/runtime-damage -tc='K14*'
check "Random damage" "$(pick 10000 100000 1000000)" random-damage.log '[0-9]+ randomly damaged files' \
  env TTC_DAMAGE_RANDOM="$(pick 10000 100000 1000000)" $bin/runtime-damage -tc='Random*'

# Models of every layer, compiled once.
if [ -x .venv/bin/python ] && [ -x build/bin/ttc ]; then
  say "Compiling the models"
  models=$out/models
  quick_models=$(pick --quick '' '')
  quietly $out/models.log env PYTHONPATH=python .venv/bin/python test/conformance/torture_models.py $models $quick_models
  libraries=$(grep '\.so$' $out/models.log | paste -sd:)
  count=$(grep -c '\.so$' $out/models.log)
  check "Save, kill, resume at random points, $count compiled models" "$(pick 100 1000 10000)" resume.log '[0-9]+ points in [0-9]+ models' \
    env TTC_TEST_MODELS="$libraries" TTC_RESUME_POINTS="$(pick 100 1000 10000)" $bin/runtime-resume
  check "Steps without an allocation or a system call" "$count models" quiet.log '[0-9]+ passed \| 0 failed' \
    env TTC_TEST_MODELS="$libraries" $bin/runtime-quiet-step
  objects=()
  for library in ${libraries//:/ }; do
    object=${library%.so}.o
    [ "$object" -nt "$library" ] || build/bin/ttc "${library%.so}.mlir" --emit=obj -o "$object"
    objects+=("$object")
  done
  check "Objects: no executable stack, nothing writable, four symbols of others" "${#objects[@]} objects" objects.log ': good' \
    .venv/bin/python test/codegen/Inputs/check_object.py "${objects[@]}"
  rows[-1]=$(sed "s/|: good|/|$(grep -c ': good' $out/objects.log) good|/" <<<"${rows[-1]}")
else
  row "Save, kill, resume at random points, compiled models" "$(pick 100 1000 10000)" "skipped: the compiler or .venv is not there" SKIPPED
fi

say "Building: ThreadSanitizer"
tree tsan clang-22 clang++-22 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTTC_SANITIZE_THREAD=ON
quietly $out/tsan-build.log ninja -C $out/tsan runtime-threads
check "16 threads x 64 sessions of one model under TSan" "$(pick once '60 s' '1 hour')" threads.log '[0-9]+ passed \| 0 failed' \
  env TTC_THREADS_SECONDS="$(pick 0 60 3600)" $out/tsan/bin/runtime-threads

say "Building: fuzzers, AddressSanitizer, UBSan"
tree fuzz clang-22 clang++-22 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTTC_SANITIZE=ON -DTTC_BUILD_FUZZERS=ON
readers=$(for file in test/runtime/fuzz/*.cpp; do basename "$file" .cpp; done)
quietly $out/fuzz-build.log ninja -C $out/fuzz $(printf 'fuzz-%s ' $readers)
# fuzz READER: until its time or its number of runs is up.
fuzz() {
  local corpus=$out/corpus/$1
  mkdir -p "$corpus" $out/finds
  "$out/fuzz/bin/fuzz-$1" -max_total_time="$(pick 20 60 86400)" -runs="$(pick -1 -1 20000000)" \
    -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=10 -max_len=16384 -print_final_stats=1 \
    -dict="test/runtime/fuzz/$1.dict" -artifact_prefix="$out/finds/$1-" \
    "$corpus" "test/runtime/fuzz/seeds/$1" >"$out/fuzz-$1.log" 2>&1 || true
}
export -f fuzz pick
export out mode
asked=$(pick '20 s' '60 s' '2e7 runs')
say "Fuzzing ($asked each):" $readers
printf '%s\n' $readers >$out/readers
# shellcheck disable=SC2016
quietly $out/fuzz.log xargs -a $out/readers -P "$(nproc)" -I{} bash -c 'fuzz {}'
for reader in $readers; do
  did=$(sed -n 's/.*number_of_executed_units: //p' "$out/fuzz-$reader.log" || true)
  result=passed
  if [ -z "$did" ] || grep -qaE 'ERROR|SUMMARY|Test unit written' "$out/fuzz-$reader.log"; then
    result=FAILED failures=$((failures + 1))
  fi
  row "Fuzzing the reader of $reader" "$asked" "${did:-?} executions" $result
done

check "Numbered bad inputs with a test or a reason" "all" bad-inputs.log '[0-9]+ cases: .*' python3 scripts/bad_inputs.py

archive=$out/libttc_runtime.a
cp $out/gcc/lib/libttc_runtime.a $archive
strip --strip-unneeded $archive
row "Static library, stripped" "under 300 KiB" "$(($(stat -c %s $archive) / 1024)) KiB ($(size -t $archive | tail -1 | awk '{print int($1 / 1024)}') KiB of code and constants)" \
  "$([ "$(stat -c %s $archive)" -lt 307200 ] && echo passed || echo larger)"

table() {
  printf '| what | asked | done | result |\n|---|---|---|---|\n'
  for line in "${rows[@]}"; do
    IFS='|' read -r what asked did result <<<"$line"
    printf '| %s | %s | %s | %s |\n' "$what" "$asked" "$did" "$result"
  done
}
say "Result"
table
if [ $mode != quick ]; then
  {
    cat <<TEXT
# What saves, states and readers were put through

\`scripts/torture.sh$([ $mode = release ] && echo ' --release')\` wrote this, on $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, Linux $(uname -r | cut -d. -f1-2),
$(df --output=fstype . | tail -1) (saves that are killed: $(df --output=fstype "${TMPDIR:-/tmp}" | tail -1)).

TEXT
    table
    cat <<'TEXT'

- A save that is killed must leave the file whole, and not older than what was acknowledged.
- The modelled disk (`test/runtime/DiskModel.h`) keeps no more than it has promised: data that was not synced may be lost, cut short
  or zeroed, sector by sector, and each name that was not synced may be as it was. On ext4 the power is cut by the file system's own
  ioctl.
- Crippled writers leave out the sync of the file, that of the directory, the temporary file, the checksums, or `O_EXCL`: each must
  be caught by the harness that the real writer passes.
- A call that fails must be reported, change nothing, and leave nothing open.
- What a fuzzer finds becomes a seed in `test/runtime/fuzz/seeds/` and a test.
TEXT
  } >docs/torture.md
fi
[ $failures -eq 0 ] || fail "$failures rows failed; their output is in $out/*.log"

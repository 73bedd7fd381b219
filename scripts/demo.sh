#!/usr/bin/env bash
# From nothing to a spiking network that runs as native code: sets up, builds, compiles the
# digits model, streams real test images through it, stops in the middle and resumes.
# Needs no Python and no PyTorch; where they are, the reference is timed beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

scripts/setup.sh --native
scripts/build.sh

digits=examples/digits
out=build/demo
mkdir -p "$out"

say "Compiling $digits/hard.mlir, trained in traceTorch on handwritten digits"
build/bin/ttc $digits/hard.mlir --weights $digits/hard.safetensors -o $out/libdigits.so
printf 'artefact:             %s, %s bytes, weights included\n' \
  "$out/libdigits.so" "$(stat -c %s $out/libdigits.so)"

say "Streaming the 360 test images, 32 timesteps each, from a C program ($digits/stream.c)"
cc -O2 -Wall -I"$out" -Iruntime/include $digits/stream.c -o $out/stream \
  -L"$out" -ldigits -Lbuild/lib -lttc_runtime -lm \
  -Wl,-rpath,"\$ORIGIN:\$ORIGIN/../lib"
$out/stream $digits/test_events.npy $digits/test_labels.npy $digits/hard_outputs.npy
if .venv/bin/python -c 'import torch, tracetorch' 2>/dev/null; then
  .venv/bin/python $digits/reference_speed.py
fi

say "Stopping in the middle, and resuming in another process"
step=13
run() { build/bin/ttc-run $out/libdigits.so --input $digits/test_events.npy "$@"; }
run --output $out/whole.npy
run --steps $step --save-states $out/states.safetensors --output $out/first.npy
run --skip $step --load-states $out/states.safetensors --output $out/second.npy
run --skip $step --load-states $out/states.safetensors --exact --compare $out/whole.npy >/dev/null ||
  fail "the resumed run differs from the one without interruption"
printf 'resumed after step %d: identical\n' "$step"
printf 'states file:          %s\n' "$out/states.safetensors"
build/bin/ttc-state list $out/states.safetensors

say "Where to look next"
cat <<'TEXT'
  docs/tour.md                    one layer through every level of the compiler
  build/bin/ttc --help            compile a model of your own
  examples/digits/                the model, its training and this program
  scripts/test.sh                 every test; it also makes .venv, where `import ttc` works
TEXT

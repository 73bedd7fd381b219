#!/usr/bin/env bash
# Checks and times ttc on a GPU, on a machine that has a driver, CUDA's toolkit and PyTorch, and
# nothing of ttc.
#   scripts/gpu-check.sh pack FOLDER [--gpu-arch=sm_80,sm_90] [--quick]
#       here: compiles every layer of the conformance table and the benchmark's cases, and packs
#       them with all that runs them
#   FOLDER/scripts/gpu-check.sh run FOLDER [--quick] [--no-times]
#       there: compares the GPU with the CPU and with PyTorch, batch 1, 64 and 1000, 1 and 128
#       timesteps, and streams that were saved on the GPU and resumed on the CPU; then times the
#       cases beside their peers. Writes FOLDER/performance-gpu.md, for docs/, and .json beside it;
#       exit code 1 if a layer disagrees
#   scripts/gpu-check.sh emulate FOLDER [...]
#       here: runs a folder that was packed with --gpu-arch=emulated on the emulator
# PYTHON in the environment names another Python than .venv's, or python3 there.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/scripts/say.sh"

[ $# -ge 2 ] || fail "scripts/gpu-check.sh takes pack, run or emulate and a folder"
what=$1
folder=$2
shift 2
python=${PYTHON:-$here/.venv/bin/python}
[ -x "$python" ] || python=${PYTHON:-python3}

case $what in
pack)
  exec "$python" "$here/bench/gpu/packing.py" "$folder" "$@"
  ;;
run | emulate)
  [ -f "$folder/models.json" ] || fail "'$folder' was not made by scripts/gpu-check.sh pack"
  if [ "$what" = emulate ]; then
    export LD_LIBRARY_PATH=$here/build/emulator${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export CUDA_VISIBLE_DEVICES=
  fi
  exec "$python" "$folder/bench/gpu/checking.py" "$@"
  ;;
*) fail "scripts/gpu-check.sh takes pack, run or emulate, but was given '$what'" ;;
esac

#!/usr/bin/env bash
# Configures and builds ttc into build/. Cheap when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

if [ ! -f build/build.ninja ]; then
  say "Configuring into build/"
  quietly build/configure.log cmake --preset release
fi
planned=$(ninja -C build -n)
if [[ $planned == *'no work to do'* ]]; then
  say "Build is up to date"
else
  say "Building ttc (a few minutes the first time)"
  quietly build/build.log ninja -C build
fi

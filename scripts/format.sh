#!/usr/bin/env bash
# Formats all C and C++ sources in LLVM style; with --check only says which differ.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

mapfile -t sources < <(git ls-files '*.cpp' '*.h' '*.hpp' '*.c')
[ ${#sources[@]} -gt 0 ] || exit 0
case "${1:-}" in
'') clang-format-22 -i "${sources[@]}" ;;
--check)
  clang-format-22 --dry-run -Werror "${sources[@]}" >build/format.log 2>&1 || {
    grep -o '^[^:]*' build/format.log | sort -u >&2
    fail "the files above are not formatted: run scripts/format.sh"
  }
  ;;
*) fail "scripts/format.sh takes --check or nothing, but was given '$1'" ;;
esac

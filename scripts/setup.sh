#!/usr/bin/env bash
# Installs what ttc needs on Debian, and only what is missing.
#   scripts/setup.sh            everything: the compiler's packages, and .venv for Python
#   scripts/setup.sh --native   the compiler's packages only: no Python, no PyTorch
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

native_only=false
case "${1:-}" in
'') ;;
--native) native_only=true ;;
*) fail "scripts/setup.sh takes --native or nothing, but was given '$1'" ;;
esac

packages=(
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools clang-22 lld-22
  libclang-rt-22-dev clang-format-22 g++ cmake ninja-build
  nlohmann-json3-dev libcli11-dev doctest-dev zlib1g-dev libzstd-dev
)
$native_only || packages+=(python3 python3-venv python3-dev)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] ||
    missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing, and there is neither root nor sudo: install ${missing[*]}"
    as_root=(sudo)
  fi
  log=${TMPDIR:-/tmp}/ttc-setup-$$.log
  quietly "$log" "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=600 update
  # Not `| grep -q`: that may end before apt-cache does, which pipefail takes for a failure.
  candidate=$(apt-cache policy llvm-22-dev)
  [[ $candidate =~ Candidate:\ [0-9] ]] ||
    fail "this system's package sources have no LLVM 22: add LLVM's repository for Debian, then run this again"
  quietly "$log" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
    install -y --no-install-recommends "${missing[@]}"
  rm -f "$log"
fi

if ! $native_only; then
  # The versions that the conformance tests are written against. PyTorch first and pinned:
  # another package's loose requirement could bring a build for GPUs.
  wanted="torch==2.13.0 tracetorch==0.19.2 numpy scikit-learn safetensors pytest pytest-xdist onnx"
  if [ "$(cat .venv/ttc-packages 2>/dev/null)" != "$wanted" ]; then
    say "Making .venv with PyTorch and the reference package"
    [ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
    log=${TMPDIR:-/tmp}/ttc-setup-$$.log
    quietly "$log" .venv/bin/python -m pip install --disable-pip-version-check torch==2.13.0
    quietly "$log" .venv/bin/python -m pip install --disable-pip-version-check \
      numpy scikit-learn safetensors pytest pytest-xdist onnx
    quietly "$log" .venv/bin/python -m pip install --disable-pip-version-check --no-deps tracetorch==0.19.2
    # `import ttc` finds the package in the source tree.
    .venv/bin/python - <<'PYTHON'
import pathlib, sysconfig
site = pathlib.Path(sysconfig.get_paths()["purelib"])
(site / "ttc.pth").write_text(str(pathlib.Path("python").resolve()) + "\n")
PYTHON
    printf '%s' "$wanted" >.venv/ttc-packages
    rm -f "$log"
  fi
fi

"""How lit finds and runs the compiler's tests: those of dialect, passes, codegen, tools."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os
import shutil

import lit.formats
from lit.llvm import llvm_config

config.name = "ttc"
config.test_format = lit.formats.ShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".test"]
# Tests of other kinds, which lit does not run.
config.excludes = ["Inputs", "runtime", "python", "conformance", "bench"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.ttc_binary_dir, "test", "lit")

# FileCheck, not and the readers of objects are LLVM's, and not on every PATH.
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.use_default_substitutions()
llvm_config.add_tool_substitutions(
    ["tt-opt", "ttc", "ttc-run", "ttc-state", "ttc-lsp-server", "llvm-nm",
     "llvm-readelf", "split-file"],
    [config.ttc_tools_dir, config.llvm_tools_dir],
)
config.substitutions.append(("%scripts", os.path.join(config.ttc_source_dir, "scripts")))
config.substitutions.append(("%source", config.ttc_source_dir))
config.substitutions.append(("%clang", os.path.join(config.llvm_tools_dir, "clang")))
config.substitutions.append(("%libraries", os.path.join(config.ttc_binary_dir, "lib")))
# The step alone, from a model to nests and to loops: without what computes sequences.
NEST_PASSES = ("--ttc-to-threaded --ttc-convert-to-nests --ttc-fuse-timestep "
               "--ttc-prepare-weights --ttc-plan-states")
config.substitutions.append(("%nest-passes", NEST_PASSES))
config.substitutions.append(
    ("%step-passes", NEST_PASSES + " --ttc-schedule-cpu --canonicalize --cse"))

# Other CPUs, as far as this machine can compile for them and run what comes of it.
for cpu in ("aarch64", "riscv64"):
    if shutil.which(f"qemu-{cpu}") and shutil.which(f"{cpu}-linux-gnu-gcc"):
        config.available_features.add(f"qemu-{cpu}")

try:
    with open("/proc/cpuinfo") as file:
        if " avx512_bf16" in file.read():
            config.available_features.add("avx512bf16")
except OSError:
    pass

# CUDA's assembler, wherever ttc looks for it.
cuda = [os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
if shutil.which("ptxas") or any(os.path.isfile(f"{home}/bin/ptxas") for home in cuda):
    config.available_features.add("ptxas")
for name in ("CUDA_HOME", "CUDA_PATH"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

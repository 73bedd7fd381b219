"""MLIR without a schedule: the step's linalg, lowered to loops as it is and compiled with -O3."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import ctypes
import re
import subprocess
from ctypes import c_double, c_int64, c_void_p
from pathlib import Path

import torch
from ttc import toolchain
from ttc.exporting import export_model

from .setting import Setting, Unavailable

_LLVM = Path("/usr/lib/llvm-22/bin")
_RUNTIME = _LLVM.parent / "lib"  # it copies what is not contiguous by a call
_PIPELINE = [
    "--linalg-generalize-named-ops",
    "--one-shot-bufferize=bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map",
    "--buffer-results-to-out-params=modify-public-functions",
    "--buffer-deallocation-pipeline",
    "--convert-bufferization-to-memref",
    "--convert-linalg-to-affine-loops",
    "--lower-affine",
    "--convert-scf-to-cf",
    "--expand-strided-metadata",
    "--lower-affine",
    "--convert-math-to-llvm",
    "--convert-math-to-libm",
    "--finalize-memref-to-llvm",
    "--convert-func-to-llvm=use-bare-ptr-memref-call-conv",
    "--convert-arith-to-llvm",
    "--convert-cf-to-llvm",
    "--convert-index-to-llvm",
    "--reconcile-unrealized-casts",
]

# Two sets of states take turns: what a step reads, it does not write.
_LOOP = """
#include <stdint.h>
#include <string.h>
#include <time.h>
{extern}
static float {states};
static void zero(void) {{ {zeros} }}
static void steps(const float *const *w, const float *x, float *y, int64_t count, int64_t calls,
                  int64_t x_size, int64_t y_stride) {{
  for (int64_t i = 0; i < calls; ++i) {{
    const float *now = x + i % count * x_size;
    float *out = y + i * y_stride;
    if (i % 2 == 0) net({first}); else net({second});
  }}
}}
void plain_outputs(const float *const *w, const float *x, float *y, int64_t calls, int64_t x_size,
                   int64_t y_size) {{
  zero();
  steps(w, x, y, calls, calls, x_size, y_size);
}}
double plain_time(const float *const *w, const float *x, float *y, int64_t count, int64_t calls,
                  int64_t x_size) {{
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  steps(w, x, y, count, calls, x_size, 0);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / calls;
}}
"""


class _Step:
    """The step as text, and what its arguments are."""

    def __init__(self, setting: Setting):
        model = setting.case.model()
        model.TTcompile()
        exported = export_model(model.eval(), setting.checked[0], "net", batch=setting.batch)
        self.weights = exported.weights
        source, threaded = setting.folder / "plain.mlir", setting.folder / "threaded.mlir"
        source.write_text(exported.text)
        toolchain.run_driver(source, threaded, ["--emit=threaded"])
        text = threaded.read_text()
        signature = next(line for line in text.splitlines() if "func.func @net(" in line)
        arguments, results = signature.split(") -> ", 1)
        self.params = re.findall(r'ttc\.param = @(?:"([^"]*)"|([\w.$]+))', arguments)
        self.params = [quoted or plain for quoted, plain in self.params]
        types = re.findall(r"tensor<([^>]*)xf32> \{ttc\.state = ", arguments)
        self.state_sizes = [_elements(shape) for shape in types]
        # The dialect's own symbols and attributes are of no use beyond this level.
        text = re.sub(r"^ *ttc\.(param|state) .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"\{ttc\.(input|param) = [^}]*\}", "{bufferization.writable = false}", text)
        text = re.sub(r" \{ttc\.[^}]*\}", "", text)
        text = text.replace("ttc.quantize(round)", "math.roundeven")
        if unknown := re.search(r"ttc\.\w+", text):
            raise Unavailable(f"MLIR has no '{unknown[0]}' of its own")
        self.text = text


def _elements(shape: str) -> int:
    count = 1
    for size in shape.split("x"):
        count *= int(size)
    return count


class _Engine:
    note = "MLIR's own lowering to loops, clang -O3 -march=native; called from C"
    cores = 1

    def __init__(self, setting: Setting):
        self._setting = setting
        step = _Step(setting)
        self._library = ctypes.CDLL(str(_compile(step, setting.folder)))
        self._library.plain_time.restype = c_double
        self._library.plain_time.argtypes = [c_void_p] * 3 + [c_int64] * 3
        self._library.plain_outputs.restype = None
        self._library.plain_outputs.argtypes = [c_void_p] * 3 + [c_int64] * 3
        self._weights = [step.weights[key].detach().contiguous() for key in step.params]
        self._pointers = (c_void_p * len(self._weights))(*[w.data_ptr() for w in self._weights])
        self._timed = setting.timed.flatten(0, 1).contiguous()
        with torch.no_grad():
            self._shape = setting.case.model()(setting.checked[0]).shape
        self._scratch = torch.empty(self._shape)

    def outputs(self) -> torch.Tensor:
        inputs = self._setting.checked.contiguous()
        outputs = torch.empty(len(inputs), *self._shape)
        self._library.plain_outputs(
            self._pointers, inputs.data_ptr(), outputs.data_ptr(), len(inputs),
            inputs[0].numel(), outputs[0].numel(),
        )
        return outputs

    def time(self, calls: int) -> float:
        steps = self._setting.steps
        nanoseconds = self._library.plain_time(
            self._pointers, self._timed.data_ptr(), self._scratch.data_ptr(), len(self._timed),
            calls * steps, self._timed[0].numel(),
        )
        return nanoseconds * steps


def open_engine(setting: Setting) -> _Engine:
    for tool in ("mlir-translate", "clang"):
        if not (_LLVM / tool).is_file():
            raise Unavailable(f"{tool} is not installed")
    return _Engine(setting)


def _compile(step: _Step, folder: Path) -> Path:
    source, lowered, ir = (folder / f"plain{end}" for end in (".in.mlir", ".llvm.mlir", ".ll"))
    loop, library = folder / "plain.c", folder / "libplain.so"
    source.write_text(step.text)
    loop.write_text(_loop(step))
    tt_opt = toolchain.home() / "build/bin/tt-opt"
    _run([tt_opt, source, *_PIPELINE, "-o", lowered])
    _run([_LLVM / "mlir-translate", "--mlir-to-llvmir", lowered, "-o", ir])
    _run([
        _LLVM / "clang", "-O3", "-march=native", "-fPIC", "-shared", "-Wno-override-module", ir,
        loop, f"-L{_RUNTIME}", "-lmlir_c_runner_utils", f"-Wl,-rpath,{_RUNTIME}", "-lm", "-o",
        library,
    ])
    return library


def _loop(step: _Step) -> str:
    count = len(step.params)
    sets = [[f"s{turn}_{i}" for i in range(len(step.state_sizes))] for turn in range(2)]

    def arguments(before: list[str], after: list[str]) -> str:
        return ", ".join(["now", *(f"w[{i}]" for i in range(count)), *before, "out", *after])

    pointers = ", ".join(
        ["const float *"] * (1 + count + len(sets[0])) + ["float *"] * (1 + len(sets[0]))
    )
    # A model without states has an array all the same: C knows no empty list.
    states = [
        f"{name}[{size}]" for names in sets for name, size in zip(names, step.state_sizes)
    ] or ["none[1]"]
    return _LOOP.format(
        extern=f"void net({pointers});", states=", ".join(states),
        zeros=" ".join(f"memset({s.split('[')[0]}, 0, sizeof {s.split('[')[0]});" for s in states),
        first=arguments(*sets), second=arguments(*reversed(sets)),
    )


def _run(command: list) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = next((line for line in done.stderr.splitlines() if "error" in line), "no reason")
        raise Unavailable(f"{Path(command[0]).name} refuses it: {reason.strip()}")

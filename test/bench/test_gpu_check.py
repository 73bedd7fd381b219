"""Whether scripts/gpu-check.sh packs, runs and writes: on the emulator."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

HOME = Path(__file__).resolve().parents[2]
for folder in ("python", "bench", "bench/gpu"):
    sys.path.insert(0, str(HOME / folder))

import conformance  # noqa: E402  (found through the path above)
import pages  # noqa: E402
import timing  # noqa: E402
import ttc  # noqa: E402
from cases import GROUPS  # noqa: E402


def gpu_check(*arguments):
    command = [str(HOME / "scripts" / "gpu-check.sh"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_quick_check_on_the_emulator(tmp_path):
    told = subprocess.run([HOME / "build/bin/ttc", "--help"], capture_output=True, text=True)
    if "--gpu-arch" not in told.stdout:
        pytest.skip("this ttc compiles for the CPU alone")
    folder = tmp_path / "packed"
    done = gpu_check("pack", folder, "--quick", "--gpu-arch=emulated")
    assert done.returncode == 0, done.stderr
    assert "packed 3 layers and 1 cases" in done.stdout
    done = gpu_check("emulate", folder, "--quick")
    assert done.returncode == 0, done.stderr
    assert "conformance: 3 of 3 layers agree" in done.stdout
    found = json.loads((folder / "performance-gpu.json").read_text())
    assert [layer["findings"] for layer in found["layers"]] == [[], [], []]
    assert [narrow["products"] for narrow in found["narrow"]] == ["tf32", "bf16"]
    assert all(narrow["agrees"] for narrow in found["narrow"])
    for setting in found["times"]:
        assert set(setting["us"]) == {"ttc", "ttc tf32", "ttc bf16", "ttc on the CPU", "reference"}
        assert all(us > 0 for us in setting["us"].values())
    assert "| RNN layers | 1 of 1 |" in (folder / "performance-gpu.md").read_text()
    # A folder is not packed over.
    done = gpu_check("pack", folder, "--quick")
    assert done.returncode == 1 and "error: " in done.stderr


def test_what_is_not_packed_is_not_run(tmp_path):
    done = gpu_check("run", tmp_path)
    assert done.returncode == 1 and "was not made by scripts/gpu-check.sh pack" in done.stderr
    done = gpu_check("walk", tmp_path)
    assert done.returncode == 1 and "takes pack, run or emulate, but was given 'walk'" in done.stderr


def test_errors_are_in_units_of_what_is_allowed():
    expected = torch.tensor([0.0, 1.0, 10.0, float("nan"), float("inf")])
    assert conformance._error(expected.clone(), expected, False) == 0
    off = expected.clone()
    off[2] += 2.2e-3
    assert conformance._error(off, expected, False) == pytest.approx(2, rel=0.1)
    off[3] = 0
    assert conformance._error(off, expected, False) == float("inf")
    events = torch.zeros(100)
    wrong = events.clone()
    wrong[:4] = 1
    assert conformance._error(wrong, events, True) == pytest.approx(2)


def test_bounds_of_a_gpu():
    gpu = timing.Gpu("any", fma_tflops=10.0, memory_gbs=1000.0, launch_us=2.0)
    model = ttc.compile(nn.Linear(1024, 1024).eval(), torch.zeros(1, 1024))
    entry = {"flops": 2.0 * 2**20, "weight_bytes": 4 * 2**20}
    # The launch; the weights; the products.
    assert timing.bound_us(gpu, entry | {"weight_bytes": 0}, model, 1, 1) == 2.0
    assert timing.bound_us(gpu, entry, model, 1, 1) == pytest.approx(4.2, rel=0.01)
    assert timing.bound_us(gpu, entry, model, 4096, 1) == pytest.approx(859, rel=0.01)
    assert timing.bound_us(gpu, entry, model, 1, 128) == pytest.approx(0.21, rel=0.02)


def test_cases_that_cudnn_can_make():
    stages = timing._torch_stages(GROUPS["c"][0].make())
    assert [type(stage) for stage in stages] == [nn.Linear, nn.GRU, nn.GRU, nn.Linear]
    assert (stages[1].input_size, stages[1].hidden_size) == (256, 256)
    assert isinstance(timing._torch_stages(GROUPS["d"][0].make())[0], nn.LSTM)
    assert timing._torch_stages(GROUPS["a"][0].make()) is None


def test_the_page_says_where_a_gpu_pays():
    setting = {"case": "a", "description": "", "steps": 1, "failed": {"cuDNN": "none"},
               "bound_us": 2.0}
    found = {
        "date": "2026-01-02", "torch": "2", "layers": [
            {"name": "LIB", "section": "S", "worst": 0.5, "findings": []},
            {"name": "GRU", "section": "S", "worst": 3.0, "findings": ["differs"]},
        ],
        "narrow": [{"case": "a", "products": "tf32", "error": 0.001, "allowed": 0.0156,
                    "agrees": True}],
        "gpu": {"name": "G", "fma_tflops": 10.0, "memory_gbs": 1000.0, "launch_us": 2.0},
        "times": [
            setting | {"batch": 1, "us": {"ttc": 4.0, "ttc tf32": 3.0, "ttc on the CPU": 2.0,
                                          "reference": 40.0, "CUDA graph": 8.0}},
            setting | {"batch": 64, "us": {"ttc": 5.0, "ttc on the CPU": 100.0}},
        ],
    }
    page = pages.markdown(found)
    assert "on 2026-01-02, on G, with PyTorch 2" in page
    assert "| S | 1 of 2 | 3 |" in page and "`GRU`: differs." in page
    assert "| a | 1 | 1 | 4.00 | 50 % | 2.00 | 3.00 | - | 40.00 | 8.00 | - | - | 2.00 |" in page
    assert "| a | tf32 | 0.001 | 0.016 |" in page
    assert "| a | 64 | none |" in page and "cuDNN: none" in page

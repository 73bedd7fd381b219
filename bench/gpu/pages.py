"""The page that the check of a GPU writes."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

NARROW = ("ttc tf32", "ttc bf16")
PEERS = ("reference", "CUDA graph", "torch.compile", "cuDNN")


def markdown(found: dict) -> str:
    gpu = found["gpu"]
    where = gpu["name"] if gpu else "an emulated GPU, whose times say nothing"
    lines = ["# ttc on a GPU", "",
             f"Written by `scripts/gpu-check.sh` on {found['date']}, on {where}, with PyTorch "
             f"{found['torch']}. How to compile and run: [gpu.md](gpu.md).", ""]
    if gpu:
        lines += [f"Measured there: {gpu['fma_tflops']:.1f} TFLOP/s of float32 products, "
                  f"{gpu['memory_gbs']:.0f} GB/s of memory, {gpu['launch_us']:.1f} µs a launch.", ""]
    lines += _conformance(found["layers"])
    lines += _narrow(found["narrow"])
    if found["times"]:
        lines += _times(found["times"]) + _crossover(found["times"])
    return "\n".join(lines) + "\n"


def _conformance(layers: list) -> list[str]:
    lines = ["## Conformance", "",
             "Outputs and states against the CPU's code of the same file, against PyTorch, and of a "
             "stream that was saved on the GPU and resumed on the CPU. The error is the largest "
             "of all of them, 1 being what is allowed: 1e-4 of the value and 1e-5 of the largest "
             "one; with hard events, 2 % of the elements.", "",
             "| layers | agree | largest error |", "|---|---|---|"]
    sections: dict[str, list] = {}
    for layer in layers:
        sections.setdefault(layer["section"], []).append(layer)
    for section, members in sections.items():
        agree = sum(not member["findings"] for member in members)
        errors = [member["worst"] for member in members if member["worst"] is not None]
        largest = f"{max(errors):.2g}" if errors else "-"
        lines.append(f"| {section} | {agree} of {len(members)} | {largest} |")
    wrong = [layer for layer in layers if layer["findings"]]
    for layer in wrong:
        lines += ["", f"`{layer['name']}`: {'; '.join(layer['findings'])}."]
    return lines + [""]


def _narrow(narrow: list) -> list[str]:
    lines = ["## Products by matrix units", "",
             "The largest difference of an output from that with products in float32, of the largest output; with "
             "hard events none is too large.", "",
             "| case | products | difference | allowed |", "|---|---|---|---|"]
    for found in narrow:
        lines.append(f"| {found['case']} | {found['products']} | {found['error']:.2g} | "
                     f"{found['allowed']:.2g} |")
    return lines + [""] if narrow else []


def _times(times: list) -> list[str]:
    lines = ["## Times", "",
             "Microseconds a timestep. *Of the bound* is how much of ttc's time nobody could avoid: "
             "arithmetic, memory or the launch. *Against the best* is how many times longer the "
             "best of the others takes. *ttc tf32* and *ttc bf16* multiply by matrix units.", "",
             "| case | batch | steps | ttc | of the bound | against the best | "
             + " | ".join((*NARROW, *PEERS)) + " | ttc on the CPU |",
             "|---|---|---|---|---|---|" + "---|" * (len(NARROW) + len(PEERS) + 1)]
    for setting in times:
        us = setting["us"]
        own = us.get("ttc")
        peers = [us[name] for name in PEERS if us.get(name)]
        bound = setting["bound_us"]
        lines.append("| " + " | ".join([
            setting["case"], str(setting["batch"]), str(setting["steps"]), _number(own),
            f"{100 * bound / own:.0f} %" if own and bound else "-",
            f"{min(peers) / own:.2f}" if own and peers else "-",
            *[_number(us.get(name)) for name in (*NARROW, *PEERS, "ttc on the CPU")],
        ]) + " |")
    failed = {f"{name}: {why}" for setting in times for name, why in setting["failed"].items()}
    if failed:
        lines += ["", "Without a time: " + "; ".join(sorted(failed)) + "."]
    return lines + [""]


def _crossover(times: list) -> list[str]:
    """From which batch on the GPU is faster than one core of the CPU beside it."""
    lines = ["## When the GPU pays", "",
             "The smallest batch that was timed at which ttc is faster on the GPU than on one core "
             "of the CPU beside it, inputs and outputs being where the code is.", "",
             "| case | one timestep a call | a sequence a call |", "|---|---|---|"]
    for case in dict.fromkeys(setting["case"] for setting in times):
        cells = []
        for sequence in (False, True):
            pays = [
                setting["batch"] for setting in times
                if setting["case"] == case and (setting["steps"] > 1) == sequence
                and setting["us"].get("ttc", float("inf"))
                < setting["us"].get("ttc on the CPU", 0.0)
            ]
            cells.append(str(min(pays)) if pays else "none")
        lines.append(f"| {case} | {cells[0]} | {cells[1]} |")
    return lines


def _number(us: float | None) -> str:
    return f"{us:.2f}" if us else "-"

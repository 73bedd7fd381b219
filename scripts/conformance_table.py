#!/usr/bin/env python3
"""What docs/conformance.md says: the table of what the conformance tests measured last.

    scripts/conformance_table.py [--json build/conformance.json] [--markdown docs/conformance.md]

Refuses what is no whole result: every row of the table must have been tested.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import argparse
import json
import pathlib
import sys
from collections import Counter, defaultdict

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCHES = ("1", "4", "(2, 3)")
DTYPES = ("f32", "f64")

INTRODUCTION = """\
# Conformance: does every layer compute what the reference computes?

Made by `scripts/conformance_table.py` from what the tests measured: `scripts/conformance.sh` runs
them, and with `--full` writes this page. The reference is tracetorch {tracetorch} on PyTorch
{torch}, on a CPU.

Every layer runs for {steps} steps on random inputs, from no states, with random parameters. A
number is the worst error of any element in any step, first of the outputs, then of the states, in
units of what it may be: 1 would be the limit. In f32 an element may be off by 1e-4 of its value,
plus 1e-5, plus five times what the reference itself is off by from its own run in double precision
(exponentials and tangents are good to five units in the last place here, to one there, and a model
may magnify either); in f64 by 1e-9 of its value plus 1e-10. Each case has also shown that a run has the bits of its steps, and
that a row of a batch has those that it has alone.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/conformance.json")
    parser.add_argument("--markdown", type=pathlib.Path, default=ROOT / "docs/conformance.md")
    options = parser.parse_args()
    found = json.loads(options.json.read_text())
    sections = defaultdict(list)
    for row in found["rows"]:
        sections[row["section"]].append(row)
    if missing := sorted(set(found["sections"]) - set(sections)):
        sys.exit(f"error: '{options.json}' has no results of: {', '.join(missing)}")

    steps = next(row["steps"] for row in found["rows"] if "steps" in row)
    text = INTRODUCTION.format(steps=steps, **found["versions"])
    text += summary(found, sections)
    for section, cases in found["sections"].items():
        text += f"\n## {section}\n\n" + table(sections[section], cases)
    text += narrow(sections["States and weights in fewer bits"]) + zoo(sections["Zoo"])
    options.markdown.write_text(text)
    print(f"wrote {options.markdown}")


def summary(found: dict, sections: dict[str, list[dict]]) -> str:
    cells = [
        max(cell["outputs"], cell["states"] or 0.0)
        for section in found["sections"] for row in sections[section]
        for cell in row.get("cells", ())
    ]
    failed = sum(row["error"] is not None for row in found["rows"])
    lines = [
        f"- {found['date']}, base seed {found['seed']}: {len(cells)} cells, the worst "
        f"{shown(max(cells))}; {failed} of {len(found['rows'])} tests failed.",
    ]
    models = sections["Random models"]
    if models:
        seeds = sorted(row["seed"] for row in models)
        good = sum(row["error"] is None for row in models)
        families = Counter(family for row in models for family in row["layers"])
        nodes = [row["nodes"] for row in models]
        dtypes = Counter(row["dtype"] for row in models)
        lines.append(
            f"- Random models: {good} of {len(models)} agree, seeds {seeds[0]} to {seeds[-1]}; "
            f"{min(nodes)} to {max(nodes)} layers and operations each, "
            + ", ".join(f"{count} in {name}" for name, count in sorted(dtypes.items()))
            + "; layers of "
            + ", ".join(f"{family or 'none'} in {n}" for family, n in sorted(families.items()))
            + ". Each is stepped and run, saved and loaded at a random step (as a dict, a file, in "
            "another object, in another process), given a second batch size, and weights in raw, "
            "compiled and mixed form."
        )
    own = sections["The reference's own tests"]
    if own and own[0]["error"] is None:
        lines.append(
            f"- The reference's own tests pass with compiled models in the place of its own: "
            f"{own[0]['name']}."
        )
    return "\n".join(lines) + "\n"


def table(rows: list[dict], cases: list[str]) -> str:
    by_case = {(row["name"], row["dtype"]): row for row in rows}
    missing = [f"{name} in {dtype}" for name in cases for dtype in DTYPES
               if (name, dtype) not in by_case]
    if missing:
        sys.exit(f"error: not tested: {', '.join(missing)}; run the whole of test_table.py")
    dims = any(cell["dim"] is not None for row in rows for cell in row.get("cells", ()))
    head = ["layer", *(["dim"] if dims else [])]
    head += [f"{dtype}, {batch}" for dtype in DTYPES for batch in BATCHES]
    text = line(head) + line(["---"] * (2 if dims else 1) + ["--:"] * 6)
    reasons: dict[str, int] = {}
    for name in cases:
        cells = {}
        for dtype in DTYPES:
            for cell in by_case[name, dtype].get("cells", ()):
                cells[cell["dim"], dtype, cell["batch"]] = both(cell)
        for dim in sorted({dim for dim, *_ in cells}, key=str) or [None]:
            values = []
            for dtype in DTYPES:
                row = by_case[name, dtype]
                reason = row.get("reason")
                if row["error"] is not None and "cells" not in row:
                    reason = "failed: " + row["error"].splitlines()[0]
                for batch in BATCHES:
                    value = cells.get((dim, dtype, batch))
                    if value is None:
                        note = reasons.setdefault(reason or "failed", len(reasons) + 1)
                        value = f"[{note}]"
                    values.append(value)
            text += line([f"`{name}`", *([str(dim)] if dims else []), *values])
    notes = "".join(f"\n[{number}] {reason}.\n" for reason, number in reasons.items())
    left_out = [row["left_out"] for row in rows if "left_out" in row]
    if left_out:
        notes += (
            f"\nEach step begins with the reference's states, as an event that falls the other "
            f"way changes all that follows. Left out are the elements nearer than 1e-5 to where "
            f"an event begins: at most {max(left_out):.4%} of a layer's.\n"
        )
    return text + notes


def both(cell: dict) -> str:
    if cell["states"] is None:
        return shown(cell["outputs"])
    return f"{shown(cell['outputs'])} / {shown(cell['states'])}"


def shown(error: float) -> str:
    if error == 0.0 or error >= 0.01:
        return f"{error:.2f}" if error else "0"
    digit, _, exponent = f"{error:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"


NARROW_TYPES = ("bf16", "f16", "int8")
NARROW = """
## States and weights in fewer bits

`dtype=torch.bfloat16` or `float16`, `--storage=bf16` or `f16`: states and the matrices of products
are kept in 16 bits, and computed with in f32. `weights_dtype=torch.int8`, `--weights-storage=int8`:
the matrices alone in 8 bits, with a scale a row. The unit is the epsilon of the type, 2^-7 for bf16
and 2^-10 for f16, and 1/127 for int8, of the largest value in the tensor. In a step, whose reference
begins with the same states and has, in 16 bits, the same matrices, errors may be {step}; after 50
steps, whose reference is in f32 throughout, {run:g}.

"""


def narrow(rows: list[dict]) -> str:
    rows = [row for row in rows if "limits" in row]
    if not rows:
        sys.exit("error: not tested: types of fewer bits; run test_narrow_types.py")
    limits = {row["dtype"]: row["limits"] for row in rows}
    step = ", ".join(f"{limits[dtype][0]:g} in {dtype}" for dtype in NARROW_TYPES)
    text = NARROW.format(step=step, run=rows[0]["limits"][1])
    text += line(["layer", *(f"{d}, {n}" for d in NARROW_TYPES for n in ("a step", "50 steps"))])
    text += line(["---"] + ["--:"] * 2 * len(NARROW_TYPES))
    by_case = {(row["name"], row["dtype"]): row for row in rows}
    for name in dict.fromkeys(row["name"] for row in rows):
        cells = []
        for dtype in NARROW_TYPES:
            row = by_case.get((name, dtype))
            cells += [shown(row["step"]), shown(row["run"])] if row else ["failed", "failed"]
        text += line([f"`{name}`", *cells])
    return text


def zoo(rows: list[dict]) -> str:
    text = "\n## Models of examples/zoo\n\nSeconds on two cores, each model alone.\n\n"
    text += line(["model", "what it is", "parameters", "export", "compile"])
    text += line(["---", "---", "--:", "--:", "--:"])
    for row in sorted(rows, key=lambda row: row["name"]):
        if "compile" in row:
            what = row["what"].rstrip(".")
            numbers = [f"{row['parameters']:,}", f"{row['export']:.1f}", f"{row['compile']:.1f}"]
            text += line([f"`{row['name']}`", what, *numbers])
    return text


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    main()

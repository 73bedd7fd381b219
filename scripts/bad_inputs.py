#!/usr/bin/env python3
"""Which of the numbered cases of docs/bad-inputs.md have a test: bad_inputs.py

A unit test names its cases (TEST_CASE("P24 a global outside the table")); tests of the compiler
and of Python name them anywhere in their files. A case without a test needs the words "Not
tested:" and the reason in its row. A cause that a row names must be one that the runtime gives.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CASE = re.compile(r"\b[SPHKM]\d{1,2}\b")
# Elsewhere S4 is a layer.
OTHERS_CASE = re.compile(r"\b[KMP]\d{1,2}\b")
COUNTS = {"S": 48, "P": 48, "H": 20, "K": 25, "M": 24}


def rows() -> dict[str, str]:
    """The verdict of every case."""
    found: dict[str, str] = {}
    for line in (ROOT / "docs" / "bad-inputs.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) >= 3 and CASE.fullmatch(cells[0]):
            if cells[0] in found:
                sys.exit(f"error: {cells[0]} is there twice")
            found[cells[0]] = cells[-1]
    return found


def tests() -> dict[str, list[str]]:
    """The files that test each case."""
    found = defaultdict(list)
    for path in sorted((ROOT / "test").rglob("*")):
        if path.suffix == ".cpp":
            names = re.findall(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', path.read_text())
            cases = CASE.findall(" ".join(names))
        elif path.suffix in (".mlir", ".test", ".py"):
            cases = OTHERS_CASE.findall(path.read_text())
        else:
            continue
        for case in sorted(set(cases)):
            found[case].append(str(path.relative_to(ROOT)))
    return found


def causes() -> set[str]:
    sources = " ".join(path.read_text() for path in (ROOT / "runtime").rglob("*.cpp"))
    return set(re.findall(r'"([A-Z][A-Za-z0-9]+)"', sources))


def main() -> int:
    verdicts, tested, known = rows(), tests(), causes()
    wanted = [f"{letter}{n}" for letter, count in COUNTS.items() for n in range(1, count + 1)]
    problems = [f"{case}: there is no row for it" for case in wanted if case not in verdicts]
    problems += [f"{case}: no list has such a number" for case in verdicts if case not in wanted]
    excused = []
    for case, verdict in verdicts.items():
        reason = verdict.partition("Not tested: ")[2]
        if case not in tested and not reason:
            problems.append(f"{case}: neither a test nor a reason")
        elif case in tested and reason:
            problems.append(f"{case}: said not to be tested, but {tested[case][0]} names it")
        elif reason:
            excused.append(f"{case} is not tested: {reason}")
        for cause in re.findall(r"`([A-Z][A-Za-z0-9]+)`", verdict):
            if case[0] != "M" and cause not in known:
                problems.append(f"{case}: the runtime has no cause {cause}")
    for line in excused:
        print(line)
    covered = sum(case in tested for case in verdicts)
    print(f"{len(verdicts)} cases: {covered} tested, {len(excused)} with a reason why not")
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

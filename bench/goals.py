"""Which goals are reached? Each is a ratio of two medians of one run.

    .venv/bin/python bench/goals.py times.json      # of a run with --json times.json

A goal is that ttc be so many times as fast as the best peer that the run has, as the reference
after TTcompile(), or as ttc itself without events, on another case or step by step. Where a setting
has no goal of its own against its best peer, the goal is not to be behind it.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

TTC = "ttc"
BEST_PEER = "best peer"
REFERENCE = "reference-ttcompiled"
DENSE = "ttc-dense"
NEARLY = 0.8  # less than this part of a goal needs a written cause
CALL_NS = 50.0  # around a model that does nothing
SEQUENCE = 128

Setting = tuple[str, int, int]  # case, batch, timesteps a call


@dataclass(frozen=True)
class Goal:
    """ttc's time on a setting against another engine's there, or its own on another setting."""

    case: str
    batch: int
    steps: int
    against: str
    times: float  # that it is as fast
    elsewhere: Setting | None = None
    given: bool = True  # False: only not to be behind

    @property
    def setting(self) -> Setting:
        return self.case, self.batch, self.steps

    @property
    def rival(self) -> str:
        """What it is against, for a reader."""
        if self.elsewhere is None:
            return self.against
        case = self.elsewhere[0]
        return "own step" if case == self.case else f"own {case}"


# One timestep a call at batch 1: against the best peer, and against the reference.
_STEPS = {
    "a": (4.8, 28.0),
    "b": (3.5, 20.0),
    "b*:5": (20.0, 180.0),
    "b*:10": (13.0, 110.0),
    "c": (1.05, 3.0),
    "d:LSTM20": (2.4, 750.0),
    "d:LSTM64": (1.4, 84.0),
    "d:GRU16": (1.0, 870.0),
    "d:GRU32": (1.5, 770.0),
    "d:GRU64": (1.7, 200.0),
    "e": (10.0, 27.0),
    "f": (2.4, 10.0),
    "g": (1.3, 5.0),
    "g*:5": (20.0, 80.0),
    "g*:10": (20.0, 80.0),
}
_NEURON = (30.0, 150.0)  # each of the cases h
# One timestep a call at batch 64, against the best peer.
_BATCH = {"a": 1.7, "b": 1.8, "c": 1.3, "e": 13.0, "f": 9.0, "g": 3.0}

GOALS = [
    *(
        Goal(case, 1, 1, against, times)
        for case, both in _STEPS.items()
        for against, times in zip((BEST_PEER, REFERENCE), both)
    ),
    *(Goal(case, 64, 1, BEST_PEER, times) for case, times in _BATCH.items()),
    # A sequence, a timestep of it: against single steps, and who else has sequences.
    Goal("b", 1, SEQUENCE, TTC, 1.8, ("b", 1, 1)),
    Goal("c", 1, SEQUENCE, TTC, 4.0, ("c", 1, 1)),
    Goal("c", 1, SEQUENCE, BEST_PEER, 1.5),
    # Events, against products over all inputs.
    Goal("b*:5", 1, 1, DENSE, 6.0),
    Goal("b*:50", 1, 1, DENSE, 1.0),
    # Silence costs no more than anything else; two medians differ by a tenth.
    Goal("silent:DSLI", 1, 1, TTC, 0.9, ("h:DSLI", 1, 1)),
]


@dataclass(frozen=True)
class Verdict:
    """A goal, and what a run says of it."""

    goal: Goal
    ratio: float | None  # None: one of the two has no time
    rival: str  # who it was against
    to_bound: float | None  # ttc's median by the setting's bound
    own_us: float | None = None  # the two medians
    rival_us: float | None = None

    @property
    def part(self) -> float | None:
        return None if self.ratio is None else self.ratio / self.goal.times

    @property
    def at_bound(self) -> float | None:
        """The ratio of code that takes no longer than the bound, which none can beat."""
        return None if self.ratio is None else self.ratio * self.to_bound

    @property
    def word(self) -> str:
        if self.part is None:
            return "not measured"
        return "reached" if self.part >= 1 else "nearly" if self.part >= NEARLY else "missed"


def judge(times: Iterable[dict]) -> list[Verdict]:
    """All goals of the settings that a run has, from the times of its JSON."""
    settings: dict[Setting, dict[str, dict]] = {}
    for row in times:
        setting = row["case"], row["batch"], row["steps"]
        settings.setdefault(setting, {})[row["engine"]] = row
    goals = [goal for goal in GOALS if goal.setting in settings]
    for case, batch, steps in settings:
        if case.startswith("h:") and (batch, steps) == (1, 1):
            goals += [
                Goal(case, 1, 1, against, times)
                for against, times in zip((BEST_PEER, REFERENCE), _NEURON)
            ]
    have = {goal.setting for goal in goals if goal.against == BEST_PEER}
    goals += [
        Goal(*setting, BEST_PEER, 1.0, given=False) for setting in settings if setting not in have
    ]
    order = {setting: number for number, setting in enumerate(settings)}
    goals.sort(key=lambda goal: order[goal.setting])
    return [_judged(goal, settings) for goal in goals]


def _judged(goal: Goal, settings: dict[Setting, dict[str, dict]]) -> Verdict:
    engines = settings[goal.setting]
    own = engines.get(TTC)
    others = settings.get(goal.elsewhere or goal.setting, {})
    if goal.against == BEST_PEER:
        peers = [row for engine, row in others.items() if not engine.startswith(TTC)]
        other = min(peers, key=lambda row: row["median_us"], default=None)
        rival = other["engine"] if other else goal.rival
    else:
        other, rival = others.get(goal.against), goal.rival
    to_bound = own["median_us"] / own["bound_us"] if own else None
    own_us, rival_us = (row["median_us"] if row else None for row in (own, other))
    ratio = rival_us / own_us if own and other else None
    return Verdict(goal, ratio, rival, to_bound, own_us, rival_us)


# As tables.

HEADER = ["case", "batch", "steps", "against", "goal", "measured", "of goal", "ttc / bound", "at bound", ""]


def rows(verdicts: Iterable[Verdict]) -> list[list[str]]:
    """A row a goal. Who is merely not to be behind has one only where ttc is."""
    return [
        [
            v.goal.case, str(v.goal.batch), str(v.goal.steps), v.rival, f"{v.goal.times:g}x",
            "-" if v.ratio is None else f"{v.ratio:.3g}x",
            "-" if v.part is None else f"{v.part:.2f}",
            "-" if v.to_bound is None else f"{v.to_bound:.3g}x",
            "-" if v.at_bound is None else f"{v.at_bound:.3g}x",
            v.word,
        ]
        for v in verdicts if v.goal.given or v.word in ("nearly", "missed")
    ]


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """A line a row, for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return lines


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many goals are reached: a sentence."""
    count = {word: sum(v.word == word for v in verdicts)
             for word in ("reached", "nearly", "missed", "not measured")}
    behind = sum(v.goal.against == BEST_PEER and v.ratio is not None and v.ratio < 1
                 for v in verdicts)
    return (
        f"Of {len(verdicts)} goals {count['reached']} are reached, {count['nearly']} to {NEARLY} "
        f"or more, {count['missed']} are missed, {count['not measured']} not measured; ttc is "
        f"behind its best peer in {behind} settings."
    )


def to_json(verdicts: Iterable[Verdict]) -> list[dict]:
    return [
        {
            "case": v.goal.case, "batch": v.goal.batch, "steps": v.goal.steps,
            "against": v.goal.against, "rival": v.rival, "goal": v.goal.times,
            "measured": None if v.ratio is None else round(v.ratio, 4),
            "to_bound": None if v.to_bound is None else round(v.to_bound, 4),
            "at_bound": None if v.at_bound is None else round(v.at_bound, 4),
            "verdict": v.word,
        }
        for v in verdicts
    ]


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: bench/goals.py FILE, which scripts/bench.sh --json wrote", file=sys.stderr)
        return 2
    try:
        times = json.loads(Path(sys.argv[1]).read_text())
    except (OSError, ValueError) as error:
        print(f"error: '{sys.argv[1]}' is no JSON of scripts/bench.sh: {error}", file=sys.stderr)
        return 1
    verdicts = judge(times)
    print("\n".join([*columns([HEADER, *rows(verdicts)]), summary(verdicts)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

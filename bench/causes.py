"""Why is a goal missed? The bound may say so, or where the goal comes from, or what was found."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cases import NEURON_SIZE
from goals import BEST_PEER, NEARLY, REFERENCE, Verdict


class Origin(NamedTuple):
    """A step at batch 1 on the machine that the goals come from, in microseconds.

    One core with AVX-512 and 2 MB of L2, the reference on PyTorch 1.13; torch.compile and
    AOTInductor were not among the peers.
    """

    reference: float
    best_peer: float
    goal: float


_ORIGINS = {
    "a": Origin(130, 22, 4.6),
    "b": Origin(217, 45, 10.5),
    "b*:5": Origin(217, 24, 1.3),
    "b*:10": Origin(217, 29, 2.0),
    "c": Origin(551, 175, 168),
    "d:LSTM20": Origin(98, 0.31, 0.13),
    "d:LSTM64": Origin(63, 1.09, 0.75),
    "d:GRU16": Origin(87, 0.103, 0.10),
    "d:GRU32": Origin(115, 0.232, 0.15),
    "d:GRU64": Origin(92, 0.762, 0.45),
    "e": Origin(382, 139, 14),
    "f": Origin(1760, 422, 175),
    "g": Origin(1934, 488, 380),
    "g*:5": Origin(1934, 488, 24),
    "g*:10": Origin(1934, 488, 24),
}


def _neuron_times(kind: str) -> tuple[float, float]:
    """What the bytes of one of the 32 neurons take at 110 GB/s, and its sigmoids at 0.42 ns each.

    In microseconds, by the letters of its name. The goal is 1.3 times the larger.
    """
    branches = 2 if kind.startswith("D") else 1
    prefix = kind.removeprefix("D").partition("LI")[0]
    fires = kind.partition("LI")[2]
    # A state is read and written. Each branch has beta, alpha with S, gamma and rec_weight with R.
    arrays = 2 + 3 * branches + (3 * branches if "S" in prefix else 0)
    arrays += 4 * branches + 2 if "R" in prefix else 0
    arrays += {"B": 2, "T": 3, "TS": 5}.get(fires, 0)
    sigmoids = {"B": 1, "T": 2, "TS": 2}.get(fires, 0)
    return NEURON_SIZE * 4 * arrays / 110e3, NEURON_SIZE * 0.42e-3 * sigmoids


# Two medians differ by so much from day to day.
_AS_FAST = 1.1
_UNKNOWN = "The cause is not known."

# By case, batch, timesteps a call, and whom the goal is against: what holds the case up, where
# neither the bound nor the origin of the goal says it. docs/schedule.md has the loops.
FOUND: dict[tuple[str, int, int, str], str] = {
    ("c", 1, 128, "ttc"): (
        "Both GRUs read 786 kB of recurrent weights in every timestep, since a product with the "
        "last state waits for it: 1.57 MB, at what this core reads from L2 some 6.4 us; the other "
        "products, at its rate of multiply-adds, take 4.5 us. Their sum is a quarter of the single "
        "step, whose 3.8 MB come from L3, only if nothing else took time; gates and stores do."
    ),
}


def cause(verdict: Verdict) -> str | None:
    """A sentence for a goal that is missed, and None for any other."""
    if verdict.word != "missed":
        return None
    goal = verdict.goal
    if verdict.at_bound < goal.times:
        return (
            f"No code on this core reaches it: at the bound it would be {verdict.at_bound:.3g}x."
        )
    there = {BEST_PEER: "best_peer", REFERENCE: "reference"}.get(goal.against)
    if there and (goal.batch, goal.steps) == (1, 1):
        own, rival = f"{verdict.own_us:.3g} us", f"{verdict.rival_us:.3g}"
        if goal.case.startswith("h:"):
            reading, firing = _neuron_times(goal.case.removeprefix("h:"))
            allowed = 1.3 * max(reading, firing)
            what = f"what the goal allows a neuron's bytes and sigmoids is {allowed:.3g} us"
        elif origin := _ORIGINS.get(goal.case):
            allowed = origin.goal
            what = (
                f"where the goal comes from it was {allowed:g} us, and {getattr(origin, there):g} "
                f"for the rival"
            )
        else:
            return _UNKNOWN
        if verdict.own_us <= allowed * _AS_FAST:
            return f"Here ttc takes {own} and its rival {rival}; {what}."
        if verdict.own_us <= allowed / NEARLY and verdict.rival_us < goal.times * allowed:
            return (
                f"Here ttc takes {own} and its rival {rival}; {what}. In that time it would be "
                f"{verdict.rival_us / allowed:.3g}x."
            )
        if goal.case.startswith("h:") and verdict.own_us <= (reading + firing) * _AS_FAST:
            return (
                f"Here ttc takes {own} and its rival {rival}; {what}, the larger of the two. They "
                f"add up to {reading + firing:.3g} us."
            )
    return FOUND.get((goal.case, goal.batch, goal.steps, goal.against), _UNKNOWN)


def listed(verdicts: Iterable[Verdict]) -> list[str]:
    """An item of a Markdown list for each goal that is missed."""
    return [
        f"- `{v.goal.case}`, batch {v.goal.batch}, {v.goal.steps} "
        f"{'timestep' if v.goal.steps == 1 else 'timesteps'} a call, against {v.rival} "
        f"({v.ratio:.3g}x of {v.goal.times:g}x): {cause(v)}"
        for v in verdicts
        if v.word == "missed"
    ]

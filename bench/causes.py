"""Why is a goal missed? The bound may say so, or what was found in the code."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

from collections.abc import Iterable

from goals import Verdict

# By case, batch, timesteps a call, and whom the goal is against: what bounds the case where the
# measured limits of the core do not say it alone. docs/schedule.md has the loops that are meant.
FOUND: dict[tuple[str, int, int, str], str] = {}


def cause(verdict: Verdict) -> str | None:
    """A sentence for a goal that is missed, and None for any other."""
    if verdict.word != "missed":
        return None
    goal = verdict.goal
    if verdict.at_bound < goal.times:
        return (
            f"No code on this core reaches it: at the bound it would be {verdict.at_bound:.3g}x."
        )
    found = FOUND.get((goal.case, goal.batch, goal.steps, goal.against))
    return found or "The cause is not known."


def listed(verdicts: Iterable[Verdict]) -> list[str]:
    """An item of a Markdown list for each goal that is missed."""
    return [
        f"- `{v.goal.case}`, batch {v.goal.batch}, {v.goal.steps} "
        f"{'timestep' if v.goal.steps == 1 else 'timesteps'} a call, against {v.rival} "
        f"({v.ratio:.3g}x of {v.goal.times:g}x): {cause(v)}"
        for v in verdicts
        if v.word == "missed"
    ]

"""How are the results shown: as text, Markdown, JSON and a plot?"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from html import escape

import causes
import goals
from bounds import Machine
from compiling import Compiled

TTC = goals.TTC


@dataclass(frozen=True)
class Times:
    """Microseconds a timestep, over the rounds."""

    median: float
    min: float
    rounds: int


@dataclass
class Result:
    """A setting, and each engine's times on it or why it has none."""

    case: str
    description: str
    batch: int
    steps: int
    bound_us: float
    activity: Sequence[float]
    times: dict[str, Times] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        calls = "one timestep a call" if self.steps == 1 else f"{self.steps} timesteps a call"
        return f"Batch {self.batch}, {calls}"


def sections(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results by batch and steps, streaming steps first."""
    grouped: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda r: (r.steps, r.batch)):
        grouped.setdefault(result.section, []).append(result)
    return grouped


# Numbers.


def _number(value: float) -> str:
    """Three significant digits."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def _cell(result: Result, engine: str) -> str:
    times = result.times.get(engine)
    if times is None:
        return "-"
    text = f"{_number(times.median)} ({_number(times.min)})"
    if engine == TTC:
        return text
    own = result.times.get(TTC)
    return f"{text} {_number(times.median / own.median)}x" if own else text


def _row(result: Result, engines: Sequence[str]) -> list[str]:
    own = result.times.get(TTC)
    peers = [t.median for e, t in result.times.items() if not e.startswith(TTC)]
    return [
        result.case,
        _number(result.bound_us),
        _number(own.median / result.bound_us) + "x" if own else "-",
        _number(min(peers) / own.median) + "x" if own and peers else "-",
        *[_cell(result, engine) for engine in engines],
    ]


def _header(engines: Sequence[str]) -> list[str]:
    return ["case", "bound", "ttc / bound", "best peer / ttc", *engines]


_COMPILE_HEADER = ["model", "export, s", "compile, s", "at most", ""]


def _compile_rows(compiled: Sequence[Compiled]) -> list[list[str]]:
    return [
        [c.model, f"{c.export:.2f}", f"{c.compile:.2f}", f"{c.most:g}",
         "reached" if c.compile <= c.most else "missed"]
        for c in compiled
    ]


# Text.


def text_tables(results: Sequence[Result], engines: Sequence[str]) -> str:
    lines = []
    for title, members in sections(results).items():
        rows = [_header(engines), *[_row(result, engines) for result in members]]
        lines += [title, "Microseconds a timestep: median (min), and how many times ttc's median."]
        lines += [*goals.columns(rows), *_remarks(members, "  "), ""]
    return "\n".join(lines)


def text_of_goals(verdicts: Sequence[goals.Verdict], compiled: Sequence[Compiled]) -> str:
    lines = ["Goals: so many times as fast as", *goals.columns([goals.HEADER, *goals.rows(verdicts)])]
    lines += ["", "Compiling", *goals.columns([_COMPILE_HEADER, *_compile_rows(compiled)]), ""]
    return "\n".join(lines)


def _remarks(results: Sequence[Result], indent: str) -> list[str]:
    """Who has no time and why, a line for each reason, and how an engine was run."""
    said: dict[str, list[str]] = {}
    for result in results:
        for engine, reason in result.refused.items():
            said.setdefault(f"{engine}: no time: {reason}", []).append(result.case)
        for engine, note in result.notes.items():
            said.setdefault(f"{engine}: {note}", []).append(result.case)
    return [f"{indent}{what} [{_listed(cases)}]" for what, cases in said.items()]


def _listed(cases: Sequence[str]) -> str:
    if len(cases) <= 8:
        return ", ".join(cases)
    return f"{cases[0]}, {cases[1]} ... {cases[-1]}: {len(cases)} cases"


# Markdown.


def markdown(
    results: Sequence[Result],
    engines: Sequence[str],
    machine: Sequence[str],
    plot: str,
    verdicts: Sequence[goals.Verdict],
    compiled: Sequence[Compiled],
) -> str:
    lines = [
        "# Performance",
        "",
        "Written by `scripts/bench.sh --markdown docs/performance.md`; bench/README.md says what",
        "is measured and how. Absolute times drift with the machine; the ratios, measured side by",
        "side, hold to about 10 %.",
        "",
        *[f"- {line}" for line in machine],
        "",
        "Microseconds a timestep: median (min) over the rounds, and how many times ttc's median",
        "that is. The bound is what no code on this core can beat.",
        "",
        f"![Times of all engines]({plot})",
        "",
    ]
    missed = causes.listed(verdicts)
    lines += [
        "## Goals",
        "",
        "So many times as fast as a rival in the same setting: the best peer that the run has,",
        "the reference after TTcompile(), or ttc itself without events, on another case, or step",
        "by step. What has no goal of its own is listed where it is behind its best peer. At the",
        "bound, which no code can beat, the ratio would be that of the last column.",
        "",
        *_markdown_table(goals.HEADER, goals.rows(verdicts)),
        "",
        goals.summary(verdicts),
        "",
        *(["Why those are missed that are:", "", *missed, ""] if missed else []),
        "## Compiling",
        "",
        "Seconds to export a model and to make a shared library of it, the best of some attempts.",
        "",
        *_markdown_table(_COMPILE_HEADER, _compile_rows(compiled)),
        "",
    ]
    for title, members in sections(results).items():
        lines += [f"## {title}", ""]
        lines += _markdown_table(_header(engines), [_row(result, engines) for result in members])
        remarks = _remarks(members, "- ")
        lines += ["", *remarks, ""] if remarks else [""]
    lines += ["## The cases", ""]
    for result in {result.case: result for result in results}.values():
        line = f"- `{result.case}`: {result.description}"
        if any(part < 0.999 for part in result.activity):
            parts = ", ".join(f"{part:.1%}" for part in result.activity)
            line += f"; active inputs of its products: {parts}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


# JSON.


def times(results: Sequence[Result]) -> list[dict]:
    """One object for each engine that has a time."""
    rows = []
    for result in results:
        for engine, found in result.times.items():
            row = {
                "case": result.case,
                "batch": result.batch,
                "steps": result.steps,
                "engine": engine,
                "median_us": round(found.median, 5),
                "min_us": round(found.min, 5),
                "bound_us": round(result.bound_us, 5),
                "rounds": found.rounds,
            }
            if engine in result.notes:
                row["note"] = result.notes[engine]
            rows.append(row)
    return rows


def _rows_to_json(rows: Iterable[dict]) -> str:
    """A list with an object a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]"


def times_to_json(results: Sequence[Result]) -> str:
    return _rows_to_json(times(results)) + "\n"


def run_to_json(
    machine: Machine,
    about: dict[str, object],
    verdicts: Sequence[goals.Verdict],
    compiled: Sequence[Compiled],
) -> str:
    """What a run knows beside its times."""
    lists = {"goals": goals.to_json(verdicts), "compile": [asdict(c) for c in compiled]}
    parts = [f'"machine": {json.dumps(about | asdict(machine))}']
    parts += [f'"{name}": {_rows_to_json(rows)}' for name, rows in lists.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


# The plot.

_COLOURS = ["#c0392b", "#e59866", "#2c3e50", "#7f8c8d", "#2471a3", "#1e8449", "#8e44ad", "#b7950b"]
_LEFT, _WIDTH, _LINE = 110, 620, 18


def svg(results: Sequence[Result], engines: Sequence[str]) -> str:
    """A dot an engine, a line a setting, on a logarithmic scale of time."""
    values = [t.median for r in results for t in r.times.values()]
    values += [r.bound_us for r in results]
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)

    def across(value: float) -> float:
        return _LEFT + (math.log10(value) - low) / (high - low) * _WIDTH

    body, y = [], 24
    colours = {engine: _COLOURS[i % len(_COLOURS)] for i, engine in enumerate(engines)}
    x = _LEFT
    for engine, colour in [*colours.items(), ("bound", "")]:
        body.append(_dot(x, y, colour) if colour else _tick(x, y))
        body.append(_text(x + 8, y + 4, engine))
        x += 24 + 7 * len(engine)
    for title, members in sections(results).items():
        y += 2 * _LINE
        body.append(_text(8, y, f"{title}, microseconds a timestep", "bold"))
        y += _LINE
        top = y - 12
        bottom = top + _LINE * len(members)
        for power in range(low, high + 1):
            x = across(10.0**power)
            body.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#ddd"/>')
            label = f"{10.0**power:g}"
            body.append(_text(x - 3.5 * len(label), bottom + 12, label))
        for result in members:
            body.append(_text(8, y, result.case))
            body.append(_tick(across(result.bound_us), y - 4))
            for engine in engines:
                if engine in result.times:
                    body.append(_dot(across(result.times[engine].median), y - 4, colours[engine]))
            y += _LINE
    width, height = _LEFT + _WIDTH + 40, y + _LINE
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *body,
        "</svg>",
        "",
    ])


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}" fill-opacity="0.8"/>'


def _tick(x: float, y: float) -> str:
    return f'<rect x="{x - 1:.1f}" y="{y - 6:.1f}" width="2" height="12" fill="black"/>'


def _text(x: float, y: float, words: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(words)}</text>'

"""How much faster is ttc than what else there is? Times all engines on all cases, side by side."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
CACHE = HOME / "build" / "bench-cache"
# Before PyTorch is imported: what its compilers make is kept between runs.
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(CACHE / "inductor"))
sys.path.insert(0, str(HOME / "python"))

import torch  # noqa: E402
import ttc  # noqa: E402

import compiling  # noqa: E402
import goals  # noqa: E402
import report  # noqa: E402
from bounds import Machine, measure_machine, measure_work  # noqa: E402
from cases import GROUPS, SILENT_STEPS, Case  # noqa: E402
from engines import ENGINES, FOR_EVENTS, IN_PAIRS, NARROW, SLOW_TO_OPEN  # noqa: E402
from engines.setting import Engine, Setting, Unavailable  # noqa: E402
from engines.ttc_call import call_timer  # noqa: E402

BATCHES = (1, 64)
STEPS = (1, 128)
RTOL, ATOL = 1e-4, 1e-5  # ATOL of the largest output, or of 1
MAX_DIFFERENT = 0.02  # of the elements, with hard events
# Of weights in fewer bits: of the largest output, or of 1; with hard events the root mean square
# of all differences, of that of the outputs.
NARROW_ATOL, NARROW_RMS = 0.05, 1.0
BELOW_BOUND = 0.8  # a median below this part of the bound is an error of measurement or of code
SECONDS_A_SLICE = 0.02
# Where one call takes longer than a slice, rounds are cut short, but not below so many.
SECONDS_A_SETTING = 20.0
MIN_ROUNDS = 3
# An engine that has been timed for so long in a setting is timed no more: it is far from the
# others, and a call of it takes long.
SECONDS_AN_ENGINE = 3.0
# The minutes of a run after which no engine is opened any more whose compiler takes long: the rest
# takes about as many. What such compilers make is kept, so that the next run has more of it.
OPENING_MINUTES, QUICK_OPENING_MINUTES = 25.0, 4.0


def main() -> int:
    options = _parse_options()
    cases = [
        case for group in options.cases for case in GROUPS[group] if case.quick or not options.quick
    ]
    start = time.monotonic()
    opening = QUICK_OPENING_MINUTES if options.quick else OPENING_MINUTES
    warnings.filterwarnings("ignore", module="torch")
    torch.set_num_threads(1)
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        machine = measure_machine(options.core)
        with _pinned(options.core):
            empty_ns = min(call_timer("ttc_bench_empty", 100_000) for _ in range(20))
    except ttc.Error as error:
        print(f"error: {error}; build the project with scripts/build.sh", file=sys.stderr)
        return 1

    results = []
    settings = [(c, b, s) for c in cases for b, s in _streams(c, options.quick)]
    for number, (case, batch, steps) in enumerate(settings):
        where = f"[{number + 1}/{len(settings)}] {case.name}, batch {batch}, steps {steps}"
        with tempfile.TemporaryDirectory(prefix="ttc-bench-") as folder:
            setting = Setting(case, batch, steps, Path(folder), CACHE)
            is_late = time.monotonic() - start > 60 * opening
            results.append(_measure(setting, options, machine, where, is_late))
        if options.json:
            # What has been measured is not lost when the run is cut off.
            options.json.write_text(report.times_to_json(results))
    with _pinned(options.core):
        compiled = compiling.measure(1 if options.quick else 3, _progress)
    _progress("")

    verdicts = goals.judge(report.times(results))
    print(report.text_tables(results, options.engines))
    print(report.text_of_goals(verdicts, compiled))
    lines = _describe(machine, empty_ns, options, results)
    print("\n".join([goals.summary(verdicts), *lines]))
    if options.json:
        about = {"processor": _processor(), "empty_call_ns": round(empty_ns, 2)}
        beside = options.json.with_suffix(".run.json")
        beside.write_text(report.run_to_json(machine, about, verdicts, compiled))
    if options.markdown:
        plot = options.markdown.with_suffix(".svg")
        plot.write_text(report.svg(results, options.engines))
        text = report.markdown(
            results, options.engines, lines, plot.name, verdicts, compiled
        )
        options.markdown.write_text(text)
    failed = [r for r in results for engine in r.refused if engine.startswith(report.TTC)]
    for result in failed:
        print(f"error: ttc has no time for {result.case}, {result.section}", file=sys.stderr)
    return 1 if failed else 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__)
    parser.add_argument("--cases", type=_names(GROUPS, "case"), default=list(GROUPS),
                        metavar="NAMES", help=f"of {','.join(GROUPS)}; default: all")
    parser.add_argument("--engines", type=_names(ENGINES, "engine"),
                        default=[name for name in ENGINES if name not in NARROW],
                        metavar="NAMES", help=f"of {','.join(ENGINES)}; default: all but "
                        f"{' and '.join(NARROW)}")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="write the times here, too, and the rest of the run beside (.run.json)")
    parser.add_argument("--markdown", type=Path, metavar="FILE",
                        help="write the tables here, too, and a plot beside")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds, batch 1 only")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 15, or 7 with --quick")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), metavar="N",
                        help="the core to time on; default: the last one")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 7 if options.quick else 15
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}, expected at least 1")
    if options.core not in os.sched_getaffinity(0):
        allowed = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        parser.error(f"--core is {options.core}, expected one that this process may use: {allowed}")
    for path in (options.json, options.markdown):
        # Not to be found out after half an hour.
        if path is not None and not path.absolute().parent.is_dir():
            parser.error(f"'{path}' cannot be written: '{path.parent}' is no folder")
    return options


def _names(known: dict, what: str):
    """Parses names with commas between."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"there is no {what} '{name}', expected some of {','.join(known)}"
                )
        return names

    return parse


def _streams(case: Case, quick: bool) -> list[tuple[int, int]]:
    """The batches and steps that a case is timed at."""
    if case.silent:
        return [(1, 1)]
    return [(batch, steps) for steps in STEPS for batch in BATCHES if not quick or batch == 1]


# One setting.


def _measure(
    setting: Setting, options: argparse.Namespace, machine: Machine, where: str,
    is_late: bool = False,
) -> report.Result:
    case, work = setting.case, measure_work(setting)
    result = report.Result(
        case.name, case.description, setting.batch, setting.steps, work.bound_us(machine),
        work.activity,
    )
    expected = ENGINES["reference"](setting).outputs()
    engines: dict[str, Engine] = {}
    for name in options.engines:
        if name in FOR_EVENTS and not case.hard:
            continue
        _progress(f"{where}: preparing {name}")
        if is_late and name in SLOW_TO_OPEN:
            result.refused[name] = "the run had no minutes left to compile it; the next one has"
            continue
        try:
            # What the compiling engines say of themselves is nothing for a reader of the table.
            with contextlib.redirect_stderr(io.StringIO()):
                engine = ENGINES[name](setting)
            wrong = _difference(engine.outputs(), expected, case.hard, name in NARROW)
        except Unavailable as reason:
            result.refused[name] = str(reason)
        except Exception as error:  # whatever an engine raises, the others are still timed
            sentence = (str(error).strip().splitlines() or ["no reason given"])[0]
            result.refused[name] = f"{type(error).__name__}: {sentence}"
        else:
            if wrong:
                result.refused[name] = wrong
            else:
                engines[name] = engine
                if engine.note:
                    result.notes[name] = engine.note

    with _pinned(options.core), _no_collection():
        slices = {}
        for name, engine in engines.items():
            if case.silent:
                engine.time(SILENT_STEPS)
            slices[name] = _calls_a_slice(engine)
        samples: dict[str, list[float]] = {name: [] for name in engines}
        spent = dict.fromkeys(engines, 0.0)
        start = time.monotonic()
        for number in range(options.rounds):
            if number >= MIN_ROUNDS and time.monotonic() - start > SECONDS_A_SETTING:
                break
            _progress(f"{where}: round {number + 1} of {options.rounds}")
            # Whoever comes after a slow engine is not always the same.
            for name in list(engines) if number % 2 == 0 else reversed(engines):
                if spent[name] > SECONDS_AN_ENGINE:
                    continue
                nanoseconds = engines[name].time(slices[name])
                spent[name] += nanoseconds * slices[name] * 1e-9
                samples[name].append(nanoseconds / setting.steps / 1000)

    for name, values in samples.items():
        times = report.Times(statistics.median(values), min(values), len(values))
        bound_us = work.bound_us(
            machine.of_cores(engines[name].cores), NARROW.get(name, 1), name in IN_PAIRS
        )
        if times.median < BELOW_BOUND * bound_us:
            result.refused[name] = (
                f"invalid: {times.median:.4g} us is less than the machine's bound of "
                f"{bound_us:.4g} us"
            )
        else:
            result.times[name] = times
    return result


def _difference(
    found: torch.Tensor, expected: torch.Tensor, hard: bool, narrow: bool = False
) -> str:
    """Why outputs disagree; empty if they do not."""
    if found.shape != expected.shape:
        return f"disagrees: its shape is {tuple(found.shape)}, not {tuple(expected.shape)}"
    # Where branches of either sign cancel, what is left is as exact as they were.
    scale = max(1.0, expected.abs().max().item())
    if narrow and hard:
        rms = ((found - expected).square().mean() / expected.square().mean()).sqrt().item()
        if rms <= NARROW_RMS:
            return ""
        return f"disagrees by {rms:.0%} of the outputs, both as root mean squares"
    rtol, atol = (0.0, NARROW_ATOL) if narrow else (RTOL, ATOL)
    different = ~torch.isclose(found, expected, rtol=rtol, atol=atol * scale)
    part = different.float().mean().item()
    if part <= (MAX_DIFFERENT if hard else 0.0):
        return ""
    largest = (found - expected).abs().max().item()
    return f"disagrees in {part:.2%} of the elements, by up to {largest:.3g}"


def _calls_a_slice(engine: Engine) -> int:
    """So many calls that they take about a slice; at least one. Warms the engine up."""
    calls = 1
    while True:
        nanoseconds = engine.time(calls) * calls
        if nanoseconds > SECONDS_A_SLICE * 1e9 / 4:
            return max(1, round(calls * SECONDS_A_SLICE * 1e9 / nanoseconds))
        calls *= 4


# What could disturb a measurement.


@contextlib.contextmanager
def _pinned(core: int) -> Iterator[None]:
    """On one core; the compilers of the engines may use all."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)


def _describe(
    machine: Machine, empty_ns: float, options: argparse.Namespace, results: list[report.Result]
) -> list[str]:
    """The machine and the run, a sentence each."""
    levels = ", ".join(f"{level.name} {level.read_gbs:.0f}" for level in machine.levels)
    return [
        f"{_processor()}, one pinned core, one thread (ttc-2-threads: two), float32, {options.rounds} rounds"
        + _fewer_rounds(results, options.rounds) + ".",
        f"Limits of the core: {machine.fma_gflops:.0f} GFLOP/s of fused multiply-adds; reading "
        f"{levels} GB/s; an indirect call {machine.indirect_call_ns:.1f} ns.",
        f"A call of ttc around a model that does nothing: {empty_ns:.1f} ns, of at most "
        f"{goals.CALL_NS:g}.",
        f"PyTorch {torch.__version__}, Python {platform.python_version()}.",
    ]


def _fewer_rounds(results: list[report.Result], rounds: int) -> str:
    fewest = min((t.rounds for r in results for t in r.times.values()), default=rounds)
    return f" (at least {fewest} where a call is long)" if fewest < rounds else ""


def _processor() -> str:
    """Its name, and its family and model, since the name may be that of many."""
    told: dict[str, str] = {}
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            told.setdefault(name.strip(), value.strip())
    if "model name" not in told:
        return platform.machine()
    return f"{told['model name']} (family {told.get('cpu family')}, model {told.get('model')})"


if __name__ == "__main__":
    sys.exit(main())

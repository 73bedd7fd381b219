"""Whether the benchmark runs, and writes what its readers expect."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "bench"))

import causes  # noqa: E402  (found through the path above)
import goals  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
from bounds import Level, Machine, Work, measure_work  # noqa: E402
from cases import GROUPS, NEURONS  # noqa: E402
from engines.setting import Setting, Unavailable  # noqa: E402

# More would only wait for each other where other tests run, too.
torch.set_num_threads(1)


def run_bench(*arguments):
    command = [str(HOME / "scripts" / "bench.sh"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def slice_of_a(tmp_path_factory):
    """A run of the case a, and the folder that it wrote to."""
    folder = tmp_path_factory.mktemp("bench")
    done = run_bench(
        "--cases", "a", "--quick", "--rounds", "2", "--engines", "ttc,reference",
        "--json", folder / "a.json", "--markdown", folder / "a.md",
    )
    return done, folder


def test_json(slice_of_a):
    done, folder = slice_of_a
    assert done.returncode == 0, done.stderr
    rows = json.loads((folder / "a.json").read_text())
    found = {(row["case"], row["batch"], row["steps"], row["engine"]) for row in rows}
    assert found == {
        ("a", 1, steps, engine) for steps in (1, 128) for engine in ("ttc", "reference")
    }
    assert len(rows) == len(found)
    for row in rows:
        assert 0 < row["min_us"] <= row["median_us"]
        assert row["median_us"] >= run.BELOW_BOUND * row["bound_us"] > 0
    whole = json.loads((folder / "a.run.json").read_text())
    machine = whole["machine"]
    assert machine["processor"] and machine["fma_gflops"] > 0 and machine["empty_call_ns"] > 0
    assert machine["levels"][0]["name"] == "L1" and machine["levels"][0]["read_gbs"] > 0
    own = [goal for goal in whole["goals"] if (goal["case"], goal["steps"]) == ("a", 1)]
    assert [(goal["against"], goal["rival"], goal["goal"]) for goal in own] == [
        ("best peer", "reference", 4.8), ("reference-ttcompiled", "reference-ttcompiled", 28.0)
    ]
    assert own[0]["measured"] > 1 and own[1]["verdict"] == "not measured"
    models = {compiled["model"]: compiled for compiled in whole["compile"]}
    assert "a" in models and "zoo/shd_snn" in models
    assert all(0 < compiled["compile"] for compiled in models.values())


def test_goals_of_a_run_that_was_written(slice_of_a):
    _, folder = slice_of_a
    command = [sys.executable, str(HOME / "bench" / "goals.py"), str(folder / "a.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1].split()[:5] == ["a", "1", "1", "reference", "4.8x"]
    command[-1] = str(folder / "a.md")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is no JSON of scripts/bench.sh" in done.stderr



def test_table_and_plot(slice_of_a):
    done, folder = slice_of_a
    lines = done.stdout.splitlines()
    assert "Batch 1, one timestep a call" in lines
    header = lines[lines.index("Batch 1, one timestep a call") + 2].split()
    assert header[0] == "case" and header[-2:] == ["ttc", "reference"]
    # No progress where nobody watches.
    assert done.stderr == ""
    page = (folder / "a.md").read_text()
    assert "![Times of all engines](a.svg)" in page
    assert "| a | 1 | 1 | reference | 4.8x |" in page and "| zoo/shd_snn |" in page
    assert "Goals: so many times as fast as" in lines
    # A dot an engine for each of two settings, and the legend's.
    assert (folder / "a.svg").read_text().count("<circle") == 2 * 2 + 2


def test_unknown_names_are_refused():
    done = run_bench("--cases", "a,nonsense")
    assert done.returncode == 2
    assert "there is no case 'nonsense'" in done.stderr


def test_a_case_is_the_same_every_time(tmp_path):
    for case in (GROUPS["a"][0], GROUPS["b*"][1], GROUPS["g*"][0], GROUPS["h"][0]):
        setting, again = (Setting(case, 1, 1, tmp_path, tmp_path) for _ in range(2))
        assert torch.equal(setting.checked, again.checked)
        assert torch.equal(setting.timed, again.timed)
        assert not torch.equal(setting.checked[0], setting.timed[0][0])


def test_the_neurons_of_hard_cases_fire_as_often_as_their_inputs(tmp_path):
    for case in GROUPS["b*"] + GROUPS["g*"]:
        wanted = int(case.name.partition(":")[2]) / 100
        setting = Setting(case, 64, 1, tmp_path, tmp_path)
        for part in measure_work(setting).activity:
            assert wanted / 2 < part < wanted * 2, case.name


def test_all_neurons_are_there():
    assert [case.name for case in GROUPS["h"]] == [f"h:{kind}" for kind in NEURONS]
    assert len(NEURONS) == 32


def test_bound():
    # 1 KB at 1 GB/s, the rest at 0.5 GB/s.
    machine = Machine(1.0, 2.0, 1.0, [Level("L1", 1000, 1.0), Level("DRAM", 0, 0.5)])
    assert machine.seconds_to_read(500) == pytest.approx(0.5e-6)
    assert machine.seconds_to_read(2000) == pytest.approx(3e-6)
    # Of two cores each has a nearest level of its own.
    assert machine.of_cores(2).seconds_to_read(2000) == pytest.approx(1e-6)
    assert machine.of_cores(2).fma_gflops == 2.0
    # Pairs where the machine has them: twice the products.
    work = Work(1, 8000.0, 400.0, 0.0, [])
    assert work.bound_us(machine) == pytest.approx(8)
    assert work.bound_us(machine, 0.5, pairs=True) == pytest.approx(4)
    without = Machine(1.0, 0.0, 1.0, machine.levels)
    assert work.bound_us(without, 0.5, pairs=True) == pytest.approx(8)


@pytest.mark.parametrize(
    "group, flops",
    [
        ("a", 2 * (784 * 128 + 128 * 10)),
        ("c", 2 * (700 * 256 + 2 * 3 * 512 * 256 + 256 * 20)),
        ("f", 2 * 4 * (256 * 512 + 256 * 48 + 16 * 256 + 256 * 256)),
        ("g", 2 * (30 * 30 * 16 * 27 + 14400 * 128 + 128 * 10)),
    ],
)
def test_work(tmp_path, group, flops):
    (case,) = GROUPS[group]
    one, several = (measure_work(Setting(case, batch, 1, tmp_path, tmp_path)) for batch in (1, 3))
    assert one.flops == pytest.approx(flops, rel=1e-3)
    assert several.flops == pytest.approx(3 * one.flops, rel=1e-3)
    weights = sum(tensor.nbytes for tensor in case.model().state_dict().values())
    one_bytes, several_bytes = (w.weight_bytes + w.other_bytes for w in (one, several))
    assert weights < one_bytes < several_bytes < 1.2 * weights


@pytest.mark.parametrize(
    "engine, steps",
    [
        ("ttc", 1), ("ttc", 128), ("ttc-2-threads", 1), ("ttc-2-threads", 128), ("torchscript", 1),
        ("jax", 1), ("jax", 128), ("plain-linalg", 1), ("plain-linalg", 128),
    ],
)
@pytest.mark.parametrize("group", ["c", "d", "e", "f", "g", "g*", "h"])
def test_engines_agree(tmp_path, engine, group, steps):
    if engine == "jax":
        pytest.importorskip("jax", reason="pip install jax")
    case = GROUPS[group][0]
    setting = Setting(case, 2, steps, tmp_path, tmp_path)
    expected = run.ENGINES["reference"](setting).outputs()
    opened = run.ENGINES[engine](setting)
    assert run._difference(opened.outputs(), expected, case.hard) == ""
    # From zero states again, whatever has run.
    opened.time(1)
    assert run._difference(opened.outputs(), expected, case.hard) == ""


OPTIONAL = {"onnxruntime": "onnxruntime", "openvino": "openvino", "iree": "iree.compiler"}


@pytest.mark.parametrize(
    "engine, steps",
    [*((name, steps) for name in OPTIONAL for steps in (1, 128)), ("torch.compile", 1), ("aotinductor", 1)],
)
def test_engines_that_compile_agree(tmp_path, engine, steps):
    if engine in OPTIONAL:
        pytest.importorskip(OPTIONAL[engine], reason=f"pip install {engine}")
    setting = Setting(GROUPS["d"][2], 1, steps, tmp_path, tmp_path)
    expected = run.ENGINES["reference"](setting).outputs()
    opened = run.ENGINES[engine](setting)
    assert run._difference(opened.outputs(), expected, setting.case.hard) == ""
    assert opened.cores == 1
    assert opened.time(10) > 0
    # From zero states again.
    assert run._difference(opened.outputs(), expected, setting.case.hard) == ""


def test_ttc_without_events_agrees(tmp_path):
    setting = Setting(GROUPS["b*"][1], 2, 1, tmp_path, tmp_path)
    own, dense = (run.ENGINES[name](setting).outputs() for name in ("ttc", "ttc-dense"))
    assert torch.equal(own, dense)


def test_two_threads_use_all_cores_and_leave_the_pin_as_it_was(tmp_path):
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("there is one core")
    opened = run.ENGINES["ttc-2-threads"](Setting(GROUPS["c"][0], 1, 1, tmp_path, tmp_path))
    assert opened.session.threads == 2 and opened.cores == 2
    with run._pinned(min(cores)):
        assert opened.time(1) > 0
        assert os.sched_getaffinity(0) == {min(cores)}


def test_one_core_is_too_few_for_two_threads(tmp_path):
    with run._pinned(min(os.sched_getaffinity(0))), pytest.raises(Unavailable, match="one core"):
        run.ENGINES["ttc-2-threads"](Setting(GROUPS["a"][0], 1, 1, tmp_path, tmp_path))


def test_long_calls_are_timed_in_fewer_rounds(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SECONDS_A_SETTING", 0.0)
    result = measure(tmp_path, monkeypatch, FakeEngine, rounds=9)
    assert result.times["ttc"].rounds == run.MIN_ROUNDS
    assert f"(at least {run.MIN_ROUNDS} where" in run._fewer_rounds([result], 9)
    assert run._fewer_rounds([result], run.MIN_ROUNDS) == ""


class FakeEngine:
    """An engine of a wrong output, or of an impossible time."""

    note = ""
    cores = 1

    def __init__(self, outputs, nanoseconds=1e5):
        self._outputs, self._nanoseconds = outputs, nanoseconds

    def outputs(self):
        return self._outputs

    def time(self, calls):
        return self._nanoseconds


def measure(tmp_path, monkeypatch, engine, rounds=2, name="ttc"):
    """The result of the case a with `engine` in place of one of ttc's."""
    setting = Setting(GROUPS["a"][0], 1, 1, tmp_path, tmp_path)
    expected = run.ENGINES["reference"](setting).outputs()
    monkeypatch.setitem(run.ENGINES, name, lambda _: engine(expected))
    monkeypatch.setattr(
        sys, "argv", ["bench", "--engines", name, "--rounds", str(rounds), "--cases", "a"]
    )
    machine = Machine(100.0, 0.0, 1.0, [Level("DRAM", 0, 100.0)])
    return run._measure(setting, run._parse_options(), machine, "")


def test_an_engine_that_agrees_is_timed(tmp_path, monkeypatch):
    result = measure(tmp_path, monkeypatch, FakeEngine)
    assert result.times == {"ttc": report.Times(100.0, 100.0, 2)} and result.refused == {}


def test_an_engine_that_disagrees_gets_no_time(tmp_path, monkeypatch):
    result = measure(tmp_path, monkeypatch, lambda expected: FakeEngine(expected + 0.5))
    assert result.times == {}
    assert result.refused == {"ttc": "disagrees in 100.00% of the elements, by up to 0.5"}
    assert "ttc: no time: disagrees" in report.text_tables([result], ["ttc"])
    assert report.times([result]) == []


def test_a_time_below_the_bound_is_invalid(tmp_path, monkeypatch):
    result = measure(tmp_path, monkeypatch, lambda expected: FakeEngine(expected, 100.0))
    assert result.times == {}
    assert result.refused["ttc"].startswith("invalid: 0.1 us is less than the machine's bound")


def test_an_engine_that_cannot_run_says_why(tmp_path, monkeypatch):
    def refuse(expected):
        raise Unavailable("not today")

    result = measure(tmp_path, monkeypatch, refuse)
    assert result.times == {} and result.refused == {"ttc": "not today"}


def time_of(case, engine, median, batch=1, steps=1, bound=1.0):
    return {"case": case, "batch": batch, "steps": steps, "engine": engine, "median_us": median,
            "bound_us": bound}


def judged(*times):
    return {(v.goal.case, v.goal.steps, v.goal.against): v for v in goals.judge(times)}


def test_goals_are_ratios_of_medians():
    found = judged(
        time_of("b*:5", "ttc", 2.0), time_of("b*:5", "ttc-python", 0.1),
        time_of("b*:5", "ttc-dense", 11.0), time_of("b*:5", "onnxruntime", 60.0),
        time_of("b*:5", "reference-ttcompiled", 200.0),
    )
    assert len(found) == 3
    peer = found["b*:5", 1, goals.BEST_PEER]
    assert (peer.rival, peer.ratio, peer.word, peer.to_bound) == ("onnxruntime", 30.0, "reached", 2)
    dense = found["b*:5", 1, goals.DENSE]
    assert (dense.ratio, dense.word) == (5.5, "nearly")
    assert found["b*:5", 1, goals.REFERENCE].word == "missed"


def test_goals_against_another_setting():
    found = judged(
        time_of("c", "ttc", 8.0), time_of("c", "ttc", 2.0, steps=128),
        time_of("h:DSLI", "ttc", 1.0), time_of("silent:DSLI", "ttc", 1.05),
    )
    assert found["c", 128, "ttc"].ratio == 4.0 and found["c", 128, "ttc"].word == "reached"
    assert found["silent:DSLI", 1, "ttc"].word == "reached"
    assert found["h:DSLI", 1, goals.BEST_PEER].goal.times == 30
    assert found["c", 1, goals.BEST_PEER].word == "not measured"


def test_who_is_behind_is_listed():
    """A setting without a goal of its own is in the table where ttc is behind a peer."""
    behind = goals.judge([time_of("a", "ttc", 2.0, steps=128), time_of("a", "jax", 1.0, steps=128)])
    ahead = goals.judge([time_of("a", "ttc", 2.0, steps=128), time_of("a", "jax", 3.0, steps=128)])
    assert [row[-1] for row in goals.rows(behind)] == ["missed"] and goals.rows(ahead) == []
    assert "behind its best peer in 1 settings" in goals.summary(behind)


def test_a_goal_that_is_missed_has_a_cause():
    """The bound's, where code at the bound would miss it as well; else what is known of the case."""
    of_bound, reached = goals.judge(
        [time_of("e", "ttc", 2.0), time_of("e", "jax", 6.0), time_of("e", "reference-ttcompiled", 60.0)]
    )
    assert (of_bound.at_bound, of_bound.word) == (6.0, "missed") and reached.word == "reached"
    assert causes.cause(of_bound) == "No code on this core reaches it: at the bound it would be 6x."
    assert causes.cause(reached) is None
    [line] = causes.listed([of_bound, reached])
    assert line.startswith("- `e`, batch 1, 1 timestep a call, against jax (3x of 10x): No code")
    elsewhere = judged(
        time_of("d:GRU32", "ttc", 0.09, bound=0.02), time_of("d:GRU32", "reference-ttcompiled", 30.0)
    )["d:GRU32", 1, goals.REFERENCE]
    assert causes.cause(elsewhere) == (
        "Here ttc takes 0.09 us and its rival 30; where the goal comes from it was 0.15 us, and 115 "
        "for the rival."
    )
    slower = judged(
        time_of("d:LSTM20", "ttc", 0.15, bound=0.02),
        time_of("d:LSTM20", "reference-ttcompiled", 39.0),
    )["d:LSTM20", 1, goals.REFERENCE]
    assert causes.cause(slower) == (
        "Here ttc takes 0.15 us and its rival 39; where the goal comes from it was 0.13 us, and 98 for "
        "the rival. In that time it would be 300x."
    )
    neuron = judged(
        time_of("h:LIT", "ttc", 1.2, bound=0.1), time_of("h:LIT", "reference-ttcompiled", 60.0)
    )["h:LIT", 1, goals.REFERENCE]
    assert causes.cause(neuron) == (
        "Here ttc takes 1.2 us and its rival 60; what the goal allows a neuron's bytes and sigmoids "
        "is 1.12 us."
    )
    known = {(goal.case, goal.batch, goal.steps, goal.against) for goal in goals.GOALS}
    assert set(causes.FOUND) <= known


def test_what_a_neuron_takes():
    """Its arrays' bytes, and its sigmoids."""
    # The input, the output, a state that is read and written, and beta.
    assert causes._neuron_times("LI") == pytest.approx((5 * 4096 / 110e3, 0))
    assert causes._neuron_times("LIB") == pytest.approx((7 * 4096 / 110e3, 1024 * 0.42e-3))
    # Two branches of syn, rec and mem, prev_output; two thresholds, a bias and two scales.
    arrays = 2 + 6 + 6 + 8 + 2 + 5
    assert causes._neuron_times("DSRLITS") == pytest.approx((arrays * 4096 / 110e3, 2048 * 0.42e-3))


def test_every_goal_is_of_a_case():
    cases = {case.name for group in GROUPS.values() for case in group}
    for goal in goals.GOALS:
        assert goal.case in cases and (goal.elsewhere is None or goal.elsewhere[0] in cases)
        assert goal.against in {*run.ENGINES, goals.BEST_PEER}


def test_an_engine_that_takes_long_is_timed_less(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SECONDS_AN_ENGINE", 0.0)
    times = []

    class Counted(FakeEngine):
        def time(self, calls):
            times.append(calls)
            return super().time(calls)

    result = measure(tmp_path, monkeypatch, Counted, rounds=9)
    assert result.times["ttc"].rounds == 1 and times.count(max(times)) == 1


def test_weights_in_fewer_bits_have_a_wider_tolerance_and_a_lower_bound(tmp_path, monkeypatch):
    def engine(error, nanoseconds=1e5):
        return lambda expected: FakeEngine(expected + error * expected.abs().max(), nanoseconds)

    result = measure(tmp_path, monkeypatch, engine(0.02), name="ttc-int8")
    assert result.times["ttc-int8"].median == 100.0 and result.refused == {}
    result = measure(tmp_path, monkeypatch, engine(0.02))
    assert result.refused["ttc"].startswith("disagrees")
    result = measure(tmp_path, monkeypatch, engine(0.1), name="ttc-int8")
    assert result.refused["ttc-int8"].startswith("disagrees")
    # Weights of 0.4 MB at 100 GB/s: half of the time would do for a quarter of them.
    assert measure(tmp_path, monkeypatch, engine(0.0, 2000.0)).times == {}
    result = measure(tmp_path, monkeypatch, engine(0.0, 2000.0), name="ttc-int8")
    assert list(result.times) == ["ttc-int8"]


def test_hard_events_of_weights_in_fewer_bits():
    torch.manual_seed(0)
    expected = torch.randn(20, 1, 10)
    differently = expected + 0.7 * torch.randn(20, 1, 10)
    assert run._difference(differently, expected, hard=True, narrow=True) == ""
    assert run._difference(differently, expected, hard=True).startswith("disagrees in ")
    unrelated = torch.randn(20, 1, 10)
    assert run._difference(unrelated, expected, hard=True, narrow=True).startswith("disagrees by 1")


def test_weights_in_fewer_bits_are_timed_when_asked_for(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench"])
    engines = run._parse_options().engines
    assert not set(engines) & set(run.NARROW) and set(engines) | set(run.NARROW) == set(run.ENGINES)


@pytest.mark.parametrize("name", ["ttc-bf16", "ttc-int8"])
def test_engines_of_fewer_bits_differ_from_ttc(tmp_path, name):
    setting = Setting(GROUPS["a"][0], 1, 1, tmp_path, tmp_path)
    exact, found = (run.ENGINES[engine](setting).outputs() for engine in ("ttc", name))
    assert run._difference(found, exact, hard=False, narrow=True) == ""
    assert not torch.equal(found, exact)

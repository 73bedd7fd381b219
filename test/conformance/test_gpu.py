"""Whether models on a GPU compute what the reference does, and keep their promises.

Without a GPU the same kernels run on an emulator, whose threads take turns in an order of its own.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import ctypes
import importlib
import re

import pytest
import torch
import tracetorch as tt
import ttc
from checking import follow
from comparing import assert_same_bits
from conftest import FULL, SEED
from gpus import EMULATED, DeviceMemory, Emulated, assemble
from random_models import seeded
from test_threads import WIDE
from test_zoo import SEQUENCES, ZOO
from torch import nn
from ttc import native

STEPS = 3

pytestmark = pytest.mark.usefixtures("emulator")


def on_gpu(model: nn.Module, example, **options) -> ttc.CompiledModel:
    return ttc.compile(model.eval(), example, **EMULATED, **options)


@pytest.mark.parametrize("order", ["ascending", "shuffle:7"])
@pytest.mark.parametrize("name", WIDE)
def test_wide_models(name, order, monkeypatch):
    """Rows alone, and enough of them for tiles and for several teams, have the same bits."""
    if name == "stochastic":
        pytest.skip("each row draws its own numbers: test_stochastic_steps is for these")
    monkeypatch.setenv("TTC_EMULATOR_ORDER", order)
    seeded(SEED, "gpu", name)
    model = WIDE[name]()
    compiled = on_gpu(model, torch.zeros(2, 70))
    inputs = torch.randn(STEPS, 37, 70).relu()
    follow(compiled, model, (inputs[:, :3],))
    for rows in (inputs, inputs[:, 5:6].contiguous()):
        compiled.zero_states()
        steps = torch.stack([compiled(x) for x in rows])
        states = compiled.save_states()
        compiled.zero_states()
        assert torch.equal(compiled.run(rows), steps)
        assert_same_bits(compiled.save_states(), states, "states after run")
        whole = steps if rows is inputs else whole
    assert torch.equal(whole[:, 5:6], steps)


@pytest.mark.parametrize("name", ["spiking", "gru", "s6"])
def test_many_rows(name, monkeypatch):
    """Rows enough for tiles of them have the bits of rows alone."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "1")
    seeded(SEED, "gpu", "many rows", name)
    compiled = on_gpu(WIDE[name](), torch.zeros(2, 70))
    inputs = torch.randn(2, 1203, 70).relu()
    whole = compiled.run(inputs)
    for row in (0, 7, 600, 1202):
        compiled.zero_states()
        assert torch.equal(compiled.run(inputs[:, row : row + 1].contiguous())[:, 0], whole[:, row])


# Their rows keep more threads busy than a block has; the grid of a row as a cluster, and as a cooperative launch.
TEAMS = {
    "spiking": (lambda: nn.Sequential(nn.Linear(70, 300), tt.snn.RLIB(300), nn.Linear(300, 9)),
                (4, 1, 96, 4), (2, 1, 256, 1)),
    "gru": (lambda: nn.Sequential(nn.Linear(70, 520), tt.rnn.GRU(520, 90), nn.LayerNorm(90)),
            (8, 1, 96, 8), (3, 1, 256, 1)),
    "mamba": (WIDE["mamba"], (8, 1, 128, 8), (4, 1, 256, 1)),
}


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffle:11"])
@pytest.mark.parametrize("name", TEAMS)
def test_teams_of_blocks(name, order, emulator, monkeypatch):
    """A row by a cluster, by blocks of a cooperative launch, and among many by one block: the same bits."""
    monkeypatch.setenv("TTC_EMULATOR_ORDER", order)
    seeded(SEED, "gpu", "teams of blocks", name)
    make, cluster, cooperative = TEAMS[name]
    model, many = make().eval(), torch.randn(STEPS, 80, 70).relu()

    def steps_of(inputs: torch.Tensor, row: int, grid: tuple[int, ...]):
        """The outputs and states of a row, in so many steps and in one run."""
        compiled = on_gpu(model, torch.zeros(2, 70))
        steps = torch.stack([compiled(x) for x in inputs])
        states = compiled.save_states()
        done = Emulated.of(emulator)
        assert (done.grid_x, done.grid_y, done.block_threads, done.cluster_blocks) == grid
        compiled.zero_states()
        assert torch.equal(compiled.run(inputs), steps)
        assert (done.grid_x, done.grid_y, done.block_threads, done.cluster_blocks) == grid
        assert_same_bits(compiled.save_states(), states, "states after run")
        return steps[:, row], states

    alone = many[:, 5:6].contiguous()
    steps, states = steps_of(alone, 0, cluster)
    monkeypatch.setenv("TTC_EMULATOR_CLUSTERS", "0")
    together, others = steps_of(alone, 0, cooperative)
    assert torch.equal(together, steps)
    assert_same_bits(others, states, "states by a cooperative launch")
    monkeypatch.delenv("TTC_EMULATOR_CLUSTERS")
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "1")
    among, _ = steps_of(many, 5, (1, 8, 256, 1))
    assert torch.equal(among, steps)


def gru(inputs: int, hidden: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, hidden), tt.rnn.GRU(hidden, hidden), nn.Linear(hidden, 5))


# How a sequence of the rows is launched that keeps weights in shared memory: the blocks of a row of the grid,
# and of a cluster, and the bytes of each.
KEPT = {
    "a block": (lambda: gru(70, 64), 1, {}, (1, 1, 49152)),
    "rows in a block": (lambda: gru(70, 64), 3, {}, (1, 1, 147456)),
    "a cluster": (lambda: gru(70, 160), 1, {}, (4, 4, 92160)),
    "blocks anywhere": (lambda: gru(70, 160), 1, {"SHARED_BYTES": "31000"}, (10, 1, 30720)),
    "without clusters": (lambda: gru(70, 160), 1, {"CLUSTERS": "0"}, (2, 1, 153600)),
    "no room": (lambda: gru(70, 160), 1, {"SHARED_BYTES": "30000"}, (4, 4, 0)),
    "lstm": (lambda: nn.Sequential(tt.rnn.LSTM(70, 96), nn.Linear(96, 9)), 1, {}, (1, 1, 147456)),
    "torch.nn": (lambda: nn.Sequential(nn.GRUCell(70, 33), nn.Tanh()), 1, {}, (1, 1, 27648)),
}


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16, torch.int8], ids=str)
@pytest.mark.parametrize("name", KEPT)
def test_kept_weights(name, weights, emulator, monkeypatch):
    """Threads that keep their weights through a sequence leave the bits of single steps."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "16")
    monkeypatch.setenv("TTC_EMULATOR_ORDER", "shuffle:5")
    seeded(SEED, "gpu", "kept", name)
    make, batch, environment, expected = KEPT[name]
    for variable, value in environment.items():
        monkeypatch.setenv(f"TTC_EMULATOR_{variable}", value)
    if weights != torch.float32 and "room" in name:
        pytest.skip("what is kept in fewer bits has room")
    model = make()
    compiled = on_gpu(model, torch.zeros(2, 70), weights_dtype=weights)
    inputs = torch.randn(11, batch, 70)
    if weights == torch.float32:
        follow(compiled, model, (inputs[:STEPS],))
        compiled.zero_states()
    steps = torch.stack([compiled(x) for x in inputs])
    done = Emulated.of(emulator)
    assert done.shared_bytes == 0
    states = compiled.save_states()
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs[:4]), steps[:4])
    assert torch.equal(compiled.run(inputs[4:]), steps[4:])
    # Memory that is asked for is used, and none else.
    assert (done.shared_uses > 0) == (done.shared_bytes > 0) == (expected[2] > 0)
    if weights == torch.float32:
        assert (done.grid_x, done.cluster_blocks, done.shared_bytes) == expected
    assert_same_bits(compiled.save_states(), states, "states after run")


@pytest.mark.parametrize("batch", [None, 2])
def test_kept_weights_of_rows_beside_the_batch(batch, emulator, monkeypatch):
    """A row of the batch has twelve of the product, whose features are not the last dimension."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "16")
    seeded(SEED, "gpu", "kept", "rows")
    model = nn.Sequential(tt.rnn.GRU(40, 33, -3))
    compiled = on_gpu(model, torch.zeros(2, 40, 3, 4), batch=batch)
    inputs = torch.randn(7, 2, 40, 3, 4)
    follow(compiled, model, (inputs[:STEPS],))
    compiled.zero_states()
    steps = torch.stack([compiled(x) for x in inputs])
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs), steps)
    assert Emulated.of(emulator).shared_uses > 0


@pytest.mark.parametrize("batch", [1, 8, 9, 40])
def test_shared_memory_is_asked_for_where_it_is_used(batch, emulator, monkeypatch):
    """Of several parts of a batch, or where a block has no room for two timesteps, nothing is kept."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "64")
    compiled = on_gpu(gru(70, 64), torch.zeros(2, 70))
    compiled.run(torch.randn(STEPS, batch, 70))
    done = Emulated.of(emulator)
    assert (done.shared_uses > 0) == (done.shared_bytes > 0) == (batch <= 8)


def test_kept_weights_of_f64(emulator, monkeypatch):
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "16")
    seeded(SEED, "gpu", "kept", "f64")
    compiled = on_gpu(gru(70, 64), torch.zeros(2, 70), dtype=torch.float64)
    inputs = torch.randn(11, 1, 70, dtype=torch.float64)
    steps = torch.stack([compiled(x) for x in inputs])
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs), steps)
    assert Emulated.of(emulator).shared_uses > 0


OWN_ELEMENTS = {
    "more elements than threads": (lambda: nn.Sequential(tt.snn.LIB(300)), (3, 300)),
    "several states": (lambda: nn.Sequential(tt.snn.DSRLITS(100)), (2, 100)),
    "not the last dimension": (lambda: nn.Sequential(tt.snn.LIB(30, dim=-3)), (2, 30, 4, 5)),
    "between products": (
        lambda: nn.Sequential(
            nn.Linear(70, 64), tt.snn.LIB(64), nn.Linear(64, 64), tt.snn.DLI(64), nn.Linear(64, 5)
        ),
        (1, 70),
    ),
}


@pytest.mark.parametrize("order", ["ascending", "shuffle:2"])
@pytest.mark.parametrize("name", OWN_ELEMENTS)
def test_sequences_of_elements_that_need_no_others(name, order, monkeypatch):
    """A thread takes each through all timesteps before the next."""
    monkeypatch.setenv("TTC_EMULATOR_ORDER", order)
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "1")
    seeded(SEED, "gpu", "own elements", name)
    make, shape = OWN_ELEMENTS[name]
    model = make()
    compiled = on_gpu(model, torch.zeros(shape))
    inputs = torch.randn(60, *shape) * 2
    follow(compiled, model, (inputs[:STEPS],))
    compiled.zero_states()
    steps = torch.stack([compiled(x) for x in inputs])
    states = compiled.save_states()
    compiled.zero_states()
    assert torch.equal(compiled.run(inputs[:23]), steps[:23])
    assert torch.equal(compiled.run(inputs[23:]), steps[23:])
    assert_same_bits(compiled.save_states(), states, "states after run")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_inputs_begin_anywhere(dtype, emulator, monkeypatch):
    """Tiles read a row's inputs 16 bytes at once where they may; the bits are those of a row alone."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "1")
    seeded(SEED, "gpu", "begin anywhere")
    # Eight chains of 35 inputs, whose beginnings and ends are not at multiples of 16 bytes.
    model = nn.Sequential(nn.Linear(280, 64), nn.Linear(64, 9))
    compiled = on_gpu(model, torch.zeros(2, 280), dtype=dtype)
    x = torch.randn(1200, 280, dtype=dtype)
    alone = torch.cat([compiled(row[None]) for row in x[::100]])
    assert torch.equal(compiled(x)[::100], alone)
    with DeviceMemory(emulator) as memory:
        for shift in (0, 1, 2):
            there = memory.copy_of(x, shift * x.element_size())
            y = memory.copy_of(torch.zeros(1200, 9, dtype=dtype))
            session = compiled._live.session
            error = native.CError()
            status = native.library().ttc_session_step_raw(
                session.pointer, (ctypes.c_void_p * 1)(there), (ctypes.c_void_p * 1)(y),
                ctypes.c_int64(1200), ctypes.byref(error),
            )
            native.check(status, error)
            session.synchronize()
            assert torch.equal(memory.read(y, (1200, 9), dtype)[::100], alone), shift


def test_two_models_at_once():
    """A model's kernels are its own, whatever other model's are loaded."""
    alone, together = {}, {}
    example, inputs = torch.zeros(2, 70), torch.randn(STEPS, 2, 70)
    for kept in (alone, together):
        loaded = []
        for name in ("gru", "s6", "spiking"):
            seeded(SEED, "gpu", name)
            compiled = on_gpu(WIDE[name](), example)
            kept[name] = compiled.run(inputs)
            if kept is together:
                loaded.append(compiled)
            del compiled
    for name, outputs in alone.items():
        assert torch.equal(together[name], outputs)


def test_stochastic_steps():
    seeded(SEED, "gpu", "stochastic")
    model = WIDE["stochastic"]()
    compiled = on_gpu(model, torch.zeros(2, 70))
    on_cpu = ttc.compile(model, torch.zeros(2, 70))
    inputs = torch.randn(STEPS, 4, 70).relu()
    for c in (compiled, on_cpu):
        c.seed(5)
    torch.testing.assert_close(compiled.run(inputs), on_cpu.run(inputs))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_types(dtype):
    seeded(SEED, "gpu", str(dtype))
    model = WIDE["gru"]()
    compiled = on_gpu(model, torch.zeros(2, 70), dtype=dtype)
    on_cpu = ttc.compile(model, torch.zeros(2, 70), dtype=dtype)
    real = torch.float32 if dtype == torch.bfloat16 else dtype
    inputs = torch.randn(STEPS, 5, 70, dtype=real)
    tolerance = {"rtol": 0.02, "atol": 0.02} if dtype == torch.bfloat16 else {}
    torch.testing.assert_close(compiled.run(inputs), on_cpu.run(inputs), **tolerance)


@pytest.mark.parametrize("name", ["spiking", "gru", "lstm"])
def test_weights_in_eight_bits(name, monkeypatch):
    """As on a CPU, in rows alone and in tiles of them."""
    monkeypatch.setenv("TTC_EMULATOR_MULTIPROCESSORS", "1")
    seeded(SEED, "gpu", "int8", name)
    model = WIDE[name]()
    compiled = on_gpu(model, torch.zeros(2, 70), weights_dtype=torch.int8)
    on_cpu = ttc.compile(model, torch.zeros(2, 70), weights_dtype=torch.int8)
    inputs = torch.randn(2, 603, 70)
    whole = compiled.run(inputs)
    torch.testing.assert_close(whole, on_cpu.run(inputs), rtol=1e-4, atol=1e-5)
    exact = ttc.compile(model, torch.zeros(2, 70)).run(inputs)
    assert not torch.allclose(whole, exact, rtol=1e-4, atol=1e-5), "no weight was rounded"
    for row in (0, 7, 602):
        compiled.zero_states()
        assert torch.equal(compiled.run(inputs[:, row : row + 1].contiguous())[:, 0], whole[:, row])


@pytest.mark.parametrize("name", sorted(path.stem for path in ZOO.glob("*.py")))
def test_zoo(name: str, monkeypatch):
    monkeypatch.syspath_prepend(ZOO)
    zoo = importlib.import_module(name)
    seeded(SEED, "zoo", name)
    model, example = zoo.model(), zoo.example()
    compiled = on_gpu(model, example)
    if name in SEQUENCES:
        inputs = example[:, :STEPS].movedim(SEQUENCES[name], 0).contiguous()
    else:
        inputs = torch.stack([zoo.example() for _ in range(STEPS)])
    follow(compiled, model, (inputs,), SEQUENCES.get(name))


def assert_step_in_registers(said: str) -> None:
    """Of what ptxas says."""
    step = said.split("Compiling entry function 'ttc_step'")[1].split("Compiling entry")[0]
    spilled = [int(count) for count in re.findall(r"(\d+) bytes spill", step)]
    assert spilled and not any(spilled), step


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", sorted(path.stem for path in ZOO.glob("*.py")))
def test_zoo_is_assembled(name: str, architecture: str, tmp_path, monkeypatch):
    """CUDA's assembler takes every kernel, and a step keeps to its registers."""
    if architecture != "sm_90" and not FULL:
        pytest.skip("this architecture is one of those that only --full assembles")
    monkeypatch.syspath_prepend(ZOO)
    zoo = importlib.import_module(name)
    seeded(SEED, "zoo", name)
    said = assemble(zoo.model(), zoo.example(), architecture, tmp_path)
    assert_step_in_registers(said)


@pytest.mark.parametrize(
    "architecture",
    ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_90a", "sm_100", "sm_120"],
)
def test_architecture_is_assembled(architecture: str, tmp_path):
    """Products, exp and tanh, events, steps and sequences, for every generation of GPUs."""
    seeded(SEED, "gpu", "architectures")
    model = nn.Sequential(
        nn.Linear(70, 64), tt.snn.LIB(64), tt.rnn.GRU(64, 48), tt.ssm.S6(48, 4), nn.Linear(48, 9)
    )
    said = assemble(model.eval(), torch.zeros(2, 70), architecture, tmp_path)
    assert "Compiling entry function 'ttc_run'" in said
    assert_step_in_registers(said)

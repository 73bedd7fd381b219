"""Calls a model's functions without a session, shared ones by workers that take turns.

A team on several cores finds a missing barrier by chance. Here only one worker runs at a time: up
to the next barrier the first one, then the second one and so on, or the other way round. A worker
that reads what another one writes between the same two barriers reads it too early in one of the
two orders, every time.
"""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import ctypes
import threading
from collections.abc import Sequence
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_int64, c_void_p
from dataclasses import dataclass

import torch
from ttc import native

SECONDS = 60.0  # in which every worker must come to the next barrier
POISON = 0xFF  # a NaN, in memory that nobody may read before it is written


class CTeam(Structure):
    pass


_BARRIER = CFUNCTYPE(None, POINTER(CTeam), c_int64)
CTeam._fields_ = [("workers", c_int64), ("barrier", _BARRIER)]

_ARGUMENTS = [c_void_p] * 5 + [c_int64]
_STEP = CFUNCTYPE(None, *_ARGUMENTS)
_RUN = CFUNCTYPE(None, *_ARGUMENTS, c_int64)
_SHARED_STEP = CFUNCTYPE(None, *_ARGUMENTS, c_void_p, c_int64)
_SHARED_RUN = CFUNCTYPE(None, *_ARGUMENTS, c_int64, c_void_p, c_int64)


class Turns:
    """A team of which one worker runs at a time, in this order between two barriers."""

    def __init__(self, order: Sequence[int]):
        self._order = list(order)
        self._place = 0  # of the worker that runs, in the order
        self._segment = 0  # the number of barriers that are behind all workers
        self._changed = threading.Condition()
        self._segments = [0] * len(self._order)  # where each worker is
        self.stuck = False
        self._barrier = _BARRIER(lambda team, worker: self._next(worker))
        self.team = CTeam(len(self._order), self._barrier)

    def run(self, work) -> None:
        """Has every worker do work(team, worker). Raises AssertionError if one waits for ever."""

        def serve(worker: int) -> None:
            self._await(worker)
            work(byref(self.team), worker)
            self._pass_on()

        threads = [threading.Thread(target=serve, args=(w,)) for w in self._order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.stuck, "the workers do not come to the same number of barriers"
        assert len(set(self._segments)) == 1, f"barriers of each worker: {self._segments}"

    @property
    def barriers(self) -> int:
        return self._segments[0]

    def _next(self, worker: int) -> None:
        self._segments[worker] += 1
        self._pass_on()
        self._await(worker)

    def _await(self, worker: int) -> None:
        with self._changed:
            mine = lambda: (self._segment == self._segments[worker]  # noqa: E731
                            and self._order[self._place] == worker)
            if not self.stuck and not self._changed.wait_for(mine, SECONDS):
                self.stuck = True

    def _pass_on(self) -> None:
        with self._changed:
            self._place += 1
            if self._place == len(self._order):
                self._place, self._segment = 0, self._segment + 1
            self._changed.notify_all()


def _block(size: int, value: int) -> torch.Tensor:
    """Bytes at a multiple of 64."""
    memory = torch.full((size + 128,), value, dtype=torch.uint8)
    return memory[-memory.data_ptr() % 64:][:size + 64]


@dataclass
class Stream:
    """A batch and its states."""

    batch: int
    states: torch.Tensor


class Bare:
    """The functions of a model."""

    def __init__(self, model: native.Model):
        runtime = native.library()
        runtime.ttc_model_prepared.restype = c_void_p
        runtime.ttc_model_prepared.argtypes = [c_void_p]
        self._model = model
        self._descriptor = runtime.ttc_model_get_descriptor(model.pointer).contents
        self._prepared = runtime.ttc_model_prepared(model.pointer)

    @property
    def max_workers(self) -> int:
        return self._descriptor.max_workers

    def stream(self, batch: int) -> Stream:
        """Without states; of a model with random numbers, with a seed and a position."""
        size = self._descriptor.states_size
        states = _block(size.fixed + size.per_batch * batch, 0)
        if self._model.has_generator:
            states[:2] = torch.tensor([7, 3], dtype=torch.uint8)
        return Stream(batch, states)

    def step(self, stream: Stream, inputs: Sequence[torch.Tensor], turns: Turns | None = None):
        """One timestep; by one thread, or by the team. Returns the outputs."""
        return self._call(stream, inputs, [], turns, _STEP, _SHARED_STEP, "step")

    def run(self, stream: Stream, inputs: Sequence[torch.Tensor], turns: Turns | None = None):
        """As step, for inputs with the time in front."""
        return self._call(stream, inputs, [len(inputs[0])], turns, _RUN, _SHARED_RUN, "run")

    def _call(self, stream, inputs, steps, turns, alone, shared, name) -> list[torch.Tensor]:
        size = self._descriptor.scratch_size
        scratch = _block(size.fixed + size.per_batch * stream.batch, POISON)
        outputs = []
        for spec in self._model.outputs:
            shape = (*steps, *(stream.batch if n == native.BATCH else n for n in spec.shape))
            outputs.append(torch.empty(shape, dtype=spec.dtype))
            outputs[-1].view(-1).view(torch.uint8).fill_(POISON)
        inputs = [x.contiguous() for x in inputs]
        arguments = [
            (c_void_p * len(inputs))(*(x.data_ptr() for x in inputs)),
            (c_void_p * len(outputs))(*(y.data_ptr() for y in outputs)),
            self._prepared, stream.states.data_ptr(), scratch.data_ptr(), stream.batch, *steps,
        ]
        if turns is None:
            alone(getattr(self._descriptor, name))(*arguments)
        else:
            function = shared(getattr(self._descriptor, f"shared_{name}"))
            turns.run(lambda team, worker: function(
                *arguments, ctypes.cast(team, c_void_p), worker))
        return outputs


def check_teams(bare: Bare, make_inputs, batches: Sequence[int], workers: Sequence[int]) -> None:
    """Teams of these sizes give the bits of one thread, in steps and in runs.

    `make_inputs(batch)` gives the inputs, with the time in front.
    """
    for batch in batches:
        inputs = make_inputs(batch)
        steps = len(inputs[0])
        cut = steps // 2 + 1
        expected = bare.stream(batch)
        outputs = [bare.step(expected, [x[t] for x in inputs]) for t in range(steps)]
        for count in workers:
            for order in (range(count), range(count - 1, -1, -1)):
                where = f"batch {batch}, workers {list(order)}"
                found = bare.stream(batch)
                for t in range(steps):
                    y = bare.step(found, [x[t] for x in inputs], Turns(order))
                    _compare(y, outputs[t], f"step {t}, {where}")
                _compare([found.states], [expected.states], f"the states of steps, {where}")
                # Two runs, the first of one thread.
                found = bare.stream(batch)
                first = bare.run(found, [x[:cut] for x in inputs])
                second = bare.run(found, [x[cut:] for x in inputs], Turns(order))
                for number, parts in enumerate(zip(first, second)):
                    whole = torch.stack([y[number] for y in outputs])
                    _compare([torch.cat(parts)], [whole], f"a run, {where}")
                _compare([found.states], [expected.states], f"the states of a run, {where}")
                found = bare.stream(batch)
                y = bare.run(found, inputs, Turns(order))
                for number, whole in enumerate(y):
                    _compare([whole], [torch.stack([z[number] for z in outputs])],
                             f"output {number} of a whole run, {where}")
                _compare([found.states], [expected.states], f"the states of a whole run, {where}")


def _compare(found, expected, what: str) -> None:
    for a, b in zip(found, expected, strict=True):
        different = (a.view(-1).view(torch.uint8) != b.view(-1).view(torch.uint8)).nonzero()
        assert len(different) == 0, (
            f"{what}: {len(different)} bytes differ from one thread's, the first at "
            f"{different[0].item()}"
        )

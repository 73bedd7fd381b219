"""Whether the recurrent operators of ONNX compute what its own tests expect."""
# Part of ttc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import warnings

import pytest
import torch
import ttc

onnx = pytest.importorskip("onnx")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the other operators' tests overflow on purpose
    CASES = {
        case.name: case for case in collect_testcases(None)
        if len(case.model.graph.node) == 1
        and case.model.graph.node[0].op_type in ("RNN", "GRU", "LSTM")
    }
BACKWARD = [name for name in CASES if name.endswith(("_reverse", "_bidirectional"))]
FORWARD = [name for name in CASES if name not in BACKWARD]


def parts(case):
    """The sequence with the time in front, the other inputs, and the expected outputs."""
    graph = case.model.graph
    inputs, outputs = case.data_sets[0]
    given = dict(zip([i.name for i in graph.input], inputs))
    is_batchwise = any(a.name == "layout" and a.i for a in graph.node[0].attribute)
    xs = torch.tensor(given.pop("X"))
    expected = dict(zip([o.name for o in graph.output], map(torch.tensor, outputs)))
    return (xs.transpose(0, 1) if is_batchwise else xs).contiguous(), given, expected, is_batchwise


@pytest.mark.parametrize("name", FORWARD)
def test_the_projects_own_cases(name):
    xs, weights, expected, is_batchwise = parts(CASES[name])
    compiled = ttc.from_onnx(CASES[name].model, weights).compile()
    ys = compiled.run(xs)
    for output, value in expected.items():
        found = ys[-1:] if output == "Y_h" else ys[:, None]
        if is_batchwise:
            found = ys[-1][:, None] if output == "Y_h" else ys.transpose(0, 1)[:, :, None]
        torch.testing.assert_close(found, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BACKWARD)
def test_other_directions(name):
    _, weights, _, _ = parts(CASES[name])
    with pytest.raises(ttc.UnsupportedError, match=r"has the direction '(reverse|bidirectional)'"):
        ttc.from_onnx(CASES[name].model, weights)


def test_there_are_cases():
    assert len(FORWARD) >= 12 and len(BACKWARD) >= 6


def lstm(**attributes):
    """An LSTM of 2 inputs and 3 neurons, and random tensors for it."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    shapes = {
        "X": (4, 2, 2), "W": (1, 12, 2), "R": (1, 12, 3), "B": (1, 24), "lens": (2,),
        "h0": (1, 2, 3), "c0": (1, 2, 3), "P": (1, 9),
    }
    node = helper.make_node(
        "LSTM", list(shapes), ["Y", "Y_h", "Y_c"], name="cell", hidden_size=3, **attributes
    )
    graph = helper.make_graph(
        [node], "graph", [helper.make_tensor_value_info(n, kind, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info(n, kind, None) for n in ("Y", "Y_h", "Y_c")],
    )
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    tensors["lens"] = torch.tensor([4, 4])
    return helper.make_model(graph), tensors


def test_initial_states_peepholes_clip_and_coupled_gates():
    model, tensors = lstm(clip=0.7, input_forget=1)
    xs = tensors.pop("X")
    compiled = ttc.from_onnx(model, tensors).compile()
    h, c = tensors["h0"][0], tensors["c0"][0]
    p_i, p_o, _ = tensors["P"][0].chunk(3)
    for x in xs:
        total = x @ tensors["W"][0].T + h @ tensors["R"][0].T + sum(tensors["B"][0].chunk(2))
        i, o, f, g = total.chunk(4, 1)
        i = torch.sigmoid((i + p_i * c).clamp(-0.7, 0.7))
        c = (1 - i) * c + i * torch.tanh(g.clamp(-0.7, 0.7))
        h = torch.sigmoid((o + p_o * c).clamp(-0.7, 0.7)) * torch.tanh(c)
        torch.testing.assert_close(compiled(x), h, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compiled.save_states()["cell.c"], c, rtol=1e-4, atol=1e-5)


def test_refusals():
    model, tensors = lstm()
    tensors["lens"] = torch.tensor([4, 2])
    with pytest.raises(ttc.UnsupportedError, match=r"'cell' \(LSTM\) has sequence_lens \[4, 2\]"):
        ttc.from_onnx(model, tensors)
    del tensors["W"]
    with pytest.raises(ttc.Error, match="takes W from the graph's input 'W'"):
        ttc.from_onnx(model, tensors)
    with pytest.raises(ttc.UnsupportedError, match="has the activation 'Affine', expected one of"):
        ttc.from_onnx(*lstm(activations=["Affine", "Tanh", "Tanh"]))
    node = onnx.helper.make_node("Gemm", ["X", "W"], ["Y"], name="head")
    graph = onnx.helper.make_graph([node], "graph", [], [])
    with pytest.raises(ttc.UnsupportedError, match="the node 'head' is a Gemm; only RNN, GRU and"):
        ttc.from_onnx(onnx.helper.make_model(graph))
    with pytest.raises(ttc.Error, match="'nothing.onnx' cannot be read as an ONNX model"):
        ttc.from_onnx("nothing.onnx")

"""Model files from strangers: sealed, so whole, but not what an export of ours makes."""

import copy
import json
import re
import resource
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nextstroke.cli.main import main
from nextstroke.errors import LimitExceeded
from nextstroke.runtime.model_file import METADATA_KEY, Model, find_model, sealed
from nextstroke.runtime.operators import BadGraph
from nextstroke.runtime.step_graph import read_graph


@pytest.fixture(scope="module")
def whole():
    """The bundled writer without its seal."""
    model = onnx.load(find_model("writer"))
    del model.metadata_props[1:]
    return model


@pytest.fixture
def refused(whole, tmp_path, capsys, monkeypatch):
    """Changes a copy of the writer and has it refused, in one line, with little time and memory."""
    monkeypatch.chdir(tmp_path)

    def refuse(change, verb="write"):
        model = copy.deepcopy(whole)
        change(model)
        (tmp_path / "odd.onnx").write_bytes(sealed(model.SerializeToString()))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        lines = {"write": ["write", "Hello", "--style", "none", "-o", "a.svg"], "generate": ["generate"]}
        code = main([*lines[verb], "--model", "odd.onnx"])
        told = capsys.readouterr().err
        assert code in (3, 4), told
        assert re.fullmatch(r"nextstroke: odd\.onnx: .*\n", told), told
        assert time.process_time() - began < 5
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB
        assert not (tmp_path / "a.svg").exists()
        return told

    return refuse


def described(**changes):
    """Changes entries of the metadata; those that are Ellipsis are removed."""

    def change(model):
        about = json.loads(model.metadata_props[0].value) | changes
        model.metadata_props[0].value = json.dumps({name: value for name, value in about.items() if value is not ...})

    return change


NAN = float("nan")
ODD = [
    {"kind": ...},
    {"kind": "text"},
    {"kind": "pen"},
    {"kind": "reader"},
    {"kind": []},
    {"kind": None},
    {"kind": "else"},
    {"states": ...},
    {"states": []},
    {"states": {}},
    {"states": {"h1": -1}},
    {"states": {"h1": "a"}},
    {"states": 5},
    {"alphabet": ...},
    {"alphabet": ""},
    {"alphabet": []},
    {"alphabet": ["a"]},
    {"alphabet": "ab"},
    {"alphabet": 81 * "a"},
    {"normalisation": ...},
    {"normalisation": {}},
    {"normalisation": None},
    {"normalisation": {"mean": [0, 0], "std": [1, 0]}},
    {"normalisation": {"mean": [0, 0, 0], "std": [1, 1, 1]}},
    {"normalisation": {"mean": [0, NAN], "std": [1, 1]}},
    {"normalisation": {"mean": "ab", "std": [1, 1]}},
    {"normalisation": {"mean": [0, 0], "std": [-1, 1]}},
    {"points_per_character": ...},
    {"points_per_character": -5},
    {"points_per_character": NAN},
    {"points_per_character": "x"},
    {"points_per_character": 1e9},
    {"points_per_character": True},
    {"points_per_character": 10**400},
    {"recipe": ...},
    {"recipe": {}},
    {"recipe": {"data": {"ink": 3}}},
    {"recipe": []},
    {"recipe": {"data": {"ink": []}}},
    {"format": 5},
    {"format": ...},
]


@pytest.mark.parametrize("changes", ODD)
def test_metadata_that_is_missing_or_odd_is_refused(refused, changes):
    refused(described(**changes))


@pytest.mark.parametrize("text", ["", "[", "null", "5", "[]", "[" * 100_000, '"a"', "\ud7ff"])
def test_metadata_that_is_no_object_is_refused(refused, text):
    refused(lambda model: setattr(model.metadata_props[0], "value", text))


def test_metadata_given_twice_is_refused(refused):
    refused(lambda model: model.metadata_props.add(key=METADATA_KEY, value=model.metadata_props[0].value))


def outside(model):
    tensor = max(model.graph.initializer, key=lambda each: len(each.raw_data))  # one that no shape hangs on
    size = len(tensor.raw_data)
    Path("data.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "data.bin", "offset": "0", "length": str(size)}.items():
        tensor.external_data.add(key=key, value=value)


def foreign_operator(model):
    model.graph.node.append(helper.make_node("RandomNormal", [], ["r"], shape=[4]))


def function(model):
    node = helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(helper.make_function("own", "f", ["a"], ["b"], [node], [helper.make_opsetid("", 20)]))


def loop(model):
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("If", ["h1"], ["r"], then_branch=body, else_branch=body))


def three_gigabytes(model):
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((30_000, 1), np.float32), "tall"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 30_000), np.float32), "wide"))
    model.graph.node.append(helper.make_node("Add", ["tall", "wide"], ["huge"]))


def doubling(model):
    for i in range(30):
        name = "y" if i == 0 else f"double{i}"
        model.graph.node.append(helper.make_node("Concat", [name, name], [f"double{i + 1}"], axis=1))


def slow(model):
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((3000, 3000), np.float16), "square.half"))
    model.graph.node.append(helper.make_node("Cast", ["square.half"], ["s0"], to=TensorProto.FLOAT))
    for i in range(20):
        model.graph.node.append(helper.make_node("MatMul", [f"s{i}", "s0"], [f"s{i + 1}"]))


def many(model):
    for i in range(2000):
        model.graph.node.append(helper.make_node("Identity", ["h1"], [f"many{i}"]))


def output_missing(model):
    del model.graph.output[-1]


def output_twice(model):
    model.graph.output.append(model.graph.output[0])


def input_more(model):
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["batch", 3]))


def input_of_another_type(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def huge_dimension(model):
    model.graph.input[1].type.tensor_type.shape.dim[1].dim_value = 1 << 40


def unknown_dimension(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "anything"


def weight_too_short(model):
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-2]


def split_into_nothing(model):
    model.graph.node.append(helper.make_node("Split", ["h1"], []))


def domain(model):
    model.graph.node[5].domain = "com.microsoft"


GRAPHS = [
    outside, foreign_operator, function, loop, three_gigabytes, doubling, slow, many, output_missing, output_twice,
    input_more, input_of_another_type, huge_dimension, unknown_dimension, weight_too_short,
    split_into_nothing, domain,
]  # fmt: skip


@pytest.mark.parametrize("change", GRAPHS)
def test_graphs_that_no_export_has_are_refused(refused, change):
    refused(change)


def broken_weights(model):
    for tensor in model.graph.initializer:
        if tensor.name == "output.bias.half":
            tensor.raw_data = np.full(tensor.dims[0], np.nan, np.float16).tobytes()


def test_outputs_that_are_no_numbers_are_refused(refused):
    assert "not finite" in refused(broken_weights)


def test_a_table_that_is_too_short_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = onnx.load(find_model("text"))
    del model.metadata_props[1:]
    for tensor in model.graph.initializer:
        if tensor.name == "tables.0.half":
            tensor.raw_data = tensor.raw_data[: 4 * tensor.dims[1] * 2]
            tensor.dims[0] = 4
    (tmp_path / "odd.onnx").write_bytes(sealed(model.SerializeToString()))
    assert main(["generate", "--prime", "zzz", "--model", "odd.onnx"]) == 4
    assert "cannot be run" in capsys.readouterr().err


def test_changed_bytes_are_refused_or_harmless(whole):
    """Nothing but BadGraph may be raised."""
    data = whole.SerializeToString()
    rng = np.random.default_rng(1)
    heads = [i for i in range(len(data)) if i < 3000 or i > len(data) - 3000]
    for _ in range(300):
        changed = bytearray(data)
        for place in rng.choice(heads, 3):
            changed[place] = rng.integers(256)
        with suppress(BadGraph):
            read_graph(bytes(changed))


@pytest.mark.parametrize("name", ["writer", "reader", "text"])
def test_the_bundled_models_pass(name):
    assert Model(find_model(name)).kind == name


def test_too_large_a_file_is_not_read(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as stream:
        stream.truncate(1 << 33)
    with pytest.raises(LimitExceeded, match="at most"):
        Model(path)

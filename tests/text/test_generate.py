import io
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import nextstroke as ns
from nextstroke.cli.main import main
from nextstroke.errors import UnknownCharacters, UsageError
from nextstroke.nets.networks import TextNetwork, TiedTextNetwork
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.onnx_weights import read_weights
from nextstroke.runtime.predictor import TextPredictor
from nextstroke.text.generate import Choice, Spelling, generate, until
from nextstroke.training.export.networks_export import export_model
from nextstroke.training.optimisers import load_weights

BYTES = [chr(byte) for byte in range(256)]
UNITS = {
    "byte": {"alphabet": BYTES, "unit": "byte", "end": 10},
    "character": {"alphabet": ["\n", " ", "a", "b"], "unit": "character", "end": 0},
    "word": {"alphabet": ["<eos>", "<unk>", "cat", "the"], "unit": "word", "end": 0},
}


def about(unit, sequences="streams"):
    rest = {"recipe": {"data": {"sequences": sequences}}, "licence": "none", "note": "random weights for tests"}
    return {"kind": "text", **UNITS[unit], **rest}


def random_text_network(symbols, layers=2, cells=16, vector=None):
    """Random weights that float16 holds exactly."""
    torch.manual_seed(5)
    sizes = symbols, layers, cells
    network = TiedTextNetwork(*sizes, vector) if vector else TextNetwork(*sizes)
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, -0.3, 0.3)
    return network.half().float()


@pytest.fixture
def text_model(tmp_path):
    def make(unit="byte", sequences="streams"):
        path = tmp_path / f"{unit}-{sequences}.onnx"
        export_model(random_text_network(len(UNITS[unit]["alphabet"])), about(unit, sequences), path)
        return Model(path)

    return make


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(("layers", "vector"), [(1, None), (3, None), (2, 12)])
def test_stepping_the_model_file_equals_the_network_over_a_whole_text(tmp_path, layers, vector, integer):
    network = random_text_network(256, layers, vector=vector)
    export_model(network, about("byte"), tmp_path / "m.onnx", integer)
    kept = {name: weight.clone() for name, weight in network.state_dict().items()}
    load_weights(network, read_weights(tmp_path / "m.onnx"), "m.onnx")
    if not integer:
        torch.testing.assert_close(dict(network.state_dict()), kept, rtol=0, atol=0)
    text = np.random.default_rng(0).integers(0, 256, (2, 40))
    whole, _ = network(torch.from_numpy(np.column_stack([[-1, -1], text])), network.start(2))
    predictor = TextPredictor(Model(tmp_path / "m.onnx"), 2)
    for t in range(41):
        assert abs(predictor.y - whole[:, t].detach().numpy()).max() < (1e-3 if integer else 1e-5)
        if t < 40:
            predictor.observe(text[:, t])


def test_as_it_stands_every_symbol_is_drawn_by_its_probability():
    y = np.array([0.3, -1.0, 2.0, 0.0], np.float32)
    expected = np.exp(y.astype(float)) / np.exp(y.astype(float)).sum()
    np.testing.assert_allclose(Choice().probabilities(y), expected, rtol=1e-12)
    drawn = [Choice().draw(y, uniform) for uniform in np.arange(0, 1, 1e-3)]
    np.testing.assert_allclose(np.bincount(drawn) / 1000, expected, atol=1.1e-3)


@pytest.mark.parametrize("temperature", [0, 1e-320, 1e-9, 1e-3])
def test_cold_draws_take_the_likeliest(temperature):
    y = np.array([0.3, -1.0, 2.0, 0.0], np.float32)
    assert {Choice(temperature).draw(y, uniform) for uniform in (0.0, 0.5, 1 - 1e-16)} == {2}


@pytest.mark.parametrize(
    ("choice", "stay"),
    [
        (Choice(top_k=1), [2]),
        (Choice(top_k=2), [0, 2]),
        (Choice(top_k=99), [0, 1, 2, 3]),
        (Choice(top_p=1e-9), [2]),
        (Choice(top_p=0.75), [0, 2]),
        (Choice(top_p=1.0), [0, 1, 2, 3]),
        (Choice(top_k=3, top_p=0.75), [0, 2]),
        (Choice(temperature=1e9, top_k=2), [0, 2]),
    ],
)
def test_only_the_likeliest_are_drawn_from(choice, stay):
    y = np.log(np.array([0.2, 0.05, 0.65, 0.1])).astype(np.float32)
    found = choice.probabilities(y)
    assert np.flatnonzero(found).tolist() == stay
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"temperature": value} for value in (-1.0, float("nan"), float("inf"))),
        *({"top_k": value} for value in (0, -3)),
        *({"top_p": value} for value in (0.0, -0.1, 1.1, float("nan"))),
    ],
)
def test_invalid_choices_are_refused(wrong):
    with pytest.raises(UsageError, match="give"):
        Choice(**wrong)


def test_a_seed_gives_one_text_and_another_seed_another(text_model):
    model = text_model()
    one, same, other = (list(generate(model, [65], 30, Choice(), seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert list(generate(model, [], 0, Choice(), 1)) == []
    assert list(generate(model, [65], 9, Choice(), 1)) == one[:9]
    with pytest.raises(UsageError, match="length -1"):
        generate(model, [], -1, Choice(), 1)


def test_what_stands_before_changes_what_comes_and_sentences_begin_anew(text_model):
    streams, sentences = text_model("character"), text_model("character", "sentences")

    def after(model, prime):
        return [next(generate(model, prime, 1, Choice(), seed)) for seed in range(150)]

    assert after(sentences, [2, 3, 0]) == after(sentences, [])
    assert after(streams, [2, 3, 0]) != after(streams, [])


def test_no_half_character_is_ever_written(text_model):
    spelling, text = Spelling(text_model()), "naïve — 漢字 😀"
    pieces = list(spelling.write(iter(spelling.read(text))))
    assert pieces == list(text)
    assert "".join(spelling.write(iter([0xE6, 0xBC, 65, 0xFF, 0xE6]))) == "\ufffdA\ufffd\ufffd"


def test_characters_and_words_are_read_and_written(text_model):
    characters, words = Spelling(text_model("character")), Spelling(text_model("word"))
    assert "".join(characters.write(iter(characters.read("ab ba\n")))) == "ab ba\n"
    assert words.read("the dog the cat\ncat") == [3, 1, 3, 2, 0, 2]
    assert words.read("") == []
    assert "".join(words.write(iter([3, 2, 0, 2]))) == "the cat \ncat "
    with pytest.raises(UnknownCharacters, match="the model has no 'x', 'é'"):
        characters.read("axé")


@pytest.fixture
def model_file(text_model, tmp_path):
    text_model()
    return str(tmp_path / "byte-streams.onnx")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("--length 5", 0),
        ("--length 0", 0),
        ("--prime é --temperature 0", 0),
        ("--temperature nan", 2),
        ("--temperature -1", 2),
        ("--top-k 0", 2),
        ("--top-p 1.1", 2),
        ("--length -1", 2),
        ("--model nothing.onnx", 3),
        ("--model writer", 4),
    ],
)
def test_command_lines(options, code, model_file, capsys):
    assert main(["generate", "--length", "4", "--model", model_file, *options.split()]) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == bool(code)
    assert bool(out) == (code == 0)


def test_json_tells_what_the_plain_text_is(model_file, capsys):
    line = ["generate", "--model", model_file, "--prime", "A b", "--length", "20", "--seed", "3"]
    assert main(line) == 0
    plain = capsys.readouterr().out
    assert main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prime"] + found["text"] + "\n" == plain
    assert found["seed"] == 3


def test_a_reader_that_has_had_enough_ends_it_quietly_and_torch_is_not_needed(model_file):
    program = (
        "import sys; sys.modules['torch'] = None; from nextstroke.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "generate", "--model", model_file, "--length", "10000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert len(process.stdout.read(20)) == 20
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("pieces", "stops", "passed"),
    [
        (["one. two"], ["."], "one"),
        (["on", "e", ".", " two"], ["."], "one"),
        (["a", "b", "X", "Y", "Z", "c"], ["XYZ"], "ab"),
        (["a", "X", "Y", "c"], ["XYZ"], "aXYc"),
        (["aX", "XY", "Zb"], ["XYZ"], "aX"),
        (["abc"], ["b", "a"], ""),
        (["ab", "cd"], ["bcd", "bc"], "a"),
        (["ab"], [], "ab"),
        (["ends with X"], ["XY"], "ends with X"),
        ([], ["a"], ""),
    ],
)
def test_a_text_ends_before_the_first_stop_string(pieces, stops, passed):
    assert "".join(until(pieces, stops)) == passed


def test_what_cannot_begin_a_stop_string_is_passed_on_at_once():
    drawn = []

    def pieces():
        for piece in ("ab", "cX", "d", "XY"):
            drawn.append(piece)
            yield piece

    seen = [(piece, len(drawn)) for piece in until(pieces(), ["XY"])]
    assert seen == [("ab", 1), ("c", 2), ("Xd", 3)]


def test_several_texts_have_the_seeds_that_follow(model_file, capsys):
    line = ["generate", "--model", model_file, "--prime", "A b", "--length", "20"]
    assert main([*line, "--seed", "3", "-n", "3", "--json"]) == 0
    several = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert [each["seed"] for each in several] == [3, 4, 5]
    assert main([*line, "--seed", "5"]) == 0
    last = capsys.readouterr().out
    assert last == "A b" + several[2]["text"] + "\n"
    assert main([*line, "--seed", "4", "-n", "2"]) == 0
    assert capsys.readouterr().out == "A b" + several[1]["text"] + "\n\n" + last


def test_stop_strings_and_a_prime_from_standard_input(model_file, capsys, monkeypatch):
    line = ["generate", "--model", model_file, "--length", "40", "--seed", "3"]
    assert main([*line, "--prime", "A b\n"]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"A b\n")))
    assert main([*line, "--prime", "-"]) == 0
    assert capsys.readouterr().out == whole
    drawn = whole.removeprefix("A b\n").removesuffix("\n")
    stop = drawn[10:12]
    assert main([*line, "--prime", "A b\n", "--stop", stop, "--stop", "no such string"]) == 0
    assert capsys.readouterr().out == "A b\n" + drawn[: drawn.index(stop)] + "\n"
    assert main([*line, "--stop", ""]) == 2
    assert capsys.readouterr().err.startswith("nextstroke: --stop '': give at least one character")


def test_in_python_a_text_stops_too(model_file):
    whole = ns.generate("A b", 40, model=model_file, seed=3)
    assert ns.generate("A b", 40, model=model_file, seed=3, stop=whole[9:11]) == whole[: whole.index(whole[9:11])]
    several = [whole[9], whole[5]]
    first = min(whole.index(stop) for stop in several)
    assert ns.generate("A b", 40, model=model_file, seed=3, stop=several) == whole[:first]
    for invalid in ("", ["a", ""], [1]):
        with pytest.raises(UsageError, match="stop"):
            ns.generate("A b", 4, model=model_file, stop=invalid)

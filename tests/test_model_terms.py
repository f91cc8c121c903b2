"""The terms that a model file states are those of its card, and changing them leaves the weights alone."""

import hashlib
import json
import runpy
import shutil

import pytest

from nextstroke.compression.lm.load import load_text_model
from nextstroke.runtime.model_file import Model, unsealed
from tests.documentation import MODELS, ROOT

UNIPEN = "Creative Commons Attribution 4.0 as its source states; the CD-ROM of 1999: research, no sale of the data"
LICENCE_OF = {
    "writer": "research, non-commercial",
    "reader": "research, non-commercial",
    "pen": "research, non-commercial",
    "text": "CC BY-SA 4.0",
    "writer-unipen": UNIPEN,
    "reader-unipen": UNIPEN,
}


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.onnx")), ids=lambda path: path.stem)
def test_file_card_and_licence_state_the_same_terms(path):
    stated = Model(path).metadata["licence"]
    assert stated.startswith(LICENCE_OF[path.stem])
    (row,) = (
        line for line in path.with_suffix(".md").read_text("utf-8").splitlines() if line.startswith("| licence |")
    )
    terms = (MODELS / "LICENSE-MODELS.txt").read_text("utf-8")
    assert path.name in terms
    if stated == "CC BY-SA 4.0":
        assert "CC BY-SA 4.0" in row
        assert "CC BY-SA 4.0" in terms[terms.index(path.name) :]
    elif stated.startswith(UNIPEN):
        for text in (row, " ".join(terms[terms.index(path.name) :].split())):
            assert "10.5281/zenodo.1195803" in text
            assert "forbids commercial distribution" in text
    else:
        assert "non-commercial" in row


def test_the_weights_that_learned_from_wikipedia_alone_are_under_its_licence():
    path = ROOT / "weights" / "enwik8-prefix.onnx"
    if not path.exists():
        pytest.skip("NOT TESTED: terms of weights/, which is not there")
    assert Model(path).metadata["licence"] == "CC BY-SA 4.0"


def test_changed_terms_leave_the_weights_and_the_archives_alone(tmp_path):
    pytest.importorskip("onnx", reason="NOT TESTED: changing terms, for want of onnx")
    with_terms = runpy.run_path(str(ROOT / "scripts" / "set_terms.py"))["with_terms"]
    before = tmp_path / "before.onnx"
    shutil.copy(MODELS / "text.onnx", before)
    after = tmp_path / "after.onnx"
    after.write_bytes(with_terms(unsealed(before), "other terms", "a note"))
    metadata = Model(after).metadata
    assert (metadata["licence"], metadata["note"]) == ("other terms", "a note")
    assert json.dumps(metadata | {"licence": "", "note": ""}) == json.dumps(
        Model(before).metadata | {"licence": "", "note": ""}
    )
    assert load_text_model(str(after)).digest == load_text_model(str(before)).digest


def test_the_same_terms_give_the_same_bytes():
    pytest.importorskip("onnx", reason="NOT TESTED: changing terms, for want of onnx")
    with_terms = runpy.run_path(str(ROOT / "scripts" / "set_terms.py"))["with_terms"]
    data = unsealed(MODELS / "text.onnx")
    assert with_terms(data, "CC BY-SA 4.0") == data


def test_the_checksums_of_the_weights_are_right():
    folder = ROOT / "weights"
    files = sorted(folder.glob("*.onnx"))
    if not files:
        pytest.skip("NOT TESTED: checksums of weights/, which is not there")
    made = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    assert made == (folder / "SHA256SUMS").read_text("utf-8")

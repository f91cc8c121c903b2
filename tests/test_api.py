from xml.etree import ElementTree as ET

import numpy as np
import pytest

import nextstroke as ns
from nextstroke.cli.main import main


def test_handwriting_shows_and_saves_itself(tmp_path):
    written = ns.write("Hello, you", style="neat", bias=0.75, best_of=2)
    assert ET.fromstring(written.svg()).tag.endswith("svg")
    assert written._repr_svg_() == written.svg()
    assert written.render("png").startswith(b"\x89PNG")
    assert written.save(tmp_path / "a.svg") == [str(tmp_path / "a.svg")]
    assert (tmp_path / "a.svg").read_text() == written.svg()
    assert written.letter.lines[0].text == "Hello, you"


def test_what_is_not_said_is_as_in_the_command(tmp_path):
    assert main(["write", "Hello, you", "--margin", "4", "-o", str(tmp_path / "a.json"), "--best-of", "2"]) == 0
    assert ns.write("Hello, you", best_of=2).render("json") == (tmp_path / "a.json").read_bytes()


def test_a_page_by_name_and_hands_in_turn():
    written = ns.write("one\ntwo", style=["neat", "wide"], bias=[0.5, 1.0], page="a5", best_of=1)
    assert written.letter.sheets[0].width == 148.0
    assert len(written.letter.lines) == 2


def test_text_goes_on():
    assert ns.generate("The ", length=20, seed=3) == ns.generate("The ", length=20, seed=3)
    assert ns.generate("The ", length=5, temperature=0, top_k=1)


def test_models_of_any_kind_are_loaded():
    assert [ns.load(name).kind for name in ("writer", "text", "reader")] == ["writer", "text", "reader"]
    with pytest.raises(ns.NextstrokeError):
        ns.load("nothing")


def test_ink_shows_itself():
    ink = ns.Ink.from_strokes([np.array([[0, 0], [10, 5]]), np.array([[3, 3]])])
    root = ET.fromstring(ink._repr_svg_())
    assert root[0].get("d") == "M0 0L10 5L10 5M3 3L3 3"

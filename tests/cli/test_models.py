"""`nextstroke models`: the list of bundled models, and the picture of the gallery."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.handwriting import compose as compose_module
from nextstroke.handwriting.glyphs.diacritics import x_height
from nextstroke.handwriting.hands import gallery, gallery_hand, save_hands
from nextstroke.pages.layout import Page
from nextstroke.runtime.model_file import find_model


def test_the_gallery_is_drawn_in_groups_with_headings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_model("writer"), "mine.onnx")
    wide, neat, tall = (gallery_hand(name, "writer") for name in ("wide", "neat", "tall"))
    styles = [replace(wide, group="print"), replace(neat, group="joined"), replace(tall, group="print")]
    styles[2] = replace(styles[2], text=styles[2].text.upper())  # as a hand learned from capitals
    save_hands(Path("mine.styles"), styles, half=True)
    assert main(["models", "styles", "-o", "a.json", "--model", "mine.onnx", "--text", "on"]) == 0
    drawn = json.loads(Path("a.json").read_text("utf-8"))
    assert drawn["text"].split("\n") == ["Print:", "wide: on", "TALL: ON", "", "Joined:", "neat: on"]
    assert drawn["style"] == "wide,neat,tall"


def test_a_heading_does_not_settle_the_size_of_the_default_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_model("writer"), "mine.onnx")
    composed = []
    compose_sheets = compose_module.compose_sheets

    def recorded(*args):
        composed.extend(compose_sheets(*args))
        return iter(composed)

    monkeypatch.setattr(compose_module, "compose_sheets", recorded)
    save_hands(Path("mine.styles"), [replace(gallery_hand("wide", "writer"), group="print")])
    assert main(["models", "styles", "-o", "a.json", "--model", "mine.onnx", "--text", "on"]) == 0
    ((sheet, lines),) = composed
    drawn = [
        np.ptp(ink.points[:, 0]) / np.ptp(line.ink.points[:, 0]) * x_height(line.ink, line.phi, line.written)
        for ink, line in zip(sheet.lines, lines, strict=True)
    ]
    assert len(lines) == 2
    assert drawn == pytest.approx([Page().x_height] * 2, rel=1e-2)


def test_a_gallery_without_groups_has_no_headings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_model("writer"), "mine.onnx")
    save_hands(Path("mine.styles"), [replace(gallery_hand(name, "writer"), group="") for name in ("wide", "neat")])
    assert main(["models", "styles", "-o", "a.json", "--model", "mine.onnx", "--text", "on"]) == 0
    drawn = json.loads(Path("a.json").read_text("utf-8"))
    assert drawn["text"].split("\n") == ["wide: on", "neat: on"]


def test_the_list_names_each_hand_in_one_group(capsys):
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    hands = gallery(find_model("writer"))
    assert rows["writer"]["styles"] == list(hands)
    named = {name: group for group, names in rows["writer"]["groups"].items() for name in names}
    assert named == {name: hand.group for name, hand in hands.items()}
    assert rows["reader"]["groups"] == {}
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in hands)

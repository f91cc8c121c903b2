"""A folder with a small file of every kind, made by the commands themselves."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.attacks.judge import Setting, forked, judge
from nextstroke.datasets.packed_ink import InkCorpus, Line

SIZES = [
    "network.cells=8", "network.layers=2", "network.components=2", "network.window_components=2", "training.chunk=20",
    "training.batch=4", "training.evaluate_every=3", "training.evaluate_lines_every=1",
]  # fmt: skip
SIZED = [word for size in SIZES for word in ("--set", size)]
SETTINGS = [*SIZED, "--set", "training.updates=6"]
LONGER = [*SIZED, "--set", "training.updates=9"]
TEXT_RECIPE = """kind = "text"
[data]
train = ["train"]
validation = ["validation"]
[network]
cells = 8
layers = 1
[training]
chunk = 20
batch = 2
updates = 4
evaluate_every = 2
"""
COMMANDS = [
    ["train", "r.toml", "--corpus", "c.packed", "--run", "run", *SETTINGS],
    ["export", "run", "-o", "m.onnx", "--corpus", "c.packed", "--styles", "primes.toml"],
    ["data", "text", "text.txt", "-o", "t.packed"],
    ["train", "t.toml", "--corpus", "t.packed", "--run", "trun"],
    ["export", "trun", "-o", "tm.onnx"],
    ["compress", "--model", "none", "text.txt"],
    ["write", "hello there", "--best-of", "1", "-o", "ink.json"],
    ["write", "hello there", "--best-of", "1", "-o", "ink.inkml"],
    ["write", "we met by the old harbour again", "--style", "neat", "--best-of", "1", "-o", "line.json"],
    ["data", "ink", "line.json", "-o", "i.packed"],
    ["style", "learn", "ink.json", "-o", "me.style"],
]
PENN = "the cat sat on a mat\nwe met by the old harbour\n"


def shared_trees(folder: Path) -> Path:
    """Return a folder of data sets, as `shared_place` does."""
    return _shared(folder, "trees", make_trees)


def shared_place(folder: Path) -> Path:
    """Return a folder that holds everything; the first that asks makes it. Its files are copied, never changed.

    Args:
        folder: The folder of a group, which the folders of the others are next to.
    """
    return _shared(folder, "whole", _make_all)


def _make_all(folder: Path) -> None:
    make_place(folder)
    make_trees(folder / "trees")
    make_words(folder)


def _shared(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    place = folder.parent / name
    with (folder.parent / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            begun = folder.parent / f".{name}-{os.getpid()}"
            make(begun)
            begun.rename(place)
    return place


@contextmanager
def copy_of(folder: Path, place: Path) -> Iterator[Path]:
    """Give a copy of a folder at a place that is free; it is removed at the end."""
    shutil.copytree(folder, place, symlinks=True)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def make_corpus() -> InkCorpus:
    """Return a few lines of two words."""
    from tests.training.conftest import ink_of

    texts = ["abc: cab", "bca aab", "ccb bbac", "acab cbba"]
    rng = np.random.default_rng(0)
    lines = [Line(f"{split}{i}", text, split) for split in ("trainset", "testset_v") for i, text in enumerate(texts)]
    return InkCorpus.of(lines, [ink_of(line.text.replace(" ", "").replace(":", ""), rng) for line in lines])


def make_place(folder: Path) -> None:
    """Fill a folder; raises Fault where a command fails."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = make_corpus()
    corpus.save(folder / "c.packed")
    corpus.save(folder / "other.packed")
    (folder / "r.toml").write_text('kind = "writer"\n')
    (folder / "t.toml").write_text(TEXT_RECIPE)
    (folder / "text.txt").write_text("some words, said more than once; some words, said more than once.\n" * 30)
    (folder / "b.jsonl").write_text('"Hello"\n{"text": "there", "bias": 1}\n"ab"\n')
    (folder / "primes.toml").write_text(f"a = {json.dumps(corpus.lines[0].name)}\n")
    penn = folder / "penn"
    penn.mkdir(exist_ok=True)
    for part in ("train", "valid", "test"):
        (penn / f"ptb.{part}.txt").write_text(PENN * 4)
    for command in COMMANDS:
        judge(forked(command, Setting(folder)), frozenset({0}))


def make_words(folder: Path) -> None:
    """Make a text of words and a training on it, which teaches."""
    recipe = (folder / "t.toml").read_text().replace("[data]", '[data]\nsequences = "sentences"')
    (folder / "w.toml").write_text(recipe)
    for words in (
        ["data", "penn", "penn", "-o", "w.packed", "--words"],
        ["train", "w.toml", "--corpus", "w.packed", "--run", "wrun"],
    ):
        judge(forked(words, Setting(folder)), frozenset({0}))


def make_trees(folder: Path) -> None:
    """Make small folders of UNIPEN and of IAM-OnDB."""
    from tests.datasets.conftest import Tree
    from tests.datasets.test_unipen import UnipenTree, letters

    folder.mkdir(parents=True, exist_ok=True)
    unipen = UnipenTree(folder / "unipen")
    for number, label in enumerate(["the old harbour", "we met again"]):
        unipen.text(label, letters(label), name=f"n{number}", writer=f"w{number}")
    Tree(folder / "iam").whole_form("a01-000u", "we met by", "the old harbour").whole_form(
        "b02-000u", "once again", split="testset_v"
    )

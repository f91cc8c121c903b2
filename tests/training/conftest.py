"""A tiny language of pen strokes: each letter a shape of its own, so that texts can be told from their ink."""

import os
import resource
import signal
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch

from nextstroke.config import Data, Network, Recipe, Training
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.ink import Ink
from nextstroke.training import run as run_module
from nextstroke.training.run import CHECKPOINT, train
from nextstroke.training.tasks.ink_task import make_examples

SHAPES = {
    "a": [(2, -3), (2, 3), (2, 0)],
    "b": [(0, 5), (1, -2), (2, -3)],
    "c": [(3, 1), (-2, 1), (3, -2)],
    "d": [(-1, -1), (4, 2), (1, 1)],
}
TEXTS = ("abc", "cab", "bca", "aab", "ccb", "bbac", "acab", "cbba")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _short_sgemm(monkeypatch):
    """Measure the rate of a small product at each evaluation; that of the usual size takes longer than the training."""
    monkeypatch.setattr(run_module, "sgemm_rate", partial(run_module.sgemm_rate, size=32))


def ink_of(text, rng):
    steps = np.concatenate([SHAPES[letter] for letter in text]) * 10.0
    points = np.cumsum(steps + rng.normal(0, 0.5, steps.shape), 0)
    return Ink.from_strokes(np.split(points, range(3, len(points), 3)))


def corpus_of(texts=TEXTS, seed=0):
    rng = np.random.default_rng(seed)
    lines = [Line(f"{split}{i}", text, split) for split in ("trainset", "testset_v") for i, text in enumerate(texts)]
    return InkCorpus.of(lines, [ink_of(line.text, rng) for line in lines])


def tiny(kind="writer", network=None, **training):
    """A recipe that learns in milliseconds; everything that is random is on."""
    sizes = {"layers": 2, "cells": 8, "components": 2, "window_components": 2, "dropout": 0.1, "start_step": 0.3}
    habits = {"batch": 2, "chunk": 5, "learning_rate": 0.01, "updates": 12, "average_decay": 0.9, "norm_clip": 1.0}
    habits |= {"augment_scale": 0.1, "augment_shear": 0.1, "evaluate_lines_every": 1, "warm_up": 3, "fall_share": 0.5}
    return Recipe(
        kind=kind,
        data=Data(train=["trainset"]),
        network=Network(**{**sizes, **(network or {})}),
        training=Training(**{**habits, **training}),
    )


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "tiny.packed"
    corpus_of().save(path)
    return path


@pytest.fixture
def examples():
    return make_examples(corpus_of(), tiny().data)


@contextmanager
def files_up_to(size):
    """A disk that is full: no file may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def silent(progress, event):
    pass


def stopper(update, number=signal.SIGTERM):
    """A report that sends this process one signal when `update` is reached."""
    sent = []

    def report(progress, event):
        if progress.update >= update and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)

    return report


@pytest.fixture
def run(corpus, tmp_path):
    """Trains a recipe in a folder; returns the path of the checkpoint."""

    def work(recipe, name="run", resume=False, report=silent, corpus=corpus):
        train(recipe, corpus, tmp_path / name, resume, report)
        return tmp_path / name / CHECKPOINT

    return work

import json
import sys
from types import SimpleNamespace

import pytest

from nextstroke.training.run import CURVE, Curve

ROWS = [{"update": 3, "validation": -1.5}, {"update": 6, "validation": -2.0}]


class Writer:
    """Stands for torch.utils.tensorboard.SummaryWriter."""

    written: list = []  # noqa: RUF012

    def __init__(self, folder):
        self.folder = folder

    def add_scalar(self, name, value, step):
        self.written.append((self.folder, name, value, step))

    def flush(self):
        self.written.append("flushed")


def add_rows(folder):
    curve = Curve(folder)
    for row in ROWS:
        curve.add(row)
    return [json.loads(line) for line in (folder / CURVE).read_text().splitlines()]


def test_rows_are_added_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert add_rows(tmp_path) == ROWS
    assert [path.name for path in tmp_path.iterdir()] == [CURVE]


def test_the_same_figures_go_to_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    assert add_rows(tmp_path) == ROWS
    assert (str(tmp_path / "tensorboard"), "validation", -2.0, 6) in Writer.written
    assert Writer.written[-1] == "flushed"


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    add_rows(tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("validation")] == [(3, -1.5), (6, -2.0)]

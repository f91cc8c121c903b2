"""The learning curve of a training: a file of JSON rows, and TensorBoard's where that is installed."""

import json
from pathlib import Path

CURVE = "curve.jsonl"


class Curve:
    """Takes a row of figures at each evaluation.

    Args:
        folder: Of the training.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.board = None
        else:
            self.board = SummaryWriter(str(folder / "tensorboard"))

    def add(self, row: dict[str, float]) -> None:
        """Append a row; its "update" is the place on TensorBoard's axis."""
        with (self.folder / CURVE).open("a") as curve:
            curve.write(json.dumps(row) + "\n")
        if self.board:
            for name, value in row.items():
                self.board.add_scalar(name, value, row["update"])
            self.board.flush()

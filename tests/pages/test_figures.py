import numpy as np
import pytest
from PIL import Image

from nextstroke.errors import UsageError
from nextstroke.ink import Ink

pytest.importorskip("matplotlib", reason="figures need the extra `figures`")
from nextstroke.pages.figures import window_figure


def test_the_window_figure_shows_the_weights(tmp_path):
    phi = np.eye(5)[np.repeat(range(5), 12)]
    ink = Ink.from_strokes([np.column_stack([np.arange(60), np.sin(np.arange(60))])])
    window_figure(phi, "ab c", ink, tmp_path / "w.png")
    grey = np.asarray(Image.open(tmp_path / "w.png").convert("L"))
    assert (grey < 50).mean() > 0.05
    with pytest.raises(UsageError, match=r"w\.txt"):
        window_figure(phi, "ab c", ink, tmp_path / "w.txt")

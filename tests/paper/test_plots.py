import numpy as np
import pytest
from PIL import Image

from nextstroke.cli.main import main
from nextstroke.errors import UsageError
from nextstroke.ink import Ink

pytest.importorskip("matplotlib", reason="figures need the extra `figures`")
from nextstroke.paper.plots import bars_figure, window_figure


def test_the_window_figure_shows_the_weights(tmp_path):
    phi = np.eye(5)[np.repeat(range(5), 12)]
    ink = Ink.from_strokes([np.column_stack([np.arange(60), np.sin(np.arange(60))])])
    window_figure(phi, "ab c", ink, tmp_path / "w.png")
    grey = np.asarray(Image.open(tmp_path / "w.png").convert("L"))
    assert (grey < 50).mean() > 0.05
    with pytest.raises(UsageError, match=r"w\.txt"):
        window_figure(phi, "ab c", ink, tmp_path / "w.txt")


def test_bars_are_as_long_as_their_shares(tmp_path):
    bars_figure({"products": 0.6, "gates": 0.3, "data": 0.1}, "time", tmp_path / "s.png")
    dark = (np.asarray(Image.open(tmp_path / "s.png").convert("L")) < 100).sum(1)
    lengths = sorted((int(dark[rows].max()) for rows in np.array_split(np.arange(40, len(dark)), 3)), reverse=True)
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.15)
    assert lengths[1] > 2 * lengths[2]


def test_a_profile_of_no_known_kind_is_refused_before_the_work(tmp_path, capsys):
    assert main(["figure", "profile", "-o", str(tmp_path / "p.txt")]) == 2
    assert "png, svg, pdf" in capsys.readouterr().err

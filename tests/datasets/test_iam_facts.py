"""IAM-OnDB itself: original files, the facts of the whole, and the whole read from its official tree."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from nextstroke.datasets.iam import PLACEHOLDER_TEXT, ROWS_DIFFER, TRAINING, VALIDATION, WRONG_LABEL, read_iam
from nextstroke.datasets.packed_ink import InkCorpus, Line, summarise
from tests.datasets.conftest import SHARED


def test_the_raw_samples(raw_samples):
    corpus, report = read_iam(raw_samples)
    found = {line.name: (line.text, line.split, line.fault) for line in corpus.lines}
    assert found == {
        # Two of the form's six lines are there, so nobody can say that the rows fit.
        "a01-000u-01": ("", "testset_t", ROWS_DIFFER),
        "a01-000u-02": ("", "testset_t", ROWS_DIFFER),
        "a08-551z-08": ("weeks to have a broken ankle bone", "trainset", ""),
        "a08-551z-09": ("pinned.", "trainset", ""),
        "l07-851z-08": ("in.", "trainset", WRONG_LABEL),
        "n07-732z-06": ('-"', "trainset", ""),
        "z01-000z-04": ("", "", PLACEHOLDER_TEXT),
    }
    assert report.left_out == []


def test_the_raw_form_files(raw_samples, tree):
    """Their texts are escaped twice; one of them has no General part."""
    for name in ("n08-040z", "p03-354z", "g06-000n"):
        tree.line(f"{name}-01")
    tree.split("trainset", "n08-040z")
    for path in raw_samples.glob("original-xml-*/original/*/*/*.xml"):
        tree.form(path.parent.name + path.stem.removeprefix("strokes"), path.read_bytes())
    tree.text("n08-040z", '"Through the door," I')
    corpus, _ = read_iam(tree.root)
    assert {line.name: line.writer for line in corpus.lines} == {
        "g06-000n-01": -1,
        "n08-040z-01": 10118,
        "p03-354z-01": 10212,
    }


@pytest.fixture(scope="module")
def whole(packed_iam):
    """The complete data as a corpus, from the arrays the team shares."""
    steps = np.stack([packed_iam["dx"], packed_iam["dy"]], 1).astype(np.int64)
    starts = packed_iam["offsets"]
    places = steps.cumsum(0)
    before = np.concatenate([np.zeros((1, 2), np.int64), places])[starts[:-1]]
    points = (places - np.repeat(before, np.diff(starts), 0)).astype(np.float32)
    ends = np.unpackbits(packed_iam["eos"], count=len(points)).astype(bool)
    names = np.array(["trainset", "testset_v", "testset_t", "testset_f", ""])
    described = zip(packed_iam["ids"], packed_iam["texts"], names[packed_iam["split"]], strict=True)
    lines = [Line(str(name), str(text), str(split)) for name, text, split in described]
    return InkCorpus(lines, points, ends, starts)


def test_facts_of_the_whole_data_set(whole):
    figures = summarise(whole, TRAINING)
    assert figures["lines_of_split"] == {
        "trainset": 5364,
        "testset_v": 1438,
        "testset_t": 1518,
        "testset_f": 3859,
        "none": 16,
    }
    assert len(whole.select(*TRAINING)) == 10_741
    assert len(whole.select(*VALIDATION)) == 1_438
    offsets = figures["offsets"]
    assert offsets["count"] == 6_750_028
    rounded = [round(offsets[name], 3) for name in ("dx_mean", "dx_std", "dy_mean", "dy_std")]
    assert rounded == [8.179, 41.954, 0.112, 37.124]
    assert round(figures["end_of_stroke_rate"], 4) == 0.0397
    assert (figures["points_of_line_median"], figures["characters"]) == (620, 81)
    assert figures["oddities"] == {
        "lines_with_jumps_over_300": 224,
        "lines_with_jumps_over_500": 20,
        "repeated_points": 112_765,
        "strokes_of_one_point": 3_938,
    }


@pytest.mark.parametrize("limit", [150, pytest.param(12_195, marks=pytest.mark.slow)])
def test_the_official_tree_is_read_to_the_point(whole, tmp_path, limit):
    """Lay the tree out as the archives unpack, read it and compare every point, stroke end and split."""
    expand = [sys.executable, str(SHARED / "expand.py"), str(tmp_path), "--limit", str(limit)]
    subprocess.run(expand, check=True, capture_output=True)
    corpus, report = read_iam(tmp_path)
    shutil.rmtree(tmp_path)  # 370 MB, and pytest keeps three runs
    place = {line.name: i for i, line in enumerate(whole.lines)}
    assert len(corpus) == limit
    assert report.left_out == []
    for i, line in enumerate(corpus.lines):
        expected = whole.ink(place[line.name])
        assert np.array_equal(corpus.ink(i).points, expected.points)
        assert np.array_equal(corpus.ink(i).end_of_stroke, expected.end_of_stroke)
        assert line.split == whole.lines[place[line.name]].split
        assert line.text.replace(" ", "") == whole.lines[place[line.name]].text.replace(" ", "")

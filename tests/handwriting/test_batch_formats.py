"""Batches as data sets for recognisers: files, labels, boxes, masks and looks."""

import io
import json
import os
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nextstroke.cli.batch import Progress
from nextstroke.cli.main import main
from nextstroke.handwriting import sampler
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.character_boxes import point_characters
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.line_pictures import PictureOptions, draw_line
from nextstroke.handwriting.request import LineRequest, prepare
from nextstroke.handwriting.shard_files import slanted
from nextstroke.handwriting.shards import column_types
from nextstroke.runtime.model_file import load_model

ROWS = [
    {"text": "It\u2019s \u201cja\u201d", "id": "a1", "n": 3},
    {"text": "the tin hat", "id": "a2", "n": 4.5, "x": [1, "two"]},
    "two words",
    {"text": "last of all", "id": None, "seed": 7, "style": "neat"},
]
LABELS = ['It\'s "ja"', "the tin hat", "two words", "last of all"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def batch(*options, texts="texts.jsonl", output="out"):
    return main(["batch", texts, "-o", output, "--workers", "1", *options])


def rows(name="out/metadata.jsonl"):
    return [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def line():
    model = load_model("writer", "writer")
    request = LineRequest(prepare("at the mill, minutes left", model.alphabet), gallery_hand("neat", "writer"), 1.0, 3)
    (written,) = line_writer(4, model).write(model, [request])
    assert written.complete
    return written


@pytest.mark.parametrize("format", ["imagefolder", "webdataset", "parquet"])
def test_the_library_datasets_reads_it_as_tensors(folder, format):
    pytest.importorskip("datasets", reason="NOT TESTED: data sets as the library `datasets` reads them")
    pytest.importorskip("torch")
    assert batch("--format", format, "--boxes", "--masks", "--shard", "3") == 0
    load = f"""
import json, datasets
data = datasets.load_dataset("out", split="train")
names = {{"image": "png", "mask": "mask.png", "text": "txt"}} if {format!r} == "webdataset" else {{}}
tensors = data.with_format("torch")
rows = []
for i in range(len(data)):
    about = data[i]["json"] if names else data[i]
    picture, mask = (tensors[i][names.get(name, name)] for name in ("image", "mask"))
    rows.append([data[i][names.get("text", "text")], about["given"], about["id"], about["n"], about["x"],
                 list(picture.shape), list(mask.shape)[-2:], int(mask.max()), about["words"]])
print(json.dumps(rows))
"""
    variables = {"HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", load], env=os.environ | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [row[0] for row in found] == LABELS
    assert [row[1] for row in found] == ["It’s “ja”", *LABELS[1:]]
    assert [row[2:5] for row in found] == [
        ["a1", 3.0, None], ["a2", 4.5, '[1, "two"]'], [None, None, None], [None, None, None]
    ]  # fmt: skip
    for label, row in zip(LABELS, found, strict=True):
        assert row[5][:2] == [3, 64]
        assert row[6] == row[5][1:]
        assert row[7] <= len(label)
        assert [word["text"] for word in row[8]] == label.split()


def test_pictures_have_one_height_and_boxes_hold_their_ink(folder):
    assert batch("--format", "imagefolder", "--boxes", "--masks", "--height", "97", "--best-of", "4") == 0
    found = rows()
    assert [row["text"] for row in found] == LABELS
    for row in found:
        picture = np.asarray(Image.open(Path("out") / row["file_name"]).convert("L"))
        mask = np.asarray(Image.open(Path("out") / row["mask_file_name"]))
        assert picture.shape == mask.shape == (97, row["width"]) == (row["height"], row["width"])
        ink = picture < 128
        assert (mask[ink] > 0).mean() > 0.98
        assert ink[mask > 0].mean() > 0.6
        outside = np.ones(picture.shape, bool)
        for word in row["words"]:
            left, top, right, bottom = word["box"]
            outside[top:bottom, left:right] = False
        assert not (ink & outside).any()
        labels = [row["text"][number - 1] for number in np.unique(mask[mask > 0])]
        assert labels == [character["text"] for character in row["characters"]]
        for character, number in zip(row["characters"], np.unique(mask[mask > 0]), strict=True):
            left, top, right, bottom = character["box"]
            inside = (mask == number)[top:bottom, left:right].sum()
            assert inside >= 0.98 * (mask == number).sum()


def test_characters_follow_each_other_and_dots_and_bars_go_to_their_letters(line):
    owner = point_characters(line)
    text = line.written
    x = line.ink.points[:, 0]
    assert set(owner) == {u for u, character in enumerate(text) if character != " "}
    middles = [x[owner == u].mean() for u in sorted(set(owner))]
    assert middles == sorted(middles)
    ends = [0, *np.flatnonzero(line.ink.end_of_stroke) + 1]
    for first, last in pairwise(ends):
        # No stroke leads from one word into another.
        low, high = owner[first:last].min(), owner[first:last].max()
        assert " " not in text[low : high + 1]
    # Letters of a word hardly overlap: the window is ahead of the pen, and the points are not those of the next letter.
    height = np.ptp(line.ink.points[:, 1])
    pairs = [(u, u + 1) for u in range(len(text) - 1) if " " not in text[u : u + 2]]
    overlaps = [max(0.0, x[owner == u].max() - x[owner == v].min()) / height for u, v in pairs]
    assert np.mean(overlaps) < 0.015
    for u, character in enumerate(text):
        if character == "i":  # a stem and a dot above it
            assert line.ink.end_of_stroke[owner == u].sum() >= 1
            assert np.ptp(line.ink.points[owner == u, 1]) > 1.2 * np.ptp(line.ink.points[owner == u, 0])


def test_a_webdataset_has_picture_label_and_record_next_to_each_other(folder):
    assert batch("--format", "webdataset", "--shard", "3") == 0
    assert sorted(path.name for path in Path("out").glob("*")) == [
        ".batch",
        ".lock",
        "lines-00000.tar",
        "lines-00001.tar",
    ]
    with tarfile.open("out/lines-00000.tar") as archive:
        names = archive.getnames()
        assert names == [f"{key:08d}.{kind}" for key in range(3) for kind in ("json", "png", "txt")]
        label = archive.extractfile("00000000.txt").read().decode()
        record = json.loads(archive.extractfile("00000000.json").read())
        picture = Image.open(io.BytesIO(archive.extractfile("00000000.png").read()))
        assert (record["width"], record["height"]) == picture.size
    assert (label, record["text"], record["given"]) == ('It\'s "ja"', 'It\'s "ja"', "It’s “ja”")


def test_the_ink_says_which_character_each_point_draws(folder):
    assert batch("--shard", "3") == 0
    records = rows("out/manifest.jsonl")
    assert [record.get("id", "none") for record in records] == ["a1", "a2", "none", None]
    assert records[1]["x"] == [1, "two"]
    ink = np.load("out/ink-00000.npz")
    first, last = ink["first"][:2]
    assert {records[0]["written"][u] for u in ink["character"][first:last]} == set('It\'s"ja"')


@pytest.mark.parametrize("format", ["imagefolder", "webdataset", "parquet"])
def test_a_lost_file_of_any_format_is_written_again(folder, format, capsys):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    options = ["--format", format, "--shard", "2", "--height", "16"]
    assert batch(*options) == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    victim = next(path for path in before if path.suffix in {".png", ".tar", ".parquet"})
    victim.unlink()
    assert batch(*options) == 0
    assert f"{victim}: was lost or altered" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before


def test_a_folder_of_another_format_or_a_longer_batch_is_refused(folder, capsys):
    assert batch("--shard", "2") == 0
    assert batch("--format", "imagefolder", "--height", "16") == 2
    assert "another --format" in capsys.readouterr().err
    texts = Path("texts.jsonl")
    texts.write_text("".join(texts.read_text().splitlines(keepends=True)[:2]))
    assert batch("--shard", "2") == 3
    assert "belongs to a longer batch" in capsys.readouterr().err


def test_other_ids_make_another_batch(folder, capsys):
    assert batch() == 0
    texts = Path("texts.jsonl")
    texts.write_text(texts.read_text().replace("a2", "b2"))
    assert batch() == 3
    assert "holds other lines" in capsys.readouterr().err


def test_best_of_keeps_the_candidate_that_the_recogniser_prefers(folder):
    assert batch("--best-of", "3", "--style", "wide") == 0
    ink = np.load("out/ink-00000.npz")
    model = load_model("writer", "writer")
    request = LineRequest(prepare("two words", model.alphabet), gallery_hand("wide", "writer"), 0.75, 1)
    (best,) = line_writer(3, model).write(model, [request])
    first, last = ink["first"][2:4]
    assert last - first == len(best.ink)
    np.testing.assert_allclose(ink["points"][first:last], best.ink.points, atol=1.0)  # of an x-height of 200
    assert {record["best_of"] for record in rows("out/manifest.jsonl")} == {3}


@pytest.fixture
def broken(monkeypatch):
    """Lets every line with the word "tin" be incomplete."""
    complete = sampler.Line.complete.fget
    monkeypatch.setattr(sampler.Line, "complete", property(lambda self: "tin" not in self.text and complete(self)))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("format", ["ink", "imagefolder", "webdataset"])
def test_incomplete_lines_are_marked_refused_or_left_out(folder, format, capsys):
    options = ["--format", format, "--height", "16"]
    assert batch(*options, "--strict") == 5
    assert "row 2: no attempt is complete" in capsys.readouterr().err
    assert batch(*options, "--strict", "--skip-bad", output="kept") == 0
    assert "left out: texts.jsonl:2: no attempt is complete: the tin hat" in capsys.readouterr().err
    assert batch(*options, output="all") == 0
    counts = {}
    for name in ("kept", "all"):
        if format == "webdataset":
            with tarfile.open(f"{name}/lines-00000.tar") as archive:
                labels = [archive.extractfile(each).read().decode() for each in archive if each.name.endswith(".txt")]
        else:
            records = rows(f"{name}/{'manifest' if format == 'ink' else 'metadata'}.jsonl")
            labels = [record["written" if format == "ink" else "text"] for record in records]
            assert [record["complete"] for record in records if "tin" in record["text"]] == [False] * (name == "all")
        counts[name] = labels
    assert counts == {"kept": [label for label in LABELS if "tin" not in label], "all": LABELS}
    assert len(list(Path("kept").rglob("0*.png"))) == {"webdataset": 0}.get(format, 3)


def test_what_cannot_be_written_is_replaced(folder):
    Path("texts.jsonl").write_text('"snow \u2603 man"\n', "utf-8")
    assert batch() == 2
    assert batch("--replace", "or") == 0
    assert [record["written"] for record in rows("out/manifest.jsonl")] == ["snow or man"]


def test_each_row_of_a_text_file_is_a_text(folder):
    Path("plain.txt").write_text('\ufeffone "quoted"\n\n{"text": 3}\n', "utf-8")
    assert batch(texts="plain.txt") == 0
    assert [record["text"] for record in rows("out/manifest.jsonl")] == ['one "quoted"', '{"text": 3}']


def test_texts_come_from_standard_input_too(folder, shell):
    done = shell("batch", "-", "-o", "out", "--workers", "1", input='"a line"\n3\n')
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith("nextstroke: standard input:2: give")
    assert shell("batch", "-", "-o", "out", "--workers", "1", input='"a line"\n').returncode == 0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('{"text": "a", "points": 1}', "the key 'points' is one that the batch itself writes"),
        ('{"text": "a", "__key__": "k"}', "the key '__key__'"),
        ('{"text": "a", "id": NaN}', "no finite number"),
        ('{"text": "a", "id": 1e999}', "no finite number"),
        ('{"text": "a", "id": "\\ud800"}', "no valid text"),
        ('{"text": "a", "seed": -1}', "seed -1"),
    ],
)
def test_rows_with_keys_that_cannot_be_kept_are_refused(folder, capsys, row, says):
    Path("texts.jsonl").write_text(row + "\n")
    assert batch() == 3
    err = capsys.readouterr().err
    assert err.startswith("nextstroke: texts.jsonl:1: ")
    assert says in err


def test_further_keys_get_columns_of_one_kind():
    extras = [{"a": 1, "b": 1, "c": 1, "d": None, "e": True}, {"a": 2, "b": 2.5, "c": "x", "f": 2**70}]
    assert column_types(extras) == (
        ("a", "int64"), ("b", "float64"), ("c", "json"), ("d", "string"), ("e", "bool"), ("f", "json"),
    )  # fmt: skip


def pixels(drawn):
    return np.asarray(Image.open(io.BytesIO(drawn.png)), np.float64)


def test_pens_noise_and_paper_are_as_asked(line, tmp_path):
    plain = pixels(draw_line(line, line.ink, 0, PictureOptions(height=64)))
    assert (plain[0, 0] == 255).all()
    broad = pixels(draw_line(line, line.ink, 0, PictureOptions(height=64, pen=(0.8, 0.8))))
    assert (broad < 128).mean() > 1.5 * (plain < 128).mean()
    for deviation in (5.0, 20.0):
        noisy = pixels(draw_line(line, line.ink, 0, PictureOptions(height=64, noise=(deviation, deviation))))
        # Where neither black nor white cuts the noise off, on grey paper.
        grey = PictureOptions(height=64, noise=(deviation, deviation), backgrounds=("#808080",))
        assert pixels(draw_line(line, line.ink, 0, grey))[:4].std() == pytest.approx(deviation, rel=0.1)
        assert noisy.shape == plain.shape
    Image.new("RGB", (7, 5), (200, 100, 50)).save(tmp_path / "paper.png")
    papers = PictureOptions(height=64, backgrounds=(str(tmp_path / "paper.png"),), colours=("black", "#ff0000"))
    on_paper = pixels(draw_line(line, line.ink, 1, papers))
    np.testing.assert_array_equal(on_paper[0, 0], (200, 100, 50))
    assert on_paper[:, :, 1:].min() == 0  # red ink lets red light through, no other
    assert on_paper[:, :, 0].min() == 200


def test_a_row_without_an_end_is_refused(folder, capsys):
    assert batch("--skip-bad", texts="/dev/zero") == 3
    assert capsys.readouterr().err.startswith("nextstroke: /dev/zero: a row has more than 67108864 bytes")


def test_a_picture_that_is_too_large_for_paper_is_refused(folder, capsys):
    Image.new("1", (6000, 6000)).save("large.png")
    assert batch("--height", "16", "--background", "large.png") == 5
    assert "background 'large.png': 6000 x 6000 pixels" in capsys.readouterr().err


def test_a_random_look_is_the_line_s_own(line):
    options = PictureOptions(height=64, pen=(0.2, 0.9), noise=(0, 20), backgrounds=("ivory", "grey"), drift=1)
    assert draw_line(line, line.ink, 0, options) == draw_line(line, line.ink, 0, options)


def test_small_letters_have_the_same_size_whatever_the_line_says():
    model = load_model("writer", "writer")
    heights = []
    for text in ("nnnn xo no", "dylph joy glad"):
        request = LineRequest(prepare(text, model.alphabet), gallery_hand("neat", "writer"), 1.5, 2)
        (line,) = line_writer(4, model).write(model, [request])
        about = draw_line(line, line.ink, 0, PictureOptions(height=100, boxes=True)).about
        small = [each["box"] for each in about["characters"] if each["text"] in "nxo"]
        heights.append(np.median([box[3] - box[1] for box in small]))
    assert heights[1] == pytest.approx(heights[0], rel=0.35)


def test_slants_are_drawn_from_the_range(line):
    upright = line.ink.slant()
    right = slanted(line, (20, 20)).slant()
    assert upright - right == pytest.approx(np.tan(np.radians(20)), abs=0.12)
    assert slanted(line, (0, 0)) is line.ink


def test_progress_is_a_line_a_minute_with_the_time_left(capsys):
    now = [0.0]
    progress = Progress("lines", lambda: now[0])
    for seconds, done in [(0, 200), (30, 300), (61, 400), (90, 500), (125, 600), (4000, 700)]:
        now[0] = float(seconds)
        progress(done, 2000)
    assert capsys.readouterr().err.splitlines() == [
        "400 of 2000 lines, 8 min left",
        "600 of 2000 lines, 7 min left",
        "700 of 2000 lines, 2.9 h left",
    ]

import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.errors import BadInput
from nextstroke.handwriting import shards
from nextstroke.handwriting.bulk import Defaults, cut_shards, read_batch, write_bulk, write_shard
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.request import LineRequest, prepare
from nextstroke.handwriting.sampler import write
from nextstroke.handwriting.shards import BatchOptions, Folder
from nextstroke.runtime.model_file import SEAL, find_model, load_model, sealed

TEXTS = ['"one line"', '{"text": "another", "style": "neat", "bias": 2}', "", '"and a third"', '"the last"']


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("texts.jsonl").write_text("\n".join(TEXTS))
    return Path("texts.jsonl")


def batch(path, *styles, bias=0.5):
    return read_batch(path, load_model("writer", "writer"), "writer", Defaults(styles, [bias], 1))


def run(*more):
    return main(["batch", "texts.jsonl", "-o", "ink", "--style", "wide,none", "--shard", "2", *more])


def test_shards_hold_what_the_manifest_says(texts):
    assert run("--workers", "1", "--bias", "0.5,1") == 0
    records = [json.loads(line) for line in Path("ink/manifest.jsonl").read_text().splitlines()]
    assert [(r["number"], r["text"], r["style"], r["bias"], r["seed"]) for r in records] == [
        (0, "one line", "wide", 0.5, 1),
        (1, "another", "neat", 2.0, 1),
        (3, "and a third", "none", 1.0, 1),
        (4, "the last", "wide", 0.5, 1),
    ]
    for record in records:
        ink = np.load(f"ink/{record['shard']}")
        i = ink["number"].tolist().index(record["number"])
        first, last = ink["first"][i : i + 2]
        assert last - first == record["points"]
        assert ink["end_of_stroke"][last - 1]
    model = load_model("writer", "writer")
    hands = [gallery_hand(name, "writer") for name in ("wide", "neat")]
    texts = [prepare(text, model.alphabet) for text in ("one line", "another")]
    requests = [LineRequest(text, hand, bias) for text, hand, bias in zip(texts, hands, [0.5, 2.0], strict=True)]
    _, second = write(model, requests)
    ink = np.load("ink/ink-00000.npz")
    np.testing.assert_array_equal(ink["points"][ink["first"][1] :], second.ink.points.astype(np.float32))


def test_a_broken_off_batch_goes_on_and_ends_the_same(texts):
    assert run("--workers", "1") == 0
    whole = {path.name: path.read_bytes() for path in Path("ink").iterdir()}
    for name in ("manifest.jsonl", "manifest-00001.jsonl", "ink-00001.npz"):
        os.unlink(f"ink/{name}")
    kept = os.stat("ink/ink-00000.npz").st_mtime_ns
    assert run("--workers", "2") == 0
    assert {path.name: path.read_bytes() for path in Path("ink").iterdir()} == whole
    assert os.stat("ink/ink-00000.npz").st_mtime_ns == kept


def test_another_batch_is_not_mixed_in(texts, capsys):
    assert run("--workers", "1") == 0
    assert run("--workers", "1", "--seed", "2") == 3
    assert re.fullmatch(
        r"nextstroke: ink/manifest-00000.jsonl: holds other lines .*\n", capsys.readouterr().err.split("\n", 1)[1]
    )


def test_pictures_on_request(texts):
    assert run("--workers", "1", "--dpi", "50") == 0
    names = sorted(path.name for path in Path("ink").glob("*.png"))
    assert names == [f"{number:08d}.png" for number in (0, 1, 3, 4)]


def test_a_cluster_writes_the_same_ink_and_survives_the_loss_of_a_worker(texts, tmp_path):
    distributed = pytest.importorskip("distributed")
    texts.write_text("\n".join(json.dumps(f"line {i}") for i in range(20)))
    assert run("--workers", "1") == 0
    shards = cut_shards(list(batch(texts, "wide", "none", bias=0.75)), 2, BatchOptions())
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        killed = []

        def kill_one(done, total):
            if done == 6 and not killed:
                killed.append(cluster.workers[0].process.process.pid)
                os.kill(killed[0], 9)

        write_bulk(shards, Folder(tmp_path / "far"), 1, cluster.scheduler_address, kill_one)
    assert killed
    for path in Path("ink").iterdir():
        assert (tmp_path / "far" / path.name).read_bytes() == path.read_bytes()


def files():
    return {path.name: path.read_bytes() for path in Path("ink").iterdir()}


def emptied(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("harm", [Path.unlink, emptied, cut])
@pytest.mark.parametrize("name", ["ink-00001.npz", "00000001.png", "seal-00000.json"])
def test_what_is_lost_or_cut_is_noticed_and_written_again(texts, capsys, name, harm):
    assert run("--workers", "1", "--dpi", "40") == 0
    whole = files()
    capsys.readouterr()
    harm(Path("ink") / name)
    assert run("--workers", "1", "--dpi", "40") == 0
    assert files() == whole
    assert f"ink/{name}: was lost or altered" in capsys.readouterr().err


def test_a_batch_that_is_whole_is_not_written_again(texts, capsys, monkeypatch):
    assert run("--workers", "1", "--dpi", "40") == 0
    monkeypatch.setattr("nextstroke.handwriting.bulk.write_shard", None)
    for options in (["--dpi", "40"], []):  # pictures that are not asked for are no fault
        assert run("--workers", "1", *options) == 0
        assert "warning" not in capsys.readouterr().err


def test_going_on_with_another_dpi_draws_the_pictures_anew(texts):
    assert run("--workers", "1") == 0
    assert run("--workers", "1", "--dpi", "40") == 0
    small = Path("ink/00000001.png").read_bytes()
    assert run("--workers", "1", "--dpi", "80") == 0
    assert Path("ink/00000001.png").read_bytes() != small


def test_going_on_with_another_model_of_the_same_name_writes_anew(texts):
    model, styles = Path("mine.onnx"), Path("mine.styles")
    model.write_bytes(find_model("writer").read_bytes())
    styles.write_bytes(find_model("writer").with_suffix(".styles").read_bytes())
    assert run("--workers", "1", "--model", "mine.onnx") == 0
    before = os.stat("ink/ink-00000.npz").st_mtime_ns
    body = bytearray(model.read_bytes()[:-SEAL])
    at = body.index(b'"note"')
    body[at + 1 : at + 5] = b"Note"
    model.write_bytes(sealed(bytes(body)))
    assert run("--workers", "1", "--model", "mine.onnx") == 0
    assert os.stat("ink/ink-00000.npz").st_mtime_ns != before


def test_two_processes_do_not_write_into_one_folder(texts, capsys):
    with Folder(Path("ink")).locked():
        assert run("--workers", "1") == 2
        assert "another batch is being written there" in capsys.readouterr().err
    assert run("--workers", "1") == 0


@pytest.mark.parametrize("name", ["/dev/zero", "../outside", "a/../../outside", "", ".", "a\0b"])
def test_a_seal_that_names_a_file_outside_the_folder_is_refused(texts, capsys, monkeypatch, name):
    assert run("--workers", "1") == 0
    seal = Path("ink/seal-00000.json")
    whole = seal.read_bytes()
    about = json.loads(whole)
    about["files"][name] = hashlib.sha256(b"a").hexdigest()
    seal.write_text(json.dumps(about))
    Path("outside").write_bytes(b"a")
    opened = []
    digest = shards._digest
    monkeypatch.setattr(shards, "_digest", lambda path: opened.append(str(path)) or digest(path))
    capsys.readouterr()
    assert run("--workers", "1") == 0
    assert "ink/seal-00000.json: was lost or altered; its shard is written again" in capsys.readouterr().err
    assert seal.read_bytes() == whole
    assert [path for path in opened if "ink-" not in path and "manifest-" not in path] == []


@pytest.mark.parametrize("name", ["ink-00000.npz", "seal-00000.json"])
def test_a_file_of_a_shard_that_is_a_device_is_not_read(texts, capsys, name):
    """/dev/null, not /dev/zero: a reader of that would not come back."""
    assert run("--workers", "1") == 0
    path = Path("ink") / name
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(OSError, match="not a regular file"):
        shards._content(path)
    capsys.readouterr()
    assert run("--workers", "1") == 0
    assert f"ink/{name}: was lost or altered" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"{", b"{}", b"[]", b"\xff", b"", b"3\n", None])
def test_a_damaged_part_of_the_manifest_is_named(texts, capsys, content):
    assert run("--workers", "1") == 0
    part = Path("ink/manifest-00001.jsonl")
    part.unlink()
    part.mkdir() if content is None else part.write_bytes(content)
    capsys.readouterr()
    assert run("--workers", "1") == 3
    assert re.fullmatch(r"nextstroke: ink/manifest-00001.jsonl: .*\n", capsys.readouterr().err)


BAD = ['"snow \u2603"', '{"text": "a", "style": "nobody"}', '{"text": "a", "bias": 1' + 400 * "0" + "}", "{"]
BAD += ['{"text": "a", "bias": 1e999}', '"' + 4000 * "long " + '"', '"' + 70_000 * "a" + '"']


@pytest.mark.parametrize("row", BAD)
def test_every_row_is_checked_before_the_first_is_written(texts, capsys, row):
    texts.write_text("\n".join([*TEXTS, row, '"after it"']))
    assert run("--workers", "1") in (2, 3, 5)
    assert re.fullmatch(r"nextstroke: texts.jsonl:6: .*\n", capsys.readouterr().err)
    assert not Path("ink").exists()


def test_bad_rows_are_skipped_where_that_is_asked_for(texts, capsys):
    texts.write_text("\n".join([*TEXTS, *BAD, '"after them"']))
    assert run("--workers", "1", "--skip-bad") == 0
    told = capsys.readouterr().err
    assert re.findall(r"left out: texts.jsonl:(\d+)", told) == [str(6 + i) for i in range(len(BAD))]
    numbers = [json.loads(line)["number"] for line in Path("ink/manifest.jsonl").read_text().splitlines()]
    assert numbers == [0, 1, 3, 4, 5 + len(BAD)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("3", "give"),
        ('{"text": 3}', "give"),
        ('" "', "give"),
        ('{"text": "a", "bias": -1}', "bias -1: give a number"),
        ('{"text": "a", "bias": NaN}', "bias nan: give a number"),
        ('{"text": "a", "bias": true}', "bias True: give a number"),
        ('{"text": "a", "style": 1}', "style must"),
        ("[" * 60_000, "not JSON"),
    ],
)
def test_invalid_lines_are_named(texts, line, says):
    texts.write_text(f'"good"\n{line}\n')
    with pytest.raises(BadInput, match=f"texts.jsonl:2: .*{says}"):
        list(batch(texts, "none"))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("batch texts.jsonl", 2),
        ("batch -o ink", 2),
        ("batch no.jsonl -o ink", 3),
        ("batch . -o ink", 3),
        ("batch empty.jsonl -o ink", 3),
        ("batch texts.jsonl -o texts.jsonl", 2),
        ("batch texts.jsonl -o ink --style nobody --workers 1", 2),
        ("batch texts.jsonl -o ink --model no.onnx --workers 1", 3),
        ("batch texts.jsonl -o ink --format jpg", 2),
        ("batch texts.jsonl -o ink --height 64 --dpi 100", 2),
        ("batch texts.jsonl -o ink --height 64 --pen 1:2:3", 2),
        ("batch texts.jsonl -o ink --height 64 --pen .6:.2", 2),
        ("batch texts.jsonl -o ink --height 64 --noise x", 2),
        ("batch texts.jsonl -o ink --height 64 --noise 1:256", 2),
        ("batch texts.jsonl -o ink --height 64 --colour nope", 2),
        ("batch texts.jsonl -o ink --height 64 --background nope.png", 3),
        ("batch texts.jsonl -o ink --height 64 --background texts.jsonl", 3),
        ("batch texts.jsonl -o ink --height 64 --background .", 3),
        ("batch texts.jsonl -o ink --slant 61", 2),
        ("batch texts.jsonl -o ink --best-of 65", 2),
        *[
            (f"batch texts.jsonl -o ink --{name}", 2)
            for name in ("boxes", "masks", "nib", "pen 1", "noise 1", "drift 1")
        ],
        *[(f"batch texts.jsonl -o ink --{name}", 2) for name in ("margin 1", "colour red", "background red")],
    ],
)
def test_invalid_batches_are_refused_in_one_line(texts, capsys, line, code):
    Path("empty.jsonl").write_text("\n")
    assert main(line.split()) == code
    assert not Path("ink").exists()
    assert re.fullmatch(r"nextstroke: .*\n", capsys.readouterr().err)


def test_a_shard_depends_on_no_other_lines(texts):
    lines = list(batch(texts, "wide"))
    alone = write_shard(*cut_shards(lines[:1], 1, BatchOptions()))
    together = write_shard(*cut_shards(lines, 4, BatchOptions()))
    assert alone.records[0]["points"] == together.records[0]["points"]


def test_labels_say_what_was_given_and_what_was_drawn(texts):
    texts.write_text('"It\u2019s \u201cja\u201d"\n"one"\n', "utf-8")
    assert run("--workers", "1") == 0
    first, second = (json.loads(line) for line in Path("ink/manifest.jsonl").read_text("utf-8").splitlines())
    assert (first["text"], first["written"]) == ("It’s “ja”", 'It\'s "ja"')
    assert (second["text"], second["written"]) == ("one", "one")


def test_a_row_inserted_into_a_batch_changes_no_other(texts):
    rows = ["a first line", "one more", "one more", "the last"]
    results = []
    for batch_rows in (rows, [rows[0], "between", *rows[1:]]):
        texts.write_text("".join(json.dumps(row) + "\n" for row in batch_rows))
        (shard,) = cut_shards(list(batch(texts, "wide")), 10, BatchOptions())
        results.append(write(load_model("writer", "writer"), [line.request for line in shard.lines]))
    before, after = results
    assert [line.text for line in after].pop(1) == "between"
    del after[1]
    for one, two in zip(before, after, strict=True):
        np.testing.assert_allclose(two.ink.points, one.ink.points, atol=0.1)  # of an x-height of 200
    assert len(before[1].ink) != len(before[2].ink)  # equal lines differ


@pytest.mark.parametrize("bias", ["1" + "0" * 400, "-1" + "0" * 400])
def test_a_bias_of_400_digits_is_refused_with_its_line(texts, capsys, bias):
    texts.write_text(f'"fine"\n{{"text": "a", "bias": {bias}}}\n')
    assert run("--workers", "1") == 3
    assert "texts.jsonl:2: " in capsys.readouterr().err

import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.cli.main import main
from nextstroke.datasets import plain_text
from nextstroke.datasets.enwik8 import pack_enwik8
from nextstroke.datasets.packed_text import TextCorpus, WordCounter, pack_text
from nextstroke.datasets.penn import pack_penn
from nextstroke.datasets.plain_text import pack_bytes, pack_words
from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, WrongModel


def decoded(corpus, split):
    return "".join(corpus.symbols[i] for i in corpus.split(split))


def write_penn(folder, **texts):
    names = {"train": "ptb.train.txt", "validation": "ptb.valid.txt", "test": "ptb.test.txt"}
    for split, name in names.items():
        (folder / name).write_text(texts.get(split, " a b c \n c <unk> \n"))


@pytest.mark.parametrize(("suffix", "opener"), [(".txt", open), (".gz", gzip.open), (".xz", lzma.open)])
def test_files_are_packed_one_after_another_as_bytes(tmp_path, suffix, opener):
    files = [tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"]
    for path, data in zip(files, (b"first \xff\x00", b"second"), strict=True):
        with opener(path, "wb") as stream:
            stream.write(data)
    assert pack_bytes(files, [files[1]], tmp_path / "t.packed") == {"train": 14, "validation": 6}
    corpus = TextCorpus.open(tmp_path / "t.packed")
    assert bytes(corpus.split("train")) == b"first \xff\x00second"
    assert isinstance(corpus.split("train"), np.memmap)
    assert corpus.unit == "byte"


def test_without_a_file_to_hold_out_the_end_is_held_out(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(200)))
    pack_bytes([tmp_path / "a"], [], tmp_path / "t.packed", hold_out=0.1)
    corpus = TextCorpus.open(tmp_path / "t.packed")
    assert bytes(corpus.split("train")) + bytes(corpus.split("validation")) == bytes(range(200))
    assert len(corpus.split("validation")) == 20


def test_penn_characters_and_words_end_each_sentence(tmp_path):
    write_penn(tmp_path)
    pack_penn(tmp_path, tmp_path / "c.packed", words=False)
    characters = TextCorpus.open(tmp_path / "c.packed")
    assert decoded(characters, "train") == "a b c\nc <unk>\n"
    assert characters.symbols[characters.end] == "\n"
    assert characters.words["train"] == 7
    pack_penn(tmp_path, tmp_path / "w.packed", words=True)
    words = TextCorpus.open(tmp_path / "w.packed")
    assert [words.symbols[i] for i in words.split("test")] == ["a", "b", "c", "<eos>", "c", "<unk>", "<eos>"]
    assert words.words["test"] == 7


def test_many_symbols_take_two_bytes_each(tmp_path):
    sizes = pack_text(tmp_path / "t", "word", [f"w{i}" for i in range(300)], 0, {"train": [np.arange(300)]})
    assert sizes == {"train": 300}
    split = TextCorpus.open(tmp_path / "t").split("train")
    assert split.dtype == np.uint16
    assert split.tolist() == list(range(300))


def test_the_digest_depends_on_text_and_alphabet(tmp_path):
    digests = set()
    for i, (symbols, numbers) in enumerate([("ab", [0, 1]), ("ab", [1, 0]), ("ac", [0, 1])]):
        pack_text(tmp_path / str(i), "character", list(symbols), -1, {"train": [np.array(numbers)]})
        digests.add(TextCorpus.open(tmp_path / str(i)).digest)
    assert len(digests) == 3


@given(st.text("ab \n", min_size=2), st.integers(1, 7))
def test_words_are_counted_the_same_in_pieces_of_any_size(text, size):
    symbols = ["a", "b", " ", "\n"]
    numbers = np.array([symbols.index(character) for character in text])
    counter = WordCounter("character", symbols, 3)
    for begin in range(0, len(numbers), size):
        counter.add(numbers[begin : begin + size])
    assert counter.words == len(text.split()) + text.count("\n")


def test_a_prefix_of_enwik8_keeps_the_bytes_it_has(tmp_path):
    (tmp_path / "e").write_bytes(b"<page>\n text </page>")
    pack_enwik8(tmp_path / "e", tmp_path / "t", {"train": (0, 10), "validation": (10, 20)}, whole=False)
    corpus = TextCorpus.open(tmp_path / "t")
    assert decoded(corpus, "train") + decoded(corpus, "validation") == "<page>\n text </page>"
    assert corpus.symbols == sorted(set("<page>\n text </page>"))


def test_what_is_not_enwik8_is_refused_with_its_sum(tmp_path):
    (tmp_path / "e").write_bytes(b"no Wikipedia")
    with pytest.raises(BadInput, match=r"not enwik8 \(12 bytes, md5 [0-9a-f]{32}\)"):
        pack_enwik8(tmp_path / "e", tmp_path / "t", {"train": (0, 10)}, whole=True)
    with pytest.raises(BadInput, match="12 bytes, the splits need 13"):
        pack_enwik8(tmp_path / "e", tmp_path / "t", {"train": (0, 13)}, whole=False)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("data", [b"", b"x"])
def test_too_little_text_is_refused(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(BadInput, match="two at least"):
        pack_bytes([tmp_path / "a"], [tmp_path / "a"], tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device without an end")
def test_a_text_without_an_end_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plain_text, "MAX_TEXT", 3 * plain_text.PIECE)
    monkeypatch.setattr(plain_text, "MAX_TEXT_LINE", 2 * plain_text.PIECE)
    for more in ([], ["--words"], ["--validation", "/dev/zero"]):
        assert main(["data", "text", "/dev/zero", "-o", str(tmp_path / "t"), *more]) == 5
        assert capsys.readouterr().err.startswith("nextstroke: /dev/zero: ")
    assert list(tmp_path.iterdir()) == []


def test_of_a_device_little_is_read(tmp_path, capsys):
    for words in (["/dev/zero"], [__file__, "--validation", "/dev/full"]):
        assert main(["data", "text", *words, "-o", str(tmp_path / "t")]) == 5
        assert f": longer than {plain_text.MAX_DEVICE} bytes" in capsys.readouterr().err


def test_what_a_small_archive_holds_is_bounded_too(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_text, "MAX_TEXT", 999)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1000)))
    with pytest.raises(LimitExceeded, match=r"a\.gz: longer than 999 bytes"):
        list(plain_text.read_pieces(tmp_path / "a.gz"))
    monkeypatch.setattr("nextstroke.datasets.penn.MAX_BYTES", 5)
    (tmp_path / "ptb.train.txt").write_bytes(b"a b c\n")
    with pytest.raises(LimitExceeded, match=r"ptb\.train\.txt: longer than 5 bytes"):
        pack_penn(tmp_path, tmp_path / "t", False)


def test_folders_missing_files_and_false_suffixes_are_refused(tmp_path):
    (tmp_path / "a.xz").write_bytes(b"not packed at all")
    for path in (tmp_path, tmp_path / "none", tmp_path / "a.xz"):
        with pytest.raises(BadInput, match="cannot be read"):
            pack_bytes([path], [path], tmp_path / "t")
    with pytest.raises(BadInput, match=r"no ptb\.train\.txt"):
        pack_penn(tmp_path, tmp_path / "t", words=False)


def test_text_that_is_not_utf8_names_the_byte(tmp_path):
    write_penn(tmp_path)
    (tmp_path / "ptb.valid.txt").write_bytes(b"good \xff bad")
    with pytest.raises(BadInput, match="not UTF-8 at byte 5"):
        pack_penn(tmp_path, tmp_path / "t", words=True)


def test_a_foreign_or_cut_file_is_no_text(tmp_path):
    pack_text(tmp_path / "t", "character", ["a", "b"], -1, {"train": [np.array([0, 1, 1])]})
    data = (tmp_path / "t").read_bytes()
    (tmp_path / "cut").write_bytes(data[:-1])
    (tmp_path / "other").write_bytes(data.replace(b"nextstroke-text-1", b"nextstroke-text-9"))
    with pytest.raises(CorruptFile):
        TextCorpus.open(tmp_path / "cut").split("train")
    with pytest.raises(WrongModel, match="text-9"):
        TextCorpus.open(tmp_path / "other")
    with pytest.raises(BadInput, match="no split 'test'"):
        TextCorpus.open(tmp_path / "t").split("test")


def test_a_full_disk_leaves_no_text(tmp_path, monkeypatch):
    def pieces():
        yield np.zeros(5, int)
        raise OSError(28, "No space left on device")

    with pytest.raises(LimitExceeded):
        pack_text(tmp_path / "t", "character", ["a"], -1, {"train": pieces()})
    assert not list(tmp_path.iterdir())


def test_the_file_is_plain_safetensors(tmp_path):
    from safetensors.numpy import load_file

    pack_text(tmp_path / "t", "character", ["a", "b"], -1, {"train": [np.array([0, 1])], "test": [np.array([1, 1, 0])]})
    tensors = load_file(tmp_path / "t")
    assert {name: array.tolist() for name, array in tensors.items()} == {"train": [0, 1], "test": [1, 1, 0]}
    assert json.loads((tmp_path / "t").read_bytes()[8:].split(b"   ")[0])


def test_the_distributions_of_a_teacher_are_stored_with_their_split(tmp_path):
    parts = {"train": [np.array([0, 1])], "taught": [np.array([1]), np.array([0, 1])]}
    expected = np.array([[0.25, 0.75], [1, 0], [0.5, 0.5]])
    path = tmp_path / "t.packed"
    sizes = pack_text(path, "character", ["a", "\n"], 1, parts, {"taught": [expected[:2], expected[2:]]})
    corpus = TextCorpus.open(path)
    assert sizes == {"train": 2, "taught": 3}
    assert list(corpus.splits) == ["train", "taught"]
    assert list(corpus.expected) == ["taught"]
    assert corpus.expected["taught"].tolist() == expected.tolist()
    assert pack_text(tmp_path / "p.packed", "character", ["a", "\n"], 1, parts) == sizes
    assert TextCorpus.open(tmp_path / "p.packed").digest != corpus.digest
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFile):
        TextCorpus.open(path)


def with_metadata(path, change):
    """Rewrite the metadata and the tensors of a packed text in place; the arrays stay where they are."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = json.loads(header.pop("__metadata__")["nextstroke"])
    change(about, header)
    text = json.dumps({"__metadata__": {"nextstroke": json.dumps(about)}, **header}).encode()
    path.write_bytes(size.to_bytes(8, "little") + text.ljust(size) + data[8 + size :])


@pytest.mark.parametrize(
    "change",
    [
        lambda about, tensors: about.update(symbols="abc"),
        lambda about, tensors: about.update(symbols=[]),
        lambda about, tensors: about.update(symbols=about["symbols"][:2]),
        lambda about, tensors: about["symbols"].__setitem__(0, 5),
        lambda about, tensors: about["symbols"].__setitem__(0, about["symbols"][1]),
        lambda about, tensors: about.update(unit="letter"),
        lambda about, tensors: about.update(unit=[]),
        lambda about, tensors: about.update(end=256),
        lambda about, tensors: about.update(end=0.5),
        lambda about, tensors: about.update(end=None),
        lambda about, tensors: about.update(words="ab"),
        lambda about, tensors: about["words"].pop("validation"),
        lambda about, tensors: about["words"].update(validation=-1),
        lambda about, tensors: about["words"].update(validation="a"),
        lambda about, tensors: about.update(sha256=5),
        lambda about, tensors: tensors.pop("validation"),
        lambda about, tensors: tensors["validation"].update(dtype="BOOL"),
        lambda about, tensors: tensors["validation"].update(shape=[1], data_offsets=[0, 1]),
        lambda about, tensors: tensors["validation"].update(shape=[1 << 40, 1 << 40], data_offsets=[0, 0]),
        lambda about, tensors: tensors["validation"].update(shape=[-1, -6]),
        lambda about, tensors: tensors["validation"].update(shape=["6"]),
        lambda about, tensors: tensors["validation"].update(shape=[True]),
        lambda about, tensors: tensors["validation"].update(data_offsets=[-6, 0]),
        lambda about, tensors: tensors["validation"].update(data_offsets=[1 << 70, (1 << 70) + 6]),
        lambda about, tensors: tensors.update(missing=tensors["train"]),
        lambda about, tensors: tensors.update({"train expected": {**tensors["train"], "shape": [1, 14]}}),
    ],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path, change):
    (tmp_path / "a").write_bytes(b"first second third")
    (tmp_path / "b").write_bytes(b"fourth")
    pack_bytes([tmp_path / "a"], [tmp_path / "b"], tmp_path / "t.packed")
    with_metadata(tmp_path / "t.packed", lambda about, tensors: None)
    TextCorpus.open(tmp_path / "t.packed")
    with_metadata(tmp_path / "t.packed", change)
    with pytest.raises(CorruptFile, match=r"t\.packed"):
        TextCorpus.open(tmp_path / "t.packed")


def words_of(corpus, split):
    return [corpus.symbols[i] for i in corpus.split(split)]


def test_any_text_is_packed_as_words_with_a_symbol_for_line_ends(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffthe cat,\n\nthe dog".encode())
    (tmp_path / "b.txt").write_bytes(b"the bird <eos>\r\n")
    sizes = pack_words(
        [tmp_path / "a.txt", tmp_path / "b.txt"], [tmp_path / "b.txt"], tmp_path / "w.packed", vocabulary=6
    )
    corpus = TextCorpus.open(tmp_path / "w.packed")
    # The most frequent word, then those of the same number in the order of the alphabet; the seventh is unknown.
    assert corpus.symbols == ["<eos>", "<unk>", "the", "bird", "cat,", "dog"]
    train = ["the", "cat,", "<eos>", "<eos>", "the", "dog", "<eos>", "the", "bird", "<eos>", "<eos>"]
    assert words_of(corpus, "train") == train
    assert words_of(corpus, "validation") == ["the", "bird", "<eos>", "<eos>"]
    assert (corpus.unit, corpus.end, sizes) == ("word", 0, {"train": 11, "validation": 4})


def test_words_of_the_lines_that_are_held_out_are_not_counted(tmp_path):
    (tmp_path / "a").write_text("".join(f"line {number}\n" for number in range(10)))
    pack_words([tmp_path / "a"], [], tmp_path / "w", hold_out=0.2)
    corpus = TextCorpus.open(tmp_path / "w")
    assert "7" in corpus.symbols
    assert "8" not in corpus.symbols
    assert words_of(corpus, "validation") == ["line", "<unk>", "<eos>"] * 2


def test_words_that_are_cut_between_two_pieces_are_whole(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("größere Wörter\nals ein Stück\n" * 3, "utf-8")
    whole = pack_words([tmp_path / "a"], [tmp_path / "a"], tmp_path / "w")
    symbols = TextCorpus.open(tmp_path / "w").symbols
    monkeypatch.setattr("nextstroke.datasets.plain_text.PIECE", 3)
    assert pack_words([tmp_path / "a"], [tmp_path / "a"], tmp_path / "v") == whole
    assert TextCorpus.open(tmp_path / "v").symbols == symbols


def test_words_that_are_not_utf8_name_the_byte(tmp_path):
    (tmp_path / "a").write_bytes(b"word \xff word")
    with pytest.raises(BadInput, match="a: not UTF-8 near byte 5"):
        pack_words([tmp_path / "a"], [], tmp_path / "w")


def test_a_vocabulary_is_for_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("some words\n" * 40)
    assert main(["data", "text", "a", "-o", "w", "--vocabulary", "9"]) == 2
    assert "--vocabulary: is for words" in capsys.readouterr().err
    assert main(["data", "text", "a", "-o", "w", "--words", "--vocabulary", "3"]) == 0
    assert TextCorpus.open(tmp_path / "w").symbols == ["<eos>", "<unk>", "some"]

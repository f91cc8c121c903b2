import errno
import json
import os
import random
import signal
import struct
import time
from itertools import count

import pytest
import torch

from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, WrongModel
from nextstroke.training import checkpoint
from nextstroke.training.checkpoint import kept, load_checkpoint, load_newest, previous, save_checkpoint
from tests.training.conftest import files_up_to

ABOUT = {"progress": {"update": 12, "train": -1.25}, "alphabet": "ab"}


def tensors(value=1.0, size=5):
    return {"a.weight": torch.full((3, size), value), "b.step": torch.tensor(value), "empty": torch.empty(0)}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, tensors(), ABOUT)
    return path


def test_comes_back_as_it_went(saved):
    found, about = load_checkpoint(saved)
    assert about == ABOUT
    torch.testing.assert_close(found, tensors(), rtol=0, atol=0)


def test_every_truncation_is_refused(saved):
    whole = saved.read_bytes()
    for length in range(0, len(whole), 3):
        saved.write_bytes(whole[:length])
        with pytest.raises(CorruptFile):
            load_checkpoint(saved)


def test_a_flipped_bit_anywhere_is_refused(saved):
    whole, random_bit = saved.read_bytes(), random.Random(1)
    name = whole.index(checkpoint.FORMAT.encode())
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << random_bit.randrange(8)
        saved.write_bytes(flipped)
        # Another name of the format can only be taken for another version.
        refusal = (CorruptFile, WrongModel) if name <= place < name + len(checkpoint.FORMAT) else CorruptFile
        with pytest.raises(refusal):
            load_checkpoint(saved)


@pytest.mark.parametrize(
    "header", [b"", b"[]", b'{"__metadata__":{"nextstroke":"[]"}}', b'{"__metadata__":{"nextstroke":"{}"}}']
)
def test_strange_headers_are_refused(saved, header):
    saved.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(CorruptFile):
        load_checkpoint(saved)


def test_a_header_of_any_claimed_length_is_refused(saved):
    saved.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    with pytest.raises(CorruptFile):
        load_checkpoint(saved)


def test_another_version_is_named(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", "nextstroke-checkpoint-9")
    save_checkpoint(saved, tensors(), ABOUT)
    monkeypatch.undo()
    with pytest.raises(WrongModel, match="nextstroke-checkpoint-9"):
        load_checkpoint(saved)


def test_checkpoints_of_the_first_format_are_read(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.OLDER)
    digest = checkpoint._digest
    monkeypatch.setattr(checkpoint, "_digest", lambda held, about: digest(held, {}))
    save_checkpoint(saved, tensors(), ABOUT)
    monkeypatch.undo()
    assert load_checkpoint(saved)[1] == ABOUT


def test_the_one_before_is_kept_and_taken_when_the_newest_is_damaged(saved):
    save_checkpoint(saved, tensors(2.0), ABOUT)
    assert load_newest(saved)[2] == ""
    saved.write_bytes(saved.read_bytes()[:-1])
    found, _, remark = load_newest(saved)
    assert found["b.step"] == 1
    assert "going on from previous.safetensors" in remark


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_as_many_as_asked_for_are_kept(saved, keep):
    for value in range(2, 8):
        save_checkpoint(saved, tensors(float(value)), ABOUT, keep)
    found = [load_checkpoint(path)[0]["b.step"].item() for path in (saved, *kept(saved))]
    assert found == list(range(7, 7 - keep, -1))
    assert len(list(saved.parent.iterdir())) == keep


def test_fewer_are_kept_from_now_on(saved):
    for keep in (5, 5, 5, 5, 2):
        save_checkpoint(saved, tensors(), ABOUT, keep)
    assert sorted(saved.parent.iterdir()) == [saved, previous(saved)]


def test_the_last_sound_one_is_taken(saved):
    for value in (2.0, 3.0):
        save_checkpoint(saved, tensors(value), ABOUT, 3)
    for damaged in (saved, previous(saved)):
        damaged.write_bytes(b"")
    found, _, remark = load_newest(saved)
    assert found["b.step"] == 1
    assert "going on from previous-2.safetensors" in remark
    kept(saved)[-1].write_bytes(b"")
    with pytest.raises(CorruptFile, match=saved.name):
        load_newest(saved)


def test_a_missing_newest_is_reported_too(saved):
    saved.rename(previous(saved))
    assert "no checkpoint there; " in load_newest(saved)[2]


def test_with_nothing_there_the_advice_is_to_start(tmp_path):
    with pytest.raises(BadInput, match="without --resume"):
        load_newest(tmp_path / "checkpoint.safetensors")


def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(saved):
    with files_up_to(2000), pytest.raises(LimitExceeded, match=os.strerror(errno.EFBIG)) as refusal:
        save_checkpoint(saved, tensors(2.0, 1000), ABOUT)
    assert refusal.value.exit_code == 5
    assert load_checkpoint(saved)[0]["b.step"] == 1
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_while_saving_there_is_always_a_checkpoint(saved):
    wait, last = random.Random(2), 0.0
    for _ in range(12):
        first_saved, tell = os.pipe()
        child = os.fork()
        if not child:
            save_for_ever(saved, last, tell)
        os.close(tell)
        assert os.read(first_saved, 1)
        os.close(first_saved)
        time.sleep(0.005 + 0.03 * wait.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found, about, _ = load_newest(saved)
        assert found["a.weight"][0, 0] == found["b.step"] == about.get("value", 1)
        assert found["b.step"] >= last
        last = found["b.step"].item()
    assert last > 0


def save_for_ever(path, value, tell):
    """Save higher and higher values; `tell`, a pipe, gets a byte after the first of them."""
    for higher in count(value + 1):
        save_checkpoint(path, tensors(higher, 2000), {"value": higher})
        os.write(tell, b"1")


def test_metadata_stands_in_one_json_key(saved):
    data = saved.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    assert list(json.loads(data[8 : 8 + size])["__metadata__"]) == ["nextstroke"]

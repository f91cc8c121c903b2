"""Short messages: frames, checksums, and frames as text."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from nextstroke.compression import message as message_module
from nextstroke.compression.base91 import ALPHABET, from_base91, to_base91
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.compression.message import CODED, MOST, STORED, checksum, pack_message, unpack_message
from nextstroke.errors import CorruptFile, LimitExceeded, NextstrokeError, UsageError, WrongModel
from tests.compression.conftest import counted_weights

TEXT = b"See you at nine at the station."


@pytest.fixture(scope="module")
def frames():
    return {check: pack_message(TEXT, check) for check in (0, 1, 2)}


@pytest.fixture
def small_network(monkeypatch):
    """A network that knows nothing and is fast."""
    network = ExactNetwork(counted_weights())
    monkeypatch.setattr(message_module, "message_network", lambda: network)
    message_module._digest.cache_clear()
    yield network
    message_module._digest.cache_clear()


def test_golden_frame(frames):
    """A change of these bytes is a new first byte."""
    assert frames[1].hex() == "2d8cd317e410b0566537"
    assert to_base91(frames[1]) == 'XiK{j+j"Le|mA'


def test_messages_come_back(frames):
    for check, frame in frames.items():
        assert unpack_message(frame) == TEXT
        assert frame[0] == CODED[check]
        assert len(frame) == len(frames[0]) + check < 13


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe\xfd", "Größe 5 €".encode(), b"zz" * 300, b'"', b'say "x"\n'])
def test_any_bytes_come_back(small_network, data):
    for check in (0, 1, 2):
        frame = pack_message(data, check)
        assert unpack_message(frame) == data
        assert len(frame) <= len(data) + 1 + check


def test_random_bytes_come_back(small_network):
    draw = random.Random(1)
    for _ in range(20):
        data = draw.randbytes(draw.randrange(30))
        assert unpack_message(pack_message(data)) == data


def test_bytes_that_do_not_shrink_are_stored():
    data = bytes(range(120, 200))
    assert pack_message(data, 0) == bytes([STORED[0]]) + data


@pytest.mark.parametrize("check", [1, 2])
def test_every_flip_of_a_bit_is_refused(frames, check):
    for place in range(8 * len(frames[check])):
        altered = bytearray(frames[check])
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises((CorruptFile, WrongModel)):
            unpack_message(bytes(altered))


@pytest.mark.parametrize("check", [1, 2])
def test_every_pair_of_flips_is_refused(frames, check):
    frame = frames[check]
    assert 8 * (len(frame) - 1) <= 119
    for first in range(8 * len(frame)):
        for second in range(first):
            altered = bytearray(frame)
            altered[first // 8] ^= 1 << first % 8
            altered[second // 8] ^= 1 << second % 8
            with pytest.raises((CorruptFile, WrongModel)):
                unpack_message(bytes(altered))


def test_first_bytes_differ_in_four_bits():
    heads = [*CODED, *STORED]
    assert all((a ^ b).bit_count() >= 4 for a in heads for b in heads if a != b)


def test_checksums_are_the_published_ones(monkeypatch):
    """CRC-8 and CRC-16/XMODEM of "123456789" in the catalogue of CRCs."""
    monkeypatch.setattr(message_module, "_digest", lambda: b"")
    assert checksum(b"123456789", 1).hex() == "f4"
    assert checksum(b"123456789", 2).hex() == "31c3"


def test_a_frame_of_another_text_model_is_refused(frames, small_network):
    with pytest.raises(CorruptFile, match="another text model"):
        unpack_message(frames[2])


def test_hostile_frames_are_refused_or_messages(small_network):
    """Without a checksum too, and nothing but errors of our own."""
    draw = random.Random(2)
    for _ in range(60):
        frame = bytes([draw.choice([*CODED, *STORED, draw.randrange(256)])]) + draw.randbytes(draw.randrange(12))
        try:
            assert pack_message(unpack_message(frame), 0)[1:] in frame
        except NextstrokeError:
            continue


def test_a_message_that_never_ends_is_refused(monkeypatch):
    """A network that gives the end no chance; memory and time stay bounded."""
    sure = np.ones((1, 1, 256), np.int64)
    sure[0, 0, 65] = 2**40
    read = []
    network = SimpleNamespace(
        start=lambda *a, **b: None, predict=lambda: sure, observe=lambda byte: read.append(byte), digest=b"1234"
    )
    monkeypatch.setattr(message_module, "message_network", lambda: network)
    monkeypatch.setattr(message_module, "RARE", 60)
    with pytest.raises(CorruptFile, match="is no message"):
        unpack_message(bytes([CODED[0]]) + b"\x40")
    assert len(read) <= MOST + 1 + len(message_module.PRIME)


def test_a_longer_code_of_the_same_message_is_refused(frames):
    with pytest.raises(CorruptFile, match="is no message"):
        unpack_message(frames[0] + b"\0")


@pytest.mark.parametrize("frame", [b"", bytes([CODED[2], 7]), bytes([STORED[1]]), bytes([STORED[0]]) + bytes(MOST + 3)])
def test_frames_of_impossible_lengths_are_refused(frame):
    with pytest.raises(CorruptFile):
        unpack_message(frame)


def test_limits():
    with pytest.raises(LimitExceeded, match="1025 bytes: at most 1024"):
        pack_message(b"a" * 1025)
    with pytest.raises(UsageError, match="3 bytes"):
        pack_message(b"a", 3)


def test_base91_of_all_short_bytes():
    draw = random.Random(3)
    for length in range(60):
        for _ in range(20):
            data = draw.randbytes(length)
            text = to_base91(data)
            assert set(text) <= set(ALPHABET)
            assert from_base91(text) == data
            assert len(text) <= -(-length * 16 // 13) + 1


def test_base91_is_the_known_one():
    assert to_base91(b"test") == "fPNKd"
    assert to_base91(b"\0\0\0\xff\xff") == to_base91(from_base91(to_base91(b"\0\0\0\xff\xff")))


@pytest.mark.parametrize("text", ["A-", "ä", "fPNK d", "A", '"' * 3])
def test_text_that_is_no_base91_is_refused(text):
    with pytest.raises(CorruptFile):
        from_base91(text)


def test_the_command(tmp_path, monkeypatch, capsysbinary, frames):
    from nextstroke.cli.main import main

    (tmp_path / "a.txt").write_bytes(TEXT)
    monkeypatch.chdir(tmp_path)
    assert main(["compress", "--message", "a.txt", "-o", "a.bin", "--check", "2"]) == 0
    assert (tmp_path / "a.bin").read_bytes() == frames[2]
    assert main(["decompress", "--message", "a.bin"]) == 0
    assert capsysbinary.readouterr().out == TEXT
    assert main(["compress", "--message", "--text", "a.txt"]) == 0
    text = capsysbinary.readouterr().out
    assert text == f"{to_base91(frames[1])}\n".encode()
    (tmp_path / "a.asc").write_bytes(b" " + text)
    assert main(["decompress", "--message", "--text", "a.asc", "-o", "b.txt"]) == 0
    assert (tmp_path / "b.txt").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["compress", "--message", "-l", "a.txt"], 2),
        (["compress", "--message", "--json", "a.txt"], 2),
        (["compress", "--message", "a.txt", "b.txt"], 2),
        (["compress", "--text", "a.txt"], 2),
        (["compress", "--check", "2", "a.txt"], 2),
        (["decompress", "--message", "--rm", "a.txt"], 2),
        (["decompress", "--text", "a.txt"], 2),
        (["decompress", "--message", "a.txt"], 4),
        (["decompress", "--message", "--text", "a.txt"], 3),
        (["compress", "--message", "missing.txt"], 3),
        (["compress", "--message", "long.txt"], 5),
    ],
)
def test_commands_that_are_refused(tmp_path, monkeypatch, capsys, arguments, code):
    from nextstroke.cli.main import main

    (tmp_path / "a.txt").write_bytes("ä text".encode())
    (tmp_path / "long.txt").write_bytes(b"a" * 5000)
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    assert len(capsys.readouterr().err.splitlines()) == 1

"""Whatever bytes a reader is given, it reads them or refuses them with an error of ours; it never breaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstroke.handwriting.compose import compose
from nextstroke.handwriting.hands import Hand
from nextstroke.pages.layout import Page
from nextstroke.runtime.model_file import load_model
from tests.fuzz.conftest import EXAMPLES
from tests.fuzz.readers import READERS, take

BYTES = st.binary(max_size=12)


@st.composite
def altered(draw, whole):
    """A sound file with up to four pieces cut out, doubled or replaced; now and then cut short."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        place, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        piece = data[place : place + length]
        data = data[:place] + draw(st.one_of(BYTES, st.just(piece * 3))) + data[place + length :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


@pytest.mark.parametrize("name", READERS)
def test_files_are_read_or_refused(tmp_path, name):
    if name in ("checkpoint.safetensors", "model.onnx"):
        pytest.importorskip("torch")
    reader, path = READERS[name], tmp_path / name
    sample = reader.sample(path)
    path.write_bytes(sample)
    reader.read(path)

    # Decoding an archive takes a third of a second.
    @settings(settings.get_profile("fuzz"), max_examples=max(1, EXAMPLES // 6) if reader.slow else EXAMPLES)
    @given(st.one_of(altered(sample), st.binary(max_size=300)))
    def check(data):
        reader.take(path, data)

    check()


@settings(settings.get_profile("fuzz"), max_examples=20)
@given(st.text(max_size=40))
def test_texts_to_be_written(writer, text):
    letter = take(compose, writer, text, Page(), [Hand.none()], 1.0, 1)
    assert letter is None or all(np.isfinite(line.ink.points).all() for line in letter.lines)


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")

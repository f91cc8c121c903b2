from pathlib import Path

import pytest

from nextstroke.errors import NextstrokeError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "iam"

POINTS = ((100, 200), (110, 190), (120, 205))


def line_xml(*strokes, newline="\n"):
    """An official line file with the given strokes of (x, y) points."""
    rows = ['<?xml version="1.0" encoding="ISO-8859-1"?>', "<WhiteboardCaptureSession>", "  <WhiteboardDescription>"]
    rows += ['    <SensorLocation corner="top_left"/>', "  </WhiteboardDescription>", "  <StrokeSet>"]
    for stroke in strokes:
        rows.append('    <Stroke colour="black" start_time="7.10" end_time="7.00">')
        rows += [f'      <Point x="{x}" y="{y}" time="7.10"/>' for x, y in stroke]
        rows.append("    </Stroke>")
    return newline.join([*rows, "  </StrokeSet>", "</WhiteboardCaptureSession>", ""])


def strokes_for(text, points=25):
    """One stroke, with the usual number of points for a text."""
    return [(i, i % 7) for i in range(points * len(text.replace(" ", "")))]


def read_or_refusal(read, *arguments):
    """What `read` returns and "", or None and the message of its refusal; any other error goes on."""
    try:
        return read(*arguments), ""
    except NextstrokeError as error:
        return None, str(error)


class Tree:
    """Writes the folders of IAM-OnDB, file by file."""

    def __init__(self, root):
        self.root = root
        self.line_level, self.text_level, self.form_level = "lineStrokes", "ascii", "original"

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
        return path

    def line(self, name, *strokes, content=None):
        folder = f"{self.line_level}/{name[:3]}/{name[:7]}"
        return self.write(f"{folder}/{name}.xml", content or line_xml(*(strokes or (POINTS,))))

    def text(self, form, *rows, head="OCR:\n\nsomething else\n\nCSR:\n\n", newline="\n"):
        content = head + "".join(f"{row}\n" for row in rows)
        return self.write(f"{self.text_level}/{form[:3]}/{form[:7]}/{form}.txt", content.replace("\n", newline))

    def form(self, form, content):
        return self.write(f"{self.form_level}/{form[:3]}/{form[:7]}/strokes{form[7:]}.xml", content)

    def split(self, split, *forms, newline="\n"):
        return self.write(f"{split}.txt", "".join(f" {form}{newline}" for form in forms))

    def whole_form(self, form, *rows, split="trainset"):
        """A form with a text and well-matched ink for each row."""
        for number, row in enumerate(rows, 1):
            self.line(f"{form}-{number:02}", strokes_for(row))
        self.text(form, *rows)
        self.split(split, form)
        return self


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "iam")


@pytest.fixture
def raw_samples():
    folder = SHARED / "raw-samples"
    if not folder.is_dir():
        pytest.skip("the raw samples of IAM-OnDB are not beside the project (../shared/data/iam/raw-samples)")
    return folder


@pytest.fixture(scope="session")
def packed_iam():
    """The complete data as shared within the team: arrays by name."""
    import numpy as np

    path = SHARED / "iam-lines.npz"
    if not path.is_file():
        pytest.skip("the complete IAM-OnDB is not beside the project (../shared/data/iam/iam-lines.npz)")
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}

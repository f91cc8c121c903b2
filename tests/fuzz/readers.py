"""Everything that reads what strangers made: a sound sample of each, and how it is read."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from nextstroke.compression.stream import compress, decompress
from nextstroke.config import load_recipe
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.datasets.plain_text import pack_bytes
from nextstroke.errors import BadInput, NextstrokeError
from nextstroke.formats.detect import read_drawings, read_with_text
from nextstroke.handwriting.bulk import Defaults, read_batch
from nextstroke.handwriting.hands import Hand, pack_hands, unpack_hands
from nextstroke.ink import Ink
from nextstroke.pages.appearance import LOOK
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.save import render
from nextstroke.runtime.model_file import Model, load_model
from nextstroke.runtime.onnx_weights import read_weights
from nextstroke.web.server.schemas import GenerateBody, LearnBody, WriteBody

INK = Ink.from_strokes([np.array([[0.0, 0], [10, 5], [12, 9]]), np.array([[20.0, 3], [25, 8]])])
XML = b"""<?xml version="1.0"?><WhiteboardCaptureSession><StrokeSet><Stroke colour="black"><Point x="1" y="2" time="3"/>
<Point x="4" y="6" time="3.5"/></Stroke></StrokeSet></WhiteboardCaptureSession>"""
OTHER_INK = {
    "jiix": b'{"type": "Text", "label": "i", "words": [{"items": [{"type": "stroke", "X": [1, 2], "Y": [3, 4]}]}]}',
    "excalidraw": b'{"type": "excalidraw", "elements": [{"type": "freedraw", "x": 1, "y": 2, "points": [[0, 0]]}]}',
    "ndjson": b'{"word": "cat", "drawing": [[[1, 2], [3, 4]]]}\n{"word": "cat", "drawing": [[[5], [6]]]}\n',
    "pointers": b'[{"type": "stroke", "pointers": [{"x": 1, "y": 2}, {"x": 3, "y": 4.5}]}]',
    "unp": b'.COORD X Y\n.SEGMENT WORD 0 OK "i"\n.PEN_DOWN\n1 2\n3 4\n.PEN_UP\n5 6\n',
    "csv": b"x,y,stroke\n1,2,0\n3,4.5,0\n5,6,1\n",
    "xopp": b'<xournal><page><layer><stroke tool="pen">1 2 3 4</stroke></layer></page></xournal>',
    "npy": b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }".ljust(117)
    + b"\n\x00\x00\x01\x02\x03\x01",
    "views": b'<ink><trace id="a">1 2, 3 4</trace><traceView><annotation type="truth">it</annotation>'
    b'<traceView traceDataRef="#a"/></traceView></ink>',
    "drawing": b'<svg><g transform="rotate(9)"><path id="a" d="M0 0A1 2 3 0 1 4 5"/></g><use href="#a"/></svg>',
}
RECIPE = b"""kind = "writer"\nnote = "a note"\n[data]\nclip = 1000.0\n[training]\nbatch = 16\nupdates = 5\n"""
DEFAULTS = Defaults(["none"], [0.5], 1)
ORDERS = b'"a text"\n{"text": "another", "style": "neat", "bias": 0.5}\n'
STYLE = Hand("mine", "abc ", {"h1": np.ones((1, 4), np.float32)}, np.zeros((1, 3), np.float32))
TEXT = b"some text that is compressed, some text that is compressed " * 8
BODIES = {
    WriteBody: b'{"text": "Hello", "style": "wide", "bias": 0.5, "seed": 3, "page": "a5", "colour": "navy,red"}',
    LearnBody: b'{"lines": [{"text": "abc", "strokes": [[[0, 1.5], [2, 3]], [[5, 5]]]}], "keep": true}',
    GenerateBody: b'{"prime": "The ", "length": 20, "temperature": 0.7, "top_k": 4, "top_p": 0.9, "seed": 1}',
}


@cache
def _writer() -> Model:
    return load_model("writer", "writer")


def _read_batch(path: Path) -> None:
    list(read_batch(path, _writer(), "writer", DEFAULTS))


class Reader(NamedTuple):
    """A sound file, and what reads it at a path and looks at what came out; errors of ours are refusals."""

    sample: Callable[[Path], bytes]
    read: Callable[[Path], None]
    slow: bool = False

    def take(self, path: Path, data: bytes) -> None:
        """Read `data`, or have it refused in one line with a code of ours; anything else is a fault."""
        path.write_bytes(data)
        take(self.read, path)


def take(work: Callable, *arguments) -> object:
    """What `work` gives; None where it refuses as it should."""
    try:
        return work(*arguments)
    except NextstrokeError as error:
        refusal = error
    assert str(refusal)
    assert refusal.exit_code in (2, 3, 4, 5)
    return None


def _page(format: str) -> bytes:
    return render(place(level([INK], Page()), Page())[0], format, LOOK, {"text": "a text", "seed": 1})


def _read_ink(path: Path) -> None:
    assert np.isfinite(read_with_text(str(path))[0].points).all()


def _read_all_ink(path: Path) -> None:
    assert all(np.isfinite(ink.points).all() for ink, _ in read_drawings(path))


def _read_styles(path: Path) -> None:
    for style in unpack_hands(path.read_bytes(), "a.style").values():
        assert all(np.isfinite(rows).all() for rows in style.state.values())


def _read_archive(path: Path) -> None:
    read = decompress(path.read_bytes(), "none", 1 << 20)
    assert read == TEXT * (len(read) // len(TEXT))  # members may stand there twice


def _packed(path: Path) -> bytes:
    InkCorpus.of([Line("a", "text", "trainset")], [INK]).save(path)
    return path.read_bytes()


def _packed_text(path: Path) -> bytes:
    path.write_bytes(b"a text of bytes")
    pack_bytes([path], [], path.with_suffix(".corpus"), hold_out=0.2)
    return path.with_suffix(".corpus").read_bytes()


def _checkpoint(path: Path) -> bytes:
    import torch

    from nextstroke.training.checkpoint import write_checkpoint

    write_checkpoint(path, {"a": torch.ones(3)}, {"progress": {}, "alphabet": "ab"})
    return path.read_bytes()


def _read_checkpoint(path: Path) -> None:
    from nextstroke.training.checkpoint import load_checkpoint

    load_checkpoint(path)


def _model(path: Path) -> bytes:
    import onnx

    weight = onnx.numpy_helper.from_array(np.ones((4, 4), np.float16), "layers.0.hidden.half")
    graph = onnx.helper.make_graph([], "step", [], [], [weight])
    return onnx.helper.make_model(graph).SerializeToString()


def _read_model(path: Path) -> None:
    """Sealed anew, so that more than the seal is tried; read as the compressor does."""
    from nextstroke.runtime.model_file import sealed

    path.write_bytes(sealed(path.read_bytes()))
    read_weights(path)


def _body(kind: type) -> Reader:
    def read(path: Path) -> None:
        try:
            order = kind.model_validate(json.loads(path.read_bytes()))
        except (ValidationError, ValueError, RecursionError) as refusal:
            raise BadInput(str(refusal)) from refusal
        if isinstance(order, WriteBody):
            order.sheet(), order.look()

    return Reader(lambda path: BODIES[kind], read)


READERS = {
    "official.xml": Reader(lambda path: XML, _read_ink),
    **{f"ink.{kind}": Reader(lambda path, kind=kind: _page(kind), _read_ink) for kind in ("inkml", "json", "svg")},
    **{f"ink.{name}": Reader(lambda path, data=data: data, _read_all_ink) for name, data in OTHER_INK.items()},
    "recipe.toml": Reader(lambda path: RECIPE, lambda path: load_recipe(path) and None),
    "orders.jsonl": Reader(
        lambda path: ORDERS, lambda path: list(read_batch(path, _writer(), "writer", DEFAULTS)) and None
    ),
    "a.style": Reader(lambda path: pack_hands([STYLE]), _read_styles),
    "archive.nst": Reader(lambda path: compress(TEXT, "none"), _read_archive, slow=True),
    "ink.packed": Reader(_packed, lambda path: InkCorpus.open(path) and None),
    "text.packed": Reader(_packed_text, lambda path: TextCorpus.open(path) and None),
    "checkpoint.safetensors": Reader(_checkpoint, _read_checkpoint),
    "model.onnx": Reader(_model, _read_model),
    **{f"{kind.__name__}.body": _body(kind) for kind in BODIES},
}

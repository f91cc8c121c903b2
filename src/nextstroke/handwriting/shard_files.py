"""The files of one shard of a batch, in each format: ink, imagefolder, webdataset and parquet."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nextstroke.handwriting.character_boxes import point_characters
from nextstroke.handwriting.line_pictures import LinePicture, draw_line
from nextstroke.handwriting.sampler import Line
from nextstroke.handwriting.shards import BatchLine, Result, Shard, label_row, shard_name
from nextstroke.ink import Ink

SLANT_STREAM = 78  # what seeds the random slant of a line, apart from its ink
BOXES = ("characters", "words")
# Types of the columns of a parquet file.
COLUMNS = {
    "text": "string", "given": "string", "number": "int64", "style": "string", "bias": "float64", "seed": "int64",
    "occurrence": "int64", "model": "string", "best_of": "int64", "points": "int64", "complete": "bool",
    "width": "int64", "height": "int64",
}  # fmt: skip
BOX_FIELDS = {"text": {"dtype": "string", "_type": "Value"}, "box": [{"dtype": "int32", "_type": "Value"}]}


class Written(NamedTuple):
    """A line of a shard that is written.

    Attributes:
        batch_line: What was asked for.
        line: What the network wrote.
        ink: `line.ink`, slanted as the options say.
        record: What the manifest says of it, without what only its picture knows.
    """

    batch_line: BatchLine
    line: Line
    ink: Ink
    record: dict[str, Any]

    @property
    def key(self) -> str:
        """The line's name in file names: its row as eight digits."""
        return f"{self.batch_line.number:08d}"


def slanted(line: Line, degrees: tuple[float, float]) -> Ink:
    """Return a line's ink sheared by a random angle, to the right where it is above 0, about the ink's first point."""
    if degrees == (0.0, 0.0):
        return line.ink
    angle = np.random.default_rng([*line.request.entropy, SLANT_STREAM]).uniform(*degrees)
    points = line.ink.points.copy()
    points[:, 0] -= np.tan(np.radians(angle)) * (points[:, 1] - points[0, 1])
    return Ink(points, line.ink.end_of_stroke)


def shard_files(shard: Shard, lines: Sequence[Written]) -> Result:
    """Return the files of a shard and its part of the manifest; lines that are left out have a record only."""
    options = shard.options
    kept = [each for each in lines if not each.record["left_out"]]
    pictures = []
    if options.pictures is not None:
        pictures = [draw_line(each.line, each.ink, each.batch_line.number, options.pictures) for each in kept]
        for each, picture in zip(kept, pictures, strict=True):
            each.record.update(picture.about)
    files = PACKERS[options.format](shard, kept, pictures)
    return Result(shard.number, files, [each.record for each in lines])


def picture_name(shard: int, key: str) -> str:
    """Return the name of a picture in the format imagefolder: a folder for each shard."""
    return f"{shard:05d}/{key}.png"


def mask_name(name: str) -> str:
    """Return the name of the mask that belongs to a picture."""
    return f"{name.removesuffix('.png')}.mask.png"


def _ink_files(shard: Shard, lines: Sequence[Written], pictures: Sequence[LinePicture]) -> dict[str, bytes]:
    """Return the ink of all lines as one npz file, and PNG files where there are pictures."""
    for each in lines:
        each.record["shard"] = shard_name(shard.number)
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        number=np.array([each.batch_line.number for each in lines], np.int64),
        first=np.cumsum([0, *(len(each.ink) for each in lines)]),
        points=_joined([each.ink.points for each in lines], (0, 2)).astype(np.float32),
        end_of_stroke=_joined([each.ink.end_of_stroke for each in lines], (0,)).astype(bool),
        character=_joined([point_characters(each.line) for each in lines], (0,)).astype(np.int32),
    )
    files = {shard_name(shard.number): stream.getvalue()}
    for each, picture in zip(lines, pictures or (), strict=bool(pictures)):
        files |= _named(f"{each.key}.png", picture)
    return files


def _joined(arrays: Sequence[np.ndarray], empty: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(empty)


def _named(name: str, picture: LinePicture) -> dict[str, bytes]:
    """Return the picture and its mask by their file names."""
    masked = {} if picture.mask is None else {mask_name(name): picture.mask}
    return {name: picture.png} | masked


def _image_files(shard: Shard, lines: Sequence[Written], pictures: Sequence[LinePicture]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for each, picture in zip(lines, pictures, strict=True):
        name = picture_name(shard.number, each.key)
        each.record["file_name"] = name
        if picture.mask is not None:
            each.record["mask_file_name"] = mask_name(name)
        files |= _named(name, picture)
    return files


def _tar_file(shard: Shard, lines: Sequence[Written], pictures: Sequence[LinePicture]) -> dict[str, bytes]:
    """Return a WebDataset: KEY.png, KEY.txt with the label, KEY.json and, if there is one, KEY.mask.png."""
    if not lines:  # readers take the kinds of the files from the first entries
        return {}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for each, picture in zip(lines, pictures, strict=True):
            row = label_row(each.record, shard.options.columns)
            files = _named(f"{each.key}.png", picture)
            files[f"{each.key}.txt"] = row["text"].encode()
            files[f"{each.key}.json"] = json.dumps(row, ensure_ascii=False).encode()
            for name, data in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return {f"lines-{shard.number:05d}.tar": stream.getvalue()}


def _parquet_file(shard: Shard, lines: Sequence[Written], pictures: Sequence[LinePicture]) -> dict[str, bytes]:
    """Return a parquet file whose metadata tell the library `datasets` that its pictures are pictures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert shard.options.pictures is not None
    images = ["image", *(["mask"] if shard.options.pictures.masks else [])]
    boxes = BOXES if shard.options.pictures.boxes else ()
    columns = COLUMNS | dict(shard.options.columns)
    box = pa.list_(pa.struct([("text", pa.string()), ("box", pa.list_(pa.int32()))]))
    fields = [(name, pa.struct([("bytes", pa.binary()), ("path", pa.string())])) for name in images]
    fields += [(name, pa.type_for_alias(_arrow_name(kind))) for name, kind in columns.items()]
    fields += [(name, box) for name in boxes]
    features: dict[str, Any] = {name: {"_type": "Image"} for name in images}
    features |= {name: {"dtype": _arrow_name(kind), "_type": "Value"} for name, kind in columns.items()}
    features |= {name: [BOX_FIELDS] for name in boxes}
    schema = pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})
    rows = []
    for each, picture in zip(lines, pictures, strict=True):
        row: dict[str, Any] = {"image": {"bytes": picture.png, "path": f"{each.key}.png"}}
        if picture.mask is not None:
            row["mask"] = {"bytes": picture.mask, "path": mask_name(f"{each.key}.png")}
        rows.append(row | label_row(each.record, shard.options.columns))
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), stream)
    return {f"lines-{shard.number:05d}.parquet": stream.getvalue()}


def _arrow_name(kind: str) -> str:
    return "string" if kind == "json" else kind


PACKERS: dict[str, Callable[[Shard, Sequence[Written], Sequence[LinePicture]], dict[str, bytes]]] = {
    "ink": _ink_files,
    "imagefolder": _image_files,
    "webdataset": _tar_file,
    "parquet": _parquet_file,
}

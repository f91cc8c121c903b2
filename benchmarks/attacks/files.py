"""Files from strangers: damaged at random, or well formed and odd."""

import copy
import gzip
import hashlib
import io
import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from benchmarks.attacks.judge import Fault, Group, Setting, contents, forked, judge, refusal_of, visible
from benchmarks.attacks.odd import NUMBERS, TEXTS, TOKENS, altered, damaged, joined, parts_of
from benchmarks.attacks.place import LONGER, SETTINGS, copy_of, shared_place, shared_trees
from nextstroke.api import write_lines
from nextstroke.compression.container import Chain, Member
from nextstroke.compression.segment import encode_segment
from nextstroke.compression.stream import decompress, rescue_stream
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.handwriting.hands import gallery, pack_hands
from nextstroke.handwriting.learn_hand import find_hand
from nextstroke.runtime.model_file import METADATA_KEY, Model, find_model, sealed, unsealed
from tests.fuzz.readers import READERS


class Parsers(Group):
    """Damaged files for every reader of tests/fuzz/readers.py."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.samples = {}
        for name, reader in READERS.items():
            path = folder / name
            self.samples[name] = reader.sample(path)

    def attempt(self, number: int, rng: Random) -> None:
        names = list(READERS)
        name = names[number % len(names)]
        data = damaged(rng, self.samples[name], self.samples[rng.choice(names)])
        self.what = f"{name} {data[:200]!r}"
        READERS[name].take(self.folder / name, data)


class Archives(Group):
    """Archives of several members: bits flipped, members lost, moved, doubled, mixed; whole archives joined.

    An archive may be read if, and only if, it is one or several whole archives.
    """

    def __init__(self, folder: Path):
        super().__init__(folder)
        rng = Random(1)
        self.archives = [self._archive([rng.randbytes(300 + 100 * i) for i in range(count)]) for count in (4, 3, 1)]
        text = [b"some words that are said twice, some words that are said twice " * (1 + i) for i in range(3)]
        self.archives.append(self._archive(text))
        self.whole: dict[bytes, bytes] = {b"".join(members): data for members, data in self.archives}

    @staticmethod
    def _archive(segments: list[bytes]) -> tuple[list[bytes], bytes]:
        """Return the packed members of an archive of segments, and its data."""
        chain = Chain()
        packed = []
        for number, data in enumerate(segments):
            more = number + 1 < len(segments)
            streams = encode_segment(data)
            stored = sum(map(len, streams)) > len(data)
            member = chain.place(Member(len(data), crc32(data), [data] if stored else streams, more, stored))
            packed.append(member.pack())
            chain.append(member, packed[-1])
        return packed, b"".join(segments)

    def attempt(self, number: int, rng: Random) -> None:
        way = number % 4
        members = list(rng.choice(self.archives)[0])
        if way == 0:
            data = bytearray(b"".join(members))
            for _ in range(rng.choice([1, 1, 2, 8])):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            archive = bytes(data)
        elif way == 1:
            archive = damaged(rng, b"".join(members), b"".join(self.archives[0][0]))
        elif way == 2:
            archive = b"".join(self._rearranged(rng, members))
        else:
            archive = b"".join(b"".join(rng.choice(self.archives)[0]) for _ in range(rng.choice([1, 2, 3])))
            if rng.randrange(2):
                archive = archive[: rng.randrange(len(archive))]
        self.what = f"way {way}, {len(archive)} bytes, sha256 {hashlib.sha256(archive).hexdigest()[:12]}"
        self._check(archive)

    def _rearranged(self, rng: Random, members: list[bytes]) -> list[bytes]:
        for _ in range(rng.choice([1, 1, 2])):
            way = rng.randrange(5)
            place, other = rng.randrange(len(members)), rng.randrange(len(members))
            if way == 0 and len(members) > 1:
                del members[place]
            elif way == 1:
                members[place], members[other] = members[other], members[place]
            elif way == 2:
                members.insert(other, members[place])
            elif way == 3:
                members[place] = rng.choice(rng.choice(self.archives)[0])
            else:
                members = members[place:] + members[:place]
        return members

    def _expected(self, archive: bytes) -> bytes | None:
        """Return the data of whole archives that were joined, None where the bytes are anything else."""
        data = b""
        while archive:
            found = next((whole for whole in self.whole if archive.startswith(whole)), None)
            if found is None:
                return None
            data += self.whole[found]
            archive = archive[len(found) :]
        return data or None

    def _check(self, archive: bytes) -> None:
        expected = self._expected(archive)
        found: list[bytes] = []
        refused = refusal_of(lambda: found.append(decompress(archive, "none")))
        if refused is None and found[0] != expected:
            raise Fault("other bytes were decompressed without an error")
        if refused is not None and expected is not None:
            raise Fault(f"a whole archive was refused: {refused}")
        rescued = io.BytesIO()
        refused = refusal_of(lambda: rescue_stream(io.BytesIO(archive), rescued, "archive", "none"))
        if not refused and not _begins_joined(rescued.getvalue(), [data for _, data in self.archives]):
            raise Fault("data were rescued that no archive begins with")


def _begins_joined(kept: bytes, originals: list[bytes]) -> bool:
    """Whether some originals, one after the other, begin with these bytes."""
    return not kept or any(
        data.startswith(kept) or (kept.startswith(data) and _begins_joined(kept[len(data) :], originals))
        for data in originals
    )


class Models(Group):
    """Sealed model files with odd metadata or damaged graphs, used by the command for their kind."""

    VERBS: ClassVar = {
        "writer": ["write", "ab", "--style", "none", "--best-of", "1", "-o", "a.svg"],
        "text": ["generate", "--length", "3"],
        "pen": ["scribble", "--lines", "1", "--points", "3", "-o", "a.svg"],
    }

    def __init__(self, folder: Path):
        super().__init__(folder)
        import onnx

        self.bytes = {kind: unsealed(find_model(kind)) for kind in self.VERBS}
        self.onnx = {kind: onnx.load_from_string(data) for kind, data in self.bytes.items()}

    def attempt(self, number: int, rng: Random) -> None:
        kind = rng.choice(list(self.VERBS))
        if number % 3:
            data = self._with_metadata(rng, kind)
        else:
            whole = self.bytes[kind]
            cut = 3000
            data = damaged(rng, whole[:cut]) + whole[cut:-cut] + damaged(rng, whole[-cut:])
            self.what = f"{kind} with a damaged graph"
        (self.folder / "odd.onnx").write_bytes(sealed(data))
        before = contents(self.folder)
        outcome = forked([*self.VERBS[kind], "--model", "odd.onnx"], Setting(self.folder))
        judge(outcome, frozenset({0, 3, 4, 5}))
        if outcome.code and contents(self.folder) != before:
            raise Fault(f"exit code {outcome.code}, but files changed")
        (self.folder / "a.svg").unlink(missing_ok=True)

    def _with_metadata(self, rng: Random, kind: str) -> bytes:
        model = self.onnx[kind]
        (entry,) = (entry for entry in model.metadata_props if entry.key == METADATA_KEY)
        before = entry.value
        about = altered(rng, json.loads(before), rng.choice([1, 1, 2, 5]))
        self.what = f"{kind} with metadata {json.dumps(about)[:300]}"
        try:
            entry.value = json.dumps(about, ensure_ascii=rng.randrange(2) == 0).encode("utf-8", "replace").decode()
            return model.SerializeToString()
        finally:
            entry.value = before


class Styles(Group):
    """Style files with odd headers, texts and states; a line is written in those that are accepted."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.writer = Model(find_model("writer"))
        self.header, self.body = parts_of(pack_hands(list(gallery(find_model("writer")).values())[:2]))

    def attempt(self, number: int, rng: Random) -> None:
        header, body = copy.deepcopy(self.header), self.body
        if number % 3 == 0:
            header = altered(rng, header)
        elif number % 3 == 1:
            entries = json.loads(header["__metadata__"]["nextstroke"])
            header["__metadata__"]["nextstroke"] = json.dumps(altered(rng, entries, rng.choice([1, 2])))
        else:
            numbers = np.frombuffer(body, np.float32).copy()
            places = [rng.randrange(len(numbers)) for _ in range(rng.choice([1, 100, 1000]))]
            numbers[places] = rng.choice([np.nan, np.inf, 3e38, -3e38, 1e-45, 1e9, 0, -1])
            body = numbers.tobytes()
        self.what = f"way {number % 3}, header {json.dumps(header)[:300]}"
        path = self.folder / "odd.style"
        path.write_bytes(joined(header, body))
        refusal_of(self._use, path)

    def _use(self, path: Path) -> None:
        hand = find_hand(str(path), self.writer, "writer")
        (line,) = write_lines(self.writer, ["a"], 0.5, 1, hand)
        if not np.isfinite(line.ink.points).all():
            raise Fault("ink that is not finite")


class Corpora(Group):
    """Packed corpora and checkpoints that are well formed, sealed anew where they have a digest, and odd."""

    USES: ClassVar = {
        "c.packed": [
            ["train", "r.toml", "--corpus", "c.packed", "--run", "new", *SETTINGS],
            ["data", "join", "c.packed", "other.packed", "-o", "j.packed"],
            ["evaluate", "run", "--corpus", "c.packed", "--json"],
            ["figure", "training", "--corpus", "c.packed", "-o", "f.png"],
        ],
        "t.packed": [
            ["train", "t.toml", "--corpus", "t.packed", "--run", "new"],
            ["evaluate", "trun", "--corpus", "t.packed", "--json"],
        ],
        "run/checkpoint.safetensors": [
            ["train", "r.toml", "--corpus", "c.packed", "--run", "run", "--resume", *LONGER],
        ],
        "run/best.safetensors": [
            ["evaluate", "run", "--corpus", "c.packed", "--json"],
            ["export", "run", "-o", "m2.onnx"],
            ["figure", "cell", "run", "-o", "f.svg"],
        ],
        "trun/best.safetensors": [["evaluate", "trun", "--corpus", "t.packed", "--json"]],
    }  # fmt: skip

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.whole = shared_place(folder)

    def attempt(self, number: int, rng: Random) -> None:
        name = rng.choice(list(self.USES))
        with copy_of(self.whole, self.folder / "place") as place:
            data = (place / name).read_bytes()
            self.what = name
            (place / name).write_bytes(self._odd(rng, name, data))
            if name == "run/checkpoint.safetensors":
                (place / "run" / "previous.safetensors").unlink(missing_ok=True)
            arguments = rng.choice(self.USES[name])
            self.what += f", {' '.join(arguments)}"
            judge(forked(arguments, Setting(place)))

    def _odd(self, rng: Random, name: str, data: bytes) -> bytes:
        header, body = parts_of(data)
        about = json.loads(header["__metadata__"]["nextstroke"])
        way = rng.randrange(4)
        if way == 0:
            numbers = bytearray(body)
            for _ in range(rng.choice([1, 10, 200])):
                numbers[rng.randrange(len(numbers))] = rng.choice([0, 255, 127, 128])
            body = bytes(numbers)
        elif way == 1:
            tensors = {key: value for key, value in header.items() if key != "__metadata__"}
            header = altered(rng, tensors) | {"__metadata__": header["__metadata__"]}
            self.what += f", header {json.dumps(header)[:300]}"
        else:
            about = altered(rng, about, rng.choice([1, 1, 3]))
            self.what += f", metadata {self._difference(about)[:300]}"
        with suppress(KeyError, TypeError, ValueError):  # tensors that are none have no digest
            about = self._sealed(name, about, header, body)
        header["__metadata__"]["nextstroke"] = json.dumps(about)
        return joined(header, body)

    @staticmethod
    def _difference(about: Any) -> str:
        return json.dumps(
            {key: value for key, value in about.items() if key not in ("lines", "symbols")}
            if isinstance(about, dict)
            else about
        )

    @staticmethod
    def _sealed(name: str, about: Any, header: Any, body: bytes) -> Any:
        """Return metadata with the digest that a checkpoint of these has."""
        if not name.endswith(".safetensors") or not isinstance(about, dict):
            return about
        digest = hashlib.sha256(json.dumps(about.get("about"), sort_keys=True).encode() if about.get("about") else b"")
        for tensor in sorted(key for key in header if key != "__metadata__"):
            begin, end = header[tensor]["data_offsets"]
            digest.update(tensor.encode())
            digest.update(body[begin:end])
        return about | {"sha256": digest.hexdigest()}


class Batches(Group):
    """Files of a finished batch that are lost, damaged or odd: going on mends them, or says what is wrong."""

    ROWS: ClassVar = ["Hello", {"text": "there", "bias": 1, "id": 7}, {"text": "ab", "style": "none", "id": 8}]
    OPTIONS: ClassVar = {
        "ink": ["--height", "40"],
        "imagefolder": ["--boxes", "--masks"],
        "webdataset": ["--noise", "0:9"],
    }

    def __init__(self, folder: Path):
        super().__init__(folder)
        (folder / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self.ROWS))
        self.whole = {}
        for format in self.OPTIONS:
            judge(forked(self._command(format), Setting(folder)), frozenset({0}))
            self.whole[format] = contents(folder / format)

    def _command(self, format: str) -> list[str]:
        options = ["--format", format, *self.OPTIONS[format]]
        return ["batch", "b.jsonl", "-o", format, "--shard", "2", "--workers", "1", *options]

    def attempt(self, number: int, rng: Random) -> None:
        if number % 4 == 3:
            self._odd_rows(rng)
            return
        format = list(self.OPTIONS)[number % 3]
        files = self.whole[format]
        name = rng.choice(sorted(files))
        path = self.folder / format / name
        way = rng.randrange(4)
        if way == 0:
            path.unlink()
        elif way == 1:
            path.unlink()
            path.mkdir()
        elif name.endswith((".jsonl", ".json")) and way == 2:
            rows = [altered(rng, json.loads(row)) for row in path.read_text().splitlines()]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            path.write_bytes(damaged(rng, files[name]))
        self.what = f"{format}/{name}, way {way}"
        try:
            outcome = forked(self._command(format), Setting(self.folder))
            judge(outcome)
            if outcome.code == 0 and visible(contents(self.folder / format)) != visible(files):
                raise Fault("exit code 0, and the folder is not as it should be")
        finally:
            self._restore(format)

    def _restore(self, format: str) -> None:
        shutil.rmtree(self.folder / format)
        for name, data in self.whole[format].items():
            path = self.folder / format / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _odd_rows(self, rng: Random) -> None:
        rows = altered(rng, self.ROWS, rng.choice([1, 2, 4]))
        data = b"".join(json.dumps(row).encode() + b"\n" for row in rows) if isinstance(rows, list) else b"5"
        if rng.randrange(2):
            data = damaged(rng, data)
        self.what = f"rows {data[:300]!r}"
        (self.folder / "odd.jsonl").write_bytes(data)
        options = rng.choice([[], ["--skip-bad"], ["--format", "imagefolder"], ["--strict", "--skip-bad"]])
        outcome = forked(["batch", "odd.jsonl", "-o", "odd", "--workers", "1", *options], Setting(self.folder))
        shutil.rmtree(self.folder / "odd", ignore_errors=True)
        judge(outcome)


class Trees(Group):
    """Folders of UNIPEN and IAM-OnDB with files that are damaged, odd or missing."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.whole = shared_trees(folder)

    def attempt(self, number: int, rng: Random) -> None:
        kind = ("unipen", "iam")[number % 2]
        (self.folder / "a.packed").unlink(missing_ok=True)
        with copy_of(self.whole / kind, self.folder / "tree") as tree:
            for _ in range(rng.choice([1, 1, 3])):
                self._spoil(rng, tree)
            options = ["--categories", "8,6,1a"] if kind == "unipen" else []
            arguments = ["data", kind, "tree", "-o", "a.packed", "--report", "r.json", "--workers", "1", *options]
            outcome = forked(arguments, Setting(self.folder))
            judge(outcome)
            if outcome.code == 0:
                corpus = InkCorpus.open(self.folder / "a.packed")
                for i in range(len(corpus)):
                    corpus.ink(i)

    def _spoil(self, rng: Random, tree: Path) -> None:
        path = rng.choice(sorted(path for path in tree.rglob("*") if path.is_file()) or [tree / "none"])
        way = rng.randrange(8)
        self.what = f"{path.relative_to(tree)}, way {way}"
        if way == 0:
            path.unlink(missing_ok=True)
        elif way == 1:
            path.unlink(missing_ok=True)
            path.mkdir()
        elif way == 2:
            path.unlink(missing_ok=True)
            path.symlink_to(rng.choice([path.name, "/etc/passwd", "..", "/dev/zero", "/nowhere"]))
        elif way == 3:
            name = rng.choice([b"\xff\xfe.dat", b"a\nb.xml", b"x" * 250, b"-o.txt"])
            with suppress(shutil.SameFileError):  # an earlier change may have chosen the copy
                shutil.copy(os.fsencode(path), os.path.join(os.fsencode(path.parent), name))
        else:
            data = path.read_bytes()
            path.write_bytes(
                damaged(rng, data, data[::-1]) if way < 7 else rng.choice(TEXTS).encode("utf-8", "replace")
            )


class Inks(Group):
    """Files of ink of every format, with odd values in their places, learned from and packed."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.samples = {name: reader.sample(folder / name) for name, reader in READERS.items() if _is_ink(name)}

    def attempt(self, number: int, rng: Random) -> None:
        names = list(self.samples)
        name = names[number % len(names)]
        data = self.samples[name]
        if data.lstrip()[:1] in b"{[" and b"\n{" not in data:
            data = json.dumps(altered(rng, json.loads(data), rng.choice([1, 2]))).encode()
        else:
            data = _odd_numbers(rng, data)
        if rng.randrange(6) == 0:
            data = gzip.compress(data)
        self.what = f"{name} {data[:300]!r}"
        (self.folder / "odd.ink").write_bytes(data)
        (self.folder / "odd.ink.txt").write_text("hi")
        arguments = rng.choice([
            ["data", "ink", "odd.ink", "-o", "a.packed"],
            ["data", "ink", "odd.ink", "-o", "a.packed", "--like", "writer"],
            ["style", "learn", "odd.ink", "-o", "a.style"],
            ["write", "a", "--style", "odd.ink", "--best-of", "1", "-o", "a.svg"],
        ])  # fmt: skip
        self.what += f", {' '.join(arguments)}"
        judge(forked(arguments, Setting(self.folder)))


def _is_ink(name: str) -> bool:
    return name == "official.xml" or (name.startswith("ink.") and name != "ink.packed")


def _odd_numbers(rng: Random, data: bytes) -> bytes:
    """Return data with some of its numbers replaced by odd ones, or words by others."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?|[A-Za-z]+", data))
    for match in sorted(rng.sample(found, min(len(found), rng.choice([1, 2, 5]))), key=lambda m: -m.start()):
        new = rng.choice([*TOKENS, *(repr(value)[:500].encode() for value in NUMBERS)])
        data = data[: match.start()] + new + data[match.end() :]
    return data

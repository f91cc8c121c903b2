"""Where the files of an IAM-OnDB folder are, whatever levels of its archives were kept."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nextstroke.corpora.limits import read_bounded
from nextstroke.errors import BadInput, LimitExceeded

SPLITS = ("trainset", "testset_v", "testset_t", "testset_f")

# A form is a01-000 or a01-000u, its lines are a01-000u-01 and so on. Several forms share the folder a01/a01-000, so
# only whole names are ever compared.
FORM = re.compile(r"[a-z]\d\d-\d{3}[a-z]?")
LINE_FILE = re.compile(rf"({FORM.pattern}-\d\d)\.xml")
TEXT_FILE = re.compile(rf"({FORM.pattern})\.txt")
FORM_FILE = re.compile(r"strokes([a-z]?)\.xml")
SPLIT_FILE = re.compile(rf"({'|'.join(SPLITS)})\.txt")

HOW_TO_GET = "register at the University of Bern's IAM On-Line Handwriting Database and unpack its archives there"


class LeftOut(NamedTuple):
    """A file, or a row of one, that was not used, and why."""

    name: str
    reason: str


@dataclass
class IamFolder:
    """The files found, by what they hold.

    Attributes:
        lines: Line name to its XML file.
        texts: Form name to its ascii file.
        forms: Form name to its XML files; the part and the whole archive may both be there.
        splits: Form name to the name of its split.
        left_out: Files and rows that could not be used.
        notes: Sentences about what is missing.
    """

    lines: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, Path] = field(default_factory=dict)
    forms: dict[str, list[Path]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def search(cls, root: Path) -> "IamFolder":
        """Search downward from `root`.

        Raises:
            BadInput: `root` is no folder, or has no line files or no split files.
        """
        found = cls()
        split_files: dict[str, Path] = {}
        for path in _files(root, found.left_out):
            if match := SPLIT_FILE.fullmatch(path.name):
                found._once(split_files, match[1], path)
            else:
                found._sort(path)
        if not found.lines or not split_files:
            missing = "split file such as trainset.txt" if found.lines else "line file such as a01-000u-01.xml"
            raise BadInput(
                f"{root}: not IAM-OnDB, it has no {missing}; looked at any depth for the folders lineStrokes and ascii"
                f" and for {', '.join(SPLITS)} (.txt); {HOW_TO_GET}"
            )
        for split in SPLITS:
            found._read_split(split, split_files.get(split))
        return found

    def lines_of_forms(self) -> dict[str, int]:
        """For each form the number of its last line file."""
        last: dict[str, int] = {}
        for name in self.lines:
            last[form_of(name)] = max(last.get(form_of(name), 0), number_of(name))
        return last

    def _sort(self, path: Path) -> None:
        """Put a file under what its name says it is; other files are none of ours."""
        if match := LINE_FILE.fullmatch(path.name):
            self._once(self.lines, match[1], path)
        elif match := TEXT_FILE.fullmatch(path.name):
            self._once(self.texts, match[1], path)
        elif match := FORM_FILE.fullmatch(path.name):
            # The form id inside is wrong in ten official files; the place of the file is right in all.
            self.forms.setdefault(path.parent.name + match[1], []).append(path)

    def _once(self, table: dict[str, Path], name: str, path: Path) -> None:
        if name in table:
            self.left_out.append(LeftOut(str(path), f"a second {name}; the first is {table[name]}"))
        else:
            table[name] = path

    def _read_split(self, split: str, path: Path | None) -> None:
        if path is None:
            self.notes.append(f"{split}.txt was not found; its lines are in no split")
            return
        try:
            rows = read_bounded(path).decode("latin-1").splitlines()
        except (BadInput, LimitExceeded) as error:
            self.left_out.append(LeftOut(str(path), str(error)))
            return
        for number, form in enumerate((row.strip() for row in rows), 1):
            if form and not FORM.fullmatch(form):
                self.left_out.append(LeftOut(f"{path}:{number}", f"not the name of a form: {form[:20]!r}"))
            elif form and self.splits.setdefault(form, split) != split:
                self.left_out.append(LeftOut(f"{path}:{number}", f"{form} is in {self.splits[form]} already"))


def form_of(line: str) -> str:
    """The form of a line: a01-000u-01 to a01-000u."""
    return line.rpartition("-")[0]


def number_of(line: str) -> int:
    """The number of a line in its form, from 1."""
    return int(line.rpartition("-")[2])


def _files(root: Path, left_out: list[LeftOut]) -> list[Path]:
    """The XML and text files below `root` in a fixed order; folders that cannot be read are reported."""
    if not root.is_dir():
        raise BadInput(f"{root}: not a folder; give the folder of IAM-OnDB, or {HOW_TO_GET}")

    def report(error: OSError) -> None:
        left_out.append(LeftOut(str(error.filename), f"cannot be read ({error.strerror})"))

    found, seen = [], set()
    for folder, folders, names in os.walk(root, onerror=report, followlinks=True):
        found += [Path(folder, name) for name in names if name.endswith((".xml", ".txt"))]
        # Archives are often linked into one folder; a link back up would never end.
        seen.add(os.path.realpath(folder))
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(folder, name)) not in seen]
    return sorted(found)

"""IAM-OnDB, the handwriting of the paper's sections 4 and 5: read the official folders into one corpus.

Liwicki and Bunke, "IAM-OnDB, an on-line English sentence database acquired from handwritten text on
a whiteboard", ICDAR 2005. The data are for non-commercial research and need a registration.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nextstroke.datasets.packed_ink import NO_TEXT, InkCorpus, Line
from nextstroke.datasets.parallel import Progress, map_files
from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError
from nextstroke.formats.iam_xml import read_line
from nextstroke.formats.limits import read_bounded
from nextstroke.formats.safe_xml import StopParsing, parse_xml
from nextstroke.formats.transcription import unescape
from nextstroke.ink import Ink

# Transcriptions as written: blanks removed that a tokeniser inserted.

SUFFIX = r"(?:s|t|d|m|ll|re|ve)\b"  # what follows the apostrophe of a shortened word

# A quotation mark with its adjacent blanks; between two letters it means two dots ('Du"rrenmatt').
MARK = re.compile(r' ?(?<!\w)" ?| ?"(?!\w) ?')
SPEAKER = re.compile(r"(?:s?he|said)\b")

# Applied in order; each removes one kind of blank that is not in the ink. Other blanks are in the
# ink: the writers copied printed texts, and wrote "M Ps", "21 s" and most rows of dots with the
# blank.
RULES = [
    (r"\s+", " "),
    (r" ?\. \. ?\.", "..."),
    # A mark belongs to the word before it: "Mr .", "U .S .", "800 ,000"; a row of dots is a word.
    (r"(?<=[^\s,;:(\[-]) (?=[;:?!)\]]|,(?!,)|\.(?!\.))", ""),
    (r"(?<=[(\[]) ", ""),
    (r"(?<!\S),, (?=\w)", ",,"),
    # Apostrophes: "Foot ' s", "what 's", "o 'clock".
    (rf"(?<=\w) ' ?(?={SUFFIX})", "'"),
    (r"(?<=\b[oO]) ' ?(?=clock\b)", "'"),
]


def normalise_text(text: str) -> str:
    """Return the text with blanks where a writer leaves them; only blanks are changed.

    "Mr . Gaitskell" becomes "Mr. Gaitskell", "Foot ' s" becomes "Foot's", and free-standing
    quotation marks are joined to the word that they open or close.
    """
    text = text.strip()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return _settle_double(_settle_single(text))


def _settle_single(text: str) -> str:
    """Join each isolated apostrophe to the word before it (closing, possessive) or after it (opening)."""
    text = re.sub(r" '(?=$|[,.;:?!)])", "'", text)
    while free := re.search(r"(?:^|(?<= ))' ", text):
        before = text[: free.start()]
        after = text[free.end() :]
        follows_word = before and before[-2] not in ",.;:?!-"
        closes = follows_word and (_is_open(before) or _is_possessive(before, after))
        text = f"{before[:-1]}' {after}" if closes else f"{before}'{after}"
    return text


def _is_open(before: str) -> bool:
    """Return whether a quotation in single marks is open at the end of `before`."""
    opening = re.findall(r"(?<!\S)'(?=\w)", before)
    closing = re.findall(r"(?<=[\w,.;:?!])'(?!\w)", before)
    return len(opening) > len(closing)


def _is_possessive(before: str, after: str) -> bool:
    """Return whether "neutrals ' conference" (a possessive) is meant, not "sums ' like these '" (a quotation)."""
    return before[-2] == "s" and not re.search(r"'(?!\w)", after)


def _settle_double(text: str) -> str:
    """Put the blanks next to quotation marks outside the quotation.

    Marks open and close in turn, so a line has two readings; the one with more evidence from the
    marks' neighbours is taken. Without evidence two marks enclose what is between them, and any
    other number of marks stays as it is.
    """
    spans = [match.span() for match in MARK.finditer(text)]
    evidence = [_opening(text[:begin], text[begin:end], text[end:]) for begin, end in spans]
    balance = sum(one if k % 2 == 0 else -one for k, one in enumerate(evidence))
    if balance == 0 and len(spans) != 2:
        return text
    pieces = MARK.split(text)
    settled = pieces[0]
    for k, piece in enumerate(pieces[1:]):
        opens = (k % 2 == 0) == (balance >= 0)
        settled = _open(settled, piece) if opens else _close(settled, piece)
    return settled


def _opening(before: str, mark: str, after: str) -> int:
    """Return a score of a mark and its blanks: above 0 if it opens a quotation, below if it closes one."""
    if after.startswith('"') or before.endswith('"'):
        return -2 if after.startswith('"') else 2
    if not before:
        return 3
    if before[-1] in "([:":
        return 2
    if not after or (after[0] in ",.;:?!)" and mark[-1] != " "):
        return -3
    # 'My God! "the judge', 'these days, "he said': the mark was joined to the wrong word.
    if mark[0] == " " and _goes_on_outside(before, after):
        return -2
    return (mark[0] == " ") - (mark[-1] == " ")


def _goes_on_outside(before: str, after: str) -> bool:
    """Return whether the words after a mark name the speaker or continue the sentence outside."""
    if before[-1] == ",":
        return bool(SPEAKER.match(after))
    return before[-1] in "?!" and after[0].islower()


def _open(before: str, after: str) -> str:
    """Join two texts by a mark that opens a quotation."""
    blank = "" if not before or before[-1] in "([" else " "
    return f'{before}{blank}"{after}'


def _close(before: str, after: str) -> str:
    """Join two texts by a mark that closes a quotation."""
    blank = "" if not after or after[0] in ",.;:?!)]" else " "
    return f'{before}"{blank}{after}'


# Files of an IAM-OnDB folder, whichever levels of its archives were kept.

SPLITS = ("trainset", "testset_v", "testset_t", "testset_f")

# A form is a01-000 or a01-000u, its lines are a01-000u-01 and so on. Several forms share the folder
# a01/a01-000, so only whole names are compared.
FORM = re.compile(r"[a-z]\d\d-\d{3}[a-z]?")
LINE_FILE = re.compile(rf"({FORM.pattern}-\d\d)\.xml")
TEXT_FILE = re.compile(rf"({FORM.pattern})\.txt")
FORM_FILE = re.compile(r"strokes([a-z]?)\.xml")
SPLIT_FILE = re.compile(rf"({'|'.join(SPLITS)})\.txt")

HOW_TO_GET = "register at the University of Bern's IAM On-Line Handwriting Database and unpack its archives there"


class LeftOut(NamedTuple):
    """A file, or a row of one, that was not used, and the reason."""

    name: str
    reason: str


@dataclass
class IamFolder:
    """Files found, by their content.

    Attributes:
        lines: XML file of each line, by the line's name.
        texts: ascii file of each form, by the form's name.
        forms: XML files of each form; there are two if both the part and the whole archive were
            unpacked.
        splits: Name of the split of each form.
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
        """Search a folder at any depth.

        Raises:
            BadInput: `root` is not a folder, or has no line files or no split files.
        """
        found = cls()
        split_files: dict[str, Path] = {}
        for path in _files(root, found.left_out):
            if match := SPLIT_FILE.fullmatch(path.name):
                found._once(split_files, match[1], path)
            else:
                found._sort(path)
        if not found.lines or not split_files:
            example = "split file such as trainset.txt"
            if not found.lines:
                example = "line file such as a01-000u-01.xml"
            sought = f"the folders lineStrokes and ascii and for {', '.join(SPLITS)} (.txt)"
            raise BadInput(f"{root}: not IAM-OnDB, it has no {example}; looked at any depth for {sought}; {HOW_TO_GET}")
        for split in SPLITS:
            found._read_split(split, split_files.get(split))
        return found

    def lines_of_forms(self) -> dict[str, int]:
        """Return the number of the last line file of each form."""
        last: dict[str, int] = {}
        for name in self.lines:
            last[form_of(name)] = max(last.get(form_of(name), 0), number_of(name))
        return last

    def _sort(self, path: Path) -> None:
        """Assign a file by its name; other files are ignored."""
        if match := LINE_FILE.fullmatch(path.name):
            self._once(self.lines, match[1], path)
        elif match := TEXT_FILE.fullmatch(path.name):
            self._once(self.texts, match[1], path)
        elif match := FORM_FILE.fullmatch(path.name):
            # The form id inside is wrong in ten official files; the place of the file is right in
            # all.
            self.forms.setdefault(path.parent.name + match[1], []).append(path)

    def _once(self, table: dict[str, Path], name: str, path: Path) -> None:
        """Add a file to a table, or report it as left out if the name is there already."""
        if name in table:
            reason = f"a second {name}; the first is {table[name]}"
            self.left_out.append(LeftOut(str(path), reason))
        else:
            table[name] = path

    def _read_split(self, split: str, path: Path | None) -> None:
        """Add the forms of a split file; `path` is None where there is no such file."""
        if path is None:
            self.notes.append(f"{split}.txt was not found; its lines are in no split")
            return
        try:
            rows = read_bounded(path).decode("latin-1").splitlines()
        except (BadInput, LimitExceeded) as error:
            self.left_out.append(LeftOut(str(path), str(error)))
            return
        for number, row in enumerate(rows, 1):
            form = row.strip()
            reason = ""
            if form and not FORM.fullmatch(form):
                reason = f"not the name of a form: {form[:20]!r}"
            elif form and self.splits.setdefault(form, split) != split:
                reason = f"{form} is in {self.splits[form]} already"
            if reason:
                self.left_out.append(LeftOut(f"{path}:{number}", reason))


def form_of(line: str) -> str:
    """Return the form of a line: a01-000u for a01-000u-01."""
    return line.rpartition("-")[0]


def number_of(line: str) -> int:
    """Return the number of a line in its form, from 1."""
    return int(line.rpartition("-")[2])


def _files(root: Path, left_out: list[LeftOut]) -> list[Path]:
    """Return the XML and text files in a folder, sorted; add unreadable folders to `left_out`."""
    if not root.is_dir():
        raise BadInput(f"{root}: not a folder; give the folder of IAM-OnDB, or {HOW_TO_GET}")

    def report(error: OSError) -> None:
        """Add an unreadable folder."""
        left_out.append(LeftOut(str(error.filename), f"cannot be read ({error.strerror})"))

    found: list[Path] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=report, followlinks=True):
        found += [Path(folder, name) for name in names if name.endswith((".xml", ".txt"))]
        # Archives are often linked into one folder; a link back up would never end.
        seen.add(os.path.realpath(folder))
        paths = {name: os.path.realpath(os.path.join(folder, name)) for name in folders}
        folders[:] = [name for name in folders if paths[name] not in seen]
    return sorted(found)


# Transcriptions and writers of the forms: from the ascii files, or else from the form XML.

PLACEHOLDER = "Please Enter Transcription here"
PLACEHOLDER_TEXT = "a placeholder for a transcription"
ROWS_DIFFER = "the form has another number of transcribed rows than of lines"

# In a08-551z a run of per cent signs replaces a line end.
ROW_BREAK = re.compile(r"\s*%{3,}\s*")


@dataclass
class Form:
    """Metadata of the lines of one form.

    Attributes:
        texts: Transcription of each line, in order; empty if there is a fault.
        writer: Number of the writer, −1 where unknown.
        fault: Reason why the form has no texts; empty if it has.
    """

    texts: list[str] = field(default_factory=list)
    writer: int = -1
    fault: str = NO_TEXT


def read_forms(found: IamFolder) -> dict[str, Form]:
    """Return the forms of all lines by name; add unreadable files to `found.left_out`."""
    return {name: _read_form(name, lines, found) for name, lines in found.lines_of_forms().items()}


def _read_form(name: str, lines: int, found: IamFolder) -> Form:
    """Return a form of some number of lines, with the fault if its texts cannot be used."""
    form = Form()
    for path in found.forms.get(name, []):
        _read_form_xml(path, form, found.left_out)
    rows = _read_ascii(found.texts.get(name), found.left_out)
    # Rows are not numbered: with a row too many or too few they cannot be assigned to lines.
    for texts in (rows, form.texts):
        if texts and len(texts) == lines and not _is_placeholder(texts):
            return Form(texts, form.writer, "")
    if _is_placeholder(rows):
        return Form([], form.writer, PLACEHOLDER_TEXT)
    if not rows and not form.texts:
        return Form([], form.writer, NO_TEXT)
    count = len(rows or form.texts)
    found.notes.append(f"{name}: {count} transcribed rows for {lines} lines; none is used")
    return Form([], form.writer, ROWS_DIFFER)


def _is_placeholder(rows: list[str]) -> bool:
    return rows[:1] == [PLACEHOLDER]


def _read_ascii(path: Path | None, left_out: list[LeftOut]) -> list[str]:
    """Return the rows after the mark CSR:, without empty ones."""
    if path is None:
        return []
    try:
        rows = [row.strip() for row in read_bounded(path).decode("latin-1").splitlines()]
    except (BadInput, LimitExceeded) as error:
        left_out.append(LeftOut(str(path), str(error)))
        return []
    if "CSR:" not in rows:
        left_out.append(LeftOut(str(path), "no row with the mark CSR:"))
        return []
    marked = rows[rows.index("CSR:") + 1 :]
    return [unescape(part) for row in marked for part in ROW_BREAK.split(row) if part]


def _read_form_xml(path: Path, form: Form, left_out: list[LeftOut]) -> None:
    """Add the writer and the texts of a form file to `form`."""
    head = _FormHead()
    try:
        parse_xml(read_bounded(path), path, head)
    except (BadInput, LimitExceeded) as error:
        left_out.append(LeftOut(str(path), str(error)))
        return
    form.texts = form.texts or head.texts
    form.writer = head.writer if form.writer < 0 else form.writer


class _FormHead:
    """XML handler that collects writer and transcription, and stops before the ink."""

    def __init__(self) -> None:
        self.writer = -1
        self.texts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the writer or a text from the attributes of an element."""
        if tag == "Form" and re.fullmatch("[0-9]{1,9}", attributes.get("writerID", "")):
            self.writer = int(attributes["writerID"])
        elif tag == "TextLine":
            self.texts.append(unescape(attributes.get("text", "")).strip())

    def end(self, tag: str) -> None:
        """Stop after the transcription."""
        if tag == "Transcription":
            raise StopParsing


TRAINING = ("trainset", "testset_t", "testset_f")  # the paper's 10,741 lines
VALIDATION = ("testset_v",)  # its 1,438

DENSITY = (11, 50)  # least and most points per character that is not a blank; the mean is 25
WRONG_LABEL = "a label that does not fit the ink"
LOST_PERCENT = "a label that lost a per cent sign"
CROSSED_OUT = "a crossed-out word (#) in the label"
ODD_DENSITY = f"fewer than {DENSITY[0]} or more than {DENSITY[1]} points for a character"

# Known by name. The official ascii files lost the per cent signs, and sometimes the next letter, to
# a formatting function; the form XML has them.
WRONG_LABELS = {
    "g04-036-07": WRONG_LABEL,
    "h02-037-05": WRONG_LABEL,
    "l07-851z-08": WRONG_LABEL,
    "f10-558z-03": LOST_PERCENT,
    "f10-558z-04": LOST_PERCENT,
    "j01-013z-06": LOST_PERCENT,
    "j01-060z-06": LOST_PERCENT,
    "j04-179z-04": LOST_PERCENT,
    "j08-417z-05": LOST_PERCENT,
}


@dataclass
class IamReport:
    """Report of a reading.

    Attributes:
        left_out: Files, and rows of files, that were not used, with the reasons.
        notes: Further remarks, one sentence each.
        normalised: Number of labels whose blanks were moved to where the ink has them.
    """

    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    normalised: int = 0


def read_iam(
    folder: str | Path,
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[InkCorpus, IamReport]:
    """Read IAM-OnDB as its archives unpack, with or without the "-all" and "-part" levels.

    A label that cannot be trusted gives its line a `fault`; the line itself stays. Files that
    cannot be read are left out and reported.

    Args:
        folder: Folder with lineStrokes, ascii and the split files, at any depth.
        progress: Callback of (files done, all files).
        workers: Number of processes; more than 1 needs a main module that can be imported.

    Returns: Corpus, ordered by the names of the lines, and report.

    Raises:
        BadInput: The folder is not IAM-OnDB, or none of its lines can be read.
    """
    found = IamFolder.search(Path(folder))
    report = IamReport(found.left_out, found.notes)
    forms = read_forms(found)
    names = sorted(found.lines)
    lines: list[Line] = []
    inks: list[Ink] = []
    read = map_files(_read_ink, [found.lines[name] for name in names], workers, progress)
    for name, ink in zip(names, read, strict=True):
        if isinstance(ink, Ink):
            lines.append(_line(name, ink, forms[form_of(name)], found.splits, report))
            inks.append(ink)
        else:
            report.left_out.append(LeftOut(str(found.lines[name]), ink))
    if not inks:
        reason = report.left_out[-1].reason
        raise BadInput(f"{folder}: none of its {len(names)} lines can be read; {reason}")
    return InkCorpus.of(lines, inks), report


def _line(name: str, ink: Ink, form: Form, splits: dict[str, str], report: IamReport) -> Line:
    """Return the metadata of a line with its normalised text and its fault, if any."""
    official = "" if form.fault else form.texts[number_of(name) - 1]
    text = normalise_text(official)
    report.normalised += text != official
    # A text with a per cent sign is from the form XML, which is right.
    known = "" if "%" in text else WRONG_LABELS.get(name, "")
    fault = form.fault or known or label_fault(text, len(ink))
    return Line(name, text, splits.get(form_of(name), ""), form.writer, fault)


def label_fault(text: str, points: int) -> str:
    """Return why a line is unfit for training; empty for a good one.

    Args:
        text: Label of the line.
        points: Number of its points.
    """
    if not text:
        return NO_TEXT
    if "#" in text:
        return CROSSED_OUT
    low, high = DENSITY
    return "" if low <= points / len(text.replace(" ", "")) <= high else ODD_DENSITY


def _read_ink(path: Path) -> Ink | str:
    """Return the ink of a line file, or why it cannot be read."""
    try:
        return read_line(path)
    except NextstrokeError as error:
        return str(error)

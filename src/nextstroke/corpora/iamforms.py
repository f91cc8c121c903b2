"""The transcriptions and writers of IAM-OnDB's forms: from the ascii files, or else from the form XML."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from nextstroke.corpora.iamfolder import IamFolder, LeftOut
from nextstroke.corpora.limits import read_bounded
from nextstroke.corpora.transcription import unescape
from nextstroke.corpora.xmlreader import Enough, parse_xml
from nextstroke.errors import BadInput, LimitExceeded

PLACEHOLDER = "Please Enter Transcription here"
NO_TEXT = "no transcription"
PLACEHOLDER_TEXT = "a placeholder for a transcription"
ROWS_DIFFER = "the form has another number of transcribed rows than of lines"

# In a08-551z a run of per cent signs stands where the row should have ended.
ROW_BREAK = re.compile(r"\s*%{3,}\s*")


@dataclass
class Form:
    """What is known of the lines of one form.

    Attributes:
        texts: The transcription of each line, in order; empty where `fault` says why.
        writer: Number of the writer, −1 where unknown.
        fault: Why the form has no texts; empty if it has.
    """

    texts: list[str] = field(default_factory=list)
    writer: int = -1
    fault: str = NO_TEXT


def read_forms(found: IamFolder) -> dict[str, Form]:
    """The forms of all lines in `found`; files that cannot be read are added to its `left_out`."""
    return {name: _read_form(name, lines, found) for name, lines in found.lines_of_forms().items()}


def _read_form(name: str, lines: int, found: IamFolder) -> Form:
    form = Form()
    for path in found.forms.get(name, []):
        _read_form_xml(path, form, found.left_out)
    rows = _read_ascii(found.texts.get(name), found.left_out)
    # The rows have no numbers of their own: with a row too many or too few nobody knows which is whose.
    for texts in (rows, form.texts):
        if texts and len(texts) == lines and not _is_placeholder(texts):
            return Form(texts, form.writer, "")
    if _is_placeholder(rows):
        return Form([], form.writer, PLACEHOLDER_TEXT)
    if not rows and not form.texts:
        return Form([], form.writer, NO_TEXT)
    found.notes.append(f"{name}: {len(rows or form.texts)} transcribed rows for {lines} lines; none is used")
    return Form([], form.writer, ROWS_DIFFER)


def _is_placeholder(rows: list[str]) -> bool:
    return rows[:1] == [PLACEHOLDER]


def _read_ascii(path: Path | None, left_out: list[LeftOut]) -> list[str]:
    """The rows behind the CSR mark, blank ones left out."""
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
    """Add writer and texts from a form file."""
    head = _FormHead()
    try:
        parse_xml(read_bounded(path), path, head)
    except (BadInput, LimitExceeded) as error:
        left_out.append(LeftOut(str(path), str(error)))
        return
    form.texts = form.texts or head.texts
    form.writer = head.writer if form.writer < 0 else form.writer


class _FormHead:
    """Collects what goes by up to the end of the transcription; the ink behind it is not read."""

    def __init__(self) -> None:
        self.writer, self.texts = -1, list[str]()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Form" and re.fullmatch("[0-9]{1,9}", attributes.get("writerID", "")):
            self.writer = int(attributes["writerID"])
        elif tag == "TextLine":
            self.texts.append(unescape(attributes.get("text", "")).strip())

    def end(self, tag: str) -> None:
        if tag == "Transcription":
            raise Enough

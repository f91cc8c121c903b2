"""IAM-OnDB, the handwriting of the paper's sections 4 and 5: the official folders in, one packed corpus out.

Liwicki and Bunke, "IAM-OnDB, an on-line English sentence database acquired from handwritten text on a whiteboard",
ICDAR 2005. The data are for non-commercial research and need a registration.
"""

from dataclasses import dataclass, field
from pathlib import Path

from nextstroke.corpora.iamfolder import IamFolder, LeftOut, form_of, number_of
from nextstroke.corpora.iamforms import NO_TEXT, Form, read_forms
from nextstroke.corpora.linexml import read_line
from nextstroke.corpora.packed import InkCorpus, Line
from nextstroke.corpora.parallel import Progress, map_files
from nextstroke.corpora.transcription import normalise_text
from nextstroke.errors import BadInput, NextstrokeError
from nextstroke.ink import Ink

TRAINING = ("trainset", "testset_t", "testset_f")  # the paper's 10,741 lines
VALIDATION = ("testset_v",)  # its 1,438

DENSITY = (11, 50)  # points for each character that is not a blank; 25 is usual
WRONG_LABEL = "a label that does not fit the ink"
LOST_PERCENT = "a label that lost a per cent sign"
CROSSED_OUT = "a crossed-out word (#) in the label"
ODD_DENSITY = f"fewer than {DENSITY[0]} or more than {DENSITY[1]} points for a character"

# Known by name. The official ascii files lost the per cent signs, and at times the letter behind one, to a
# formatting function; the form XML has them.
WRONG_LABELS = dict.fromkeys(("g04-036-07", "h02-037-05", "l07-851z-08"), WRONG_LABEL) | dict.fromkeys(
    ("f10-558z-03", "f10-558z-04", "j01-013z-06", "j01-060z-06", "j04-179z-04", "j08-417z-05"), LOST_PERCENT
)


@dataclass
class IamReport:
    """What was met on the way.

    Attributes:
        left_out: Files, and rows of files, that were not used, each with the reason.
        notes: What else the user should know, one sentence each.
        normalised: Number of labels whose blanks were moved to where the ink has them.
    """

    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    normalised: int = 0


def read_iam(folder: str | Path, progress: Progress | None = None, workers: int = 1) -> tuple[InkCorpus, IamReport]:
    """Read IAM-OnDB as its archives unpack, with or without the "-all" and "-part" levels.

    A label that cannot be trusted gives its line a `fault`; the line itself stays. Files that cannot be read are left
    out and reported.

    Args:
        folder: The folder that holds lineStrokes, ascii and the split files, at any depth.
        progress: Called with (files done, all files).
        workers: Processes to read with; more than 1 needs a main module that can be imported.

    Returns: The corpus, ordered by the names of the lines, and the report.

    Raises:
        BadInput: the folder is not IAM-OnDB, or none of its lines can be read.
    """
    found = IamFolder.search(Path(folder))
    report = IamReport(found.left_out, found.notes)
    forms = read_forms(found)
    names = sorted(found.lines)
    lines, inks = [], []
    read = map_files(_read_ink, [found.lines[name] for name in names], workers, progress)
    for name, ink in zip(names, read, strict=True):
        if isinstance(ink, Ink):
            lines.append(_line(name, ink, forms[form_of(name)], found.splits, report))
            inks.append(ink)
        else:
            report.left_out.append(LeftOut(str(found.lines[name]), ink))
    if not inks:
        raise BadInput(f"{folder}: none of its {len(names)} lines can be read; {report.left_out[-1].reason}")
    return InkCorpus.of(lines, inks), report


def _line(name: str, ink: Ink, form: Form, splits: dict[str, str], report: IamReport) -> Line:
    """What is known of a line, its text normalised and its fault, if any, named."""
    official = "" if form.fault else form.texts[number_of(name) - 1]
    text = normalise_text(official)
    report.normalised += text != official
    # A per cent sign in the text: it came from the form XML, which is right.
    known = "" if "%" in text else WRONG_LABELS.get(name, "")
    fault = form.fault or known or label_fault(text, len(ink))
    return Line(name, text, splits.get(form_of(name), ""), form.writer, fault)


def label_fault(text: str, points: int) -> str:
    """Why a text of a line of so many points should not be learned from; empty for a good one."""
    if not text:
        return NO_TEXT
    if "#" in text:
        return CROSSED_OUT
    low, high = DENSITY
    return "" if low <= points / len(text.replace(" ", "")) <= high else ODD_DENSITY


def _read_ink(path: Path) -> Ink | str:
    try:
        return read_line(path)
    except NextstrokeError as error:
        return str(error)

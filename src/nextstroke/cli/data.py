"""nextstroke data: pack official data sets, and ink and text of your own, for training."""

import json
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from nextstroke.cli.placement import Flip, Mirror, Turn

app = typer.Typer(no_args_is_help=True, help="Pack handwriting or text for training; what is left out is reported.")

SHOWN = 5  # files left out that are named on the terminal; the report names all


def _make_folder(output: Path) -> Path:
    """Make the folder of a packed corpus; where that fails, `check_writable` says why."""
    with suppress(OSError):
        output.parent.mkdir(parents=True, exist_ok=True)
    return output


Output = Annotated[
    Path, typer.Option("--output", "-o", help="packed corpus to write; its folder is made", callback=_make_folder)
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="JSON file to write the full report to, line by line")
]
AsJson = Annotated[bool, typer.Option("--json", help="print the statistics as JSON")]


@app.command("iam")
def iam(
    folder: Annotated[Path, typer.Argument(help="folder with lineStrokes, ascii and the split files, at any depth")],
    output: Output,
    report: ReportFile = None,
    as_json: AsJson = False,
    workers: Annotated[int, typer.Option(help="number of reading processes; 0 means one per core", min=0)] = 0,
) -> None:
    """Pack IAM-OnDB, the handwriting of the paper; it needs a registration and is for non-commercial research.

    Example: nextstroke data iam IAM-OnDB -o data/iam.packed --report data/iam-report.json
    """
    from nextstroke.datasets.iam import TRAINING, read_iam
    from nextstroke.files import check_writable

    check_writable(output, report)
    progress = _Progress("lines")
    corpus, found = read_iam(folder, progress, workers or os.cpu_count() or 1)
    progress.end()
    about = {"labels_normalised": found.normalised, "notes": found.notes}
    _finish(corpus, output, TRAINING, found.left_out, about, report, as_json)


@app.command("unipen")
def unipen(
    folder: Annotated[Path, typer.Argument(help="folder with UNIPEN's data and include, at any depth")],
    output: Output,
    categories: Annotated[str, typer.Option(help="8 texts, 6 and 7 words, 1a to 3 characters; joined by commas")] = "8",
    report: ReportFile = None,
    as_json: AsJson = False,
    workers: Annotated[int, typer.Option(help="number of reading processes; 0 means one per core", min=0)] = 0,
) -> None:
    """Pack UNIPEN train_r01_v07, the handwriting of several hundred writers, in the size and rate of IAM-OnDB.

    One writer in twelve is in the split unipen-valid, the others are in unipen-train.

    Example: nextstroke data unipen train_r01_v07 -o data/unipen.packed --report data/unipen-report.json
    """
    from nextstroke.datasets.unipen import TRAINING, read_unipen
    from nextstroke.files import check_writable

    check_writable(output, report)
    progress = _Progress("files")
    wanted = [category.strip() for category in categories.split(",")]
    corpus, found = read_unipen(folder, wanted, progress, workers or os.cpu_count() or 1)
    progress.end()
    about = {
        "labels_normalised": found.normalised,
        "notes": found.notes,
        "segments_and_files": found.segments,
    }
    _finish(corpus, output, TRAINING, found.left_out, about, report, as_json)


@app.command("join")
def join(
    corpora: Annotated[list[Path], typer.Argument(help="packed ink")],
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Join packed corpora of ink into one, to train on both.

    Example: nextstroke data join data/iam.packed data/unipen.packed -o data/both.packed
    """
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.files import check_writable

    check_writable(output)
    _finish(InkCorpus.join([InkCorpus.open(path) for path in corpora]), output, (), [], {}, None, as_json)


@app.command("ink")
def ink(
    files: Annotated[list[Path], typer.Argument(help="files of ink: InkML, SVG, JSON, CSV, UNIPEN, Xournal++ …")],
    output: Output,
    split: Annotated[str, typer.Option(help="name of the split of all lines")] = "trainset",
    hold_out: Annotated[int, typer.Option(help="number of last lines to put in testset_v instead", min=0)] = 0,
    like: Annotated[
        str | None,
        typer.Option(
            help="model whose size and point rate the ink is converted to, to train it further, such as writer"
        ),
    ] = None,
    mirror: Mirror = False,
    flip: Flip = False,
    turn: Turn = 0,
    report: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Pack ink of your own. The text is read from the file, or from FILE.txt with a row for each line.

    Pages are split into lines. Drawings, turned ink and ink that does not say its text are packed with a fault, which
    keeps them out of training.

    Example: nextstroke data ink letters/*.inkml -o data/mine.packed
    """
    from nextstroke.datasets.packed_ink import pack_files
    from nextstroke.files import check_writable
    from nextstroke.handwriting.ink_check import InkChecker, Placement

    check_writable(output, report)
    placement = Placement(mirror, flip, turn)
    checker = InkChecker.bundled()
    corpus, left_out = pack_files(files, partial(checker.read_lines, placement=placement), split, hold_out)
    if like is not None:
        from nextstroke.handwriting.learn_hand import fit_corpus
        from nextstroke.runtime.model_file import load_model

        corpus = fit_corpus(load_model(like, "writer"), corpus)
    _finish(corpus, output, (), left_out, {}, report, as_json)


@app.command("recombine")
def recombine(
    corpus: Annotated[Path, typer.Argument(help="packed ink with texts")],
    output: Output,
    splits: Annotated[
        str, typer.Option(help="splits whose lines are cut into segments, separated by commas")
    ] = "trainset,testset_t,testset_f",
    lines: Annotated[int, typer.Option(help="number of lines to compose", min=1, max=1_000_000)] = 7000,
    model: Annotated[str, typer.Option(help="writer model that aligns ink and characters")] = "writer",
    seed: Annotated[int, typer.Option(help="random seed of the lines", min=0)] = 1,
    as_json: AsJson = False,
) -> None:
    """Compose further lines from segments of real ink: digits, capitals, rare letters and signs become frequent.

    The lines of CORPUS stay; train on its splits and on `recombined`.

    Example: nextstroke data recombine data/iam.packed -o data/recombined.packed
    """
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.files import check_writable
    from nextstroke.handwriting.recombine import recombine
    from nextstroke.runtime.model_file import load_model

    check_writable(output)
    names = [name.strip() for name in splits.split(",")]
    progress = _Progress("lines")
    more = recombine(load_model(model, "writer"), InkCorpus.open(corpus), names, lines, seed, progress)
    progress.end()
    _finish(more, output, (), [], {}, None, as_json)


@app.command("text")
def text(
    files: Annotated[list[Path], typer.Argument(help="text files, plain or compressed as .gz, .bz2, .xz")],
    output: Output,
    validation: Annotated[list[Path], typer.Option(help="file to hold out  [default: the end of the text]")] = [],  # noqa: B006
    hold_out: Annotated[
        float, typer.Option(help="share of the text to hold out if there is no --validation file", min=0, max=1)
    ] = 0.05,
    words: Annotated[
        bool, typer.Option("--words", help="use words as symbols instead of bytes, and a symbol for line ends")
    ] = False,
    vocabulary: Annotated[
        int | None,
        typer.Option(help="number of symbols with --words, by default 10000; other words are one", min=3, max=65536),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pack any text as bytes, or as words.

    Example: nextstroke data text novels.txt letters.txt.xz -o data/text.packed
    """
    from nextstroke.datasets.plain_text import pack_bytes, pack_words
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable

    if vocabulary is not None and not words:
        raise UsageError("--vocabulary: is for words; give --words, or leave it out")
    check_writable(output)
    if words:
        sizes = pack_words(files, validation, output, hold_out, vocabulary or 10_000)
    else:
        sizes = pack_bytes(files, validation, output, hold_out)
    _report_text(output, sizes, as_json)


@app.command("penn")
def penn(
    folder: Annotated[Path, typer.Argument(help="folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt")],
    output: Output,
    words: Annotated[bool, typer.Option("--words", help="use words as symbols instead of characters")] = False,
    as_json: AsJson = False,
) -> None:
    """Pack the Penn Treebank in Mikolov's form, sentence by sentence.

    Example: nextstroke data penn simple-examples/data -o data/penn.packed --words
    """
    from nextstroke.datasets.penn import pack_penn
    from nextstroke.files import check_writable

    check_writable(output)
    _report_text(output, pack_penn(folder, output, words), as_json)


@app.command("teach")
def teach(
    corpus: Annotated[Path, typer.Argument(help="packed text of words")],
    output: Output,
    teacher: Annotated[Path, typer.Option(help="training or model file of a network over these words")],
    invent: Annotated[int, typer.Option(help="number of further words that the teacher generates", min=0)] = 0,
    truth: Annotated[
        float, typer.Option(help="weight of the real next character in the target distributions", min=0, max=1)
    ] = 0.3,
    seed: Annotated[int, typer.Option(help="random seed of the generated text", min=0)] = 1,
    as_json: AsJson = False,
) -> None:
    """Pack a text of words as characters, with the distributions that a word-level network predicts, for distillation.

    It adds the split `taught`: the training text, and the text that the teacher generates.

    Example: nextstroke data teach data/penn-words.packed --teacher runs/penn-words-tied -o data/penn-taught.packed
    """
    from nextstroke.files import check_writable
    from nextstroke.training.tasks.distillation import teach

    check_writable(output)
    progress = _Progress("characters")
    sizes = teach(teacher, corpus, output, invent, truth, seed, progress)
    progress.end()
    _report_text(output, sizes, as_json)


@app.command("enwik8")
def enwik8(
    file: Annotated[Path, typer.Argument(help="enwik8, or the beginning of it together with --range")],
    output: Output,
    splits: Annotated[
        str, typer.Option(help="split in million bytes: 96/4 as in the paper, or 90/5/5 as in later work")
    ] = "96/4",
    range_: Annotated[
        list[str],
        typer.Option(
            "--range",
            metavar="NAME=BEGIN:END",
            help="splits of your own, in bytes; the file is not compared with enwik8 then",
        ),
    ] = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Pack the Hutter prize's Wikipedia; size, MD5 and SHA-1 of the whole file are checked.

    Example: nextstroke data enwik8 enwik8 -o data/enwik8.packed
    """
    from nextstroke.datasets.enwik8 import SPLITS, pack_enwik8
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable

    check_writable(output)
    if splits not in SPLITS:
        raise UsageError(f"--splits {splits!r}: give {' or '.join(SPLITS)}, or splits of your own by --range")
    ranges = dict(map(_range, range_)) or SPLITS[splits]
    _report_text(output, pack_enwik8(file, output, ranges, whole=not range_), as_json)


def _range(text: str) -> tuple[str, tuple[int, int]]:
    """Parse NAME=BEGIN:END."""
    from nextstroke.errors import UsageError

    name, _, bounds = text.partition("=")
    begin, _, end = bounds.partition(":")
    if not (name and begin.isdecimal() and end.isdecimal() and int(begin) < int(end)):
        raise UsageError(f"--range {text!r}: give NAME=BEGIN:END in bytes, such as train=0:3000000")
    return name, (int(begin), int(end))


def _report_text(output: Path, sizes: dict[str, int], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"packed": str(output), "bytes": output.stat().st_size, "symbols": sizes}))
        return
    for split, size in sizes.items():
        print(f"{split:24} {size:,} symbols")
    print(f"packed text              {output} ({output.stat().st_size / 1e6:.1f} MB)")


def _finish(corpus, output: Path, splits, left_out, about: dict[str, Any], report: Path | None, as_json: bool) -> None:
    """Save the corpus and the report, and print the statistics."""
    from nextstroke.datasets.packed_ink import summarise
    from nextstroke.files import write_bytes

    corpus.save(output)
    size = {"packed": str(output), "bytes": output.stat().st_size, "left_out": len(left_out)}
    figures = size | summarise(corpus, splits) | about
    if report:
        faults = [{"line": line.name, "reason": line.fault} for line in corpus.lines if line.fault]
        files = [{"file": name, "reason": reason} for name, reason in left_out]
        full = {**figures, "faulty_lines": faults, "left_out_files": files}
        write_bytes(report, json.dumps(full, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    if as_json:
        print(json.dumps(figures))
        return
    _print_figures(figures)
    _print_left_out(left_out, about.get("notes", []), report)


def _print_figures(figures: dict[str, Any]) -> None:
    for split, lines in sorted(figures["lines_of_split"].items()):
        good = figures["lines_without_fault_of_split"].get(split, 0)
        print(f"{split:24} {lines} lines, {good} without fault")
    for fault, lines in figures["faults"].items():
        print(f"fault                    {lines} lines: {fault}")
    offsets = figures["offsets"]
    print(f"points                   {figures['points']}, {figures['points_of_line_median']:g} a line (median)")
    if figures["points_of_character_median"] is not None:
        print(f"points of a character    {figures['points_of_character_median']:.2f} (median)")
    print(f"end-of-stroke rate       {figures['end_of_stroke_rate']:.4f}")
    if offsets["count"]:
        over = " + ".join(offsets["splits"]) or "all lines"
        print(f"dx                       mean {offsets['dx_mean']:.3f}, std {offsets['dx_std']:.3f}")
        print(f"dy                       mean {offsets['dy_mean']:.3f}, std {offsets['dy_std']:.3f}")
        print(f"                         over {offsets['count']} offsets of {over}")
    for oddity, count in figures["oddities"].items():
        print(f"{oddity.replace('_', ' '):24} {count}")
    if "labels_normalised" in figures:
        print(f"labels normalised        {figures['labels_normalised']}")
    print(f"packed corpus            {figures['packed']} ({figures['bytes'] / 1e6:.1f} MB)")


def _print_left_out(left_out, notes: list[str], report: Path | None) -> None:
    for name, reason in left_out[:SHOWN]:
        print(f"left out: {reason if reason.startswith(name) else f'{name}: {reason}'}", file=sys.stderr)
    for note in notes[:SHOWN]:
        print(f"note: {note}", file=sys.stderr)
    hidden = max(0, len(left_out) - SHOWN) + max(0, len(notes) - SHOWN)
    if hidden:
        print(f"and {hidden} more; {report or 'add --report FILE.json to'} names all of them", file=sys.stderr)


class _Progress:
    """Progress in one line of a terminal; nothing is printed elsewhere."""

    def __init__(self, unit: str):
        self.unit = unit
        self.shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if self.shown and (done % 100 == 0 or done == total):
            print(f"\r{done} of {total} {self.unit}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.shown:
            print(file=sys.stderr)

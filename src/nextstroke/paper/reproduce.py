"""Reproduction of the paper: measure the tables, check the claims, draw the figures, write one report."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from nextstroke import __version__
from nextstroke.datasets.iam import TRAINING, VALIDATION
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.errors import BadInput, UsageError
from nextstroke.files import write_bytes
from nextstroke.handwriting.hands import Hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import write
from nextstroke.paper import figures
from nextstroke.paper.claims import Claim, ClaimInputs, check_claims, check_texts
from nextstroke.paper.plots import charts_figure, window_figure
from nextstroke.paper.report import Picture, markdown, page
from nextstroke.paper.stand_in import NOTE, stand_in_corpus
from nextstroke.paper.tables import ROWS, Measured, commit, find_source, measure_all
from nextstroke.paper.text_claims import TextComparison, measure
from nextstroke.paper.text_pages import page_of_pairs, shaded, surprise, two_pages
from nextstroke.runtime.model_file import Model, load_model

PREDICTION, SYNTHESIS = ("prediction-3x400", "prediction"), ("synthesis", "writer-raw")
PAGE_DYNAMICS: dict[str, Any] = {"rule": "sgd", "segment": 20, "choose": 5000}  # a page is short
FILM_TEXT = "more of national temperament"


class Missing(BadInput):
    """Data or a model that a figure needs is missing."""


@dataclass
class Sources:
    """Data, trainings and models that the reproduction reads, and the folder it writes.

    Attributes:
        corpus: Packed corpus of IAM-OnDB; None where lines of the bundled writer stand in for it.
        output: Folder for the figures and the report.
        runs, weights: Folders of trainings and of model files.
        given: Trainings or model files by the row's name; they are preferred to those found.
        writer_name: The model that writes: a file, or the name of a bundled one.
        seed: Random seed of all samples.
        text: Packed text of Wikipedia as bytes.
        text_model_name: The model that generates text: a file, or the name of a bundled one.
        text_run: A training of its network for dynamic evaluation; None to leave that out.
    """

    corpus: Path | None
    output: Path
    runs: Path
    weights: Path
    given: dict[str, Path] = field(default_factory=dict)
    writer_name: str = "writer"
    seed: int = 1
    text: Path = Path("data/text.packed")
    text_model_name: str = "text"
    text_run: Path | None = None

    @cached_property
    def text_corpus(self) -> TextCorpus:
        """The packed text; opening it raises Missing."""
        if not self.text.is_file():
            raise Missing(
                f"{self.text}: no packed text there; make it with `nextstroke data text`, or name it by --text"
            )
        return TextCorpus.open(self.text)

    @cached_property
    def text_model(self) -> Model:
        """The model that generates text."""
        return load_model(self.text_model_name, "text")

    @cached_property
    def traits(self) -> TextComparison:
        """Real, generated and baseline text compared; measuring them raises Missing."""
        return measure(self.text_model, self.text_corpus, self.seed)

    @cached_property
    def lines(self) -> InkCorpus:
        """The corpus, or what stands in for it."""
        if self.corpus is None:
            return stand_in_corpus(load_model("writer", "writer"), self.seed)
        return InkCorpus.open(self.corpus)

    @cached_property
    def writer(self) -> Model:
        """The model that writes."""
        return load_model(self.writer_name, "writer")

    def row(self, names: Sequence[str]) -> Path:
        """Return the training or model file of the first of some rows that has one; raise Missing if none has."""
        for row in ROWS:
            source = find_source(row, self.runs, self.weights, self.given) if row.name in names else None
            if source is not None:
                return source
        raise Missing(f"no training of {' or '.join(names)} in {self.runs} or {self.weights}")

    def model(self, names: Sequence[str]) -> Model:
        """Load the model of the first of some rows; a training is exported to the output folder first."""
        source = self.row(names)
        if source.is_file() and source.suffix == ".onnx":
            return Model(source)
        from nextstroke.training.export.publish import publish_model

        path = self.output / f"{source.name}.onnx"
        publish_model(source, path, "research, non-commercial", "made for the figures of a report")
        return Model(path)


class Figure(NamedTuple):
    """One picture of the report: its title, the function that draws it, and the suffix of its file."""

    title: str
    draw: Callable[[Sources, Path], None]
    suffix: str = "png"


def _window(sources: Sources, path: Path) -> None:
    text = figures.HELD_OUT[1]
    requests = line_requests(sources.writer, [text], seed=sources.seed)
    (line,) = write(sources.writer, requests, attempts=1)
    window_figure(line.phi, text, line.ink, path)


def _density(names: Sequence[str]) -> Callable[[Sources, Path], None]:
    def draw(sources: Sources, path: Path) -> None:
        models = sources.model(names), sources.model(SYNTHESIS)
        figures.density(*models, sources.lines, VALIDATION, "under", path)

    return draw


def _primed(first: int, bias: float) -> Callable[[Sources, Path], None]:
    primes = figures.PRIMES[first : first + 2]
    return lambda given, path: figures.primed(given.writer, given.lines, primes, bias, given.seed, path)


def _samples(bias: float) -> Callable[[Sources, Path], None]:
    return lambda given, path: figures.samples(given.writer, given.lines, bias, given.seed, path)


def _curves(sources: Sources, path: Path) -> None:
    found = [find_source(row, sources.runs, sources.weights, sources.given) for row in ROWS]
    folders = [source for source in found if source and (source / "curve.jsonl").is_file()]
    if not folders:
        raise Missing(f"no training with a curve in {sources.runs}")
    figures.learning_curves(folders, path)


FIGURES = {
    "figure1": Figure("Figure 1: prediction", lambda s, path: figures.architecture(s.row(PREDICTION), path)),
    "figure2": Figure("Figure 2: memory cell", lambda s, path: figures.cell(s.row((*PREDICTION, *SYNTHESIS)), path)),
    "figure9": Figure(
        "Figure 9: training samples", lambda s, path: figures.training_samples(s.lines, TRAINING, 8, s.seed, path)
    ),
    "figure10": Figure("Figure 10: densities of prediction", _density(PREDICTION)),
    "figure11": Figure(
        "Figure 11: samples of the prediction network",
        lambda s, path: figures.scribbles(s.model(PREDICTION), 10, 0.0, s.seed, path),
    ),
    "figure12": Figure("Figure 12: synthesis", lambda s, path: figures.architecture(s.row(SYNTHESIS), path)),
    "figure13": Figure("Figure 13: the window's weights", _window),
    "figure14": Figure("Figure 14: densities of synthesis", _density(SYNTHESIS)),
    "figure15": Figure("Figure 15: real lines (red) and unbiased samples", _samples(0.0)),
    "figure16": Figure("Figure 16: rising bias", lambda s, path: figures.rising_bias(s.writer, s.seed, path)),
    "figure17": Figure("Figure 17: bias 0.15", _samples(0.15)),
    "figure18": Figure("Figure 18: primes (red) and primed samples", _primed(0, 0.0)),
    "figure19": Figure("Figure 19: more primed samples", _primed(2, 0.0)),
    "figure20": Figure("Figure 20: primed, bias 1", _primed(0, 1.0)),
    "figure21": Figure("Figure 21: more of them, bias 1", _primed(2, 1.0)),
    "curves": Figure("Learning curves (ours)", _curves),
    "film": Figure(
        "One line while the bias grows (ours)",
        lambda s, path: figures.bias_film(s.writer, FILM_TEXT, Hand.none(), s.seed, path),
        "gif",
    ),
}
GROUPS = {"tables": ("table3", "table4"), "figures": tuple(FIGURES)}
EVERYTHING = ("tables", "claims", "figures", "samples", "pages")
Report = Callable[[str], None]  # called with a sentence before each step
OF_TEXT = {"samples", "pages"}  # parts that need no ink


def wanted(names: Sequence[str]) -> set[str]:
    """Return the parts that some names stand for, all if there are no names; raise UsageError for unknown names."""
    known = {*GROUPS, *FIGURES, "table3", "table4", "claims", *OF_TEXT}
    single = sorted(OF_TEXT) + list(FIGURES)
    plain = [re.sub(r"[\s_-]", "", name).lower() for name in names or EVERYTHING]
    for name, given in zip(plain, names or EVERYTHING, strict=True):
        if name not in known:
            raise UsageError(f"{given!r}: give tables, figures, claims, table3, table4, {', '.join(single)}")
    return {part for name in plain for part in GROUPS.get(name, (name,))}


def reproduce(names: Sequence[str], sources: Sources, every: int, report_step: Report) -> list[Path]:
    """Rebuild parts of the paper; return the files written, the report last.

    Args:
        names: "tables", "table3", "table4", "claims", "figures" or single figures, "samples", "pages"; everything if
            empty.
        sources: What to read, and where to write.
        every: Step between the validation lines that tables are measured on.
        report_step: Called with a sentence before each step.

    Raises:
        UsageError: an unknown name.
        Missing: the corpus is missing, or a figure asked for by name cannot be drawn.
    """
    parts = wanted(names)
    if sources.corpus and parts - OF_TEXT and not sources.corpus.is_file():
        raise Missing(f"{sources.corpus}: no packed corpus there")
    sources.output.mkdir(parents=True, exist_ok=True)
    asked = {name for name in parts if name in FIGURES and "figures" not in (names or EVERYTHING)}
    if sources.corpus is None and {"table3", "table4"} & parts and names:
        raise Missing("Tables 3 and 4 are scores on real lines: name a packed IAM-OnDB by --corpus")
    table = _table(parts, sources, every, report_step)
    traits = _traits(parts, sources, bool(names), report_step)
    if "claims" in parts:
        claims = _claims(sources, table, traits, report_step)
    else:
        claims = check_texts(traits) if traits else []
    pictures = [_picture(name, sources, name in asked, report_step) for name in FIGURES if name in parts]
    pictures += _charts(claims, sources.output)
    shown = [one for one in table if f"table{one.row.table}" in parts]
    about = f"nextstroke {__version__}, commit {commit()}, every {every}. validation line, seed {sources.seed}"
    if sources.corpus is None and parts - OF_TEXT:
        about += f". All lines called real are {NOTE}"
    report, tables = sources.output / "report.html", sources.output / "tables.md"
    write_bytes(tables, markdown(shown, claims, traits).encode())
    write_bytes(report, page(shown, claims, pictures, about, traits).encode())
    drawn = [picture.path for picture in pictures if picture.path]
    return [*drawn, *_pages(parts, sources, bool(names), report_step), tables, report]


def _table(parts: set[str], sources: Sources, every: int, report_step: Report) -> list[Measured]:
    """Measure the rows of the tables asked for; claims need both tables."""
    rows = [row for row in ROWS if "claims" in parts or f"table{row.table}" in parts]
    if not rows:
        return []
    if sources.corpus is None:
        return [Measured(row) for row in rows]
    return measure_all(rows, sources.corpus, sources.runs, sources.weights, sources.given, every, report_step)


def _traits(parts: set[str], sources: Sources, asked: bool, report_step: Report) -> TextComparison | None:
    """Compare texts where that is asked for; None where there is no real text to compare with."""
    if not parts & {"samples", "claims"} or not (sources.text.is_file() or (asked and "samples" in parts)):
        return None
    report_step("generating text")
    return sources.traits


def _pages(parts: set[str], sources: Sources, asked: bool, report_step: Report) -> list[Path]:
    """Write Figures 3 to 8 as a file of their own, where there is a text with a real page."""
    if "pages" not in parts or not (sources.text.is_file() or asked):
        return []
    report_step("writing pages")
    path = sources.output / "pages.html"
    model, pages = sources.text_model, two_pages(sources.text_model, sources.text_corpus, sources.seed)
    pairs = [shaded("Static: the network as it was trained", pages, [surprise(model, page) for page in pages])]
    if sources.text_run:
        from nextstroke.training.evaluation.dynamic import DynamicEvalConfig, dynamic_bits

        bits = dynamic_bits(sources.text_run, sources.text, pages, DynamicEvalConfig(**PAGE_DYNAMICS))
        pairs.append(shaded("Dynamic: its weights learn on while it reads the page", pages, bits))
    about = f"{model.metadata['recipe']['note']}; nextstroke {__version__}, seed {sources.seed}, first attempt"
    write_bytes(path, page_of_pairs(pairs, about).encode())
    return [path]


def _claims(
    sources: Sources, table: Sequence[Measured], traits: TextComparison | None, report_step: Report
) -> list[Claim]:
    def find_model(names: Sequence[str]) -> Model | None:
        try:
            return sources.model(names)
        except Missing:
            return None

    models = find_model(PREDICTION), find_model(SYNTHESIS)
    has_real_lines = sources.corpus is not None
    inputs = ClaimInputs(sources.writer, *models, sources.lines, table, traits, has_real_lines)
    return check_claims(inputs, report_step)


def _charts(claims: Sequence[Claim], output: Path) -> list[Picture]:
    """Draw the measurements of claims; return a picture for each claim that has one."""
    pictures: list[Picture] = []
    for claim in claims:
        if claim.charts:
            path = output / f"claim{len(pictures) + 1}.png"
            charts_figure(claim.charts, path)
            pictures.append(Picture(f"Claim: {claim.text} ({claim.verdict})", path))
    return pictures


def _picture(name: str, sources: Sources, asked: bool, report_step: Report) -> Picture:
    """Draw one figure; one that cannot be drawn is reported, or raises where it was asked for by name."""
    figure = FIGURES[name]
    path = sources.output / f"{name}.{figure.suffix}"
    report_step(f"drawing {name}")
    try:
        figure.draw(sources, path)
    except BadInput as error:
        if asked:
            raise
        return Picture(figure.title, None, str(error))
    return Picture(figure.title, path)

"""Choose the primes of the gallery: measure real lines, select lines whose features differ, draw them.

    python benchmarks/gallery.py measure CORPUS -o features.json
    python benchmarks/gallery.py choose features.json [--keep styles.toml] [--reject NAMES] -o candidates.toml
    python benchmarks/gallery.py sheet CORPUS candidates.toml -o sheet.png [--model MODEL]
    python benchmarks/gallery.py judge CORPUS candidates.toml --model MODEL -o judged.json

`measure` takes from each writer (UNIPEN) or form (IAM-OnDB names no writers) of the training splits the line that is
nearest to the median of all lines of that writer or form. `choose` fills each group of QUOTAS by farthest-point
selection in standardised features. `sheet` draws the chosen lines; with a model, also a line that it writes in each
hand. `judge` measures lines that the model writes in each hand: their features and those of the prime, the character
error of tesseract, and the nearest other hand. The gallery is then selected from the candidates by these figures and by
eye.
"""

import argparse
import json
import tomllib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.handwriting.best_of import CANDIDATES, line_writer
from nextstroke.handwriting.hands import Hand, prime_hand
from nextstroke.handwriting.request import LineRequest, prepare
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures, Page, level, place
from nextstroke.pages.png import picture
from nextstroke.paper.legibility import character_error
from nextstroke.runtime.model_file import Model, load_model

SPLITS = ("trainset", "testset_t", "testset_f", "unipen-train")
LENGTHS = {"iam": (25, 60), "unipen": (20, 60)}  # characters of a prime

# Weights of the features in the distance of two hands, after division by their standard deviations.
WEIGHTS = {
    "slant": 1.5,
    "width": 1.0,
    "strokes": 1.5,
    "gap": 0.7,
    "unsteadiness": 0.7,
    "size": 0.7,
    "tallness": 1.0,
    "speed": 0.5,
    "capitals": 0.5,
}

SHOWN = ("slant", "width", "strokes")
BIAS = 0.75
JUDGED = ("the quick brown fox jumps over", "we met by the old harbour, again", "Sunday morning in a small garden")

Features = dict[str, float]
# Of each group: the number of primes, and which lines belong to it. A line belongs to the first group that takes it.
QUOTAS: dict[str, tuple[int, Callable[[Features], bool]]] = {
    "capitals": (10, lambda f: f["capitals"] > 0.9),
    "fast": (10, lambda f: f["strokes"] <= 0.6 and f["capitals"] < 0.2 and f["speed"] >= 0.15),
    "joined": (26, lambda f: f["strokes"] <= 0.45 and f["capitals"] < 0.2),
    "unsteady": (10, lambda f: f["strokes"] >= 0.85 and f["unsteadiness"] > 0.22 and f["capitals"] < 0.2),
    "leaning right": (10, lambda f: f["slant"] <= -0.35 and f["capitals"] < 0.2),
    "leaning left": (8, lambda f: f["slant"] >= 0.08 and f["capitals"] < 0.2),
    "small": (8, lambda f: f["source"] == 0 and f["size"] <= np.log(105) and f["capitals"] < 0.2),
    "large": (8, lambda f: f["source"] == 0 and f["size"] >= np.log(300) and f["capitals"] < 0.2),
    "print": (24, lambda f: f["strokes"] >= 0.8 and f["capitals"] < 0.2),
}


def main() -> None:
    """Run one of the four commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("measure", help="features of one typical line of each writer or form")
    command.add_argument("corpus", type=Path, help="packed corpus")
    command.add_argument("--keep", type=Path, help="TOML of primes to measure in any case")
    command.add_argument("-o", "--output", type=Path, required=True, help="JSON file")
    command.set_defaults(run=measure)

    command = commands.add_parser("choose", help="lines that are far apart, group by group")
    command.add_argument("features", type=Path, help="JSON file that measure wrote")
    command.add_argument("--keep", type=Path, help="TOML of primes that are in the gallery already")
    command.add_argument("--reject", default="", help="names of lines to leave out, with commas between")
    command.add_argument("-o", "--output", type=Path, required=True, help="TOML file")
    command.set_defaults(run=choose)

    command = commands.add_parser("sheet", help="a picture of the lines, and of what a model writes after them")
    command.add_argument("corpus", type=Path, help="packed corpus")
    command.add_argument("primes", type=Path, help="TOML of primes")
    command.add_argument("-o", "--output", type=Path, required=True, help="PNG file")
    command.add_argument("--model", help="model file or name; it writes the text in each hand")
    command.add_argument("--text", default="{name} the quick brown fox jumps", help="{name} is the hand's name")
    command.add_argument("--only", default="", help="names of hands, with commas between; all if not given")
    command.add_argument("--columns", type=int, default=2)
    command.set_defaults(run=sheet)

    command = commands.add_parser("judge", help="features and legibility of what a model writes in each hand")
    command.add_argument("corpus", type=Path, help="packed corpus")
    command.add_argument("primes", type=Path, help="TOML of primes")
    command.add_argument("--model", default="writer", help="model file or name")
    command.add_argument("--best-of", type=int, default=CANDIDATES, help="candidates of each line")
    command.add_argument("-o", "--output", type=Path, required=True, help="JSON file")
    command.set_defaults(run=judge)

    options = parser.parse_args()
    options.run(options)


def measure(options: argparse.Namespace) -> None:
    """Write the features of the typical line of each writer or form."""
    corpus = InkCorpus.open(options.corpus)
    groups: dict[str, list[tuple[str, Features]]] = defaultdict(list)
    for i in corpus.select(*SPLITS):
        line = corpus.lines[i]
        if is_candidate(line):
            groups[writer_of(line)].append((line.name, features_of(corpus.ink(i), line)))
    scale = spread([features for lines in groups.values() for _, features in lines])
    typical = {}
    for lines in groups.values():
        # Lines in capitals and others of one writer are two hands.
        for capitals in (True, False):
            some = [(name, f) for name, f in lines if (f["capitals"] > 0.9) == capitals]
            if some:
                name, features = medoid(some, scale)
                typical[name] = features
    kept = set(read_primes(options.keep).values()) if options.keep else set()
    for i, line in enumerate(corpus.lines):
        if line.name in kept:
            typical[line.name] = features_of(corpus.ink(i), line)
    options.output.write_text(json.dumps(typical, indent=0))
    print(f"{len(typical)} lines of {len(groups)} writers or forms")


def is_candidate(line: Line) -> bool:
    """Return whether a line is long enough, not too long, and mostly letters."""
    least, most = LENGTHS["unipen" if line.split.startswith("unipen") else "iam"]
    inked = line.text.replace(" ", "")
    letters = sum(character.isalpha() for character in inked)
    return least <= len(line.text) <= most and line.text.count(" ") >= 2 and letters >= 0.85 * len(inked)


def writer_of(line: Line) -> str:
    """Return the writer of a UNIPEN line, or the form of an IAM-OnDB line: two forms may have one writer."""
    return f"unipen {line.writer}" if line.split.startswith("unipen") else line.name.rpartition("-")[0]


def features_of(ink: Ink, line: Line) -> Features:
    """Return the features that distinguish hands.

    Lengths are in heights of small letters; `slant` is dx per dy, below 0 to the right; `strokes` is per character;
    `gap` is the median space between words; `unsteadiness` the standard deviation of the baselines of words;
    `size` the log of the height of small letters in the corpus's units; `tallness` the height of the whole line
    without its outermost points; `speed` the mean step between points.
    """
    measures = Measures.of(ink)
    strokes = ink.strokes()
    characters = len(line.text.replace(" ", ""))
    words, gaps = split_words(strokes, line.text.count(" "))
    feet = [np.quantile(points[:, 1] - measures.slope * points[:, 0], 0.86) for points in words]
    levelled = ink.points[:, 1] - measures.slope * ink.points[:, 0]
    steps = np.hypot(*np.diff(ink.points, axis=0)[~ink.end_of_stroke[:-1]].T)
    return {
        "slant": ink.slant(),
        "width": float(np.ptp(ink.points[:, 0]) / len(line.text) / measures.x_height),
        "strokes": len(strokes) / characters,
        "gap": float(np.median(gaps) / measures.x_height),
        "unsteadiness": float(np.std(feet) / measures.x_height),
        "size": float(np.log(measures.x_height)),
        "tallness": float(np.ptp(np.quantile(levelled, [0.01, 0.99])) / measures.x_height),
        "speed": float(steps.mean() / measures.x_height),
        "capitals": sum(c.isupper() for c in line.text) / sum(c.isalpha() for c in line.text),
        "source": float(line.split.startswith("unipen")),
    }


def split_words(strokes: Sequence[np.ndarray], blanks: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Cut a line at its widest gaps; returns the points of each word and the widths of the gaps.

    Args:
        blanks: Number of blanks in the text.
    """
    right = np.maximum.accumulate([stroke[:, 0].max() for stroke in strokes])
    left = np.array([stroke[:, 0].min() for stroke in strokes])
    gaps = left[1:] - right[:-1]
    cuts = np.sort(np.argsort(-gaps)[:blanks]) + 1
    pieces = np.split(np.arange(len(strokes)), cuts)
    words = [np.concatenate([strokes[i] for i in piece]) for piece in pieces]
    return words, gaps[cuts - 1] if len(cuts) else np.zeros(1)


def vector(features: Features) -> np.ndarray:
    """Return the weighted features as a vector."""
    return np.array([features[name] * weight for name, weight in WEIGHTS.items()])


def spread(all_features: Sequence[Features]) -> np.ndarray:
    """Return the robust standard deviation of each component of `vector`."""
    weights = np.array(list(WEIGHTS.values()))
    low, high = np.quantile([vector(features) for features in all_features], [0.1, 0.9], axis=0) / weights
    return np.maximum((high - low) / 2.56, 0.1)


def medoid(lines: Sequence[tuple[str, Features]], scale: np.ndarray) -> tuple[str, Features]:
    """Return the line nearest to the median of all."""
    found = np.array([vector(features) / scale for _, features in lines])
    return lines[int(np.linalg.norm(found - np.median(found, axis=0), axis=1).argmin())]


def choose(options: argparse.Namespace) -> None:
    """Write candidates for each group, each as far as possible from all primes chosen before it."""
    lines: dict[str, Features] = json.loads(options.features.read_text())
    for name in filter(None, options.reject.split(",")):
        lines.pop(name, None)
    scale = spread(list(lines.values()))
    names = list(lines)
    # A line with a feature beyond 3.5 standard deviations is more likely faulty than unusual.
    found = np.array([vector(lines[name]) / scale for name in names])
    centre = np.median(found, axis=0)
    usable = (abs(found - centre) <= 3.5 * np.array(list(WEIGHTS.values())))[:, :-1].all(axis=1)
    groups = group_of(lines)
    kept = read_primes(options.keep) if options.keep else {}
    chosen = [names.index(line) for line in kept.values()]
    written = [f'{name} = "{line}"' for name, line in kept.items()]
    for group, (count, _) in QUOTAS.items():
        members = [i for i, name in enumerate(names) if groups[name] == group and usable[i] and i not in chosen]
        picked = farthest(found, members, chosen, count)
        chosen += picked
        written.append(f'\n["{group}"]')
        written += [f'{group.replace(" ", "-")}-{k} = "{names[i]}"' for k, i in enumerate(picked, 1)]
        print(f"{group}: {len(picked)} of {len(members)}")
    options.output.write_text("\n".join(written).lstrip() + "\n")


def group_of(lines: dict[str, Features]) -> dict[str, str]:
    """Return the first group of QUOTAS that takes each line, empty where none does."""
    return {
        name: next((group for group, (_, takes) in QUOTAS.items() if takes(features)), "")
        for name, features in lines.items()
    }


def farthest(found: np.ndarray, members: Sequence[int], chosen: Sequence[int], count: int) -> list[int]:
    """Return up to `count` members, each the one that is farthest from all chosen before it."""
    if not members:
        return []
    points = found[members]
    if chosen:
        nearest = np.linalg.norm(points[:, None] - found[chosen][None], axis=2).min(axis=1)
    else:
        nearest = -np.linalg.norm(points - np.median(points, axis=0), axis=1)  # begin with a typical one
    picked: list[int] = []
    while len(picked) < min(count, len(members)):
        best = int(nearest.argmax())
        picked.append(members[best])
        distance = np.linalg.norm(points - points[best], axis=1)
        nearest = distance if len(picked) == 1 and not chosen else np.minimum(nearest, distance)
        nearest[best] = -np.inf
    return picked


def read_primes(path: Path) -> dict[str, str]:
    """Return the names of the hands of a TOML file with their lines, groups left out."""
    primes: dict[str, str] = {}
    for name, value in tomllib.loads(path.read_text()).items():
        primes |= value if isinstance(value, dict) else {name: value}
    return primes


def sheet(options: argparse.Namespace) -> None:
    """Draw the lines, and what a model writes after them."""
    corpus = InkCorpus.open(options.corpus)
    numbers = {line.name: i for i, line in enumerate(corpus.lines)}
    primes = read_primes(options.primes)
    wanted = [name for name in options.only.split(",") if name] or list(primes)
    rows: list[tuple[str, list[Ink]]] = []
    for name in wanted:
        i = numbers[primes[name]]
        features = features_of(corpus.ink(i), corpus.lines[i])
        label = f"{name}  {primes[name]}  " + " ".join(
            f"{key[:3]} {features[key]:.2f}" for key in ("slant", "width", "strokes", "unsteadiness", "speed")
        )
        rows.append((label, [corpus.ink(i)]))
    if options.model:
        add_written(options, corpus, [numbers[primes[name]] for name in wanted], wanted, rows)
    draw_rows(rows, options.columns).save(options.output)


def add_written(
    options: argparse.Namespace,
    corpus: InkCorpus,
    lines: Sequence[int],
    names: Sequence[str],
    rows: list[tuple[str, list[Ink]]],
) -> None:
    """Add to each row the line that the model writes in that hand, and print its features after those of the prime."""
    model = load_model(options.model, "writer")
    requests = []
    for name, i in zip(names, lines, strict=True):
        hand = prime_hand(model, name, model.represented(corpus.ink(i)), corpus.lines[i].text)
        requests.append(request_in(model, hand, options.text.format(name=name)))
    for row, line in zip(rows, line_writer(CANDIDATES, model).write(model, requests), strict=True):
        row[1].append(line.ink)
        written = features_of(line.ink, Line("", line.text))
        state = "" if line.complete else "  INCOMPLETE"
        print(f"{row[0]} -> " + " ".join(f"{key[:3]} {written[key]:.2f}" for key in SHOWN) + state)


def request_in(model: Model, hand: Hand, text: str, occurrence: int = 0) -> LineRequest:
    """Return a request for a line in a hand, in capitals where the hand's prime is in capitals."""
    text = text.upper() if hand.text.isupper() else text
    return LineRequest(prepare(text, model.alphabet), hand, BIAS, occurrence=occurrence)


def judge(options: argparse.Namespace) -> None:
    """Write JUDGED in each hand; store the mean features, the share of complete lines and the OCR error.

    Prints for each hand the nearest other hand and how far it is, in standard deviations of the primes.
    """
    corpus = InkCorpus.open(options.corpus)
    model = load_model(options.model, "writer")
    numbers = {line.name: i for i, line in enumerate(corpus.lines)}
    requests = []
    primes = {}
    for name, line_name in read_primes(options.primes).items():
        ink = corpus.ink(numbers[line_name])
        line = corpus.lines[numbers[line_name]]
        primes[name] = features_of(ink, line)
        hand = prime_hand(model, name, model.represented(ink), line.text)
        requests += [request_in(model, hand, text, number) for number, text in enumerate(JUDGED)]
    lines = line_writer(options.best_of, model).write(model, requests)
    judged: dict[str, dict] = {}
    for k in range(0, len(lines), len(JUDGED)):
        own = lines[k : k + len(JUDGED)]
        found = [features_of(line.ink, Line("", line.text)) for line in own]
        name = requests[k].hand.name
        judged[name] = {
            "prime": primes[name],
            "written": {key: float(np.mean([features[key] for features in found])) for key in found[0]},
            "complete": float(np.mean([line.complete for line in own])),
            "error": character_error(own),
        }
    options.output.write_text(json.dumps(judged, indent=1))
    report_judged(judged)


def report_judged(judged: dict[str, dict]) -> None:
    """Print one row for each hand: prime and written features, legibility, the nearest other hand."""
    names = list(judged)
    scale = spread([row["prime"] for row in judged.values()])
    found = np.array([vector(judged[name]["written"]) / scale for name in names])
    distance = np.linalg.norm(found[:, None] - found[None], axis=2) + np.diag(np.full(len(names), np.inf))
    for i, name in enumerate(names):
        row = judged[name]
        pairs = " ".join(f"{k[:3]} {row['prime'][k]:5.2f} {row['written'][k]:5.2f}" for k in SHOWN)
        nearest = int(distance[i].argmin())
        print(
            f"{name:16} {pairs}  complete {row['complete']:.2f}  OCR error {row['error']:.2f}"
            f"  nearest {names[nearest]} {distance[i, nearest]:.2f}"
        )


def draw_rows(rows: Sequence[tuple[str, list[Ink]]], columns: int) -> Image.Image:
    """Return a picture with each row's label above its lines, in columns."""
    page = Page(x_height=2.2, margin=1)
    cells = []
    for label, inks in rows:
        pictures = [picture(place(level([ink], page), page)[0], dpi=110, pen=0.4) for ink in inks]
        width, height = 900, 16 + sum(image.height for image in pictures)
        cell = Image.new("RGB", (width, height), "white")
        ImageDraw.Draw(cell).text((2, 2), label, fill="#a00000")
        y = 16
        for image in pictures:
            cell.paste(image, (0, y))
            y += image.height
        cells.append(cell)
    share = -(-len(cells) // columns)
    stacks = [cells[k : k + share] for k in range(0, len(cells), share)]
    whole = Image.new("RGB", (900 * columns, max(sum(c.height for c in stack) for stack in stacks)), "white")
    for column, stack in enumerate(stacks):
        y = 0
        for cell in stack:
            whole.paste(cell, (900 * column, y))
            y += cell.height
    return whole


if __name__ == "__main__":
    main()

"""Lines written by the bundled writer, in place of IAM-OnDB where that is not available.

They let the figures be drawn and the claims on a model's own writing be measured without a corpus whose licence has
to be accepted first. They say nothing about Tables 3 and 4: those are scores on real lines.
"""

from dataclasses import replace

import numpy as np

from nextstroke.datasets.iam import TRAINING, VALIDATION
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.handwriting.hands import Hand, gallery
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import write
from nextstroke.ink import Ink
from nextstroke.pages.spline import polyline
from nextstroke.paper.figures import HELD_OUT, PRIMES
from nextstroke.runtime.model_file import Model

NOTE = "written by the bundled writer: no corpus of real lines was given"
BIAS = 0.3  # lines differ as hands do, and can still be read
POINTS = 3  # points of raw ink for each of simplified ink, as `Ink.simplified` keeps one of three
SENTENCES = (
    "The boat lay under the old bridge",
    "and so under it the water ran",
    "Nobody had seen him since Monday",
    "a letter came from the north",
    "We counted the chairs twice",
    "It was the end of a long day",
    "The baker opens at six",
    "children played in the yard",
    "Her answer surprised them all",
    "as soon as the rain has stopped",
    "The clock on the wall was slow",
    "with a basket full of apples",
    "My uncle mended the fence",
    "before the guests arrive",
    "They sang until midnight",
    "the road to the village",
    "Please close the window",
    "under the table and behind it",
    "He wrote the number down",
    "a quiet street in autumn",
    "The lamp needs more oil",
    "between two tall houses",
    "She kept the map for years",
    "and nothing else was said",
)


def stand_in_corpus(model: Model, seed: int) -> InkCorpus:
    """Write one line of each text in a hand of its own, as a corpus with the splits of IAM-OnDB.

    Args:
        model: A writer of simplified ink; its gallery has the hands.
        seed: Random seed of the lines.

    Returns: Lines with as many points as raw ink has. The texts that the paper's figures need are among them.
    """
    hands = list(gallery(model.path).values()) or [Hand.none()]
    training = [*PRIMES, *SENTENCES[::2]]
    validation = [*HELD_OUT, *SENTENCES[1::2], *SENTENCES[:1]]
    texts = [*training, *validation]
    chosen = np.linspace(0, len(hands) - 1, len(texts)).round().astype(int)
    requests = [
        replace(request, hand=hands[number])
        for request, number in zip(line_requests(model, texts, bias=BIAS, seed=seed), chosen, strict=True)
    ]
    splits = [TRAINING[0]] * len(training) + [VALIDATION[0]] * len(validation)
    lines = [
        Line(f"written-{number:02d}", text, split)
        for number, (text, split) in enumerate(zip(texts, splits, strict=True))
    ]
    return InkCorpus.of(lines, [as_raw(line.bare) for line in write(model, requests)])


def as_raw(ink: Ink) -> Ink:
    """Return simplified ink with the points that its spline has between its own."""
    return Ink.from_strokes(polyline(stroke, POINTS) for stroke in ink.strokes())

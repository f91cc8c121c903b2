"""Each part of the engine in the browser computes what the Python module of the same name computes; run by node."""

import base64
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.adaptation import Adaptation
from nextstroke.handwriting.best_of import line_writer, stray_dots
from nextstroke.handwriting.glyphs.diacritics import normal
from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.hands import gallery_hand, pack_hands, unpack_hands
from nextstroke.handwriting.learn_hand import SPECIMEN, known_size, learn_hand
from nextstroke.handwriting.request import LineRequest, line_requests, prepare
from nextstroke.handwriting.sampler import write
from nextstroke.handwriting.traits import traits_of
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures, Page, level
from nextstroke.runtime.mixture_sampling import Mixture
from nextstroke.runtime.model_file import load_model
from nextstroke.text.generate import Choice, Spelling, generate
from nextstroke.web.engine_constants import CONSTANTS
from nextstroke.web.site import site_files

TEXT = "The quick brown fox, twice"


def write_line(writer, text, bias, seed):
    (line,) = write(writer, line_requests(writer, [text], bias=bias, seed=seed), attempts=1)
    return line


def as_job(ink):
    return {"points": ink.points.tolist(), "ends": ink.end_of_stroke.tolist()}


@pytest.mark.parametrize("half", [False, True])
def test_galleries_of_both_kinds_of_numbers_are_read(browser_engine, half):
    hands = [replace(gallery_hand("wide", "writer"), group="print"), gallery_hand("cursive", "writer")]
    stored = pack_hands(hands, half)
    (found,) = browser_engine({"job": "gallery", "bytes": base64.b64encode(stored).decode()})
    read = unpack_hands(stored, "a.styles")
    assert [(hand["name"], hand["group"], hand["text"]) for hand in found] == [
        (hand.name, hand.group, hand.text) for hand in read.values()
    ]
    for hand, same in zip(found, read.values(), strict=True):
        assert hand["last"] == same.last[0].tolist()
        assert hand["state"] == {name: rows[0].tolist() for name, rows in same.state.items()}


def test_random_numbers_are_numpys(browser_engine):
    entropies = [[0], [1, 0, 0], [7, 3, 2], [2**40 + 5, 1, 1], [1, 2, 3, 4, 5, 6]]
    jobs = [{"job": "random", "entropy": entropy, "count": 5} for entropy in entropies]
    for entropy, numbers in zip(entropies, browser_engine(*jobs), strict=True):
        assert numbers == np.random.default_rng(entropy).random(5).tolist()


def test_normal_numbers_are_numpys(browser_engine):
    # Of 300,000 numbers about 80 come from the tail of the distribution and 4,000 from the edge of a layer.
    (numbers,) = browser_engine({"job": "random", "kind": "normal", "entropy": [3, 4], "count": 300_000})
    expected = np.random.default_rng([3, 4]).normal(0, 1, 300_000)
    assert np.abs(expected).max() > 3.66
    np.testing.assert_allclose(numbers, expected, rtol=1e-12, atol=1e-14)


def test_points_are_drawn_as_in_python(browser_engine):
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1.5, (50, 121)).astype(np.float32)
    uniforms = rng.random((50, 4))
    biases = rng.random(50) * 3
    jobs = [
        {"job": "draw", "y": y.tolist(), "bias": float(bias), "uniforms": uniform.tolist()}
        for y, bias, uniform in zip(rows, biases, uniforms, strict=True)
    ]
    np.testing.assert_allclose(browser_engine(*jobs), Mixture(rows, biases).draw(uniforms), atol=1e-4)


def test_a_temperature_divides_log_weights_and_multiplies_variances(browser_engine):
    rng = np.random.default_rng(2)
    y = rng.normal(0, 1.5, 121).astype(np.float32)
    job = {"job": "mixture", "y": y.tolist(), "bias": 0.4}
    hot, usual = browser_engine(job | {"temperature": 2.5}, job | {"temperature": 1})
    mixture = Mixture(y[None], np.array([0.4]))
    sharp = mixture.pi[0] ** (1 / 2.5)
    np.testing.assert_allclose([each["pi"] for each in hot], sharp / sharp.sum(), rtol=1e-5)
    np.testing.assert_allclose([each["pi"] for each in usual], mixture.pi[0], rtol=1e-5)
    for rows, scale in ((hot, 2.5), (usual, 1)):
        variances = np.array([[each["sigma1"], each["sigma2"]] for each in rows]) ** 2
        np.testing.assert_allclose(variances, scale * mixture.sigma[0] ** 2, rtol=1e-5)
        np.testing.assert_allclose([each["rho"] for each in rows], mixture.rho[0], rtol=1e-5)
        np.testing.assert_allclose([[each["mu1"], each["mu2"]] for each in rows], mixture.mu[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("style", "bias", "text"),
    [("none", 0.5, TEXT), ("flowing", 0.0, TEXT), ("wide", 1.0, "Café for €12"), ("neat", 0.7, "# of a/b, * 9 @")],
)
def test_a_seed_gives_the_same_ink(browser_engine, writer, style, bias, text):
    job = {"job": "line", "text": text, "style": style, "bias": bias, "seed": 3, "occurrence": 2, "attempt": 1}
    (found,) = browser_engine(job)
    hand = gallery_hand(style, "writer")
    request = LineRequest(prepare(text, writer.alphabet), hand, bias, seed=3, occurrence=2, attempt=1)
    (line,) = write(writer, [request], attempts=1)
    assert found["ends"] == line.ink.end_of_stroke.tolist()
    # To 1e-4 of the unit that the network works in, over the first hundred points: differences in rounding grow.
    std = writer.metadata["normalisation"]["std"][0]
    np.testing.assert_allclose(np.array(found["points"])[:100], line.ink.points[:100], atol=100 * 1e-4 * std)
    assert found["complete"] == line.complete
    np.testing.assert_allclose(found["phi"], line.phi[-1], atol=1e-2)


def test_the_same_candidate_is_chosen(browser_engine, writer):
    job = {"job": "best", "text": TEXT, "style": "cursive", "bias": 0.3, "seed": 5, "occurrence": 0, "candidates": 4}
    (points,) = browser_engine(job)
    requests = line_requests(writer, [TEXT], gallery_hand("cursive", "writer"), 0.3, 5)
    (line,) = line_writer(4, writer).write(writer, requests)
    np.testing.assert_allclose(points, line.ink.points, atol=1.0)


def test_stray_dots_are_counted_as_in_python(browser_engine, writer):
    lines = write(writer, line_requests(writer, [TEXT] * 12, bias=0.2), attempts=1)
    counts = set()
    for text in (TEXT, TEXT.replace("i", "e")):
        found = browser_engine(*({"job": "strayDots", "text": text} | as_job(line.ink) for line in lines))
        assert found == [stray_dots(line.ink, text) for line in lines]
        counts |= set(found)
    assert len(counts) > 1


def test_a_line_is_read_and_levelled_as_in_python(browser_engine, writer):
    ink = write_line(writer, TEXT, 0.5, 1).ink
    nats, found = browser_engine({"job": "read", "text": TEXT} | as_job(ink), {"job": "level"} | as_job(ink))
    np.testing.assert_allclose(nats, line_writer(2, writer).recogniser.ctc_nll([ink], [TEXT]), rtol=1e-3)
    measures = Measures.of(ink)
    np.testing.assert_allclose([found[k] for k in ("slope", "baseline", "xHeight")], list(vars(measures).values()))
    (levelled,) = level([ink], Page(x_height=measures.x_height))
    np.testing.assert_allclose(found["points"], levelled.points, atol=1e-6)


def test_composed_characters_are_the_same(browser_engine, writer):
    texts = [
        "Zażółć gęślą jaźń",
        "naïve coöperation",
        "100 % of £5 = ¥800",
        "“Quotes” – and … ﬁne",
        "e\u0301 ☃",
        "# a/b <c> d * *",
        "☺",
    ]
    alphabet = Alphabet(writer.metadata["alphabet"])
    found = browser_engine(*({"job": "characters", "text": text} for text in texts))
    assert found == [[normal(text), plain(normal(text), alphabet)] for text in texts]


def test_a_hand_is_learned_as_in_python(browser_engine, writer):
    words = ["The quick brown fox jumps", "over a lazy dog at night"]
    inks = [write_line(writer, text, 0.5, 5).ink for text in words]
    lines = [
        {"text": text, "strokes": [s.tolist() for s in ink.strokes()]} for text, ink in zip(words, inks, strict=True)
    ]
    hand = learn_hand(writer, "mine", list(zip(inks, words, strict=True)))
    (found,) = browser_engine({"job": "learn", "lines": lines, "xHeight": known_size(writer)})
    assert found["text"] == hand.text
    for name, value in found["adaptation"].items():
        assert value == pytest.approx(getattr(hand.adaptation, name), abs=0.02), name
    np.testing.assert_allclose(found["last"], hand.last[0], atol=1e-4)
    np.testing.assert_allclose(found["kappa"], hand.state["kappa"][0], atol=0.05)
    np.testing.assert_allclose(found["h3"], hand.state["h3"][0], atol=0.02)


def test_an_adapted_hand_writes_as_in_python(browser_engine, writer):
    adaptation = Adaptation(lift=-0.8, shear=0.1, stretch=0.9, gap=0.7, tall=1.2)
    hand = replace(gallery_hand("neat", "writer"), adaptation=adaptation)
    request = line_requests(writer, ["a house and garden"], hand, 1.0, 3)[0]
    (line,) = write(writer, [request], attempts=1)
    job = {"job": "line", "style": "neat", "bias": 1.0, "seed": 3, "attempt": 0, "occurrence": 0}
    (found,) = browser_engine(job | {"text": request.text.shown, "adaptation": asdict(adaptation)})
    np.testing.assert_allclose(found["points"], line.ink.points, atol=1.0)


def test_the_traits_of_a_line_are_the_same(browser_engine, writer):
    for text in ("a house and a garden", "word"):
        ink = write_line(writer, text, 0.5, 5).ink
        job = {"job": "traits", "points": ink.points.tolist(), "ends": ink.end_of_stroke.tolist(), "text": text}
        (found,) = browser_engine(job)
        wanted = [None if np.isnan(value) else value for value in traits_of(ink, text)]
        assert found == pytest.approx(wanted)


def test_the_known_size_is_that_of_the_same_eight_lines(browser_engine, writer):
    job = {"job": "line", "text": SPECIMEN, "style": "none", "bias": 0.0, "seed": 1, "attempt": 0}
    size, *found = browser_engine({"job": "size"}, *(job | {"occurrence": number} for number in range(8)))
    # Without a bias a line comes near a tie between two Gaussians once in ten lines or so: the last bits decide it
    # differently, and the rest of the line is different ink.
    inks = [Ink(np.array(line["points"]), np.array(line["ends"], bool)) for line in found]
    lines = write(writer, line_requests(writer, [SPECIMEN] * 8, bias=0.0), attempts=1)
    same = [
        len(ink) == len(line.ink) and np.abs(ink.points - line.ink.points).max() < 1
        for ink, line in zip(inks, lines, strict=True)
    ]
    assert sum(same) >= 6
    assert size == pytest.approx(np.median([Measures.of(ink).x_height for ink in inks]), rel=1e-6)


def test_ink_that_does_not_say_its_words_is_refused(browser_engine, writer):
    ink = write_line(writer, "something else entirely", 0.5, 5).ink
    lines = [{"text": "The quick brown fox jumps", "strokes": [stroke.tolist() for stroke in ink.strokes()]}]
    (found,) = browser_engine({"job": "learn", "lines": lines, "xHeight": 195.0})
    assert "does not seem to say" in found["error"]


def test_text_continues_as_in_python(browser_engine):
    model = load_model("text", "text")
    (found,) = browser_engine({"job": "generate", "prime": "'''", "length": 60, "temperature": 0.7, "seed": 1})
    assert found == list(generate(model, Spelling(model).read("'''"), 60, Choice(0.7), 1))


def sources():
    """The source of each JavaScript module, comments removed, by its name."""
    sources = {}
    for path in site_files().values():
        if path.suffix == ".js":
            source = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
            sources[path.stem] = re.sub(r"(?<!:)//.*", "", source)
    return sources


def constants_read(source):
    """The constants that a module reads, as pairs of a Python module and a name."""
    pairs = set(re.findall(r"constants\.(\w+)\.(\w+)", source))
    for names, module in re.findall(r"\{([^{}]*)\} = constants\.(\w+)", source):
        pairs |= {(module, name.strip()) for name in names.split(",")}
    return pairs


def test_every_constant_of_the_engine_comes_from_python():
    found = set().union(*map(constants_read, sources().values()))
    exported = {(module.__name__.rpartition(".")[2], name) for module, names in CONSTANTS.items() for name in names} | {
        ("text", "WHITESPACE")
    }
    assert found == exported


PORTED = [module for module in CONSTANTS if f"engine/{module.__name__.rpartition('.')[2]}.js" in site_files()]


@pytest.mark.parametrize("module", PORTED, ids=lambda module: module.__name__.rpartition(".")[2])
def test_no_constant_is_typed_again_in_javascript(module):
    source = sources()[module.__name__.rpartition(".")[2]]
    constants = re.findall(r"const ([A-Z][A-Z_0-9]*)\s*=", source)
    assert not [name for name in constants if hasattr(module, name)]
    # Numbers that count, halve or guard a division by zero have no name in Python either.
    unnamed = {"0", "1", "2", "3", "4", "5", "6", "0.5", "1e-9"}
    assert set(re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?", source)) <= unnamed

from xml.etree import ElementTree as ET

import numpy as np
import pytest

import nextstroke as ns
from nextstroke.cli.main import main
from nextstroke.errors import LimitExceeded
from nextstroke.handwriting import sampler
from nextstroke.handwriting.hands import gallery
from nextstroke.runtime.model_file import find_model


def test_handwriting_shows_and_saves_itself(tmp_path):
    written = ns.write("Hello, you", style="neat", bias=0.75, best_of=2)
    assert ET.fromstring(written.svg()).tag.endswith("svg")
    assert "\n" not in repr(written)
    assert len(repr(written)) < 120
    assert written.render("png").startswith(b"\x89PNG")
    assert written.save(tmp_path / "a.svg") == [str(tmp_path / "a.svg")]
    assert (tmp_path / "a.svg").read_text() == written.svg()
    assert written.letter.lines[0].text == "Hello, you"


def test_a_notebook_shows_ink_on_white():
    written = ns.write("Hello", best_of=1, ruled=True)
    root = ET.fromstring(written._repr_svg_())
    first = root[0]
    assert (first.tag.rpartition("}")[2], first.get("fill"), first.get("width")) == ("rect", "white", "100%")
    plain = ET.fromstring(written.svg())
    assert [child.tag for child in root][1:] == [child.tag for child in plain]


def test_what_is_not_said_is_as_in_the_command(tmp_path):
    assert main(["write", "Hello, you", "--margin", "4", "-o", str(tmp_path / "a.json"), "--best-of", "2"]) == 0
    assert ns.write("Hello, you", best_of=2).render("json") == (tmp_path / "a.json").read_bytes()


def test_a_page_by_name_and_hands_in_turn():
    written = ns.write("one\ntwo", style=["neat", "wide"], bias=[0.5, 1.0], page="a5", best_of=1)
    assert written.letter.sheets[0].width == 148.0
    assert len(written.letter.lines) == 2


def test_text_goes_on():
    assert ns.generate("The ", length=20, seed=3) == ns.generate("The ", length=20, seed=3)
    assert ns.generate("The ", length=5, temperature=0, top_k=1)


def test_models_of_any_kind_are_loaded():
    assert [ns.load(name).kind for name in ("writer", "text", "reader")] == ["writer", "text", "reader"]
    with pytest.raises(ns.NextstrokeError):
        ns.load("nothing")


def test_ink_shows_itself():
    ink = ns.Ink.from_strokes([np.array([[0, 0], [10, 5]]), np.array([[3, 3]])])
    root = ET.fromstring(ink._repr_svg_())
    assert root[0].get("d") == "M0 0L10 5L10 5M3 3L3 3"


def test_the_python_function_takes_what_the_command_takes(tmp_path):
    options = {"line_height": 8.0, "size": 3.0, "align": "right", "drift": 0.5, "margin": 6.0, "page": "a5"}
    line = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    drawing = {"pen": 0.5, "colour": "navy", "dpi": 60}
    line += [word for name, value in drawing.items() for word in (f"--{name}", str(value))]
    line += ["--ruled", "--nib", "--replace", "?", "--strict", "--best-of", "1", "-o", str(tmp_path / "a.png")]
    assert main(["write", "Hello \u2603 you\nand you", *line]) == 0
    switches = {"ruled": True, "nib": True, "replace": "?", "strict": True, "best_of": 1}
    written = ns.write("Hello \u2603 you\nand you", **options, **drawing, **switches)
    assert written.render("png") == (tmp_path / "a.png").read_bytes()


def test_keywords_change_a_page_and_a_look():
    page = ns.Page.named("a5", margin=20, x_height=4.0)
    written = ns.write("Hello", page=page, look=ns.Look(colour="navy"), best_of=1, size=2.0, pen=0.7)
    same = ns.write("Hello", page=ns.Page.named("a5", margin=20, x_height=2.0), best_of=1)
    np.testing.assert_array_equal(written.letter.sheets[0].lines[0].points, same.letter.sheets[0].lines[0].points)
    assert written.svg() == same.svg(ns.Look(pen=0.7, colour="navy"))


def test_strict_raises_for_a_line_that_breaks_off(monkeypatch):
    monkeypatch.setattr(sampler, "PATIENCE", 0.0)
    monkeypatch.setattr(sampler, "SPARE_POINTS", 20)
    assert ns.write("Hello", best_of=1).letter.incomplete == ["Hello"]
    with pytest.raises(LimitExceeded, match="Hello"):
        ns.write("Hello", best_of=1, strict=True)


def test_styles_are_listed_and_can_be_written_in():
    names = ns.styles()
    assert names == list(gallery(find_model("writer")))
    assert len(names) >= 40
    assert ns.write("Hello", style=names[3], best_of=1).about["style"] == names[3]
    hand = ns.gallery_hand(names[3], "writer")
    given = ns.write("Hello", style=hand, best_of=1)
    assert given.svg() == ns.write("Hello", style=names[3], best_of=1).svg()


def test_numbers_of_numpy_are_numbers():
    mine = ns.write("Hello", bias=np.float32(0.5), seed=np.int64(3), best_of=np.int32(1), size=np.float64(2.5))
    assert mine.render("json") == ns.write("Hello", bias=0.5, seed=3, best_of=1, size=2.5).render("json")
    model = ns.load_model("writer", "writer")
    (line,) = ns.write_lines(model, ["ab"], bias=np.float32(0.5), seed=np.int64(1))
    np.testing.assert_array_equal(line.ink.points, ns.write_lines(model, ["ab"], 0.5, 1)[0].ink.points)
    assert ns.write("one\ntwo", bias=np.array([0.5, 1.0]), best_of=1).about["bias"] == [0.5, 1.0]


MISUSES = [
    (lambda: ns.write(3), "text 3"),
    (lambda: ns.write(None), "text None"),
    (lambda: ns.write("a", seed=None), "seed None"),
    (lambda: ns.write("a", seed=-1), "seed -1"),
    (lambda: ns.write("a", seed=1.5), "seed 1.5"),
    (lambda: ns.write("a", seed=True), "seed True"),
    (lambda: ns.write("a", best_of=0), "best_of 0"),
    (lambda: ns.write("a", best_of=2.0), "best_of 2.0"),
    (lambda: ns.write("a", best_of=65), "best_of 65"),
    (lambda: ns.write("a", bias="0.5"), "bias '0.5'"),
    (lambda: ns.write("a", bias=None), "bias None"),
    (lambda: ns.write("a", bias=[]), "bias"),
    (lambda: ns.write("a", bias=float("nan")), "bias nan"),
    (lambda: ns.write("a", style=3), "style 3"),
    (lambda: ns.write("a", style=[]), "style"),
    (lambda: ns.write("a", style="nobody"), "style 'nobody'"),
    (lambda: ns.write("a", page=3), "page 3"),
    (lambda: ns.write("a", page="a99"), "page 'a99'"),
    (lambda: ns.write("a", size="big"), "size 'big'"),
    (lambda: ns.write("a", size=-1), "-1"),
    (lambda: ns.write("a", align="up"), "align 'up'"),
    (lambda: ns.write("a", align=3), "align 3"),
    (lambda: ns.write("a", ruled="yes"), "ruled 'yes'"),
    (lambda: ns.write("a", colour=3), "colour 3"),
    (lambda: ns.write("a", pen="thick"), "pen 'thick'"),
    (lambda: ns.write("a", look="blue"), "look 'blue'"),
    (lambda: ns.write("a", replace=3), "replace 3"),
    (lambda: ns.write("a", model=3), "model 3"),
    (lambda: ns.write("a", model="nothing"), "nothing"),
    (lambda: ns.styles(3), "model 3"),
    (lambda: ns.load(3), "model 3"),
    (lambda: ns.generate(3), "prime 3"),
    (lambda: ns.generate("a", length="ten"), "length 'ten'"),
    (lambda: ns.generate("a", length=-1), "length -1"),
    (lambda: ns.generate("a", seed=-1), "seed -1"),
    (lambda: ns.generate("a", temperature="hot"), "temperature 'hot'"),
    (lambda: ns.write_lines("writer", ["a"]), "model 'writer'"),
    (lambda: ns.write_lines(ns.load("writer"), "abc"), "texts 'abc'"),
    (lambda: ns.write_lines(ns.load("writer"), ["a", 3]), "text 3"),
    (lambda: ns.write_lines(ns.load("writer"), ["a"], style="neat"), "style 'neat'"),
    (lambda: ns.write_lines(ns.load("writer"), ["a"], attempts=0), "attempts 0"),
]


@pytest.mark.parametrize(("misuse", "says"), MISUSES, ids=[says for _, says in MISUSES])
def test_every_misuse_is_an_error_of_ours_that_says_what_was_given(misuse, says):
    with pytest.raises(ns.NextstrokeError) as caught:
        misuse()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("misuse", "says"),
    [
        (lambda written, tmp_path: written.render("bmp"), "format 'bmp'"),
        (lambda written, tmp_path: written.render(None), "format None"),
        (lambda written, tmp_path: written.render("svg", page=7), "page 7"),
        (lambda written, tmp_path: written.render("svg", "navy"), "look 'navy'"),
        (lambda written, tmp_path: written.svg(page=-1), "page -1"),
        (lambda written, tmp_path: written.save(tmp_path / "a.bmp"), "bmp"),
        (lambda written, tmp_path: written.save(3), "path 3"),
    ],
)
def test_misuse_of_what_was_written_is_an_error_of_ours_too(misuse, says, tmp_path):
    with pytest.raises(ns.NextstrokeError, match=says):
        misuse(ns.write("Hello", best_of=1), tmp_path)


def test_old_names_work_or_say_what_replaced_them():
    assert (ns.Style, ns.Written) == (ns.Hand, ns.Line)
    assert (ns.find_style, ns.learn_style) == (ns.gallery_hand, ns.prime_hand)
    with pytest.raises(AttributeError, match="write_lines"):
        ns.write_soundly  # noqa: B018

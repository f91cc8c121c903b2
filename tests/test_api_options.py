"""Every option of `ns.write` with every format: it changes the file, or it is refused by its name in Python."""

import inspect

import pytest

import nextstroke as ns
from nextstroke.errors import UsageError
from nextstroke.pages.plotter import Plotter
from nextstroke.pages.save import FORMATS
from tests.every_option import ALL, OPTIONS, TEXT, base, remembered_lines

# Arguments that say what is written and by which model, and what may go wrong or how long it may take.
OTHERS = {"text", "best_of", "model", "budget", "look", "strict"}


@pytest.fixture(scope="module", autouse=True)
def _written():
    with remembered_lines():
        yield


def test_every_option_is_a_keyword():
    assert set(inspect.signature(ns.write).parameters) - OTHERS == set(OPTIONS)
    assert set(FORMATS) == ALL


@pytest.mark.parametrize("format", sorted(ALL))
def test_an_option_is_used_or_refused(tmp_path, format):
    plain = ns.write(TEXT, **base(format)).render(format)
    for name, (_, value, formats) in OPTIONS.items():
        written = ns.write(TEXT, **base(format) | {name: value})
        if format in formats:
            assert written.render(format) != plain, f"{name} is ignored in {format}"
            continue
        path = tmp_path / f"a.{format}"
        for draw in (lambda written=written: written.render(format), lambda w=written, p=path: w.save(p)):
            with pytest.raises(UsageError) as caught:
                draw()
            told = str(caught.value)
            assert told.startswith((f"{name}: has no meaning in the format {format}", f"machine {value}: "))
            assert "--" not in told
        assert not path.exists()


def test_what_a_page_or_a_look_asks_for_is_refused_too():
    page = ns.Page(margin=4.0, paper="grid")
    written = ns.write("It is", best_of=1, page=page)
    with pytest.raises(UsageError, match=r"^paper: has no meaning in the format xopp, only in svg, png"):
        written.render("xopp")
    with pytest.raises(UsageError, match=r"^paper: "):
        written.render("json", ns.Look())
    plain = ns.write("It is", best_of=1)
    for look, name in [
        (ns.Look(colour="red"), "colour"),
        (ns.Look(plotter=Plotter(feed=900.0)), "feed"),
        (ns.Look(plotter=Plotter.of("grbl-z")), "machine"),
        (ns.Look(plotter=Plotter(arcs=True)), "arcs"),
    ]:
        for draw in (
            lambda look=look: plain.render("json", look),
            lambda look=look: ns.write("It is", best_of=1, look=look).render("json"),
            lambda look=look: ns.save(plain.letter.sheets, "a.json", None, look, {}),
        ):
            with pytest.raises(UsageError, match=f"^{name}: has no meaning in the format json"):
                draw()


def test_another_look_takes_the_place_of_the_one_that_was_given():
    written = ns.write("It is", best_of=1, colour="red", paper="blank")
    with pytest.raises(UsageError, match=r"^paper: "):  # given, though it is the usual one
        written.render("json", ns.Look())
    written = ns.write("It is", best_of=1, colour="red")
    assert written.render("json", ns.Look()) == ns.write("It is", best_of=1).render("json")


@pytest.mark.parametrize("switch", ["ruled", "nib", "animate", "shortest", "markup"])
def test_a_switch_that_is_off_asks_for_nothing(switch):
    assert ns.write("It is", best_of=1, **{switch: False}).render("json")


def test_a_notebook_shows_what_other_formats_have_a_use_for():
    for options in ({"dpi": 60}, {"speed": 2}, {"machine": "grbl-servo"}, {"bed": [300, 200]}):
        written = ns.write("It is", best_of=1, **options)
        assert written._repr_svg_() == ns.write("It is", best_of=1)._repr_svg_()
        with pytest.raises(UsageError, match=f"^{next(iter(options))}"):
            written.svg()


def test_two_papers_are_refused():
    with pytest.raises(UsageError, match="ruled and paper grid: give one of them"):
        ns.write("It is", paper="grid", ruled=True)


def test_settings_of_a_machine_can_be_changed():
    look = ns.Look(plotter=Plotter.of("grbl-servo"))
    for options in ({"look": look}, {"machine": "grbl-servo"}):
        code = ns.write("It is", best_of=1, **options, feed=900, pen_up="M5\nG4 P1").render("gcode").decode()
        assert "M5\nG4 P1\nG4 P0.15" in code
        assert "F900" in code


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bed": [300]}, "bed [300]: give two numbers"),
        ({"bed": 300}, "bed 300: give a list"),
        ({"offset": ["a", 1]}, "offset ['a', 1]: give two numbers"),
        ({"feed": "fast"}, "feed 'fast': give a number"),
        ({"machine": "printer"}, "machine 'printer': give one of grbl-servo"),
        ({"pen_up": " "}, "pen up ' ': give lines of printable G-code"),
        ({"shortest": 1}, "shortest 1: give a bool"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, says):
    with pytest.raises(UsageError) as caught:
        ns.write("It is", **options)
    assert str(caught.value).startswith(says)

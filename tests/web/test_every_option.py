"""Every option of POST /v1/write with every format: it changes the file, or it is refused by its name in JSON."""

import json
from typing import get_args

import httpx
import pytest

from nextstroke.pages.plotter import MACHINES as PROFILES
from nextstroke.pages.save import FORMATS, LINES
from nextstroke.web.server.app import KINDS
from nextstroke.web.server.schemas import EXAMPLES, WriteBody
from tests.every_option import ALL, OPTIONS, TEXT, base, remembered_lines

# Fields that say what is written and where it goes, and what may go wrong or how long it may take.
OTHERS = {"text", "format", "best_of", "strict"}
# Options that change the lines that are streamed: not how they are drawn, nor where they are on the page.
OF_LINES = {name for name, option in OPTIONS.items() if option.formats == ALL} - {"page", "margin", "line_height"}


@pytest.fixture(scope="module", autouse=True)
def _written():
    with remembered_lines():
        yield


def answer_of(client, format, **fields) -> httpx.Response:
    return client.post("/v1/write", json={"text": TEXT, "format": format} | base(format) | fields)


def test_every_option_of_the_command_is_a_field():
    assert set(WriteBody.model_fields) - OTHERS == set(OPTIONS)
    assert set(get_args(WriteBody.model_fields["format"].annotation)) == {*FORMATS, LINES}
    assert set(KINDS) == {*FORMATS, "zip"}
    machine, _ = get_args(WriteBody.model_fields["machine"].annotation)
    assert set(get_args(machine)) == set(PROFILES)


@pytest.mark.parametrize("format", sorted(ALL))
def test_an_option_is_used_or_refused(client, format):
    plain = answer_of(client, format)
    assert plain.status_code == 200, plain.text
    for name, (_, value, formats) in OPTIONS.items():
        answer = answer_of(client, format, **{name: value})
        if format in formats:
            assert answer.status_code == 200, answer.text
            assert answer.content != plain.content, f"{name} is ignored in {format}"
            continue
        assert answer.status_code == 422, f"{name} is taken in {format}"
        told = answer.json()["error"]
        assert told.startswith((f"{name}: has no meaning in the format {format}", f"machine {value}: "))
        assert "--" not in told


def test_an_option_changes_the_lines_that_are_streamed_or_is_refused(client):
    plain = answer_of(client, LINES)
    assert plain.status_code == 200, plain.text
    for name, option in OPTIONS.items():
        answer = answer_of(client, LINES, **{name: option.value})
        if name in OF_LINES:
            assert answer.text != plain.text, f"{name} is ignored"
        elif name != "page":
            assert answer.status_code == 422, f"{name} is taken"
            assert answer.json()["error"].startswith(f"{name}: has no meaning in the format ndjson")
    assert answer_of(client, LINES, strict=True).status_code == 422


def test_what_wraps_or_shakes_lines_that_are_streamed_has_a_use_together(client):
    long = {"text": "a few words on a line", "size": 2}
    whole, narrow, narrower = (
        answer_of(client, LINES, **long | more)
        for more in ({}, {"page": "60x60", "margin": 8}, {"page": "60x60", "margin": 16})
    )
    assert len({answer.text.count("\n") for answer in (whole, narrow, narrower)}) == 3
    level, high = (answer_of(client, LINES, drift=1, line_height=height).text for height in (10, 30))
    assert level != high


@pytest.mark.parametrize("value", [None, False])
def test_a_field_that_asks_for_nothing_is_no_option(client, value):
    off = {name: value for name, field in WriteBody.model_fields.items() if field.default is value}
    assert len(off) > 5
    plain, same = (client.post("/v1/write", json={"text": "it is", "format": "json"} | more) for more in ({}, off))
    assert (same.status_code, same.content) == (200, plain.content)


def test_speed_is_that_of_an_animation(client):
    told = answer_of(client, "svg", speed=2).json()["error"]
    assert told == "speed: has no meaning in the format svg without animate; give that too, or leave it out"
    slow, fast = (answer_of(client, "svg", animate=True, speed=speed).content for speed in (1, 2))
    assert slow != fast


def test_styles_and_biases_alternate_between_paragraphs(client):
    text = "it is\nit is"
    pairs = [{"style": "neat,cursive"}, {"style": "neat"}, {"bias": [0.1, 2]}, {"bias": 0.1}]
    rows = [
        [json.loads(row) for row in answer_of(client, LINES, text=text, **pair).text.splitlines()] for pair in pairs
    ]
    for several, one in (rows[:2], rows[2:]):
        assert several[0] == one[0]
        assert several[1]["strokes"] != one[1]["strokes"]
    about = answer_of(client, "json", text=text, style="none,cursive", bias=[0.1, 2]).json()
    assert (about["style"], about["bias"]) == ("none,cursive", [0.1, 2])


def test_commands_of_the_pen_are_in_the_code(client):
    lines = {"machine": "marlin-servo", "pen_up": "M5\nM6", "pen_down": "M3", "header": "G28", "footer": "M84"}
    code = answer_of(client, "gcode", **lines, dwell=20, feed=700, bed=[300, 200]).text
    assert code.splitlines()[1:5] == ["G28", "M5", "M6", "G4 P20"]
    assert code.endswith("\nM84\n")
    assert "F700" in code


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"pen_up": "a" * 201}, 422, "pen_up: "),
        ({"header": "a" * 4001}, 422, "header: "),
        ({"pen_down": "\x07"}, 422, "pen down"),
        ({"machine": "/dev/lp0"}, 422, "machine: "),
        ({"machine": "axidraw"}, 422, "machine axidraw: takes SVG, not gcode"),
        ({"bed": [300]}, 422, "bed: "),
        ({"bed": [9, 300]}, 422, "bed.0: "),
        ({"offset": [0, 1e9]}, 422, "offset.1: "),
        ({"feed": 0}, 422, "feed: "),
        ({"dwell": 60_001}, 422, "dwell: "),
        ({"tolerance": 2}, 422, "tolerance: "),
        ({"bed": [20, 20], "page": "a5"}, 413, "larger than the bed"),
        ({"format": "png", "background": "/etc/passwd"}, 422, "give a colour such as ivory"),
        ({"format": "svg", "paper": "grid", "ruled": True}, 422, "ruled and paper grid: give one of them"),
        ({"style": "neat," * 100}, 422, "101 styles: give at most 100"),
        ({"style": "neat,nobody"}, 422, "style 'nobody'"),
        ({"bias": []}, 422, "bias"),
        ({"bias": [0.5] * 101}, 422, "bias"),
        ({"replace": "x" * 101}, 422, "replace: "),
        ({"text": "☃" * 50, "replace": "x" * 100}, 413, "5000 characters, at most 300"),
        ({"markup": "yes"}, 422, "markup: "),
    ],
)
def test_what_is_out_of_its_bounds_is_refused_by_name(client, fields, status, says):
    answer = answer_of(client, fields.get("format", "gcode"), **{k: v for k, v in fields.items() if k != "format"})
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text


def test_a_line_that_breaks_off_is_refused_where_that_is_asked_for(client, monkeypatch):
    monkeypatch.setattr("nextstroke.web.server.service.incomplete", lambda lines: [line.text for line in lines])
    assert answer_of(client, "svg").status_code == 200
    answer = answer_of(client, "svg", strict=True)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("no attempt at this line is complete, try another seed or style: It is")


def test_the_examples_of_the_description_are_answered(client):
    described = client.get("/openapi.json").json()["components"]["schemas"]["WriteBody"]
    assert described["examples"] == EXAMPLES
    for body in EXAMPLES:
        assert client.post("/v1/write", json=body).status_code == 200

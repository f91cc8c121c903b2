"""Every option of `nextstroke write` with every format: it changes the file, or it is refused by name."""

from pathlib import Path

import pytest
from PIL import Image

from nextstroke.cli.main import main
from nextstroke.cli.verbs import make_command
from nextstroke.pages.save import FORMATS
from tests.every_option import ALL, DRAWN, FILMS, OPTIONS, TEXT, base, remembered_lines

# Options that say where the file goes, and what may go wrong or how long it may take.
OTHERS = {"context", "text", "output", "format", "strict", "memory", "best_of", "model"}


@pytest.fixture(scope="module")
def written():
    with remembered_lines():
        yield


def made(folder, capsys, format, arguments):
    """The exit code, the file's bytes and what was said."""
    path = folder / f"a.{format}"
    path.unlink(missing_ok=True)
    words = [word for name, value in base(format).items() for word in (f"--{name.replace('_', '-')}", str(value))]
    if arguments and arguments[0] in words:
        place = words.index(arguments[0])
        words[place : place + 2] = []
    code = main(["write", TEXT, "-o", str(path), *words, *arguments])
    return code, path.read_bytes() if path.exists() else None, capsys.readouterr().err


def test_every_option_and_every_format_is_in_the_table():
    names = {param.name for param in make_command().get_command(None, "write").params}
    assert {name.rstrip("_") for name in names - OTHERS} == set(OPTIONS)
    assert set(FORMATS) == ALL


@pytest.mark.parametrize("format", sorted(ALL))
def test_an_option_is_used_or_refused(written, tmp_path, capsys, format):
    code, plain, said = made(tmp_path, capsys, format, [])
    assert code == 0, said
    for name, (arguments, _, formats) in OPTIONS.items():
        code, data, said = made(tmp_path, capsys, format, arguments)
        if format in formats:
            assert code == 0, (name, said)
            assert data != plain, f"{name} is ignored in {format}"
        else:
            assert code == 2, f"{name} is taken in {format}"
            assert data is None
            assert arguments[0] in said or f"machine {arguments[-1]}" in said, (name, said)


def test_hpgl_has_a_pen_for_each_colour_and_takes_several(written, tmp_path, capsys):
    """One colour alone is the first pen, whatever its name."""
    _, one, _ = made(tmp_path, capsys, "hpgl", ["--colour", "red"])
    _, two, _ = made(tmp_path, capsys, "hpgl", ["--colour", "red,navy"])
    assert one.count(b"SP") == 2
    assert two.count(b"SP") == 3


def test_speed_is_that_of_an_animation(written, tmp_path, capsys):
    assert made(tmp_path, capsys, "svg", ["--speed", "2"])[0] == 2
    slow, fast = (made(tmp_path, capsys, "svg", ["--animate", "--speed", speed])[1] for speed in ("1", "2"))
    assert slow != fast


def test_a_machine_for_svg(written, tmp_path, capsys):
    assert b"1 #1a1a2e" in made(tmp_path, capsys, "svg", ["--machine", "axidraw"])[1]
    assert made(tmp_path, capsys, "gcode", ["--machine", "axidraw"])[0] == 2


@pytest.mark.parametrize("format", sorted(DRAWN))
def test_a_transparent_picture_or_a_picture_behind_the_ink(written, tmp_path, capsys, format):
    Image.new("RGB", (30, 20), (200, 180, 90)).save(tmp_path / "paper.png")
    code, _, said = made(tmp_path, capsys, format, ["--background", str(tmp_path / "paper.png")])
    assert (code == 0) == (format not in FILMS), said
    code, _, said = made(tmp_path, capsys, format, ["--background", "none"])
    assert (code == 0) == (format not in FILMS | {"jpg"}), said
    if format == "png":
        with Image.open(tmp_path / "a.png") as image:
            assert image.mode == "RGBA"
            assert image.getpixel((0, 0))[3] == 0
            assert image.getchannel("A").getextrema()[1] > 200


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--page", "a7"], "a3, a4"),
        (["--page", "a5-upright"], "landscape"),
        (["--margin", "1,2,3"], "3 numbers"),
        (["--margin", "x"], "--margin 'x'"),
        (["--paper", "squared"], "blank, ruled"),
        (["--paper", "dots", "--ruled"], "give one of them"),
        (["--background", "no-such-file"], "background 'no-such-file'"),
        (["--align", "left,middle"], "align 'middle'"),
        (["--letter-spacing", "-9"], "letter spacing"),
        (["--tab", "0"], "tab 0"),
    ],
)
def test_invalid_pages_are_refused_in_one_line(tmp_path, capsys, arguments, says):
    code, data, said = made(tmp_path, capsys, "svg", arguments)
    assert (code, data) == (2, None)
    assert says in said
    assert said.count("\n") == 1


def test_the_american_spelling_and_short_help(written, tmp_path, capsys):
    assert made(tmp_path, capsys, "svg", ["--color", "red"])[1] == made(tmp_path, capsys, "svg", ["--colour", "red"])[1]
    assert main(["write", "-h"]) == 0
    assert "--letter-spacing" in capsys.readouterr().out


def test_a_jpeg_has_its_resolution_and_its_ink(written, tmp_path, capsys):
    made(tmp_path, capsys, "jpg", [])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "JPEG"
        assert image.info["dpi"] == pytest.approx((40, 40), abs=1)
        low, high = image.convert("L").getextrema()
    assert low < 120
    assert high > 250


def test_a_text_that_is_the_name_of_a_file_is_written_with_a_warning(written, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("letter.txt", "notes.md"):
        assert main(["write", name, "-o", "a.svg", "--best-of", "1"]) == 0
        assert f"warning: writes the words '{name}'; to write what the file says" in capsys.readouterr().err
    assert main(["write", "see letter.txt", "-o", "a.svg", "--best-of", "1"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_what_is_drawn_otherwise_is_said(written, tmp_path, capsys):
    path = tmp_path / "a.svg"
    assert main(["write", "“so” – it’s…", "-o", str(path), "--best-of", "1"]) == 0
    assert 'warning: drawn otherwise than given: “ as ", ” as ", ’ as \', … as ...' in capsys.readouterr().err
    assert '"so" – it\'s...' in Path(path).read_text("utf-8").replace("&quot;", '"')

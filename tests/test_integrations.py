"""What other programs use: vpype's plugin, Inkscape's extension, the npm package, the container, the shell."""

import json
import os
import re
import shutil
import subprocess
import sys
import types
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.compression.base91 import to_base91
from nextstroke.compression.message import pack_message
from nextstroke.formats.svg_ink import parse_svg
from tests.documentation import ROOT, program_of_the_clone

INTEGRATIONS = ROOT / "integrations"
INKEX = Path("/usr/share/inkscape/extensions")


@pytest.fixture
def program(tmp_path):
    """A folder with a program `nextstroke`, which runs the sources that are tested."""
    folder = tmp_path / "bin"
    folder.mkdir()
    words = " ".join("'" + str(word).replace("'", "'\\''") + "'" for word in program_of_the_clone())
    (folder / "nextstroke").write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    (folder / "nextstroke").chmod(0o755)
    return folder


# vpype


def test_the_entry_point_of_vpype_is_there():
    about = (ROOT / "pyproject.toml").read_text("utf-8")
    (target,) = re.findall(r'\[project\.entry-points\."vpype\.plugins"\]\nhandwriting = "(.*)"', about)
    assert target == "nextstroke.cli.vpype_plugin:handwriting"


@pytest.fixture
def plugin(monkeypatch):
    """The plugin, and the function below its options; with a stand-in for vpype where that is missing."""
    try:
        import vpype_cli  # noqa: F401
    except ImportError:
        click = pytest.importorskip("click", reason="NOT TESTED: the plugin of vpype, for want of click")
        vpype, command_line = types.ModuleType("vpype"), types.ModuleType("vpype_cli")
        vpype.LineCollection = list
        for name in ("TextType", "FloatType", "IntegerType", "LengthType"):
            setattr(command_line, name, lambda: click.STRING)
        command_line.generator = lambda function: function
        monkeypatch.setitem(sys.modules, "vpype", vpype)
        monkeypatch.setitem(sys.modules, "vpype_cli", command_line)
    monkeypatch.delitem(sys.modules, "nextstroke.cli.vpype_plugin", raising=False)
    yield import_module("nextstroke.cli.vpype_plugin")
    monkeypatch.delitem(sys.modules, "nextstroke.cli.vpype_plugin", raising=False)


def test_the_plugin_returns_the_strokes_of_the_command(plugin, tmp_path):
    lines = list(
        plugin.handwriting.callback(
            "it is", style="wide", bias=0.75, seed=1, best_of=1, size=plugin.PIXELS * 2.2, wrap=None, align="left",
            line_height=plugin.PIXELS * 10, position=(100.0, 50.0),
        )
    )  # fmt: skip
    assert main(["write", "it is", "-o", str(tmp_path / "a.json"), "--style", "wide", "--best-of", "1"]) == 0
    strokes = json.loads((tmp_path / "a.json").read_text())["strokes"]
    assert len(lines) == len(strokes)
    every = np.concatenate(lines)
    assert (every.real.min(), every.imag.min()) == pytest.approx((100, 50))
    width = max(x for stroke in strokes for x, _ in stroke) - min(x for stroke in strokes for x, _ in stroke)
    assert np.ptp(every.real) / plugin.PIXELS == pytest.approx(width, abs=0.4)
    assert min(len(line) for line in lines) >= 2  # vpype drops lines of one point


def test_vpype_itself_runs_it():
    found = os.environ.get("NEXTSTROKE_VPYPE") or shutil.which("vpype")
    if not found:
        pytest.skip("NOT TESTED with vpype: it is missing; pip install vpype next to nextstroke")
    done = subprocess.run([found, "handwriting", "--help"], capture_output=True, text=True)
    assert "Write TEXT by hand" in done.stdout, done.stderr


# Inkscape


def test_the_extension_s_form_has_the_parameters_that_its_script_reads():
    form = ET.parse(INTEGRATIONS / "inkscape" / "nextstroke_write.inx").getroot()
    space = "{http://www.inkscape.org/namespace/inkscape/extension}"
    parameters = {element.get("name") for element in form.iter(f"{space}param")}
    script = (INTEGRATIONS / "inkscape" / "nextstroke_write.py").read_text("utf-8")
    read = set(re.findall(r"options\.(\w+)", script))
    declared = {
        name for names in re.findall(r"for name in \((.*?)\)", script)[:2] for name in re.findall(r'"(\w+)"', names)
    }
    assert parameters == read == declared | {"seed"}
    (command,) = form.iter(f"{space}command")
    assert (INTEGRATIONS / "inkscape" / command.text).is_file()


def test_the_extension_writes_into_the_middle_of_the_page(program, tmp_path):
    python = "/usr/bin/python3"
    modules = "import lxml, numpy, sys; sys.path.insert(0, sys.argv[1]); import inkex"
    if not INKEX.is_dir() or subprocess.run([python, "-c", modules, INKEX], capture_output=True).returncode:
        pytest.skip("NOT TESTED: Inkscape's extension; apt-get install inkscape python3-lxml python3-numpy")
    drawing = tmp_path / "in.svg"
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="60mm" viewBox="0 0 200 120"/>')
    options = {"text": "it is\\ntime", "style": "wide", "bias": "0.75", "seed": "1", "size": "2.2", "line_height": "10"}
    options |= {"wrap": "0", "align": "left", "pen": "0.5", "colour": "navy", "program": "nextstroke"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    script = INTEGRATIONS / "inkscape" / "nextstroke_write.py"
    environment = os.environ | {"PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(INKEX)}
    done = subprocess.run([python, script, *words, drawing], env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    ink, _ = parse_svg(done.stdout, "out.svg")
    left, top, right, bottom = ink.bounds()
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((100, 60), abs=1)
    assert right - left < 80
    assert done.stdout.count(b"stroke:navy") == 1
    failed = subprocess.run(
        [python, script, *words, "--style", "nobody", drawing], env=environment, capture_output=True
    )
    assert b"style 'nobody': not in the gallery" in failed.stderr


# npm

MESSAGES = [
    b"See you at nine at the station.",
    b"",
    b"\0",
    "Größe 5 €, naïve – und “so”.".encode(),
    bytes(range(256)),
    b"The road is closed; take the bridge behind the mill and ask for Mr. Brown. " * 3,
    b"ok",
    b"\xff\xfe\xfd" * 5,
]
PROGRAM = """
import { generate, packMessage, styles, unpackMessage, write, writeSvg } from "nextstroke";
const rows = [];
for await (const row of write("Stra\u00dfe\u2026\\nit is", { style: "wide", seed: 3, bestOf: 1 })) rows.push(row);
const [svg] = await writeSvg("it is", { style: "wide", bestOf: 1, colour: 'a"b' });
let text = "";
for await (const piece of generate("The ", { length: 9, temperature: 0 })) text += piece;
let refused = "";
try { for await (const row of write("a", { style: "nobody" })) row; } catch (error) { refused = error.message; }
const messages = JSON.parse(process.argv[2]).map((each) => Uint8Array.from(Buffer.from(each, "hex")));
const frames = [], back = [], errors = [];
for (const [n, message] of messages.entries()) {
  const frame = await packMessage(message, { check: n % 3 });
  frames.push(Buffer.from(frame).toString("hex"));
  back.push(Buffer.from(await unpackMessage(frame)).toString("hex"));
}
const asText = await packMessage("See you at nine.", { text: true });
const whole = new TextDecoder().decode(await unpackMessage(asText));
const altered = await packMessage("See you at nine.");
altered[3] ^= 1;
for (const frame of [altered, new Uint8Array(), asText.slice(1), "A-"])
  try { await unpackMessage(frame); } catch (error) { errors.push(error.message); }
console.log(JSON.stringify({ rows, svg, text, refused, frames, back, asText, whole, errors, styles: await styles() }));
"""


def test_the_npm_package_writes_the_same_ink_as_python(tmp_path, capsys):
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("NOT TESTED: the npm package, for want of node and npm")
    build = [sys.executable, INTEGRATIONS / "npm" / "build.py", tmp_path / "package"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(build, check=True, env=os.environ | {"PYTHONPATH": path})
    pack = ["npm", "pack", "--silent", "--offline", tmp_path / "package"]
    name = subprocess.run(pack, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()[-1]
    installed = tmp_path / "node_modules"
    installed.mkdir()
    shutil.unpack_archive(tmp_path / name, installed, "gztar")
    (installed / "package").rename(installed / "nextstroke")
    (tmp_path / "use.mjs").write_text(PROGRAM, "utf-8")
    hexes = json.dumps([message.hex() for message in MESSAGES])
    done = subprocess.run(["node", "use.mjs", hexes], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["frames"] == [pack_message(message, n % 3).hex() for n, message in enumerate(MESSAGES)]
    assert found["back"] == [message.hex() for message in MESSAGES]
    assert found["asText"] == to_base91(pack_message(b"See you at nine."))
    assert found["whole"] == "See you at nine."
    assert len(found["errors"]) == 4
    assert [(row["text"], row["written"], row["page"]) for row in found["rows"]] == [
        ("Straße…", "Straße...", 0),
        ("it is", "it is", 0),
    ]
    assert found["refused"].startswith('style "nobody"')
    assert len(found["styles"]) > 50
    assert 'stroke="a&#34;b"' in found["svg"]
    line = [
        "write",
        "Straße…\nit is",
        "-o",
        str(tmp_path / "a.json"),
        "--style",
        "wide",
        "--seed",
        "3",
        "--best-of",
        "1",
    ]
    assert main(line) == 0
    strokes = json.loads((tmp_path / "a.json").read_text())["strokes"]
    mine = [stroke for row in found["rows"] for stroke in row["strokes"]]
    assert [len(stroke) for stroke in mine] == [len(stroke) for stroke in strokes]
    for one, two in zip(mine, strokes, strict=True):
        np.testing.assert_allclose(one, two, atol=0.02)
    assert main(["generate", "--prime", "The ", "--length", "9", "--temperature", "0"]) == 0
    assert len(found["text"]) == 9


def test_the_types_of_the_npm_package_name_what_it_exports():
    source = (INTEGRATIONS / "npm" / "index.js").read_text("utf-8")
    types_of_it = (INTEGRATIONS / "npm" / "index.d.ts").read_text("utf-8")
    exported = set(re.findall(r"^export (?:async )?function\*? (\w+)", source, re.MULTILINE))
    assert exported == set(re.findall(r"^export function (\w+)", types_of_it, re.MULTILINE))
    about = json.loads((INTEGRATIONS / "npm" / "package.json").read_text("utf-8"))
    assert {"index.js", "index.d.ts", "engine", "models", "LICENSE", "LICENSE-MODELS.txt"} <= set(about["files"])


# Docker


def test_the_container_s_files_and_options_are_there(capsys):
    recipe = (INTEGRATIONS / "docker" / "Dockerfile").read_text("utf-8")
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", recipe, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())
        allowed = (INTEGRATIONS / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
        assert {f"!{name.removeprefix('./')}" for name in line.split()} <= set(allowed)
    assert main(["serve", "--help"]) == 0
    shown = capsys.readouterr().out
    for words in re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", recipe, re.MULTILINE):
        assert all(word in shown for word in json.loads(words) if word.startswith("--"))


# The shell


def completed(program, words, number):
    environment = os.environ | {"_NEXTSTROKE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": number}
    done = subprocess.run([program / "nextstroke"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    return done.stdout.split()


def test_the_shell_completes_commands_and_options(program):
    assert completed(program, "nextstroke com", "1") == ["compress"]
    assert completed(program, "nextstroke data un", "2") == ["unipen"]
    assert completed(program, "nextstroke batch t.jsonl --ma", "3") == ["--margin", "--masks"]


def test_completion_is_installed_for_the_shell_that_asks(program, tmp_path):
    if not shutil.which("bash"):
        pytest.skip("NOT TESTED: completion, for want of bash")
    environment = os.environ | {"HOME": str(tmp_path), "PATH": f"{program}{os.pathsep}{os.environ['PATH']}"}
    install = "nextstroke --install-completion; echo code $?"
    done = subprocess.run(["bash", "-c", install], env=environment, capture_output=True, text=True)
    assert "bash completion installed" in done.stdout
    assert done.stdout.endswith("code 0\n")
    use = "source ~/.bashrc; COMP_WORDS=(nextstroke gen); COMP_CWORD=1; _nextstroke_completion nextstroke; "
    use += 'echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", use], env=environment, capture_output=True, text=True)
    assert done.stdout == "generate\n"

import gzip
import json
import re
import shutil
import subprocess
from os.path import normpath
from pathlib import Path

import pytest

from nextstroke.cli.main import main
from nextstroke.handwriting.hands import gallery
from nextstroke.runtime.model_file import find_model, load_model
from nextstroke.text.generate import Choice, Spelling, generate
from nextstroke.web.site import page_html, site_files, site_sources

INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"
SCRIPTS = {name: path for name, path in site_files().items() if path.suffix in (".js", ".html", ".css")}


def test_the_kernel_is_what_its_source_says(tmp_path):
    if not shutil.which("wat2wasm"):
        pytest.skip("NOT TESTED: kernel.wasm against kernel.wat, for want of wat2wasm; on Debian: apt-get install wabt")
    built = site_files()["engine/kernel.wasm"]
    subprocess.run(["wat2wasm", built.with_suffix(".wat"), "-o", tmp_path / "kernel.wasm"], check=True)
    assert (tmp_path / "kernel.wasm").read_bytes() == built.read_bytes()


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_fetched_from_elsewhere(name):
    foreign = set(re.findall(r"https?://[^\s\"'`<>)]+", SCRIPTS[name].read_text("utf-8")))
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/2003/InkML"} | {
        INKSCAPE
    }  # names of languages, never fetched
    assert foreign - names <= {"https://arxiv.org/abs/1308.0850"}  # a link


@pytest.mark.parametrize("name", SCRIPTS)
def test_files_are_short(name):
    assert len(SCRIPTS[name].read_text("utf-8").splitlines()) <= 300


def test_the_page_is_exported_for_any_host(tmp_path):
    assert main(["serve", "--export", str(tmp_path / "site")]) == 0
    assert (tmp_path / "site" / "index.html").is_file()
    assert (tmp_path / "site" / "models" / "writer.onnx.gz").stat().st_size > 1e6
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= 8e6
    unpacked = tmp_path / "text.onnx"
    unpacked.write_bytes(gzip.decompress((tmp_path / "site" / "models" / "text.onnx.gz").read_bytes()))
    text = load_model(str(unpacked), "text")
    told = generate(text, Spelling(text).read("The United States of Americ"), 1, Choice(0.0), 1)
    assert list(told) == [ord("a")]
    constants = json.loads((tmp_path / "site" / "engine.json").read_text("utf-8"))
    assert constants["diacritics"]["TWINS"]["…"] == "..."
    kept = json.loads((tmp_path / "site" / "files.json").read_text("utf-8"))
    named = {str(path.relative_to(tmp_path / "site")) for path in files} - {"index.html", "sw.js", "files.json"}
    assert set(kept) == named | {"./"}


def test_every_module_that_is_imported_is_there():
    for name, path in SCRIPTS.items():
        for other in re.findall(r'(?:from|import\() ?"(\.[\w./]+\.js)"', path.read_text("utf-8")):
            assert normpath(Path(name).parent / other) in SCRIPTS


def test_no_module_of_the_page_waits_for_the_one_that_imports_it():
    """The exported page names all modules that studio.js imports, and only those: no view that is loaded later."""
    page = page_html().decode()
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page.partition("</head>")[0])
    imported, left = set(), ["studio.js"]
    while left:
        name = left.pop()
        for line in SCRIPTS[name].read_text("utf-8").splitlines():
            found = re.match(r'(?:import .*|\} )from "(\..+)";$', line)
            path = normpath(Path(name).parent / found[1]) if found else name
            if path not in imported | {"studio.js"}:
                imported.add(path)
                left.append(path)
    assert len(named) == len(set(named))
    assert set(named) == imported
    assert "app.js" in named
    assert not {"german.js", "worker.js"} & set(named)


def test_what_the_worker_asks_for_early_is_there():
    """boot.js asks for files by name, before the modules that read them are loaded."""
    named = re.search(r"FIRST = \[(.*)\]", SCRIPTS["boot.js"].read_text("utf-8"))[1]
    names = re.findall(r'"([^"]+)"', named)
    assert names
    assert set(names) <= set(site_sources())


def test_the_samples_of_the_gallery_are_those_of_its_hands():
    """Where they differ, run: python docs/samples.py."""
    samples = json.loads(site_files()["samples.json"].read_text("utf-8"))
    shown = [(hand["name"], group["group"]) for group in samples["groups"] for hand in group["hands"]]
    assert shown == [(hand.name, hand.group) for hand in gallery(find_model("writer")).values()]

"""What is built carries all it needs, and works from any folder."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="NOT TESTED: the packages, for want of hatchling")
ROOT = Path(__file__).parent.parent
NEEDED = [
    "models/writer.onnx",
    "models/writer.styles",
    "models/reader.onnx",
    "models/text.onnx",
    "web/static/index.html",
    "web/static/engine/kernel.wasm",
    "py.typed",
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


def test_the_wheel_holds_models_page_and_types(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"nextstroke/{name}" for name in NEEDED} <= names
    assert not [name for name in names if name.startswith(("tests", "weights", "docs"))]


def test_the_source_holds_what_builds_it(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", *(f"src/nextstroke/{name}" for name in NEEDED)} <= names


def test_an_installed_wheel_writes_from_any_folder(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    place, folder = tmp_path / "installed", tmp_path / "elsewhere"
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", place, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    start = (
        f"import sys; sys.path.insert(0, {str(place)!r}); import nextstroke.cli.main as m; raise SystemExit(m.main())"
    )
    command = [sys.executable, "-P", "-c", start, "write", "Hello", "--best-of", "2", "-o", "a.svg"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert (folder / "a.svg").read_text("utf-8").count("<path") > 3

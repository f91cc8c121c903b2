"""What is built carries all it needs, and works from any folder."""

import email
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from nextstroke.native.build import COMPILERS
from tests.documentation import commands, run_as_printed

pytest.importorskip("hatchling", reason="NOT TESTED: the packages, for want of hatchling")
ROOT = Path(__file__).parent.parent
NEEDED = [
    "models/writer.onnx",
    "models/writer.styles",
    "models/reader.onnx",
    "models/text.onnx",
    "models/pen.onnx",
    "models/LICENSE-MODELS.txt",
    "models/writer.md",
    "models/reader.md",
    "models/text.md",
    "models/pen.md",
    "models/writer-unipen.onnx",
    "models/writer-unipen.styles",
    "models/writer-unipen.md",
    "models/reader-unipen.onnx",
    "models/reader-unipen.md",
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
    recipes = {path.relative_to(ROOT).as_posix() for path in (ROOT / "recipes").rglob("*.toml")}
    assert {f"nextstroke/{name}" for name in {*NEEDED, *recipes}} <= names
    assert not [name for name in names if name.startswith(("tests", "weights", "docs"))]


@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="NOT TESTED: wheels with the loops, no C++ compiler")
def test_the_wheel_holds_the_loops_and_an_install_uses_them(built, program, tmp_path):
    (wheel,) = built.glob("*.whl")
    assert wheel.name.endswith(f"-py3-none-{sysconfig.get_platform().replace('-', '_')}.whl")
    settings = os.environ | {"NEXTSTROKE_CACHE": str(tmp_path)}
    status = [*program, "kernel", "status", "--json"]
    done = subprocess.run(status, env=settings, capture_output=True, text=True, check=True)
    used = json.loads(done.stdout)["compressing"]
    assert used["used"]
    assert used["library"].endswith("nextstroke/native/compressor.so")


def test_without_a_compiler_the_wheel_is_for_every_platform(tmp_path):
    settings = os.environ | {"CXX": "no-such-compiler"}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    done = subprocess.run(build, cwd=ROOT, env=settings, check=True, capture_output=True, text=True)
    assert "will not hold the compiled loops: no C++ compiler found" in done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]


def test_the_source_holds_what_builds_it(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "compile_loops.py",
        *(f"src/nextstroke/{name}" for name in NEEDED),
    } <= names
    assert not [name for name in names if name.startswith("weights/") and name.endswith(".onnx")]


def test_the_metadata_name_both_licences_and_carry_their_texts(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = email.message_from_bytes(archive.read(next(name for name in names if name.endswith("/METADATA"))))
    assert metadata["License-Expression"] == "MIT AND LicenseRef-nextstroke-models"
    files = metadata.get_all("License-File")
    assert sorted(Path(name).name for name in files) == ["LICENSE", "LICENSE-MODELS.txt"]
    assert all(any(name.endswith(f".dist-info/licenses/{file}") for name in names) for file in files)


def test_the_licence_of_the_models_names_every_model():
    folder = ROOT / "src" / "nextstroke" / "models"
    terms = (folder / "LICENSE-MODELS.txt").read_text("utf-8")
    assert [
        path.name for path in folder.iterdir() if path.suffix in {".onnx", ".styles"} and path.name not in terms
    ] == []


def test_the_wheel_is_at_most_forty_megabytes(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size <= 40e6


@pytest.fixture(scope="module")
def program(built, tmp_path_factory):
    """The words that start `nextstroke` from the installed wheel, from whatever folder."""
    (wheel,) = built.glob("*.whl")
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    start = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import nextstroke.cli.main as m; raise SystemExit(m.main())"
    )
    return [sys.executable, "-P", "-c", start]


@pytest.fixture
def installed(program):
    def run(folder, *arguments):
        return subprocess.run([*program, *arguments], cwd=folder, capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_the_commands_of_the_readme_work_from_the_wheel_in_an_empty_folder(program, tmp_path):
    shown = commands((ROOT / "README.md").read_text("utf-8"))
    for command in (command for command in shown if command.startswith("nextstroke ")):
        done = run_as_printed(command, tmp_path, program)
        assert done.returncode == 0, (command, done.stderr)
    assert {path.name for path in tmp_path.iterdir()} == {"hello.svg", "town.txt", "town.txt.nst"}


def test_an_installed_wheel_writes_from_any_folder(installed, tmp_path):
    assert installed(tmp_path, "write", "Hello", "--best-of", "2", "-o", "a.svg").returncode == 0
    assert (tmp_path / "a.svg").read_text("utf-8").count("<path") > 3


def test_an_installed_wheel_scribbles_with_the_bundled_model(installed, tmp_path):
    assert installed(tmp_path, "scribble", "--lines", "1", "--points", "50", "-o", "a.svg").returncode == 0
    assert "<path" in (tmp_path / "a.svg").read_text("utf-8")


@pytest.mark.parametrize("name", ["writer", "recipes/best/writer.toml"])
def test_an_installed_wheel_finds_its_recipes_in_any_folder(installed, tmp_path, name):
    """The recipe is read, so that the corpus is what is missed."""
    pytest.importorskip("torch")
    found = installed(tmp_path, "train", name)
    assert found.returncode == 3
    assert found.stderr.startswith("nextstroke: data/iam.packed: ")

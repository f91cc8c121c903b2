import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nextstroke


@pytest.mark.parametrize("name", nextstroke.__all__)
def test_every_public_name_is_there_and_described(name):
    found = getattr(nextstroke, name)
    assert name == "__version__" or found.__doc__
    assert name in dir(nextstroke)


def test_no_public_name_is_hidden_by_a_module_of_the_same_name():
    modules = {path.stem for path in Path(nextstroke.__file__).parent.iterdir()}
    assert not modules & set(nextstroke.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="scrawl"):
        nextstroke.scrawl  # noqa: B018


def test_importing_the_package_loads_nothing_else():
    code = "import sys, nextstroke; print([m for m in ('numpy', 'torch', 'onnxruntime', 'PIL') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"


def test_type_checkers_and_readers_of_the_module_see_the_same_names():
    tree = ast.parse(Path(nextstroke.__file__).read_text("utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    shown = {name.name: node.module for node in checked.body for name in node.names}
    assert shown == {name: f"nextstroke.{module}" for name, module in nextstroke._MODULES.items()}
    assert set(nextstroke.__all__) == {*nextstroke._MODULES, "__version__"}


SCRIPT = """
import nextstroke as ns

written = ns.write("Hello", style=ns.styles()[0], size=2.5, page="a5", colour="navy")
pages: list[str] = written.save("hello.svg")
drawn: bytes = written.render("png")
text: str = ns.generate("The ", length=10)
line: ns.Line = ns.write_lines(ns.load_model("writer", "writer"), ["a"])[0]
back: bytes = ns.decompress(ns.compress(b"some bytes"))
reveal_type(ns.write)
reveal_type(ns.Page.named("a4"))
ns.write("Hello", seed="one")
ns.write("Hello", page=3)
ns.nothing
"""


def test_mypy_sees_the_signatures_of_the_public_names(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(SCRIPT)
    source = Path(nextstroke.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--follow-imports", "silent", "--cache-dir", str(tmp_path), "script.py"]
    environment = os.environ | {"MYPYPATH": str(source)}
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment).stdout
    signature, page = re.findall("note: Revealed type is (.*)", told)
    assert re.search("text: (builtins.)?str, style: ", signature)
    assert signature.rstrip('"').endswith("-> nextstroke.api.Handwriting")
    assert page == '"nextstroke.pages.layout.Page"'
    seed, wrong_page, unknown = re.findall("error: (.*)", told)
    assert '"seed"' in seed
    assert '"page"' in wrong_page
    assert '"nothing"' in unknown

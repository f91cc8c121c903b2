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

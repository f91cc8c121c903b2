"""nextstroke: predict the next stroke, of a pen or of a key.

    import nextstroke as ns

    ns.write("Hello world", style="neat", bias=0.75).save("hello.svg")    # a notebook shows it without save
    ns.generate("The town of ", length=200)
    ns.decompress(ns.compress(b"some bytes"))

The names below are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstroke.alphabet import Alphabet
    from nextstroke.api import Handwriting, generate, load, styles, write, write_lines
    from nextstroke.compression.stream import compress, decompress
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.errors import NextstrokeError
    from nextstroke.formats.detect import read_ink
    from nextstroke.handwriting.compose import Letter, compose
    from nextstroke.handwriting.hands import Hand, gallery_hand, prime_hand
    from nextstroke.handwriting.learn_hand import find_hand, learn_hand
    from nextstroke.handwriting.sampler import Line
    from nextstroke.ink import Ink
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.budget import Budget
    from nextstroke.pages.layout import Page
    from nextstroke.pages.save import save
    from nextstroke.runtime.model_file import Model, load_model

__version__ = "0.2.0"

# Where each public name is defined; the imports above tell type checkers and editors the same.
_MODULES = {
    "Alphabet": "alphabet",
    "Budget": "pages.budget",
    "Hand": "handwriting.hands",
    "Handwriting": "api",
    "Ink": "ink",
    "InkCorpus": "datasets.packed_ink",
    "Letter": "handwriting.compose",
    "Line": "handwriting.sampler",
    "Look": "pages.appearance",
    "Model": "runtime.model_file",
    "NextstrokeError": "errors",
    "Page": "pages.layout",
    "compose": "handwriting.compose",
    "compress": "compression.stream",
    "decompress": "compression.stream",
    "find_hand": "handwriting.learn_hand",
    "gallery_hand": "handwriting.hands",
    "generate": "api",
    "learn_hand": "handwriting.learn_hand",
    "load": "api",
    "load_model": "runtime.model_file",
    "prime_hand": "handwriting.hands",
    "read_ink": "formats.detect",
    "save": "pages.save",
    "styles": "api",
    "write": "api",
    "write_lines": "api",
}
# Names of older versions, which still work.
_OLD_NAMES = {"Style": "Hand", "Written": "Line", "find_style": "gallery_hand", "learn_style": "prime_hand"}

__all__ = [  # loaded by __getattr__
    "Alphabet",
    "Budget",
    "Hand",
    "Handwriting",
    "Ink",
    "InkCorpus",
    "Letter",
    "Line",
    "Look",
    "Model",
    "NextstrokeError",
    "Page",
    "__version__",
    "compose",
    "compress",
    "decompress",
    "find_hand",
    "gallery_hand",
    "generate",
    "learn_hand",
    "load",
    "load_model",
    "prime_hand",
    "read_ink",
    "save",
    "styles",
    "write",
    "write_lines",
]


if not TYPE_CHECKING:  # to a type checker any name would be there

    def __getattr__(name: str) -> object:
        if name == "write_soundly":
            raise AttributeError("nextstroke.write_soundly is write_lines(…, attempts=4) now")
        name = _OLD_NAMES.get(name, name)
        if name not in _MODULES:
            raise AttributeError(f"module 'nextstroke' has no attribute {name!r}")
        found = getattr(import_module(f"nextstroke.{_MODULES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)

"""nextstroke: predict the next stroke, of a pen or of a key.

    import nextstroke as ns

    ns.write("Hello world", style="neat", bias=0.75).save("hello.svg")    # a notebook shows it without save
    ns.generate("The town of ", length=200)
    ns.decompress(ns.compress(b"some bytes"))

The names below are loaded on first use, so that importing the package costs nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Alphabet": "alphabet",
    "Budget": "pages.budget",
    "Ink": "ink",
    "InkCorpus": "datasets.packed_ink",
    "Letter": "handwriting.compose",
    "Look": "pages.appearance",
    "Model": "runtime.model_file",
    "NextstrokeError": "errors",
    "Page": "pages.layout",
    "Style": "handwriting.hands",
    "Written": "handwriting.sampler",
    "compose": "handwriting.compose",
    "compress": "compression.stream",
    "decompress": "compression.stream",
    "Handwriting": "api",
    "find_style": "handwriting.hands",
    "generate": "api",
    "learn_style": "handwriting.hands",
    "load": "api",
    "load_model": "runtime.model_file",
    "read_ink": "formats.detect",
    "save": "pages.save",
    "write": "api",
    "write_lines": "handwriting.sampler",
    "write_soundly": "handwriting.sampler",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nextstroke' has no attribute {name!r}")
    found = getattr(import_module(f"nextstroke.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)

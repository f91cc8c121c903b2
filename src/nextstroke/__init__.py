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
    "Ink": "ink",
    "InkCorpus": "corpora.packed",
    "Letter": "letter",
    "Look": "pages.look",
    "Model": "engine.modelfile",
    "NextstrokeError": "errors",
    "Page": "pages.layout",
    "Style": "engine.styles",
    "Written": "engine.write",
    "compose": "letter",
    "compress": "codec.compress",
    "decompress": "codec.compress",
    "Handwriting": "session",
    "find_style": "engine.styles",
    "generate": "session",
    "learn_style": "engine.styles",
    "load": "session",
    "load_model": "engine.modelfile",
    "read_ink": "corpora.inkfile",
    "save": "pages.save",
    "write": "session",
    "write_lines": "engine.write",
    "write_soundly": "engine.write",
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

"""nextstroke generate: continue a text with a text model."""

import json
import sys
from typing import Annotated

import typer

MAX_PRIME = 16 << 20  # bytes of a prime on standard input


def generate(
    prime: Annotated[str, typer.Option(help="text to continue; empty: start a new text; -: read standard input")] = "",
    length: Annotated[
        int, typer.Option(help="number of symbols to write: the model's bytes, characters or words")
    ] = 1000,
    temperature: Annotated[
        float, typer.Option(help="1: as learned; below 1: more predictable; 0: always the likeliest symbol")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="draw only from the K likeliest symbols")] = None,
    top_p: Annotated[
        float, typer.Option(help="draw only from the likeliest symbols whose probabilities sum to this")
    ] = 1.0,
    stop: Annotated[
        list[str] | None, typer.Option(help="end the text before this string; may be given several times")
    ] = None,
    number: Annotated[
        int,
        typer.Option("--number", "-n", help="number of texts; each has the seed after that of the one before", min=1),
    ] = 1,
    seed: Annotated[int, typer.Option(help="the same seed gives the same text", min=0)] = 1,
    model: Annotated[str, typer.Option(help="text model file, or the name of a bundled one")] = "text",
    as_json: Annotated[
        bool, typer.Option("--json", help="print prime, text and settings as JSON, one line per text")
    ] = False,
) -> None:
    """Continue a text, symbol by symbol; each symbol is printed as soon as it is drawn.

    Example: nextstroke generate --prime "The history of " --length 500 --temperature 0.8
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import read_stream_at_most
    from nextstroke.runtime.model_file import load_model
    from nextstroke.text.generate import Choice, Spelling, until
    from nextstroke.text.generate import generate as continued

    choice = Choice(temperature, top_k, top_p)
    stops = stop or []
    if "" in stops:
        raise UsageError("--stop '': give at least one character; every text would end at once")
    network = load_model(model, "text")
    spelling = Spelling(network)
    if prime == "-":
        data = read_stream_at_most(sys.stdin.buffer, MAX_PRIME, "standard input")
        prime = data.decode("utf-8", "surrogateescape")
    symbols = spelling.read(prime)
    for k in range(number):
        pieces = until(spelling.write(continued(network, symbols, length, choice, seed + k)), stops)
        if as_json:
            settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed + k, "model": model}
            shown = _shown(prime)
            print(json.dumps({"prime": shown, "text": "".join(pieces), **settings}), flush=True)
            continue
        if k:
            print()  # a blank line between two texts
        print(_shown(prime), end="")
        for piece in pieces:
            # Flushed at once, so that a pipe gets each symbol and a reader that has closed it ends the drawing.
            print(piece, end="", flush=True)
        print()


def _shown(prime: str) -> str:
    """Return a prime as text; bytes that are not UTF-8 are replaced."""
    return prime.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

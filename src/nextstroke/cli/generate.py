"""nextstroke generate: continue a text with a text model."""

import json
from typing import Annotated

import typer


def generate(
    prime: Annotated[str, typer.Option(help="text to continue; empty: start a new text")] = "",
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
    seed: Annotated[int, typer.Option(help="the same seed gives the same text", min=0)] = 1,
    model: Annotated[str, typer.Option(help="text model file, or the name of a bundled one")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="print prime, text and settings as JSON")] = False,
) -> None:
    """Continue a text, symbol by symbol; each symbol is printed as soon as it is drawn.

    Example: nextstroke generate --prime "The history of " --length 500 --temperature 0.8
    """
    from nextstroke.runtime.model_file import load_model
    from nextstroke.text.generate import Choice, Spelling
    from nextstroke.text.generate import generate as continued

    choice = Choice(temperature, top_k, top_p)
    network = load_model(model, "text")
    spelling = Spelling(network)
    pieces = spelling.write(continued(network, spelling.read(prime), length, choice, seed))
    if as_json:
        settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed, "model": model}
        print(json.dumps({"prime": prime, "text": "".join(pieces), **settings}))
        return
    print(prime.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), end="")
    for piece in pieces:
        # Flushed at once, so that a pipe gets each symbol and a reader that has closed it ends the drawing.
        print(piece, end="", flush=True)
    print()

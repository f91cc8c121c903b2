"""nextstroke generate: a text continued."""

import json
from typing import Annotated

import typer


def generate(
    prime: Annotated[str, typer.Option(help="text to continue; nothing: from the very beginning")] = "",
    length: Annotated[int, typer.Option(help="symbols to write: bytes, characters or words, as the model has")] = 1000,
    temperature: Annotated[float, typer.Option(help="1 as learned, below 1 safer, 0 always the likeliest")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="draw from so many of the likeliest symbols only")] = None,
    top_p: Annotated[float, typer.Option(help="draw from the likeliest symbols of this share only")] = 1.0,
    seed: Annotated[int, typer.Option(help="the same seed gives the same text", min=0)] = 1,
    model: Annotated[str, typer.Option(help="text model file, or the name of a bundled one")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="print prime, text and settings as JSON")] = False,
) -> None:
    """Write on from a prime, symbol by symbol, as fast as they are drawn.

    Example: nextstroke generate --model text.onnx --prime "The history of " --length 500 --temperature 0.8
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
        # As it comes, also into a pipe, whose reader may have had enough.
        print(piece, end="", flush=True)
    print()

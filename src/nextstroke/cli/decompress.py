"""nextstroke decompress: archives back into what they were."""

from nextstroke.cli.compress import (
    AsJson,
    Files,
    Force,
    Keep,
    KeepBroken,
    MaxOutput,
    Model,
    Output,
    Stdout,
    Threads,
    convert,
)


def decompress(
    files: Files = None,
    stdout: Stdout = False,
    keep: Keep = True,
    force: Force = False,
    output: Output = None,
    model: Model = "text",
    threads: Threads = 1,
    max_output: MaxOutput = None,
    as_json: AsJson = False,
    keep_broken: KeepBroken = False,
) -> None:
    """Restore compressed files, to the byte or not at all.

    Example: nextstroke decompress notes.txt.nst
    """
    convert(files or ["-"], output, stdout, False, force, keep, model, threads, max_output, as_json, keep_broken)

"""nextstroke decompress: restore what archives hold."""

import os

from nextstroke.cli.compress import (
    AsJson,
    Files,
    Force,
    Job,
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
    """Restore compressed files, byte for byte or not at all.

    Example: nextstroke decompress notes.txt.nst
    """
    job = Job(False, model, threads or os.cpu_count() or 1, max_output, as_json, keep_broken)
    convert(files or ["-"], output, stdout, force, keep, job)

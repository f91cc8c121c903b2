"""nextstroke decompress: restore what archives hold."""

import os
from typing import Annotated

import typer

from nextstroke.cli.compress import (
    AsJson,
    AsMessage,
    AsText,
    FileList,
    Files,
    Force,
    Job,
    Keep,
    KeepBroken,
    MaxOutput,
    Model,
    Output,
    Recursive,
    Stdout,
    Threads,
    convert,
    message_files,
    named_files,
    refuse_two_targets,
    refuse_unread,
)
from nextstroke.cli.panels import given_options


def decompress(
    context: typer.Context,
    files: Files = None,
    stdout: Stdout = False,
    keep: Keep = True,
    force: Force = False,
    output: Output = None,
    recursive: Recursive = False,
    filelist: FileList = None,
    model: Model = "text",
    threads: Threads = 1,
    max_output: MaxOutput = None,
    as_json: AsJson = False,
    keep_broken: KeepBroken = False,
    decompress_: Annotated[
        bool, typer.Option("--decompress", "-d", help="no effect; tar -I and other programs add it")
    ] = False,
    message: AsMessage = False,
    text: AsText = False,
) -> None:
    """Restore compressed files, byte for byte or not at all.

    Example: nextstroke decompress notes.txt.nst
    """
    given = given_options(context)
    refuse_unread(given - {"keep"} if keep else given, "a message" if message else "archives")
    refuse_two_targets(stdout, output)
    if message:
        from nextstroke.compression.message_files import unpack_message_file

        unpack_message_file(*message_files(files, output, stdout), text, force)
        return
    job = Job(False, model, threads or os.cpu_count() or 1, max_output, as_json, keep_broken)
    convert(named_files(files, filelist), recursive, output, stdout, force, keep, job)

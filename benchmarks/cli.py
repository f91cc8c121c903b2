"""The command line of the benchmarks: `python -m benchmarks train|memory|write|compress|studio`."""

import json
import sys
from typing import Annotated

import typer

from nextstroke.errors import NextstrokeError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Measure speed: medians, and ratios formed inside one run.",
)

Rounds = Annotated[int, typer.Option(help="how often each case is measured", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="print the figures as JSON")]


@app.command()
def train(
    rounds: Rounds = 7,
    workers: Annotated[int, typer.Option(help="2 or more: such a team against one worker, only", min=1)] = 1,
    device: Annotated[str, typer.Option(help="cpu, or cuda for the table of GPUs")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Learning on one core: shares of the best float32 product, against torch.nn.LSTM and a plain loop.

    With --device cuda: updates of the paper's large networks, against torch.nn.LSTM (cuDNN).

    Example: python -m benchmarks train
    """
    if workers > 1:
        from benchmarks.scaling import bench_workers

        _show(bench_workers(workers, rounds), as_json)
        return
    from benchmarks.train import bench_training
    from benchmarks.train_gpu import bench_device

    _show(bench_training(rounds) if device == "cpu" else bench_device(device, rounds), as_json)


@app.command()
def memory(as_json: AsJson = False) -> None:
    """Learning: peak memory of a writer's step, and how it grows with batch and chunk.

    Example: python -m benchmarks memory
    """
    from benchmarks.scaling import bench_memory

    _show(bench_memory(), as_json)


@app.command()
def write(
    rounds: Rounds = 7,
    model: Annotated[str, typer.Option(help="model file, or the name of a bundled one")] = "writer",
    as_json: AsJson = False,
) -> None:
    """Writing: microseconds a point for one line and for several side by side.

    Example: python -m benchmarks write
    """
    from benchmarks.write import bench_writing
    from nextstroke.runtime.model_file import load_model

    _show(bench_writing(load_model(model, "writer"), rounds), as_json)


@app.command()
def compress(
    files: Annotated[list[str], typer.Argument(help="files to compress")],
    model: Annotated[list[str] | None, typer.Option(help="text model, as of compress; may be given again")] = None,
    as_json: AsJson = False,
) -> None:
    """Compressing: bytes, bits a byte and kB/s, of ours and of every rival that is installed.

    Example: python -m benchmarks compress notes.txt --model none
    """
    from nextstroke.cli.compress import limit_blas_threads

    limit_blas_threads()
    from benchmarks.compress import bench_compressing

    rows = bench_compressing(files, model or ["text"])
    if as_json:
        print(json.dumps([row._asdict() for row in rows], ensure_ascii=False))
        return
    print(f"{'tool':32} {'file':24} {'bytes':>10} {'packed':>10} {'bits/byte':>9} {'kB/s':>9} {'back':>9}")
    for row in rows:
        tool, file, *figures = row
        size, packed, bits, there, back = figures
        print(f"{tool:32} {file[-24:]:24} {size:10} {packed:10} {bits:9.4f} {there:9.1f} {back:9.1f}")


@app.command()
def studio(rounds: Rounds = 7, as_json: AsJson = False) -> None:
    """The studio in Chromium: interactive, first ink, a typed letter to its ink, bytes, memory over 50 redraws.

    Example: python -m benchmarks studio --rounds 3
    """
    from benchmarks.studio import bench_studio

    rows = bench_studio(rounds)
    if as_json:
        print(json.dumps([row._asdict() for row in rows]))
        return
    print(f"{'host':14} {'figure':28} {'median':>9} {'least':>9} {'wanted':>9}")
    for row in rows:
        wanted = "" if row.wanted is None else f"{row.wanted:.2f}"
        print(f"{row.host:14} {row.figure:28} {row.median:9.3f} {row.least:9.3f} {wanted:>9} {row.unit}")


def _show(figures: dict[str, float], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for name, value in figures.items():
        print(f"{name:48} {value:10.3f}")


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark and return its exit code.

    Args:
        arguments: Words of the command line after the program; those of the process by default.
    """
    try:
        app(arguments, prog_name="python -m benchmarks")
    except NextstrokeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except SystemExit as ending:  # raised by typer at the end of every command
        return int(ending.code or 0)
    return 0

"""Run in an environment with one extra: its rooms can be imported, other extras' verbs say what to install."""

import io
import sys
from contextlib import redirect_stderr
from importlib import import_module

from nextstroke.cli.main import main

ROOMS = {
    "train": ["nextstroke.training.run", "nextstroke.training.export.networks_export", "nextstroke.nets.networks"],
    "figures": ["nextstroke.paper.plots"],
    "docs": ["mkdocs", "mkdocstrings", "material"],
    "cluster": ["distributed", "nextstroke.handwriting.bulk"],
    "parquet": ["pyarrow.parquet", "nextstroke.handwriting.shard_files"],
    "web": ["nextstroke.web.server.app"],
}
VERBS = {"train": ["train", "recipes/best/writer.toml"], "web": ["serve", "--port", "0"]}


def check(extra: str) -> None:
    for room in ROOMS[extra]:
        import_module(room)
    for other in VERBS.keys() - {extra}:
        with redirect_stderr(io.StringIO()) as told:
            assert main(VERBS[other]) == 2
        assert f"nextstroke[{other}]" in told.getvalue(), told.getvalue()
    print(f"{extra}: {', '.join(ROOMS[extra])}")


if __name__ == "__main__":
    check(sys.argv[1])

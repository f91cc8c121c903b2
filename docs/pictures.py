"""Draw the pictures of the documentation: python docs/pictures.py [NAME ...]. Needs the extra `figures`.

Pictures of handwriting are written by the bundled models, plots are drawn from notes/results.toml.
"""

import io
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

import nextstroke as ns

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(__file__).resolve().parent / "pictures"
COLOURS = 16  # of a picture of ink: enough for smooth edges
DPI = 110


def bias() -> None:
    """Draw the same text with rising bias."""
    biases = [0.0, 0.3, 0.75, 1.5]
    text = "\n".join(f"the bias is {value:g} in this line" for value in biases)
    save_ink("bias", ns.write(text, style="none", bias=biases, seed=3, page="130x52", size=2.4, margin=6, best_of=1))


def nib() -> None:
    """Draw a line with a pen of one width, and one with a broad nib."""
    text = "written with a broad nib"
    plain = ns.write(text, style="flowing", seed=4, pen=0.5, colour="navy", dpi=DPI)
    broad = ns.write(text, style="flowing", seed=4, pen=0.9, nib=True, colour="navy", dpi=DPI)
    save_image("nib", stacked([picture(plain), picture(broad)]))


def papers() -> None:
    """Draw the same words on ruled paper, on a grid and on dots."""
    text = "Milk, bread,\nsix eggs and\ntwo lemons."
    kinds = ("ruled", "grid", "dots")
    pages = [ns.write(text, style="wide", seed=6, page="62x46", margin=6, paper=kind) for kind in kinds]
    save_image("papers", side_by_side([picture(page) for page in pages]))


def alignment() -> None:
    """Draw lines that are aligned left, centred and right."""
    text = "Left, in the middle,\nor on the right:\nwhere lines begin."
    pages = [
        ns.write(text, style="neat", seed=5, page="62x46", margin=6, align=side) for side in ("left", "center", "right")
    ]
    save_image("alignment", side_by_side([picture(page) for page in pages]))


def window() -> None:
    """Draw the window's position in the text (Figure 13 of the paper)."""
    target = FOLDER / "window.png"
    command = ["figure", "window", "more of national temperament", "--style", "neat", "--seed", "2", "-o", str(target)]
    from nextstroke.cli.main import main

    if main(command):
        raise SystemExit("the figure of the window could not be drawn")
    shrink(target)


def learning_curve() -> None:
    """Plot the validation loss of the two parts of the training on raw points."""
    axes, figure = new_plot("points read, millions", "nats a line")
    end = 0.0
    for name in ("raw-points", "raw-points-2"):
        table = tables()[name]
        million, loss = (table["columns"].index(column) for column in ("M points", "nats a line"))
        lines = table["columns"].index("lines")
        rows = [row for row in table["rows"] if row[lines] == "120"]
        axes.plot([end + number(row[million]) for row in rows], [number(row[loss]) for row in rows], marker=".")
        end += number(rows[-1][million])
    axes.axhline(-1096.9, linestyle="--", color="0.5")
    axes.text(1, -1122, "the paper, without regularisation", color="0.4")
    axes.set_ylim(bottom=-1140)
    save_plot("learning-curve", figure)


def compression() -> None:
    """Plot the size of 1 MB of enwik8 by compressor."""
    sizes = {one["id"]: one for one in results()}["compress-enwik8"]
    others = {"PPMd": 262_682, "zpaq -m5": 244_349, "xz -9e": 306_228, sizes["rival_name"]: sizes["rival"]}
    rows = sorted([("nextstroke", sizes["value"]), *others.items()], key=lambda row: -row[1])
    bars("compression", rows, "bytes of 1 MB of enwik8, compressed")


def speed() -> None:
    """Plot points read in a second by one core, with the loops in C++ and in torch."""
    rows = {row[0]: row[1] for row in tables()["learning-on-one-core"]["rows"]}
    wanted = {
        "prediction 3 × 400, batch 64": "prediction 3 × 400, batch 64, forward, backward, update",
        "synthesis 3 × 400, batch 64": "synthesis 3 × 400, batch 64",
        "the same, batch 16": "the same, batch 16",
        "the same, loops in torch": "the same with the loops in torch",
    }
    found = [(label, number(rows[name].partition(", ")[2].removesuffix(" points/s"))) for label, name in wanted.items()]
    bars("speed", found[::-1], "points a second, one core")


def performance() -> None:
    """Plot how cost and memory grow with length, batch and threads, from benchmarks/curves.json."""
    from matplotlib.figure import Figure

    curves = json.loads((ROOT / "benchmarks" / "curves.json").read_text("utf-8"))
    shown = {
        "length": "bytes compressed: cost of a byte",
        "batch": "lines side by side: cost of a point",
        "threads": "processes compressing: cost of a byte",
    }
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(1, 3), shown.items(), strict=True):
        curve = curves[name]
        axes.plot(curve["values"], curve["cost"], "o-", color="tab:blue")
        axes.set(xscale="log", xlabel=label, ylim=(0, 1.1 * max(curve["cost"])), xticks=curve["values"])
        axes.set_xticklabels([f"{value:,}" for value in curve["values"]])
        axes.minorticks_off()
        memory = axes.twinx()
        memory.plot(curve["values"], curve["memory"], "s--", color="tab:orange")
        memory.set_ylim(0, 1.1 * max(curve["memory"]))
        axes.set_ylabel("over the first", color="tab:blue")
        memory.set_ylabel("memory, MB", color="tab:orange")
    save_plot("performance", figure)


def results() -> list[dict[str, Any]]:
    """Return the results of `notes/results.toml`."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "notes" / "results.toml").read_text("utf-8"))["result"]
    return found


def tables() -> dict[str, dict[str, Any]]:
    """Return the tables of `notes/results.toml` by name."""
    data = tomllib.loads((ROOT / "notes" / "results.toml").read_text("utf-8"))
    return {table["name"]: table for table in data["table"]}


def number(text: str) -> float:
    """Return the number that a cell shows."""
    return float(text.replace("−", "-").replace(",", ""))


def new_plot(x: str, y: str) -> tuple[Any, Any]:
    """Return axes and figure of a plot with labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    return axes, figure


def bars(name: str, rows: list[tuple[str, float]], label: str) -> None:
    """Save horizontal bars, the first row at the bottom."""
    axes, figure = new_plot(label, "")
    drawn = axes.barh([row[0] for row in rows], [row[1] for row in rows])
    axes.bar_label(drawn, [f"{row[1]:,.0f}" for row in rows], padding=3)
    axes.margins(x=0.15)
    save_plot(name, figure)


def save_plot(name: str, figure: Any) -> None:
    """Save a plot as PNG."""
    figure.savefig(FOLDER / f"{name}.png", dpi=DPI, metadata={"Software": None})
    shrink(FOLDER / f"{name}.png")


def picture(page: ns.Handwriting) -> Image.Image:
    """Return the first page of handwriting as an image."""
    look = page.look if page.look.dpi else ns.Look(dpi=DPI)
    return Image.open(io.BytesIO(page.render("png", look))).convert("RGB")


def save_ink(name: str, page: ns.Handwriting) -> None:
    """Save the first page of handwriting."""
    save_image(name, picture(page))


def stacked(images: list[Image.Image]) -> Image.Image:
    """Return images one below the other on white."""
    whole = Image.new("RGB", (max(one.width for one in images), sum(one.height for one in images)), "white")
    top = 0
    for one in images:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """Return images of one height next to each other with a thin grey line between."""
    gap = 2
    whole = Image.new("RGB", (sum(one.width + gap for one in images) - gap, images[0].height), "lightgrey")
    left = 0
    for one in images:
        whole.paste(one, (left, 0))
        left += one.width + gap
    return whole


def save_image(name: str, image: Image.Image) -> None:
    """Save an image with few colours."""
    image.quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)


def shrink(path: Path) -> None:
    """Reduce the colours of a PNG file."""
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


PICTURES: dict[str, Callable[[], None]] = {
    "alignment": alignment,
    "bias": bias,
    "compression": compression,
    "learning-curve": learning_curve,
    "nib": nib,
    "papers": papers,
    "performance": performance,
    "speed": speed,
    "window": window,
}


def main() -> None:
    """Draw the pictures that are named, or all."""
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()
        print(f"docs/pictures/{name}.png: {(FOLDER / f'{name}.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()

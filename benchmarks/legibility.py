"""How well a stranger reads what the writer writes: the error of an OCR program on generated lines.

    python benchmarks/legibility.py [--style NAME] [--bias B] [--model M] [--once] [--json] [--keep FOLDER]

Twelve texts under five seeds; tesseract reads each line as one line of text (`--psm 7`). The error is the edit distance
between what was meant and what was read, over the length of what was meant, letters and digits only, case folded.
Beside it: the share of lines that stop by themselves with every character reached, at the first attempt.
Needs tesseract on the path.
"""

import argparse
import io
import json
import subprocess
from pathlib import Path

from nextstroke.engine.modelfile import load_model
from nextstroke.engine.styles import find_style
from nextstroke.engine.write import write_lines, write_soundly
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.raster import picture

TEXTS = (
    "We left the harbour before sunrise",
    "Please water the plants on Friday",
    "She plays chess with her uncle",
    "The train to Vienna leaves at noon",
    "My brother bought a yellow bicycle",
    "Thank you for the lovely evening",
    "Bring an umbrella and warm clothes",
    "Our garden is full of wild roses",
    "He fixed the kitchen clock himself",
    "They walked quietly along the river",
    "Lunch is ready, come and sit down",
    "Just a short note from the office",
)
SEEDS = (1, 2, 3, 4, 5)


def letters(text: str) -> str:
    """Letters and digits alone, case folded."""
    return "".join(character for character in text.casefold() if character.isalnum())


def edit_distance(meant: str, found: str) -> int:
    """Least number of insertions, deletions and replacements."""
    row = list(range(len(found) + 1))
    for i, a in enumerate(meant, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(found, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def read(ink: Ink, keep: Path | None = None) -> str:
    """What tesseract makes of a line drawn with small letters 4 mm high at 150 dpi."""
    sheet = place(level([ink], Page(x_height=4, margin=8)), Page(x_height=4, margin=8))[0]
    stream = io.BytesIO()
    picture(sheet, dpi=150, pen=0.6, colour="black").save(stream, "PNG")
    if keep:
        keep.write_bytes(stream.getvalue())
    command = ["tesseract", "-", "-", "--psm", "7", "--dpi", "150"]
    return subprocess.run(command, input=stream.getvalue(), capture_output=True, check=True).stdout.decode().strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="writer")
    parser.add_argument("--style", default="none")
    parser.add_argument("--bias", type=float, default=0.75)
    parser.add_argument("--once", action="store_true", help="first attempts only, no second try for a failed line")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    options = parser.parse_args()
    model, style = load_model(options.model, "writer"), find_style(options.style, options.model)
    errors, sound = [], []
    for seed in SEEDS:
        first = write_lines(model, TEXTS, options.bias, seed, style)
        sound += [line.sound for line in first]
        lines = first if options.once else write_soundly(model, TEXTS, options.bias, seed, style)
        for number, line in enumerate(lines):
            keep = options.keep and options.keep / f"{seed}-{number}.png"
            meant = letters(line.text)
            errors.append(edit_distance(meant, letters(read(line.ink, keep))) / len(meant))
    figures = {
        "character_error": sum(errors) / len(errors),
        "worst_lines": sum(error > 0.3 for error in errors) / len(errors),
        "sound_at_first": sum(sound) / len(sound),
        "lines": len(errors),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value:.3f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()

"""How well a stranger reads what the writer writes: the error of an OCR program on generated lines.

    python benchmarks/legibility.py [--style NAME] [--bias B] [--model M] [--once] [--json] [--keep FOLDER]

Twelve texts under five seeds; tesseract reads each line as one line of text (`--psm 7`). The error is the edit distance
between what was meant and what was read, over the length of what was meant, letters and digits only, case folded.
Beside it: the share of lines that stop by themselves with every character reached, at the first attempt.
Needs tesseract on the path.
"""

import argparse
import json
from pathlib import Path

from nextstroke.distance import edit_distance
from nextstroke.engine.modelfile import load_model
from nextstroke.engine.styles import find_style
from nextstroke.engine.write import write_lines, write_soundly
from nextstroke.report.legibility import drawn, letters, read
from nextstroke.report.measures import TEXTS

SEEDS = (1, 2, 3, 4, 5)


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
            image, meant = drawn(line.ink), letters(line.text)
            if options.keep:
                (options.keep / f"{seed}-{number}.png").write_bytes(image)
            errors.append(edit_distance(meant, letters(read(image))) / len(meant))
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

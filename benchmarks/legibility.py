"""How well a stranger reads what the writer writes: the error of an OCR program on generated lines.

    python benchmarks/legibility.py [--style NAME] [--bias B] [--model M] [--best-of K | --once] [--kind KIND] [--json]
        [--keep FOLDER]

Twelve texts, or six of a kind, under five seeds; tesseract reads each line as one line of text (`--psm 7`). The error
is the edit distance between what was meant and what was read, over the length of what was meant, letters and digits
only, case folded. Beside it: the share of lines that stop by themselves with every character reached, at the first
attempt. Needs tesseract on the path.
"""

import argparse
import json
from pathlib import Path

from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import write
from nextstroke.paper.legibility import letters_and_digits, recognise, render_line
from nextstroke.paper.measures import TEXTS
from nextstroke.runtime.model_file import load_model
from nextstroke.text.edit_distance import edit_distance

SEEDS = (1, 2, 3, 4, 5)
KINDS = {
    "words": TEXTS,
    "digits": (
        "on 14 May 1972 at 10:35",
        "call 020 7946 0958 today",
        "3,482 of 9,170 in 2016",
        "room 57, floor 6, 8 beds",
        "1234567890",
        "from 1605 to 1837 or 1940",
    ),
    "capitals": (
        "THE QUICK BROWN FOX",
        "JUMPS OVER LAZY DOGS",
        "PLEASE DO NOT PARK HERE",
        "OPEN EVERY DAY BUT MONDAY",
        "HAPPY BIRTHDAY ANNA",
        "KEEP OUT OF REACH",
    ),
    "rare": (
        "Quebec and Zurich by taxi",
        "Queen Xenia of Zanzibar",
        "six lazy quails in a zoo",
        "Xavier quizzed Zoe twice",
        "the exact size of the axe",
        "a Quaker jazz quartet",
    ),
    "doubled": (
        "the bookkeeper will succeed",
        "a committee of small yellow bees",
        "hissing grass and wooden wheels",
        "full accommodation, see bill",
        "coffee, cheese, apple and egg",
        "miss Mississippi and Tennessee",
    ),
    "signs": (
        '"Never," he said, "again!"',
        "(see the note) or 'ask' me",
        "why? because; and so: yes",
        "it's Anna's, isn't it?",
        "bread (white), 'milk' & tea",
        '"one" - "two" - (three)',
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="writer")
    parser.add_argument("--style", default="none")
    parser.add_argument("--bias", type=float, default=0.75)
    parser.add_argument("--kind", choices=KINDS, default="words")
    parser.add_argument("--best-of", type=int, default=1, help="candidates of each line; the reader picks")
    parser.add_argument("--once", action="store_true", help="first attempts only, no second try for a failed line")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder for the pictures")
    options = parser.parse_args()
    model = load_model(options.model, "writer")
    hand = gallery_hand(options.style, options.model)
    writer = line_writer(options.best_of, model)
    errors = []
    complete = []
    for seed in SEEDS:
        requests = line_requests(model, KINDS[options.kind], hand, options.bias, seed)
        first = write(model, requests, attempts=1)
        complete += [line.complete for line in first]
        lines = first if options.once else writer.write(model, requests)
        for number, line in enumerate(lines):
            image, meant = render_line(line.ink), letters_and_digits(line.written)
            if options.keep:
                (options.keep / f"{seed}-{number}.png").write_bytes(image)
            errors.append(edit_distance(meant, letters_and_digits(recognise(image))) / len(meant))
    figures = {
        "character_error": sum(errors) / len(errors),
        "worst_lines": sum(error > 0.3 for error in errors) / len(errors),
        "complete_at_first": sum(complete) / len(complete),
        "lines": len(errors),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value:.3f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()

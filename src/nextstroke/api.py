"""For a Python session or a notebook: a text in, handwriting that shows itself out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nextstroke.handwriting.best_of import CANDIDATES, chooser_among
from nextstroke.handwriting.compose import Letter, compose
from nextstroke.handwriting.learn_hand import find_hand
from nextstroke.pages.appearance import LOOK, Look
from nextstroke.pages.budget import BUDGET, Budget, estimate, measure
from nextstroke.pages.layout import Page
from nextstroke.pages.save import About, pick_format, render
from nextstroke.pages.save import save as save_sheets
from nextstroke.runtime.model_file import Model, find_model, load_model
from nextstroke.text.generate import Choice, Spelling
from nextstroke.text.generate import generate as continued


@dataclass(frozen=True)
class Handwriting:
    """A written text; a notebook shows its first page.

    Attributes:
        letter: Its pages and lines.
        about: Text, seed, bias, style and model.
        budget: What drawing it may take at most.
    """

    letter: Letter
    about: About
    budget: Budget = BUDGET

    def svg(self, look: Look = LOOK, page: int = 0) -> str:
        """One page as SVG."""
        return self.render("svg", look, page).decode()

    def render(self, format: str, look: Look = LOOK, page: int = 0) -> bytes:
        """One page in any format of `nextstroke write`: png, pdf, gif, inkml, gcode …

        Raises:
            LimitExceeded: it would take more than the budget.
        """
        self.budget.check(measure(self.letter.sheets[page : page + 1], format, look))
        return render(self.letter.sheets[page], format, look, self.about)

    def save(self, path: str, look: Look = LOOK) -> list[str]:
        """Write all pages, the format picked by the suffix; returns the names of the files.

        Raises:
            LimitExceeded: it would take more than the budget.
        """
        self.budget.check(measure(self.letter.sheets, pick_format(str(path), None), look))
        return save_sheets(self.letter.sheets, str(path), None, look, self.about)

    def _repr_svg_(self) -> str:
        return self.svg()


def write(
    text: str,
    style: str | Sequence[str] = "",
    bias: float | Sequence[float] = 0.75,
    seed: int = 1,
    page: str | Page | None = None,
    best_of: int = CANDIDATES,
    model: str = "writer",
    budget: Budget = BUDGET,
) -> Handwriting:
    """Write a text by hand.

    Args:
        style: Name of a hand or file with ink of one's own; several for paragraphs in turn; empty for the first hand
            of the gallery, "none" for another hand in each line.
        bias: 0 is as varied as real hands, 1 very legible.
        page: "a4", "a5", "letter", "WIDTHxHEIGHT" in mm, or a Page; cut to the ink if not given.
        best_of: Candidates of each line, of which the most legible is taken.
        model: Model file, or the name of a bundled one.
        budget: What it may take at most: characters, pages, pixels and memory.
    Raises:
        LimitExceeded: it would take more than the budget; nothing is written.
        NextstrokeError: text, style or model cannot be used; the message says why.
    """
    writer = load_model(model, "writer")
    names = [style] if isinstance(style, str) else list(style)
    hands = [find_hand(name, writer, model) for name in names]
    sheet = Page.named(page) if isinstance(page, str) else page or Page(margin=4.0)
    budget.check(estimate(text, sheet, "svg", LOOK, writer.about["points_per_character"]))
    named = ",".join(hand.name or "none" for hand in hands)
    about: dict[str, Any] = {"text": text, "seed": seed, "bias": bias, "style": named, "model": model}
    return Handwriting(compose(writer, text, sheet, hands, bias, seed, chooser_among(best_of)), about, budget)


def generate(
    prime: str = "", length: int = 1000, temperature: float = 1.0, seed: int = 1, model: str = "text", **choice: Any
) -> str:
    """Continue a text.

    Args:
        length: Symbols to write: bytes, characters or words, as the model has.
        choice: top_k, top_p.
    Raises:
        NextstrokeError: the model does not know the prime's characters, or a value is senseless.
    """
    network = load_model(model, "text")
    spelling = Spelling(network)
    drawn = continued(network, spelling.read(prime), length, Choice(temperature, **choice), seed)
    return "".join(spelling.write(drawn))


def load(name: str) -> Model:
    """Load a model file of any kind, by path or by the name of a bundled one."""
    return Model(find_model(name))

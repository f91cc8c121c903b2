"""What the API does, without the web: writes, learns hands, generates."""

import base64
import io
import json
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, TypeVar
from weakref import WeakSet

import numpy as np

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.handwriting.best_of import READER
from nextstroke.handwriting.compose import compose_rows, compose_sheets
from nextstroke.handwriting.hands import Style, gallery, pack_styles
from nextstroke.handwriting.learn_hand import learn_hand
from nextstroke.handwriting.recogniser import Reader
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.budget import MIB, Budget, estimate
from nextstroke.pages.save import document, render
from nextstroke.runtime.model_file import Model, find_model, load_model
from nextstroke.text.generate import Choice, Spelling, generate
from nextstroke.web.server.batcher import Scribe, Ticket, Turn
from nextstroke.web.server.memory import MemoryPool
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.server.schemas import GenerateOrder, StyleOrder, WriteOrder, style_of

T = TypeVar("T")
KEPT = "kept-"
PIECE = 16  # symbols sent at once
LEARNING = 64 * MIB  # that learning a hand takes: 13 texts of 2000 characters, and 20,000 points


class Service:
    """The networks, and the hands that clients had kept.

    Args:
        threads: That write side by side.
    """

    def __init__(self, limits: Limits, threads: int):
        self.limits = limits
        self.memory = MemoryPool(limits.memory_total * MIB)
        self.writer = load_model("writer", "writer")
        hands = gallery(find_model("writer"))
        self.gallery = {"none": Style.none()} | hands
        self.first = next(iter(hands))
        self.scribe = Scribe(self.writer, Reader(load_model(READER, "reader")), threads)
        self.kept: OrderedDict[str, Style] = OrderedDict()
        self.learned = 0
        self.lock = threading.Lock()
        self.tickets: WeakSet[Ticket] = WeakSet()

    def admit(self, ticket: Ticket) -> Ticket:
        """Take a request on, until nobody holds its ticket any more."""
        with self.lock:
            self.tickets.add(ticket)
        return ticket

    def stop(self) -> None:
        """Give up all requests, and let the threads end."""
        with self.lock:
            for ticket in self.tickets:
                ticket.gone.set()
        self.scribe.stop()

    @cached_property
    def text(self) -> Model:
        """The text model, loaded when it is first asked for."""
        return load_model("text", "text")

    def styles(self) -> list[dict[str, str]]:
        """The hands by name, with what their primes say."""
        return [{"name": name, "text": style.text.strip()} for name, style in self.gallery.items()]

    def find_style(self, told: str) -> Style:
        """A hand of the gallery (its first if none is told), one kept, or one sent; raises UsageError, CorruptFile."""
        told = told or self.first
        if told in self.kept:
            self.kept.move_to_end(told)
            return self.kept[told]
        if told in self.gallery:
            return self.gallery[told]
        if len(told) < 100:
            raise UsageError(f"style {told!r}: there is none of that name; GET /v1/styles lists them")
        style = style_of(told)
        style.check(self.writer)  # here, since lines of other clients are written together with those of this style
        return style

    def write(self, order: WriteOrder, ticket: Ticket) -> tuple[str, bytes]:
        """The finished file, and its kind: of several pages that no single file can hold, a zip."""
        look, about = order.look(), self._about(order)
        wish = self._wish(order, ticket)
        with self.memory.reserved(self._memory(order, look)):
            sheets = [sheet for sheet, _ in compose_sheets(**wish)]
            if order.format == "pdf":
                return "pdf", document(sheets, look, about, ticket.check)
            files = [render(sheet, order.format, look, about, ticket.check) for sheet in sheets]
            return (order.format, files[0]) if len(files) == 1 else ("zip", _zipped(files, order.format))

    def stream(self, order: WriteOrder, ticket: Ticket) -> Iterator[str]:
        """Each line as soon as it is written: JSON, its strokes in mm, the left end of the baseline at (0, 0)."""
        wish = self._wish(order, ticket)
        with self.memory.reserved(self._memory(order, order.look())):
            for number, row in enumerate(compose_rows(**wish)):
                told: dict[str, Any] = {"row": number, "paragraph": row.paragraph}
                if row.written and row.ink:
                    strokes = [stroke.round(3).tolist() for stroke in row.ink.strokes()]
                    told |= {"text": row.written.text, "sound": row.written.sound, "strokes": strokes}
                yield json.dumps(told) + "\n"

    def _memory(self, order: WriteOrder, look: Look) -> int:
        """Bytes that an order takes, estimated; raises LimitExceeded where that or a part of it is too much."""
        work = estimate(order.text, order.sheet(), order.format, look, self.writer.about["points_per_character"])
        limits = self.limits
        Budget(limits.text, limits.pages, limits.pixels, limits.memory * MIB).check(work)
        return work.memory

    def learn(self, order: StyleOrder, ticket: Ticket) -> dict[str, str]:
        """A hand from lines of ink: its bytes as text, and its name where it is kept."""
        points = sum(len(stroke) for line in order.lines for stroke in line.strokes)
        if points > self.limits.points:
            raise LimitExceeded(f"{points} points of ink, at most {self.limits.points} are read")
        lines = [(Ink.from_strokes(map(np.array, line.strokes)), line.text) for line in order.lines]
        with self.memory.reserved(LEARNING):
            style = learn_hand(self.writer, "mine", lines, ticket.check)
        told = {"style": base64.b64encode(pack_styles([style])).decode()}
        return told | {"name": self._keep(style)} if order.keep else told

    def _keep(self, style: Style) -> str:
        self.learned += 1
        name = f"{KEPT}{self.learned}"
        self.kept[name] = style
        if len(self.kept) > self.limits.kept:
            self.kept.popitem(last=False)
        return name

    def generate(self, order: GenerateOrder, ticket: Ticket) -> Iterator[str]:
        """A text's continuation piece by piece; raises before the first where the order cannot be followed."""
        if order.length > self.limits.length:
            raise LimitExceeded(f"length {order.length}: at most {self.limits.length}")
        model, choice = self.text, Choice(order.temperature, order.top_k, order.top_p)
        spelling = Spelling(model)
        prime = _checked(spelling.read(order.prime), ticket)
        return _joined(_checked(spelling.write(generate(model, prime, order.length, choice, order.seed)), ticket))

    def _wish(self, order: WriteOrder, ticket: Ticket) -> dict[str, Any]:
        """Arguments of `compose_rows`; raises LimitExceeded, UsageError, CorruptFile."""
        if len(order.text) > self.limits.text:
            raise LimitExceeded(f"{len(order.text)} characters, at most {self.limits.text} are written at once")
        if order.best_of > self.limits.candidates:
            raise LimitExceeded(f"best_of {order.best_of}: at most {self.limits.candidates}")
        wish = {"model": self.writer, "text": order.text, "page": order.sheet(), "bias": order.bias, "seed": order.seed}
        return wish | {"styles": [self.find_style(order.style)], "chooser": Turn(self.scribe, order.best_of, ticket)}

    def _about(self, order: WriteOrder) -> dict[str, Any]:
        style = (order.style or self.first) if len(order.style) < 100 else "sent"
        return {"text": order.text, "seed": order.seed, "bias": order.bias, "style": style, "model": "writer"}


def _checked(items: Iterable[T], ticket: Ticket) -> Iterator[T]:
    """The same, as long as they are waited for."""
    for item in items:
        ticket.check()
        yield item


def _joined(symbols: Iterator[str]) -> Iterator[str]:
    while piece := "".join(islice(symbols, PIECE)):
        yield piece


def _zipped(files: list[bytes], suffix: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, data in enumerate(files, 1):
            archive.writestr(f"page-{number}.{suffix}", data)
    return packed.getvalue()

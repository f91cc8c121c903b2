"""The work of the HTTP API: write, learn hands, generate."""

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
from nextstroke.handwriting.compose import TextRequest, compose_rows, compose_sheets, incomplete
from nextstroke.handwriting.glyphs.symbols import replaced
from nextstroke.handwriting.hands import Hand, gallery, pack_hands
from nextstroke.handwriting.learn_hand import learn_hand
from nextstroke.handwriting.recogniser import recogniser_of
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.budget import MIB, Budget, estimate
from nextstroke.pages.save import DOCUMENTS, check_look, check_options, document, render
from nextstroke.runtime.model_file import Model, find_model, load_model
from nextstroke.text.generate import Choice, Spelling, generate
from nextstroke.web.server.batcher import Batcher, QueuedWriter, Ticket
from nextstroke.web.server.memory import MemoryPool
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.server.schemas import GenerateBody, LearnBody, WriteBody, hand_of

T = TypeVar("T")
KEPT = "kept-"
PIECE = 16  # symbols sent at once
MAX_NAME = 100  # characters of a name; longer ones are styles in base64
LEARNING = 64 * MIB  # that learning a hand takes: 13 texts of 2000 characters, and 20,000 points


class Service:
    """The networks, and the hands that clients had stored.

    Args:
        limits: Limits of a request.
        threads: Number of threads that write.
    """

    def __init__(self, limits: Limits, threads: int):
        self.limits = limits
        self.memory = MemoryPool(limits.memory_total * MIB)
        self.writer = load_model("writer", "writer")
        hands = gallery(find_model("writer"))
        self.gallery = {"none": Hand.none()} | hands
        self.first = next(iter(hands))
        self.batcher = Batcher(self.writer, recogniser_of(self.writer), threads)
        self.kept: OrderedDict[str, Hand] = OrderedDict()
        self.learned = 0
        self.lock = threading.Lock()
        self.tickets: WeakSet[Ticket] = WeakSet()

    def admit(self, ticket: Ticket) -> Ticket:
        """Register a request, until nobody holds its ticket any more."""
        with self.lock:
            self.tickets.add(ticket)
        return ticket

    def stop(self) -> None:
        """Cancel all requests, and let the threads end."""
        with self.lock:
            for ticket in self.tickets:
                ticket.gone.set()
        self.batcher.stop()

    @cached_property
    def text(self) -> Model:
        """The text model, loaded on first use."""
        return load_model("text", "text")

    def styles(self) -> list[dict[str, str]]:
        """Return the name, the group and the text of the prime of each hand."""
        return [{"name": name, "group": hand.group, "text": hand.text.strip()} for name, hand in self.gallery.items()]

    def hand(self, style: str) -> Hand:
        """Return a hand of the gallery (by default its first), a stored one, or one sent with the request.

        Args:
            style: A name, or a style in base64.

        Raises:
            UsageError: There is none of that name.
            CorruptFile, WrongModel, UnknownCharacters, LimitExceeded: The style that was sent cannot be used.
        """
        style = style or self.first
        if style in self.kept:
            self.kept.move_to_end(style)
            return self.kept[style]
        if style in self.gallery:
            return self.gallery[style]
        if len(style) < MAX_NAME:
            raise UsageError(f"style {style!r}: there is none of that name; GET /v1/styles lists them")
        hand = hand_of(style)
        hand.check(self.writer)  # now, since lines of other clients are written together with those in this hand
        return hand

    def write(self, body: WriteBody, ticket: Ticket) -> tuple[str, bytes]:
        """Return the finished file, and its kind: a zip for several pages in a format of one page a file."""
        look = self._look(body)
        request = self._request(body)
        writer = QueuedWriter(self.batcher, body.best_of, ticket)
        about = request.metadata("writer")
        if len(body.style) >= MAX_NAME:
            names = zip(body.styles, request.hands, strict=True)
            about["style"] = ",".join("sent" if len(sent) >= MAX_NAME else hand.name or "none" for sent, hand in names)
        with self.memory.reserved(self._memory(request, body.format, look)):
            sheets = []
            for sheet, lines in compose_sheets(self.writer, request, writer):
                if body.strict and (broken := incomplete(lines)):
                    told = f"no attempt at this line is complete, try another seed or style: {broken[0]}"
                    raise UsageError(told)
                sheets.append(sheet)
            if body.format in DOCUMENTS:
                return body.format, document(sheets, look, about, ticket.check, body.format)
            files = [render(sheet, body.format, look, about, ticket.check) for sheet in sheets]
            return (body.format, files[0]) if len(files) == 1 else ("zip", _zipped(files, body.format))

    def stream(self, body: WriteBody, ticket: Ticket) -> Iterator[str]:
        """Yield each line as soon as it is written: JSON, strokes in mm, the left end of the baseline at (0, 0)."""
        look = self._look(body)
        request = self._request(body)
        writer = QueuedWriter(self.batcher, body.best_of, ticket)
        with self.memory.reserved(self._memory(request, body.format, look)):
            for number, row in enumerate(compose_rows(self.writer, request, writer)):
                found: dict[str, Any] = {"row": number, "paragraph": row.paragraph, "align": row.align}
                if row.line and row.ink:
                    found |= {"text": row.line.text, "written": row.line.written, "complete": row.line.complete}
                    found["strokes"] = [stroke.round(3).tolist() for stroke in row.ink.strokes()]
                yield json.dumps(found) + "\n"

    def _request(self, body: WriteBody) -> TextRequest:
        """Return what `compose_sheets` takes; raises LimitExceeded, UsageError, CorruptFile."""
        if body.best_of > self.limits.candidates:
            raise LimitExceeded(f"best_of {body.best_of}: at most {self.limits.candidates}")
        text = self._short(body.text)
        if body.replace is not None:
            text = self._short(replaced(text, self.writer.alphabet, body.replace))
        hands = [self.hand(style) for style in body.styles]
        return TextRequest(text, body.sheet(), hands, body.biases, body.seed, body.markup)

    def _short(self, text: str) -> str:
        """Return a text; raises LimitExceeded for one that is too long."""
        if len(text) > self.limits.text:
            raise LimitExceeded(f"{len(text)} characters, at most {self.limits.text} are written at once")
        return text

    def _look(self, body: WriteBody) -> Look:
        """Return how the ink is drawn; raises UsageError for what the format has no use for."""
        check_options(body.format, body.given)
        look = body.look()
        check_look(body.format, look)
        return look

    def _memory(self, request: TextRequest, format: str, look: Look) -> int:
        """Return an estimate of the bytes that a request takes; raises LimitExceeded where it is too large."""
        work = estimate(request.text, request.page, format, look, self.writer.metadata["points_per_character"])
        limits = self.limits
        Budget(limits.text, limits.pages, limits.pixels, limits.memory * MIB).check(work)
        return work.memory

    def learn(self, body: LearnBody, ticket: Ticket) -> dict[str, str]:
        """Return a hand learned from lines of ink: its bytes in base64, and its name where it is stored."""
        points = sum(len(stroke) for line in body.lines for stroke in line.strokes)
        if points > self.limits.points:
            raise LimitExceeded(f"{points} points of ink, at most {self.limits.points} are read")
        lines = [(Ink.from_strokes(map(np.array, line.strokes)), line.text) for line in body.lines]
        with self.memory.reserved(LEARNING):
            hand = learn_hand(self.writer, "mine", lines, ticket.check)
        found = {"style": base64.b64encode(pack_hands([hand])).decode()}
        return found | {"name": self._keep(hand)} if body.keep else found

    def _keep(self, hand: Hand) -> str:
        self.learned += 1
        name = f"{KEPT}{self.learned}"
        self.kept[name] = hand
        if len(self.kept) > self.limits.kept:
            self.kept.popitem(last=False)
        return name

    def generate(self, body: GenerateBody, ticket: Ticket) -> Iterator[str]:
        """Yield a text's continuation piece by piece; raises before the first piece where it cannot be continued."""
        if body.length > self.limits.length:
            raise LimitExceeded(f"length {body.length}: at most {self.limits.length}")
        choice = Choice(body.temperature, body.top_k, body.top_p)
        spelling = Spelling(self.text)
        prime = _checked(spelling.read(body.prime), ticket)
        symbols = generate(self.text, prime, body.length, choice, body.seed)
        return _joined(_checked(spelling.write(symbols), ticket))


def _checked(items: Iterable[T], ticket: Ticket) -> Iterator[T]:
    """Yield the items as long as the client waits for them."""
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

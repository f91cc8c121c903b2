"""What one client may ask of the server at most."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of the API; all can be set on the command line.

    Attributes:
        body: Bytes of a request.
        text: Characters to be written.
        points: Points of ink from which a hand is learned.
        length: Symbols to be generated.
        candidates: Of each line.
        seconds: That a request may be worked on.
        sending: Seconds that a client may take to send a request.
        at_once: Requests worked on side by side; more are refused.
        memory: MiB that one request may take, by an estimate made before it is worked on.
        memory_total: MiB that all requests together may take.
        pages: Number of pages.
        pixels: In the pictures of all pages of one request.
        kept: Hands kept in memory; the longest unused one goes first.
    """

    body: int = 1 << 20
    text: int = 5000
    points: int = 20_000
    length: int = 20_000
    candidates: int = 16
    seconds: float = 60.0
    sending: float = 10.0
    at_once: int = 64
    memory: int = 512
    memory_total: int = 1024
    pages: int = 500
    pixels: int = 400_000_000
    kept: int = 64

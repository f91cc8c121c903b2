"""Texts that come with ink: one row for each written line."""

import re

MAX_TEXT = 1 << 16  # bytes of a file of text next to ink
ESCAPES = {"&quot;": '"', "&apos;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&"}


def text_rows(text: str) -> str:
    """Return a text with single blanks between words, and a line end between rows that are not empty."""
    cleaned = (" ".join(row.split()) for row in text.split("\n"))
    return "\n".join(row for row in cleaned if row)


def unescape(text: str) -> str:
    """Undo the five XML escapes repeatedly, because the official files of IAM-OnDB escape some texts twice."""
    while True:
        plain = re.sub("|".join(ESCAPES), lambda match: ESCAPES[match[0]], text)
        if plain == text:
            return text
        text = plain

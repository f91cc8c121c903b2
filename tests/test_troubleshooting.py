"""docs/troubleshooting.md quotes messages that the program prints."""

import ast
import re

import pytest

from tests.documentation import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = [found[0] or found[1].strip() for found in re.findall(r"^\| (?:`([^`]+)`|``(.+?)``) \|", PAGE, re.MULTILINE)]
LEAST = 12  # characters of a template that are fixed; shorter ones match anything
LEAST_SHARE = 0.3  # of a message is the fixed text of its template


def templates():
    """Regular expressions of all strings in the source, any text for a formatted value, and their fixed lengths."""
    found = []
    for path in (ROOT / "src" / "nextstroke").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node.value]
            else:
                continue
            if sum(len(part) for part in parts if part) >= LEAST:
                pattern = "".join(".*?" if part is None else re.escape(part) for part in parts)
                found.append((re.compile(pattern, re.DOTALL), sum(len(part) for part in parts if part)))
    return found


TEMPLATES = templates()


def is_printed(message):
    """Whether a template gives the message, perhaps with a file name or "nextstroke: " before it."""
    texts = [message, message.partition(": ")[2], f"nextstroke: {message}"]
    return any(
        template.fullmatch(text) and fixed >= LEAST_SHARE * len(text)
        for template, fixed in TEMPLATES
        for text in texts
        if text
    )


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_in_the_source(message):
    assert is_printed(message)


def test_a_message_that_nothing_prints_is_noticed():
    assert len(QUOTED) > 30
    assert not is_printed("the model can not write this; leave it out")

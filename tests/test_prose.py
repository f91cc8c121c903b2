"""A linter for English: phrases of the project's list are banned in pages, help, errors and docstrings."""

import ast
import io
import json
import re
import tokenize

import pytest

from tests.documentation import PAGES, ROOT

# A pattern and what to write instead. `\b` is added at both ends.
BANNED = {
    r"at hand": "available",
    r"so many": "n, or the number of ...",
    r"(?:is|are) told(?! apart)|as told|tells whether": "reported, says",
    r"stands? (?:beside|behind|before)": "is next to, precedes",
    r"in (?:its|their) (?:place|stead)": "instead",
    r"a house|the house|floors?|rooms": "package, layer",
    r"what lies|there lies": "what is",
    r"goes astray|ran astray": "fails, is wrong",
    r"senseless": "invalid",
    r"a sound (?:line|candidate|file)": "complete, valid",
    r"not said|if not given|unless said": "default",
    r"of ours": "of nextstroke",
    r"hark|heed|whilst|whence|thereof|herein|hitherto|thither|whereupon": "plain words",
    r"obviously|simply|just works|of course|needless to say|trivially": "nothing",
    r"in order to": "to",
    r"utiliz(?:e|es|ing)|utilis(?:e|es|ing)|leverag(?:e|es|ing)": "use",
    r"very unique|state[- ]of[- ]the[- ]art|cutting[- ]edge|blazing(?:ly)?|seamless(?:ly)?": "a figure",
    r"ugly|scribe|glance": "the field's word",
    r"the reader of a line|beheld": "recogniser",
}
PATTERN = {re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE): better for pattern, better in BANNED.items()}
LONGEST = 45  # words of a sentence in a page
# Records of their day, which are not rewritten, and code that is quoted.
PROSE = [path for path in PAGES if path.name not in {"modules.md", "reference.md", "cli.md", "results.md"}]
SOURCES = sorted((ROOT / "src" / "nextstroke").rglob("*.py"))
# Names that the paper, a file format or an older version gave.
ALLOWED = {"glance"}


def found(text):
    """Banned phrases in a text, each with what to write instead."""
    return [
        f"{match[0]!r}: write {better}"
        for pattern, better in PATTERN.items()
        for match in pattern.finditer(text)
        if match[0] not in ALLOWED
    ]


def without_code(page):
    return re.sub(r"^```.*?^```$|``.+?``|`[^`\n]*`|^<!--.*?-->$", "X", page, flags=re.MULTILINE | re.DOTALL)


def strings_and_comments(source):
    """Docstrings, help texts, messages and comments of a module."""
    texts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            texts.append(re.sub(r"`[^`\n]*`", "X", node.value))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            texts.append(re.sub(r"`[^`\n]*`", "X", token.string))
    return texts


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_has_no_banned_phrase(path):
    assert found(without_code(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("package", sorted({path.parent for path in SOURCES}), ids=lambda path: path.name)
def test_a_package_has_no_banned_phrase(package):
    problems = [
        f"{path.name}: {problem}"
        for path in sorted(package.glob("*.py"))
        for text in strings_and_comments(path.read_text("utf-8"))
        for problem in found(text)
    ]
    assert problems == []


def test_recipes_and_notebooks_have_no_banned_phrase():
    texts = {path: path.read_text("utf-8") for path in (ROOT / "recipes").rglob("*.toml")}
    for path in (ROOT / "docs" / "tutorial").glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        texts[path] = "\n".join("".join(cell["source"]) for cell in cells)
    assert [f"{path.name}: {problem}" for path, text in texts.items() for problem in found(text)] == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_sentence_is_not_too_long(path):
    text = re.sub(r"^\|.*$|^#+ .*$|^    .*$|^!\[.*$", "\n\n", without_code(path.read_text("utf-8")), flags=re.MULTILINE)
    sentences = re.split(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?:-|\d+\.) |·", text)
    assert [sentence for sentence in sentences if len(sentence.split()) > LONGEST] == []


def test_the_linter_finds_a_banned_phrase():
    assert found("No GPU was at hand.") == ["'at hand': write available"]
    assert found("It handles the hand at handover.") == []

"""Transcriptions as the ink has them: escapes undone, the blanks that a tokeniser put in closed up again."""

import re

ESCAPES = {"&quot;": '"', "&apos;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
SUFFIX = r"(?:s|t|d|m|ll|re|ve)\b"  # what stands behind the apostrophe of a shortened word

# A quotation mark with the blanks about it; between two letters it stands for two dots ('Du"rrenmatt').
MARK = re.compile(r' ?(?<!\w)" ?| ?"(?!\w) ?')
SPEAKER = re.compile(r"(?:s?he|said)\b")

# Applied in order; each closes one kind of blank that is not in the ink. Others are: the writers copied printed texts,
# and "M Ps", "21 s" and most rows of dots stand in the ink with the blank.
RULES = [
    (r"\s+", " "),
    (r" ?\. \. ?\.", "..."),
    # A mark belongs to the word before it: "Mr .", "U .S .", "800 ,000"; but a row of dots is a word of its own.
    (r"(?<=[^\s,;:(\[-]) (?=[;:?!)\]]|,(?!,)|\.(?!\.))", ""),
    (r"(?<=[(\[]) ", ""),
    (r"(?<!\S),, (?=\w)", ",,"),
    # Apostrophes: "Foot ' s", "what 's", "o 'clock".
    (rf"(?<=\w) ' ?(?={SUFFIX})", "'"),
    (r"(?<=\b[oO]) ' ?(?=clock\b)", "'"),
]


def unescape(text: str) -> str:
    """Undo the five XML escapes until nothing changes: the official files escape some texts twice."""
    while True:
        plain = re.sub("|".join(ESCAPES), lambda match: ESCAPES[match[0]], text)
        if plain == text:
            return text
        text = plain


def normalise_text(text: str) -> str:
    """The text with its blanks where a writer leaves them; nothing but blanks is changed.

    "Mr . Gaitskell" becomes "Mr. Gaitskell", "Foot ' s" becomes "Foot's", and free-standing quotation marks go to the
    word that they open or close.
    """
    text = text.strip()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    return _settle_double(_settle_single(text))


def _settle_single(text: str) -> str:
    """Join each free-standing apostrophe to the word before it (closing, possessive) or behind it (opening)."""
    text = re.sub(r" '(?=$|[,.;:?!)])", "'", text)
    while free := re.search(r"(?:^|(?<= ))' ", text):
        before, after = text[: free.start()], text[free.end() :]
        closes = before and before[-2] not in ",.;:?!-" and (_is_open(before) or _is_possessive(before, after))
        text = f"{before[:-1]}' {after}" if closes else f"{before}'{after}"
    return text


def _is_open(before: str) -> bool:
    """Whether a quotation in single marks was begun and not ended."""
    return len(re.findall(r"(?<!\S)'(?=\w)", before)) > len(re.findall(r"(?<=[\w,.;:?!])'(?!\w)", before))


def _is_possessive(before: str, after: str) -> bool:
    """Whether "neutrals ' conference" is meant, not the begin of "sums ' like these '"."""
    return before[-2] == "s" and not re.search(r"'(?!\w)", after)


def _settle_double(text: str) -> str:
    """Put the blanks about quotation marks outside the quotation.

    Marks open and close in turn, so a line has two readings; the one with more evidence from the marks' neighbours is
    taken. Without evidence two marks enclose what is between them, and the text stays otherwise.
    """
    spans = [match.span() for match in MARK.finditer(text)]
    evidence = [_opening(text[:begin], text[begin:end], text[end:]) for begin, end in spans]
    balance = sum(one if k % 2 == 0 else -one for k, one in enumerate(evidence))
    if balance == 0 and len(spans) != 2:
        return text
    pieces = MARK.split(text)
    settled = pieces[0]
    for k, piece in enumerate(pieces[1:]):
        opens = (k % 2 == 0) == (balance >= 0)
        settled = _open(settled, piece) if opens else _close(settled, piece)
    return settled


def _opening(before: str, mark: str, after: str) -> int:
    """Evidence that a mark, with the blanks about it, opens a quotation (positive) or closes it (negative)."""
    if after.startswith('"') or before.endswith('"'):
        return -2 if after.startswith('"') else 2
    if not before:
        return 3
    if before[-1] in "([:":
        return 2
    if not after or (after[0] in ",.;:?!)" and mark[-1] != " "):
        return -3
    # 'My God! "the judge', 'these days, "he said': the mark was joined to the wrong word.
    if mark[0] == " " and _goes_on_outside(before, after):
        return -2
    return (mark[0] == " ") - (mark[-1] == " ")


def _goes_on_outside(before: str, after: str) -> bool:
    """Whether the words behind a mark tell who spoke, or go on with a sentence that the quotation did not end."""
    return (before[-1] in "?!" and after[0].islower()) or (before[-1] == "," and bool(SPEAKER.match(after)))


def _open(before: str, after: str) -> str:
    return before + ("" if not before or before[-1] in "([" else " ") + '"' + after


def _close(before: str, after: str) -> str:
    return before + '"' + ("" if not after or after[0] in ",.;:?!)]" else " ") + after

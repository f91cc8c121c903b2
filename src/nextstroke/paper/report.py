"""The report as one HTML file with its pictures inside, and its tables as Markdown."""

import base64
import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nextstroke.paper.claims import Claim
from nextstroke.paper.tables import Measured
from nextstroke.paper.text_claims import HEADS as HEADS_OF_TEXT
from nextstroke.paper.text_claims import TextComparison
from nextstroke.paper.text_claims import rows as rows_of_text

STYLE = """body{font:16px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a1a2e}
table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{border-bottom:1px solid #ccd;padding:.35rem .5rem;
text-align:left;vertical-align:top}img{max-width:100%;border:1px solid #dde}figure{margin:1.5rem 0}
.confirmed{color:#14692b}.denied{color:#8c1d18}small{color:#555}"""

HEADS = (
    "table",
    "network",
    "paper",
    "ours",
    "difference",
    "a point",
    "SSE paper",
    "SSE ours",
    "best later",
    "difference",
)
UNITS = (
    "Nats a line of the validation split, sum over a line; SSE: squared distance to the mean of the whole mixture, "
    "pen bit left out, in normalised units (the paper does not define its own)."
)
PAIRED = (
    "Share of marks that have a partner: in the same line, braces and tags anywhere later. How far back: from a "
    "closing mark to its partner, in characters. Three symbols: a baseline that predicts from the two bytes before."
)


class Picture(NamedTuple):
    """A figure: its number and subject, and its file; None with the reason where it was not drawn."""

    title: str
    path: Path | None
    reason: str = ""


def cells(one: Measured) -> list[str]:
    """Return a row of the table of results, as texts in the columns of HEADS."""
    row = one.row
    return [
        str(row.table),
        f"{row.network} ({row.name})",
        _number(row.nats, 1),
        _number(one.nats_per_line, 1) if one.scores else "not measured",
        f"{one.difference:+.1f}" if math.isfinite(one.difference) else "",
        _number(one.nats_per_point, 3),
        _number(row.squared_error, 2),
        _number(one.squared_error_per_point, 3),
        row.later,
        f"{one.difference_to_later:+.1f}" if math.isfinite(one.difference_to_later) else "",
    ]


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else ""


def markdown(table: Sequence[Measured], claims: Sequence[Claim], traits: TextComparison | None = None) -> str:
    """Return results, traits of texts and claims as Markdown tables for docs/results.md."""
    lines = []
    if table:
        lines += [_bar(HEADS), _bar(["---"] * len(HEADS)), *(_bar(cells(one)) for one in table), "", UNITS, ""]
        for one in table:
            lines.append(f"- {one.row.name}: {one.provenance or 'not measured'}")
        lines.append("")
    if traits:
        lines += [_bar(HEADS_OF_TEXT), _bar(["---"] * len(HEADS_OF_TEXT)), *map(_bar, rows_of_text(traits)), ""]
    if claims:
        rows = [_bar([claim.text, claim.verdict, claim.evidence]) for claim in claims]
        lines += [_bar(["claim", "verdict", "evidence"]), _bar(["---"] * 3), *rows, ""]
    return "\n".join(lines)


def _bar(texts: Sequence[str]) -> str:
    return f"| {' | '.join(text.replace('|', '∣') for text in texts)} |"


def page(
    table: Sequence[Measured],
    claims: Sequence[Claim],
    pictures: Sequence[Picture],
    about: str,
    traits: TextComparison | None = None,
) -> str:
    """Return the whole report as HTML that refers to no other file.

    Args:
        table: Rows of Tables 3 and 4.
        claims: Claims that were checked.
        pictures: Figures that were asked for.
        about: Version, commit and settings, in a sentence.
        traits: Real, generated and baseline text; None where they were not measured.
    """
    parts = [f"<h1>Graves 2013, rebuilt</h1><p><small>{html.escape(about)}</small></p>"]
    if table:
        parts += ["<h2>Tables 3 and 4</h2>", _table(HEADS, [cells(one) for one in table]), f"<p>{UNITS}</p>"]
        parts += ["<h3>How each was made</h3>", *map(_record, table)]
    if traits:
        parts += ["<h2>Generated text</h2>", _table(HEADS_OF_TEXT, rows_of_text(traits)), f"<p>{PAIRED}</p>"]
    if claims:
        parts += ["<h2>The paper's claims</h2>", _claims(claims)]
    if pictures:
        parts += ["<h2>Figures</h2>", *map(_figure, pictures)]
    head = f'<meta charset="utf-8"><title>Graves 2013, rebuilt</title><style>{STYLE}</style>'
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _record(one: Measured) -> str:
    source = f" ({one.source})" if one.source else ""
    origin = str(one.provenance or "not measured: no training in runs/ and no model file in weights/")
    return f"<p><b>{one.row.name}</b>{html.escape(source)}<br><small>{html.escape(origin)}</small></p>"


def _claims(claims: Sequence[Claim]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(claim.text)}</td><td class="{claim.verdict}">{claim.verdict}</td>'
        f"<td>{html.escape(claim.evidence)}</td></tr>"
        for claim in claims
    )
    return f"<table><tr><th>claim</th><th>verdict</th><th>evidence</th></tr>{rows}</table>"


def _figure(picture: Picture) -> str:
    if picture.path is None:
        return f"<p><b>{html.escape(picture.title)}</b>: not drawn: {html.escape(picture.reason)}</p>"
    kind = "gif" if picture.path.suffix == ".gif" else "png"
    data = base64.b64encode(picture.path.read_bytes()).decode()
    caption = html.escape(picture.title)
    image = f'<img alt="{caption}" src="data:image/{kind};base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"

from pathlib import Path

import pytest

from nextstroke.paper import claims, measures
from nextstroke.paper.claims import CONFIRMED, DENIED, OPEN, Given, check_claims
from nextstroke.paper.measures import sample_lines, sharpness
from nextstroke.paper.tables import ROWS, Measured


def table(**found):
    """Rows with nats, squared error and points, by name with _ for -."""
    names = {name.replace("_", "-"): values for name, values in found.items()}
    return [
        Measured(
            row,
            Path("x"),
            dict(zip(("nats_per_line", "squared_error_per_point"), names[row.name], strict=False)),
            {},
            names[row.name][2],
        )
        if row.name in names
        else Measured(row, None, {}, {})
        for row in ROWS
    ]


def verdict(found, number):
    given = Given(None, None, None, None, found)
    return claims._better(given, *claims.PAIRS[number]) if number < 3 else claims._errors(given)


@pytest.mark.parametrize(
    ("found", "number", "expected"),
    [
        ({}, 0, OPEN),
        ({"prediction_3x400": (-1041.0, 0.4, 1e7)}, 0, OPEN),
        ({"prediction_3x400": (-1041.0, 0.4, 1e7), "prediction_1x900": (-1025.0, 0.4, 1e7)}, 0, CONFIRMED),
        ({"prediction_3x400": (-1010.0, 0.4, 1e7), "prediction_1x900": (-1025.0, 0.4, 1e7)}, 0, DENIED),
        ({"prediction_3x400": (-1041.0, 0.4, 3e7), "prediction_1x900": (-1025.0, 0.4, 1e7)}, 0, OPEN),
        ({"synthesis_adaptive": (-1128.0, 0.2, 3e7), "synthesis": (-1097.0, 0.2, 1e7)}, 2, CONFIRMED),
        ({"writer_raw_adaptive": (-1128.0, 0.2, 3e7), "writer_raw": (-1097.0, 0.2, 1e7)}, 2, CONFIRMED),
        ({"writer_raw_adaptive": (-1128.0, 0.2, 3e7), "synthesis": (-1097.0, 0.2, 1e7)}, 2, OPEN),
        ({"prediction": (-1041.0, 0.4, 6e7), "prediction_900": (-1007.0, 0.4, 2e7)}, 0, OPEN),
        ({"prediction_3x400": (-1041.0, 0.41, 1e7), "synthesis": (-1097.0, 0.23, 1e7)}, 3, CONFIRMED),
        ({"prediction_3x400": (-1041.0, 0.41, 1e7), "synthesis": (-1097.0, 0.40, 1e7)}, 3, DENIED),
        ({"prediction": (-1041.0, 0.41, 1e7), "synthesis": (-1097.0, 0.23, 1e7)}, 3, OPEN),
        ({"prediction": (-700.0, 1.0, 5e5), "writer_raw": (-1063.0, 0.5, 2e7)}, 3, OPEN),
    ],
)
def test_verdicts_on_the_tables(found, number, expected):
    assert verdict(table(**found), number).verdict == expected


def test_what_was_not_comparable_says_why():
    found = table(prediction=(-700.0, 1.0, 5e5), writer_raw=(-1063.0, 0.5, 2e7))
    assert "learned from 0.5 and 20.0 M points" in verdict(found, 3).evidence


def test_every_claim_of_the_list_has_a_verdict_and_evidence(writer, written_corpus, monkeypatch):
    monkeypatch.setattr(measures, "TEXTS", measures.TEXTS[:3])
    monkeypatch.setattr(measures, "BIASES", (0.0, 3.0))
    monkeypatch.setattr(claims, "ocr_available", lambda: False)
    monkeypatch.setattr(measures, "ocr_available", lambda: False)
    found = check_claims(Given(writer, None, None, written_corpus, table()), lambda doing: None)
    assert len(found) == 17
    assert all(claim.evidence for claim in found)
    by_text = {claim.text.split(":")[0].split(" ends")[0]: claim for claim in found}
    assert by_text["the stop rule"].verdict == CONFIRMED
    assert (
        by_text[
            "the window moves straight along the text (that it spreads at letters' borders is told, not judged)"
        ].verdict
        == CONFIRMED
    )
    assert by_text["more bias"].verdict in (OPEN, DENIED)
    assert "tesseract is not installed" in by_text["more bias"].evidence


def test_a_network_that_knows_more_expects_more_sharply(writer, written_corpus):
    """The writer on its own lines, and on the same with another text."""
    lines = sample_lines(written_corpus, writer, ["testset_v"], 4)
    right = sharpness(writer, lines)
    wrong = sharpness(writer, [line._replace(text="Q Z X Q") for line in lines])
    for place in ("within strokes", "after stroke ends"):
        assert right[f"nats a point {place}"] < wrong[f"nats a point {place}"]

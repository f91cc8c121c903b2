from dataclasses import replace
from pathlib import Path

import pytest

from nextstroke.paper import measures
from nextstroke.paper.claims import (
    CONFIRMED,
    DENIED,
    GAINS,
    OPEN,
    ClaimInputs,
    check_claims,
    check_densities,
    check_gain,
    check_squared_error,
)
from nextstroke.paper.measures import sample_lines, sharpness
from nextstroke.paper.tables import ROWS, Measured, Scores


def table(**found):
    """Rows with nats, squared error and points, by name with _ for -."""
    names = {name.replace("_", "-"): values for name, values in found.items()}
    return [
        Measured(row, Path("x"), Scores(names[row.name][0], 0.0, names[row.name][1]), None, names[row.name][2])
        if row.name in names
        else Measured(row)
        for row in ROWS
    ]


def verdict(found, number):
    inputs = ClaimInputs(None, None, None, None, found)
    return check_gain(inputs, GAINS[number]) if number < 3 else check_squared_error(inputs)


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
    monkeypatch.setattr(measures, "ocr_available", lambda: False)
    found = check_claims(ClaimInputs(writer, None, None, written_corpus, table()), lambda step: None)
    assert len(found) == 17
    assert all(claim.evidence for claim in found)
    by_text = {" ".join(claim.text.split()[:3]): claim for claim in found}
    assert by_text["the stop rule"].verdict == CONFIRMED
    assert by_text["the window moves"].verdict == CONFIRMED
    assert by_text["more bias: easier"].verdict in (OPEN, DENIED)
    assert "tesseract is not installed" in by_text["more bias: easier"].evidence


def test_a_network_that_knows_more_expects_more_sharply(writer, written_corpus):
    """The writer on its own lines, and on the same with another text."""
    lines = sample_lines(written_corpus, writer, ["testset_v"], 4)
    right = sharpness(writer, lines)
    wrong = sharpness(writer, [line._replace(text="Q Z X Q") for line in lines])
    assert right.within_strokes.nats < wrong.within_strokes.nats
    assert right.after_stroke_ends.nats < wrong.after_stroke_ends.nats


def test_densities_are_not_judged_on_lines_that_a_model_wrote(writer, written_corpus):
    inputs = ClaimInputs(writer, writer, writer, written_corpus, table(), has_real_lines=False)
    claim = check_densities(inputs)
    assert claim.verdict == OPEN
    assert "a model wrote the lines" in claim.evidence
    assert [sorted(chart.values) for chart in claim.charts] == [["prediction", "synthesis"]] * 2
    assert check_densities(replace(inputs, has_real_lines=True)).verdict == DENIED  # the same network twice

import numpy as np
import pytest

from nextstroke.paper.text_claims import (
    EMPHASIS,
    HEADINGS,
    KINDS,
    QUOTES,
    TAGS,
    judge_words,
    pair_marks,
    three_symbols,
    words,
)

CASES = {
    "(a) and (b (c))": {"( )": (6, [2, 2, 6])},
    "(a\nb)": {"( )": (2, [])},
    "a) (b": {"( )": (2, [])},
    "(a [b) c]": {"( )": (2, [5]), "[ ]": (2, [5])},
    "[[a|b]] [c]": {"[[ ]]": (2, [5]), "[ ]": (2, [2])},
    "{{a\n|b={{c}}\n}}": {"{{ }}": (4, [3, 13])},
    "{|\n| a |}": {},
    '"a" and &quot;b&quot;': {QUOTES: (4, [2, 2])},
    '"a\nb"': {QUOTES: (2, [])},
    "''a'' '''b'''": {EMPHASIS: (4, [3, 4])},
    "''a'''": {EMPHASIS: (2, [])},
    "it's": {},
    "==a==\n=== b ===": {HEADINGS: (4, [3, 6])},
    "==a===": {HEADINGS: (2, [])},
    "a == b, x=1": {},
    "<page>\n<b>a</b>\n</page>": {TAGS: (4, [4, 16])},
    "&lt;ref name=&quot;a&quot;&gt;b&lt;/ref&gt;": {TAGS: (2, [15])},
    "<br/><br><ref name=a />": {},
    "<a><b></a></b>": {TAGS: (4, [6])},
    "1 < 2 > 0": {},
    "": {},
}


@pytest.mark.parametrize(("text", "expected"), CASES.items(), ids=range(len(CASES)))
def test_marks_find_their_partners(text, expected):
    found = pair_marks(text)
    assert list(found) == list(KINDS)
    for kind, pairs in found.items():
        marks, distances = expected.get(kind, (0, []))
        assert (pairs.marks, sorted(pairs.distances)) == (marks, distances), kind


def test_balance_is_the_share_of_marks_with_a_partner():
    assert pair_marks("(a) b) (")["( )"].balance == pytest.approx(2 / 4)
    assert np.isnan(pair_marks("a")["( )"].balance)


@pytest.mark.parametrize("depth", [1, 7, 50])
def test_nested_brackets_are_all_paired_at_their_distances(depth):
    pairs = pair_marks("(" * depth + ")" * depth)["( )"]
    assert pairs.balance == 1
    assert pairs.distances == list(range(1, 2 * depth, 2))


def test_invented_words_are_counted_apart():
    vocabulary = set(words("The cat sat. Caf\u00e9 &amp; bar"))
    assert vocabulary == {"the", "cat", "sat", "caf\u00e9", "bar"}
    judged = judge_words("The cat florbed the florbed snuggledons, a CAF\u00c9 2nd", vocabulary)
    assert judged.real == pytest.approx(4 / 8)
    assert judged.invented == ["florbed", "snuggledons"]
    assert np.isnan(judge_words("1 2", vocabulary).real)


def test_the_baseline_follows_the_frequencies_of_three_symbols():
    text = np.frombuffer(b"abcabdabcabcxx" * 50, np.uint8)
    drawn = three_symbols(text, 20_000, 1).tobytes()
    triples = {text.tobytes()[i : i + 3] for i in range(len(text) - 2)}
    assert all(drawn[i : i + 3] in triples for i in range(len(drawn) - 2))
    # Behind "ab" c stands three times of four; 5 deviations of a binomial of about 5,000 are .031.
    behind = [drawn[i + 2] for i in range(len(drawn) - 2) if drawn[i : i + 2] == b"ab"]
    assert np.mean(np.array(behind) == ord("c")) == pytest.approx(0.75, abs=0.035)
    assert three_symbols(text, 50, 2).tobytes() != three_symbols(text, 50, 3).tobytes()


def test_the_baseline_continues_after_the_end_of_its_text():
    assert len(three_symbols(np.frombuffer(b"abcd", np.uint8), 100, 1)) == 100

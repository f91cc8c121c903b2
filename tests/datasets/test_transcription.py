import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.datasets.iam import normalise_text, unescape


@pytest.mark.parametrize(
    ("official", "written"),
    [
        # Marks behind words.
        ("A MOVE to stop Mr . Gaitskell", "A MOVE to stop Mr. Gaitskell"),
        ("Left-wing support , a large majority", "Left-wing support, a large majority"),
        ("salmon fishermen in Victoria B .C .", "salmon fishermen in Victoria B.C."),
        ("Union Congress , representing 800 ,000", "Union Congress, representing 800,000"),
        ("( Colonial Office ) , Mr . G . R . Bell", "(Colonial Office), Mr. G. R. Bell"),
        ("elves and toads .) I could not face", "elves and toads.) I could not face"),
        ("broader task  that can", "broader task that can"),
        # Rows of dots and dashes.
        ("Days . . . Seven Nights  . . . A certificate) ,", "Days... Seven Nights... A certificate),"),
        ("regrets ... but baby", "regrets ... but baby"),
        ("Foot - Griffiths resolution .", "Foot - Griffiths resolution."),
        ("a wicked, old -. Mr. Brown", "a wicked, old -. Mr. Brown"),
        # Blanks that are in the ink.
        ("of Labour M Ps are", "of Labour M Ps are"),
        ("Collins, 16 s. Neatly", "Collins, 16 s. Neatly"),
        # Apostrophes.
        ("Mr . Foot ' s line", "Mr. Foot's line"),
        ("player so much a week. And, what 's", "player so much a week. And, what's"),
        ("I ' m A Lieutenant", "I'm A Lieutenant"),
        ("At 10 o 'clock", "At 10 o'clock"),
        ("neutrals ' conference in Bel-", "neutrals' conference in Bel-"),
        ("each ' graduate ' is", "each 'graduate' is"),
        ("There is the ' swim '", "There is the 'swim'"),
        ("his expectations . 'I am enchanted' ,", "his expectations. 'I am enchanted',"),
        ("escaped with him. ' I can't understand", "escaped with him. 'I can't understand"),
        ("I can't do nothing with 'er.", "I can't do nothing with 'er."),
        ("wash ', ignited to niobium", "wash', ignited to niobium"),
        # Quotation marks.
        ('resolution. " Abolish Lords " . Mr. Foot', 'resolution. "Abolish Lords". Mr. Foot'),
        ('out of mothers and children " .', 'out of mothers and children".'),
        ('well be killed. "', 'well be killed."'),
        ('" We mutually agreed to part.', '"We mutually agreed to part.'),
        ('went on :" We are dealing', 'went on: "We are dealing'),
        ('Adamafio ," and others .', 'Adamafio," and others.'),
        ('am. " " In that case, " he reverted', 'am." "In that case," he reverted'),
        ('at home. "" Then, won\'t you', 'at home." "Then, won\'t you'),
        ('lot of hard work, "she said', 'lot of hard work," she said'),
        ('" All of it. "Gaffer threw', '"All of it." Gaffer threw'),
        ('the Torah (" dipping-in")', 'the Torah ("dipping-in")'),
        ('(Rialto , "A") , and', '(Rialto, "A"), and'),
        ('compositions, " deerstalker " and', 'compositions, "deerstalker" and'),
        ('Friedrich Du"rrenmatt ,', 'Friedrich Du"rrenmatt,'),
        (",, Parrots are amusing, and", ",,Parrots are amusing, and"),
        # Where nothing tells, nothing is changed.
        ('vicar. " Brandon has Good.', 'vicar. " Brandon has Good.'),
        ('"push-pin as good as poetry"', '"push-pin as good as poetry"'),
    ],
)
def test_blanks_go_where_the_ink_has_them(official, written):
    assert normalise_text(official) == written


LINES = st.text(st.sampled_from(" .,;:?!'\"()[]-#abIst09"), max_size=40)


@given(LINES)
def test_only_blanks_are_changed(text):
    assert normalise_text(text).replace(" ", "") == text.replace(" ", "")


@given(LINES)
def test_no_blanks_at_the_ends_and_no_double_ones(text):
    written = normalise_text(text)
    assert written == written.strip()
    assert "  " not in written


def test_the_texts_of_the_whole_data_set_are_settled_in_one_go(packed_iam):
    texts = [str(text) for text in packed_iam["texts"]]
    written = [normalise_text(text) for text in texts]
    assert 1_000 < sum(a != b for a, b in zip(texts, written, strict=True)) < 1_100
    assert [normalise_text(text) for text in written] == written


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("&amp;quot;It &amp;apos;s&amp;quot;", '"It \'s"'),
        ("&amp;amp;amp;lt;", "<"),
        ("Genius & food; &c; &unknown;", "Genius & food; &c; &unknown;"),
    ],
)
def test_escapes_are_undone_until_none_is_left(escaped, plain):
    assert unescape(escaped) == plain

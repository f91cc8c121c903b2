"""Every text of the studio has a translation."""

import re
from html.parser import HTMLParser

import pytest

from nextstroke.web.site import site_files

FILES = site_files()
UNTRANSLATED = {"DE", "SVG", "PNG", "PDF", "GIF", "APNG", "G-code", "HPGL", "InkML", "JSON", "dpi", "Graves 2013", "A4"}
UNTRANSLATED |= {"mm", "×", "A5", "A6", "1.00", "1", "2", "4", "8", "16", "DE: Deutsch"}
UNTRANSLATED |= {"The studio needs JavaScript: the networks run in your browser."}  # nor does the translation run


class Texts(HTMLParser):
    """Collects what a reader sees or hears of a page."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.tag = ""
        self.skipped = True

    def handle_starttag(self, tag, attributes):
        self.skipped = tag in ("title", "noscript")
        self.found += [value for name, value in attributes if name in ("aria-label", "title", "placeholder")]

    def handle_data(self, data):
        text = " ".join(data.split())
        if text and not self.skipped:
            self.found.append(text)


@pytest.fixture(scope="module")
def german():
    entries = re.findall(r'^  "((?:[^"\\]|\\.)*)": "((?:[^"\\]|\\.)+)",$', FILES["german.js"].read_text("utf-8"), re.M)
    return dict(entries)


def test_texts_of_the_page_and_of_its_scripts_are_translated(german):
    page = Texts()
    page.feed(FILES["index.html"].read_text("utf-8"))
    called = r'\bt\("((?:[^"\\]|\\.)*)"'
    scripts = [path.read_text("utf-8") for name, path in FILES.items() if name.endswith(".js")]
    texts = {*page.found, *(text for script in scripts for text in re.findall(called, script))}
    assert len(texts) > 150
    assert texts - UNTRANSLATED - set(german) == set()


def test_translations_keep_the_values_of_their_texts(german):
    for english, translated in german.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", translated)), english

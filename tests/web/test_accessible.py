"""Accessibility: axe-core finds nothing in any state of the page; it comes from npm, for the tests alone."""

from pathlib import Path

import pytest

from benchmarks.studio_states import STATES, open_studio, resize, visit

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """async () => (await axe.run(document)).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`))"""


@pytest.mark.parametrize(
    ("look", "widths"), [("light", (1440, 1024, 768, 390)), ("dark", (1440, 390)), ("german", (390,))]
)
def test_axe_finds_nothing(chromium, served, look, widths):
    if not AXE.is_file():
        pytest.skip("NOT TESTED with axe-core: it is missing; npm ci")
    page = open_studio(chromium, served.address, look)
    page.evaluate(AXE.read_text("utf-8"))  # a script tag would be refused by the page's policy
    found, seen = {}, []
    for name in visit(page):
        for width in widths:
            resize(page, width)
            if problems := page.evaluate(VIOLATIONS):
                found[f"{name} {width}"] = problems
        seen.append(name)
    page.close()
    assert seen == list(STATES)
    assert found == {}

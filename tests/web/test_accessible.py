"""Accessibility: axe-core finds nothing in any state of the page; it comes from npm, for the tests alone."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """async () => (await axe.run(document)).violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`))"""
OPEN = {
  "written": "",
  "strange": "",
  "paper": "document.getElementById('rail-paper').click()",
  "advanced": "document.getElementById('rail-advanced').click()",
  "inside": "document.getElementById('rail-advanced').click(); document.getElementById('inside').click()",
  "download": "document.getElementById('download').click()",
  "line": "document.querySelector('#pages .target').dispatchEvent(new MouseEvent('click', { bubbles: true }))",
  "documents": "document.getElementById('documents').click()",
  "help": "document.getElementById('help').click()",
  "hand": "document.getElementById('tab-hand').click()",
  "dream": "document.getElementById('tab-dream').click()",
}  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_nothing(chromium, served, width, scheme):
    if not AXE.is_file():
        pytest.skip("NOT TESTED with axe-core: it is missing; npm ci")
    page = chromium.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    page.set_default_timeout(200_000)
    found = {}
    for name, act in OPEN.items():
        text = "one ☃ sign" if name == "strange" else "one%0Atwo"
        page.goto("about:blank")
        page.goto(f"{served.address}/#text={text}&candidates=1")
        page.wait_for_selector("#pages[data-ready]")
        page.evaluate(act)
        if name == "dream":
            page.wait_for_selector("#chances li")
        page.evaluate(AXE.read_text("utf-8"))  # a script tag would be refused by the page's policy
        found[name] = page.evaluate(VIOLATIONS)
    page.close()
    assert {name: problems for name, problems in found.items() if problems} == {}

"""The studio in all its states: a picture of each at four widths, light, dark and in German.

    python -m benchmarks.studio_states FOLDER [--only NAME,NAME] [--looks light,dark,german]
    python -m benchmarks.studio_states docs --docs

Writes FOLDER/STATE-WIDTH-LOOK.png, and for each look and width FOLDER/sheet-WIDTH-LOOK.png with all states; or the
four small pictures of docs/studio.md.
tests/web/test_accessible.py visits the same states with axe-core.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.studio import READY, served

WIDTHS = {1440: 900, 1024: 768, 768: 1024, 390: 844}  # heights of windows by their widths, in CSS pixels
LOOKS = {"light": ("light", "en-GB"), "dark": ("dark", "en-GB"), "german": ("light", "de-DE")}  # scheme and language
TEXT = "#text=Dear%20Anna,%0Athank%20you%20for%20the%20map.%0AWe%20meet%20at%20the%20old%20harbour.&candidates=1&seed=4"
# Pictures of the documentation: state, width and look of each.
DOCS = {
    "studio-dark": ("text", 1024, "dark"),
    "studio-inside": ("inside", 1024, "light"),
    "studio-hand": ("hand", 768, "light"),
    "studio-phone": ("styles", 390, "light"),
}
DOCS_WIDTH = 640  # pixels, at most
DOCS_COLOURS = 128
CLICK = "document.getElementById('{}').click()"
# What brings the page from a written text to each state.
STATES = {
    "text": "",
    "strange": "const text = document.getElementById('text'); text.value = 'one \\u2603 sign'; "
    "text.dispatchEvent(new Event('input'))",
    "empty": "const text = document.getElementById('text'); text.value = ''; text.dispatchEvent(new Event('input'))",
    "styles": "document.getElementById('settings').classList.add('open')",
    "paper": CLICK.format("rail-paper"),
    "advanced": CLICK.format("rail-advanced"),
    "inside": CLICK.format("rail-advanced") + ";" + CLICK.format("inside"),
    "download": CLICK.format("download"),
    "copy": CLICK.format("copy"),
    "line": "document.querySelector('#pages .target').dispatchEvent(new MouseEvent('click', { bubbles: true }))",
    "documents": CLICK.format("documents"),
    "shortcuts": CLICK.format("help"),
    "plot": CLICK.format("plot"),
    "hand": CLICK.format("tab-hand"),
    "dream": CLICK.format("tab-dream"),
}
# Each state is reached from the same one: dialogs, menus and panels are closed, and the text is that of the address.
RESET = """(fragment) => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  for (const id of ["download", "copy"]) {
    const opener = document.getElementById(id);
    if (opener.getAttribute("aria-expanded") === "true") opener.click();
  }
  document.getElementById("line-menu").hidden = true;
  const inside = document.getElementById("inside");
  if (inside.checked) inside.click();
  const style = document.getElementById("rail-style");
  if (style.getAttribute("aria-selected") !== "true") style.click();
  document.getElementById("settings").classList.remove("open"); // the sheet of a phone
  document.getElementById("tab-write").click();
  location.hash = fragment;
  document.activeElement.blur();
  scrollTo(0, 0);
}"""
# The paper has the text of the box, or the box is empty.
SETTLED = """new Promise((done) => {
  const look = () => {
    const text = document.getElementById("text").value;
    const written = new URLSearchParams(document.getElementById("pages").dataset.ready.slice(1)).get("text");
    if (!text || written === text) requestAnimationFrame(() => setTimeout(done, 60));
    else setTimeout(look, 20);
  };
  setTimeout(look, 60); // the page has heard of another address by then
})"""


def open_studio(browser: Any, address: str, look: str) -> Any:
    """Return a page of the studio with a written text."""
    scheme, language = LOOKS[look]
    page = browser.new_page(color_scheme=scheme, reduced_motion="reduce", locale=language, service_workers="block")
    page.set_default_timeout(60_000)
    page.goto(f"{address}/{TEXT}")
    page.wait_for_selector(READY, state="attached")
    return page


def visit(page: Any, states: list[str] | None = None) -> Iterator[str]:
    """Bring the page to each state in turn; gives its name."""
    for name in states or STATES:
        page.evaluate(RESET, TEXT)
        page.evaluate(SETTLED)
        page.evaluate(f"() => {{ {STATES[name]} }}")
        page.evaluate(SETTLED)
        if name == "dream":
            page.wait_for_selector("#chances li")
        yield name


def resize(page: Any, width: int) -> None:
    """Set the width of the window, and the height that goes with it."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def contact_sheet(folder: Path, width: int, look: str, states: list[str]) -> None:
    """Draw the pictures of all states at one width into one."""
    pictures = [(name, Image.open(folder / f"{name}-{width}-{look}.png").convert("RGB")) for name in states]
    columns = 7 if width < 700 else 3
    scale = 1900 / columns / width
    size = (round(scale * width), round(scale * WIDTHS[width]))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (size[0] + 10), rows * (size[1] + 24)), "#888888")
    draw = ImageDraw.Draw(sheet)
    for i, (name, picture) in enumerate(pictures):
        left = i % columns * (size[0] + 10)
        top = i // columns * (size[1] + 24)
        draw.text((left + 4, top + 6), f"{name} {width} {look}", fill="white")
        sheet.paste(picture.resize(size, Image.Resampling.LANCZOS), (left, top + 22))
    sheet.save(folder / f"sheet-{width}-{look}.png")


def take_docs(browser: Any, address: str, folder: Path) -> None:
    """Take the pictures of the documentation, small and in few colours."""
    for look in LOOKS:
        wanted = {state: (name, width) for name, (state, width, own) in DOCS.items() if own == look}
        if not wanted:
            continue
        page = open_studio(browser, address, look)
        for state in visit(page, list(wanted)):
            name, width = wanted[state]
            resize(page, width)
            path = folder / f"{name}.png"
            page.screenshot(path=path)
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((DOCS_WIDTH, DOCS_WIDTH), Image.Resampling.LANCZOS)
            picture.quantize(DOCS_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
        page.close()


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(STATES), help="names of states, separated by commas")
    parser.add_argument("--looks", default=",".join(LOOKS), help="light, dark or german, separated by commas")
    parser.add_argument("--docs", action="store_true", help="the pictures of the documentation only")
    options = parser.parse_args()
    states = options.only.split(",")
    options.folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver, served() as address:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for look in [] if options.docs else options.looks.split(","):
            page = open_studio(browser, address, look)
            for name in visit(page, states):
                for width in WIDTHS:
                    resize(page, width)
                    page.screenshot(path=options.folder / f"{name}-{width}-{look}.png")
            page.close()
            for width in WIDTHS:
                contact_sheet(options.folder, width, look, states)
        if options.docs:
            take_docs(browser, address, options.folder)
        browser.close()


if __name__ == "__main__":
    main()

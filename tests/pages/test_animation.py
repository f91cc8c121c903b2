import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from nextstroke.errors import UsageError
from nextstroke.ink import Ink
from nextstroke.pages.animation import LAST, film, moments
from nextstroke.pages.appearance import LIFT, PACE, Look
from nextstroke.pages.layout import Sheet
from nextstroke.pages.png import picture
from nextstroke.pages.svg import NAMESPACE, svg

WAVE = np.array([[5.0, 10], [8, 6], [11, 12], [14, 9]])
DOT = np.array([[20.0, 5]])
SHEET = Sheet(40, 25, [Ink.from_strokes([WAVE, DOT]), Ink.from_strokes([WAVE + (10, 8)])], paragraphs=[0, 1])


def test_moments_keep_the_pace_of_the_pen():
    found = list(moments(SHEET, ["navy", "red"], speed=2.0))
    assert [moment.time for moment in found] == sorted(moment.time for moment in found)
    # Six pieces between two points, one for a dot, and a lift after each stroke but the last.
    assert found[-1].time == pytest.approx((6 + 1 / 6) / PACE / 2 + 2 * LIFT / 2)
    assert [found[0].colour, found[-1].colour] == ["navy", "red"]


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_a_film_ends_with_the_whole_sheet(kind):
    look = Look(colour="navy,red", speed=0.2)
    frames = Image.open(io.BytesIO(film(SHEET, kind, look)))
    durations, ink = [], []
    for number in range(frames.n_frames):
        frames.seek(number)
        durations.append(frames.info["duration"])
        ink.append(int((np.asarray(frames.convert("L")) < 128).sum()))
    assert frames.n_frames > 10
    assert ink == sorted(ink)
    assert ink[0] < ink[-1] / 4
    total = list(moments(SHEET, ["navy"], 0.2))[-1].time
    assert sum(durations) / 1000 == pytest.approx(total + LAST, abs=0.1 * total)
    last = np.asarray(frames.convert("RGB"), int)
    whole = np.asarray(picture(SHEET, 100, colours=look.colours), int)
    assert abs(last - whole).mean() < 1
    assert (last[0, 0] == 255).all()


def test_a_moving_svg_shows_one_stroke_after_the_other():
    root = ET.fromstring(svg(SHEET, Look(animate=True)))
    styles = [path.attrib["style"] for path in root.iter(f"{{{NAMESPACE}}}path")]
    begins = [float(style.split("animation-delay:")[1].removesuffix("s")) for style in styles]
    takes = [float(style.split("animation-duration:")[1].split("s")[0]) for style in styles]
    assert begins[0] == 0
    for begin, take, following in zip(begins, takes, begins[1:], strict=False):
        assert following == pytest.approx(begin + take + LIFT, abs=0.011)
    assert "@keyframes" in root.find(f"{{{NAMESPACE}}}style").text
    assert root.find(f".//{{{NAMESPACE}}}path[@pathLength='1']") is not None


def test_an_outline_does_not_move():
    with pytest.raises(UsageError, match="animate"):
        Look(nib=True, animate=True)


def dark_pixels(screenshot):
    return int((np.asarray(Image.open(io.BytesIO(screenshot)).convert("L")) < 128).sum())


def test_a_moving_svg_is_written_stroke_by_stroke_in_a_browser(chromium):
    page = chromium.new_page()
    page.set_content(svg(SHEET, Look(animate=True, colour="navy")).decode())
    begins = page.evaluate(
        "() => document.getAnimations().map(a => { a.pause(); return a.effect.getComputedTiming().endTime; })"
    )
    inks = []
    for time in (0, *sorted(begins)):
        page.evaluate("time => document.getAnimations().forEach(a => { a.currentTime = time; })", time)
        inks.append(dark_pixels(page.screenshot()))
    page.set_content(svg(SHEET, Look(colour="navy")).decode())
    whole = dark_pixels(page.screenshot())
    page.close()
    assert len(begins) == 3
    assert inks[0] < whole / 20
    assert inks == sorted(set(inks))
    assert inks[-1] == pytest.approx(whole, rel=0.02)  # the ends of dashes are smoothed otherwise

"""Readers who see little or use no mouse: contrast, words for pictures, every control by key."""

from pathlib import Path
from typing import Any

import pytest

from .browsing import PATHS, SECONDS, Site, opened, opening, settled

ACCESS = (Path(__file__).parent / "access.js").read_text()
LEAST_CONTRAST = 4.5


def drawn(page: Any, site: Site, path: str) -> None:
    """Open a page and wait for its charts."""
    opened(page, f"{site.address}/{path}?run={site.run}", "Copy link")
    page.wait_for_selector("h1", timeout=SECONDS * 1000)
    settled(page, "Copy link")
    page.evaluate(ACCESS)
    page.wait_for_function("access.isDrawn()", timeout=SECONDS * 1000)


def reach_every_control(page: Any, path: str) -> None:
    """Press Tab until the focus comes back: each control is met, and its focus can be seen."""
    assert page.evaluate("access.unreachable()") == [], path
    controls = page.evaluate("access.controls()")
    places: set[int] = set()
    for _ in range(2 * controls):
        page.keyboard.press("Tab")
        focus = page.evaluate("access.focus()")
        if focus and focus["place"] in places:
            break
        if focus and focus["place"] >= 0:
            places.add(focus["place"])
            page.wait_for_function("place => access.isMarked(place)", arg=focus["place"])
    assert page.evaluate("places => access.names(places)", sorted(places)) == [], path


@pytest.mark.browser
@pytest.mark.timeout(240)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_have_contrast_pictures_have_words_and_controls_have_keys(
    site: Site, chrome: Any, theme: str
) -> None:
    with opening(chrome, height=1400, theme=theme) as page:
        for path in PATHS:
            drawn(page, site, path)
            assert page.evaluate("least => access.faint(least)", LEAST_CONTRAST) == [], path
            assert page.evaluate("access.wordless()") == 0, path
            if theme == "light":  # the themes have the same controls
                reach_every_control(page, path)


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_a_sample_is_found_and_read_without_a_mouse(site: Site, chrome: Any) -> None:
    with opening(chrome) as page:
        drawn(page, site, "trust")
        page.get_by_role("link", name="Samples", exact=True).first.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Samples", exact=True).wait_for()
        settled(page, "Samples")
        page.get_by_role("combobox", name="Verdict and labels").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.search.includes('people=')")
        page.get_by_role("tab").first.focus()
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        settled(page, "Samples")
        assert page.get_by_role("tab").last.get_attribute("aria-selected") == "true"

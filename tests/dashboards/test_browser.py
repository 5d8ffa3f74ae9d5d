"""The dashboard in a real browser: it draws, Back and links hold, and nothing leaves this machine.

Row 14: on every page no dialog opens, no request leaves this machine and no link runs a script.
"""

from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest

from .browsing import PAGES, PATHS, SECONDS, Site, Watch, make_hostile_run, opened, opening, served, settled
from .hostile import HOSTILE_TEXTS


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_all_pages_draw_hostile_texts_and_nothing_leaves(site: Site, chrome: Any) -> None:
    with opening(chrome) as page:
        watch = Watch(page)
        opened(page, site.address, "Which is better?")
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for()
        for title in PAGES:
            page.get_by_role("link", name=title, exact=True).first.click()
            page.get_by_role("heading", name=title, exact=True).wait_for(timeout=SECONDS * 1000)
            settled(page, title)
            assert site.run in page.url
        query = urlencode({"run": site.run, "unit": "i2~k~m~0", "of": "ex · overall"})
        opened(page, f"{site.address}/samples?{query}", "i2 · k against m")
        prompt = page.locator(".passage", has_text="What is 2?").first
        for name in ("U+202E", "U+200B"):  # the texts of a sample are drawn after its heading
            prompt.locator(".hidden", has_text=name).first.wait_for(timeout=SECONDS * 1000)
            assert prompt.locator(".hidden", has_text=name).count() == 1
        assert page.locator(".passage .body :is(img, script, a)").count() == 0
        assert page.locator("a[href*='evil'], img[src*='evil']").count() == 0
        page.get_by_role("tab", name="Prompt as sent").click()
        page.locator(".passage", has_text="Second response").first.wait_for()
        assert page.evaluate("document.body.scrollHeight") < 5000
        watch.check()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_back_and_links_hold(desk: Any, chrome: Any) -> None:
    run_id = make_hostile_run(desk)
    with served(desk.runs) as address, opening(chrome) as page, opening(chrome) as other:
        opened(page, f"{address}/trust", "Where judge and labels differ")
        before = page.evaluate("history.length")
        page.get_by_role("link", name="Samples", exact=True).first.click()
        page.get_by_role("heading", name="Samples").wait_for()
        settled(page, "Samples")
        page.wait_for_function("() => window.location.search.includes('unit=')")
        settled(page, "Samples")
        page.get_by_role("button", name="Next").wait_for()
        page.wait_for_timeout(500)  # a key that is pressed while the page is drawn is lost
        sample = page.get_by_role("heading", level=3).first.inner_text()
        page.keyboard.press("j")
        page.wait_for_function(
            "name => document.querySelector('h3').innerText !== name", arg=sample, timeout=SECONDS * 1000
        )
        settled(page, "Samples")
        second = page.get_by_role("heading", level=3).first.inner_text()
        assert page.evaluate("history.length") == before + 1
        page.wait_for_function("name => decodeURIComponent(location.search).includes(name)", arg=second[:2])
        link = page.url
        page.go_back()
        page.get_by_role("heading", name="Trust").wait_for()
        settled(page, "Where judge and labels differ")

        desk.suite(title="later")
        assert desk.run().id != run_id
        opened(other, link, "Samples")
        assert other.get_by_role("heading", level=3).first.inner_text() == second
        assert run_id in other.url


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_a_phone_sees_names_and_no_page_scrolls_sideways(site: Site, chrome: Any) -> None:
    with opening(chrome, width=400, height=800) as page:
        for path in PATHS:
            opened(page, f"{site.address}/{path}?run={site.run}", "Copy link")
            page.wait_for_selector("h1")
            settled(page, "Copy link")
            assert page.evaluate("document.documentElement.scrollWidth") <= 400, path


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_fifty_hostile_texts_are_texts(desk: Any, chrome: Any) -> None:
    items = [{"item_id": "i0", "prompt": "Say something.", "refs": [text for text, _ in HOSTILE_TEXTS]}]
    desk.dataset(items=items)
    desk.suite()
    run = desk.run()
    with served(desk.runs) as address, opening(chrome) as page:
        watch = Watch(page)
        opened(page, f"{address}/samples?run={run.id}&unit=i0~k~m~0", "i0 · k against m")
        page.get_by_role("tab", name="References").click()
        for place, (text, codes) in enumerate(HOSTILE_TEXTS, 1):
            passage = page.get_by_role("region", name=f"Reference {place}", exact=True)
            passage.wait_for(timeout=SECONDS * 1000)
            boxes = [box.inner_text() for box in passage.locator(".hidden").all()]
            assert boxes == list(codes) or (not codes and "Z͑" in text), text[:40]
            if not codes and len(text) < 1000 and "Z͑" not in text:
                assert passage.evaluate("node => node.textContent") == text
            assert passage.locator("*:not(.hidden)").count() == 0, text[:40]
            assert passage.bounding_box()["height"] < 900
        watch.check()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_four_readers_open_the_same_page_at_once(site: Site, chrome: Any) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(opening(chrome)) for _ in range(4)]
        for path in ("", "samples", "sql"):
            for reader in readers:
                reader.goto(f"{site.address}/{path}?run={site.run}", wait_until="commit")
            for reader in readers:
                reader.wait_for_selector("h1", timeout=SECONDS * 1000)
                settled(reader, "Copy link")

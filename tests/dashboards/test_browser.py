"""The dashboard in a real browser: it draws, Back and links hold, and nothing leaves this machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from .hostile import HOSTILE_TEXTS

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HOSTILE = (
    "<img src=http://evil.example/a.png> ![x](http://evil.example/x.png) "
    "<script>fetch('//evil.example')</script> \u202egnp.exe\u200b http://evil.example"
)
PAGES = (
    "Ranking",
    "Compare",
    "Trends",
    "Trust",
    "Biases",
    "Metrics",
    "Samples",
    "Label",
    "Runs",
    "Library",
    "SQL",
)


def chromium() -> str:
    """Return a browser of this machine, or skip."""
    names = (os.environ.get("EVALHUB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if path is None:
        pytest.skip("needs a Chromium: install one, or name it in EVALHUB_CHROMIUM")
    return path


@pytest.fixture
def run_id(desk: Any) -> str:
    """A run whose every text tries to load something."""
    items = [{"item_id": f"i{n}", "prompt": f"What is {n}? {HOSTILE}", "refs": [HOSTILE]} for n in range(4)]
    responses = [
        {"item_id": item["item_id"], "system": name, "family": "alpha", "text": f"{name} says {HOSTILE}"}
        for item in items
        for name in ("k", "m")
    ]
    labels = [
        {"item_id": f"i{n}", "criterion": "overall", "system_a": "k", "system_b": "m", "winner": "a",
         "annotator": "someone"}
        for n in range(4)
    ]  # fmt: skip
    desk.dataset(items=items, responses=responses, labels=labels, card={"title": HOSTILE})
    rules = [{"match": "explain", "text": HOSTILE}]
    desk.suite(
        title=HOSTILE,
        judges=[
            {
                "id": "ex",
                "rubric": "pair",
                "mode": "explain",
                "pairs": {"by": "all"},
                "model": "j",
                "families": ["beta"],
                "engine": {"type": "scripted", "script": {"rules": rules}},
            }
        ],
    )
    return str(desk.run().id)


@contextmanager
def served(runs: Path) -> Iterator[str]:
    """The app, started as `evalhub dashboard` starts it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT / "dashboards",
        env={**os.environ, "EVALHUB_RUNS": str(runs), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(SECONDS * 5):
            with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                break
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e .[dev]")
    path = chromium()
    with playwright.sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chrome
        chrome.close()


def settled(page: Any, text: str) -> None:
    """Wait until a view is drawn."""
    page.get_by_text(text, exact=True).first.wait_for(timeout=SECONDS * 1000)
    page.wait_for_selector(
        '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=SECONDS * 1000
    )
    assert page.locator('[data-testid="stException"]').count() == 0


def opened(page: Any, url: str, title: str) -> None:
    page.goto(url)
    settled(page, title)
    page.wait_for_function("() => window.location.search.includes('run=')")


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_all_pages_draw_hostile_texts_and_nothing_leaves(desk: Any, run_id: str) -> None:
    asked: list[str] = []
    dialogs: list[str] = []
    with served(desk.runs) as address, browser() as chrome:
        page = chrome.new_page(viewport={"width": 1400, "height": 1000})
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        opened(page, address, "Which is better?")
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for()
        for title in PAGES:
            page.get_by_role("link", name=title, exact=True).first.click()
            page.get_by_role("heading", name=title, exact=True).wait_for(timeout=SECONDS * 1000)
            settled(page, title)
            assert run_id in page.url
        query = urlencode({"run": run_id, "unit": "i2~k~m~0", "of": "ex · overall"})
        opened(page, f"{address}/samples?{query}", "i2 · k against m")
        prompt = page.locator(".passage", has_text="What is 2?").first
        assert prompt.locator(".hidden", has_text="U+202E").count() == 1
        assert prompt.locator(".hidden", has_text="U+200B").count() == 1
        assert page.locator(".passage .body :is(img, script, a)").count() == 0
        assert page.locator("a[href*='evil'], img[src*='evil']").count() == 0
        page.get_by_role("tab", name="Prompt as sent").click()
        page.locator(".passage", has_text="Second response").first.wait_for()
        assert page.evaluate("document.body.scrollHeight") < 5000
    assert not dialogs
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_back_and_links_hold(desk: Any, run_id: str) -> None:
    with served(desk.runs) as address, browser() as chrome:
        page = chrome.new_page(viewport={"width": 1400, "height": 1000})
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
        other = chrome.new_context().new_page()
        opened(other, link, "Samples")
        assert other.get_by_role("heading", level=3).first.inner_text() == second
        assert run_id in other.url


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_a_phone_sees_names_and_no_page_scrolls_sideways(desk: Any, run_id: str) -> None:
    with served(desk.runs) as address, browser() as chrome:
        page = chrome.new_page(viewport={"width": 400, "height": 800})
        for path in ("", "/ranking", "/trust", "/samples", "/runs"):
            opened(page, f"{address}{path}?run={run_id}", "Copy link")
            page.wait_for_selector("h1")
            settled(page, "Copy link")
            assert page.evaluate("document.documentElement.scrollWidth") <= 400, path


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_fifty_hostile_texts_are_texts(desk: Any) -> None:
    items = [{"item_id": "i0", "prompt": "Say something.", "refs": [text for text, _ in HOSTILE_TEXTS]}]
    desk.dataset(items=items)
    desk.suite()
    run = desk.run()
    dialogs: list[str] = []
    asked: list[str] = []
    with served(desk.runs) as address, browser() as chrome:
        page = chrome.new_page(viewport={"width": 1400, "height": 1000})
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
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
    assert not dialogs
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {
        "127.0.0.1"
    }


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_four_readers_open_the_same_page_at_once(desk: Any, run_id: str) -> None:
    with served(desk.runs) as address, browser() as chrome:
        readers = [chrome.new_context().new_page() for _ in range(4)]
        for path in ("", "ranking", "samples", "runs", "sql") * 2:
            for reader in readers:
                reader.goto(f"{address}/{path}?run={run_id}", wait_until="commit")
            for reader in readers:
                reader.wait_for_selector("h1", timeout=SECONDS * 1000)
                settled(reader, "Copy link")

"""The dashboard in a real browser: it draws, its links hold, and nothing leaves this machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

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
    "<script>fetch('//evil.example')</script>"
)


def chromium() -> str:
    """Return a browser of this machine, or skip."""
    names = (os.environ.get("EVALHUB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if found is None:
        pytest.skip("needs a Chromium: install one, or name it in EVALHUB_CHROMIUM")
    return found


@pytest.fixture
def run_id(desk: Any) -> str:
    """A run whose every text tries to load something."""
    items = [{"item_id": f"i{n}", "prompt": f"What is {n}? {HOSTILE}", "refs": [HOSTILE]} for n in range(4)]
    responses = [
        {"item_id": one["item_id"], "system": name, "family": "alpha", "text": f"{name} says {HOSTILE}"}
        for one in items
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


@pytest.fixture
def address(desk: Any, run_id: str) -> Iterator[str]:
    """The app, started as `evalhub dashboard` starts it, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT / "dashboards",
        env={**os.environ, "EVALHUB_RUNS": str(desk.runs), "PYTHONPATH": str(ROOT)},
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


def settled(page: Any, text: str) -> None:
    """Wait until a view is drawn."""
    page.get_by_text(text, exact=True).first.wait_for(timeout=SECONDS * 1000)
    page.wait_for_selector(
        '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=SECONDS * 1000
    )
    assert page.locator('[data-testid="stException"]').count() == 0


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_four_views_one_permalink_and_no_request_elsewhere(address: str, run_id: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e .[dev]")
    path = chromium()
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        settled(page, "Which system is best?")
        page.get_by_text("people", exact=False).first.wait_for()
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for()
        page.get_by_role("link", name="Overview").first.click()
        settled(page, "Leaderboard")
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for()
        page.get_by_role("link", name="Judges and people").first.click()
        settled(page, "Pair by pair")
        about = {"run": run_id, "item": "i2", "judge": "ex", "responses": "k / m", "shown": "m first"}
        page.goto(f"{address}/samples?{urlencode(about)}")
        settled(page, "Shown as A · m")
        page.get_by_text("The judge's prompt, as sent").click()
        page.get_by_text("Second response", exact=False).first.wait_for()
        assert "i2" in page.url
        assert page.locator("img[src*='evil']").count() == 0
        browser.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}

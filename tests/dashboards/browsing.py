"""A real browser on the dashboard's real server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
PATHS = ("", *(title.lower() for title in PAGES))
HOSTILE = (
    "<img src=http://evil.example/a.png> ![x](http://evil.example/x.png) "
    "<script>fetch('//evil.example')</script> \u202egnp.exe\u200b http://evil.example"
)


@dataclass(frozen=True)
class Site:
    """A served folder of runs, and a run in it."""

    address: str
    run: str


def chromium() -> str:
    """Return a browser of this machine, or skip."""
    names = (os.environ.get("EVALHUB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if path is None:
        pytest.skip("needs a Chromium: install one, or name it in EVALHUB_CHROMIUM")
    return path


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


@contextmanager
def opening(chrome: Any, *, width: int = 1400, height: int = 1000, theme: str = "light") -> Iterator[Any]:
    """A page of a reader who was never here before."""
    context = chrome.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    yield context.new_page()
    context.close()


def make_hostile_run(desk: Any) -> str:
    """Make a run whose every text tries to load something, and return its id."""
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


class Watch:
    """All that a page asks for, and the dialogs that it opens."""

    def __init__(self, page: Any) -> None:
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: self.dialogs.append(dialog.message))

    def check(self) -> None:
        """Nothing was asked of another host, and no text opened a dialog."""
        urls = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}
        assert not self.dialogs

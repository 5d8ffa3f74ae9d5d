"""Take the README's picture: start the dashboard on a folder of runs and save what it shows.

    python benchmarks/screenshot.py RUNS [--out docs/dashboard.png] [--run ID] [--view judges] [--dark]

It needs a Chromium on this machine (EVALHUB_CHROMIUM names one) and playwright.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
WIDTH, SCALE = 1360, 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, help="folder of the runs")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "dashboard.png")
    parser.add_argument("--run", default="", help="id of a run; the newest by default")
    parser.add_argument(
        "--view", default="", choices=["", "judges", "samples"], help="the overview by default"
    )
    parser.add_argument("--query", default="", help="more query parameters, as in a link")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--height", type=int, default=1180)
    chosen = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT / "dashboards",
        env={
            **os.environ,
            "EVALHUB_RUNS": str(chosen.runs.resolve()),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        query = "&".join(
            part for part in (urlencode({"run": chosen.run} if chosen.run else {}), chosen.query) if part
        )
        save(f"{url}/{chosen.view}?{query}", chosen.out, dark=chosen.dark, height=chosen.height)
    finally:
        process.terminate()
        process.wait()
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1024:.0f} KiB")


def wait_for(url: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
            return
        time.sleep(0.2)
    raise SystemExit("the dashboard did not start")


def save(url: str, out: Path, *, dark: bool, height: int) -> None:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("EVALHUB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium is found: install one, or name it in EVALHUB_CHROMIUM")
    out.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": height},
            device_scale_factor=SCALE,
            color_scheme="dark" if dark else "light",
        )
        page.goto(url)
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for(timeout=60_000)
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=60_000)
        page.wait_for_timeout(2_000)
        page.screenshot(path=str(out))
        browser.close()


if __name__ == "__main__":
    main()

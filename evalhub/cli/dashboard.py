"""The command that serves the dashboard: one Streamlit process, which ends with the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Runs
from evalhub.cli.output import notes
from evalhub.errors import InputError

_PATIENCE = 5.0
"""Seconds that the server has to end before it is killed."""


def dashboard(
    runs: Runs = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8501,
) -> None:
    """Show all runs in a browser, on this machine only."""
    app = hub.specs.data_root() / "dashboards" / "app.py"
    root = hub.store.runs_root(runs).resolve()
    if not root.is_dir():
        raise InputError(
            "there are no runs yet", where=str(root), fix="make one with `evalhub run quickstart`"
        )
    # The options also stand in the app's config file. An app without it must ask nobody outside either.
    command = [
        sys.executable, "-m", "streamlit", "run", str(app), "--server.port", str(port),
        "--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    notes().print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)")
    signal.signal(signal.SIGTERM, _end)
    server = subprocess.Popen(command, env={**os.environ, "EVALHUB_RUNS": str(root)}, cwd=app.parent)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    finally:
        _stop(server)
    raise typer.Exit(code)


def _end(number: int, _: FrameType | None) -> None:
    """End the command when it is told to, so that its server ends too."""
    raise SystemExit(128 + number)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()

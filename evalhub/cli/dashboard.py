"""The command that serves the dashboard: one Streamlit process, which ends with the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

import evalhub as hub
from evalhub.cli.options import Runs
from evalhub.cli.output import notes
from evalhub.errors import InputError

_START = "import pandas, evalhub.report; from streamlit.web.cli import main; main()"
"""What the server's process runs. The first visitor does not wait for imports."""

_PATIENCE = 5.0
"""Seconds that the server has to end before it is killed."""


def dashboard(
    runs: Runs = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8501,
) -> None:
    """Show all runs in a browser, on this machine only."""
    root = hub.store.runs_root(runs).resolve()
    if not root.is_dir():
        raise InputError(
            "there are no runs yet", where=str(root), fix="make one with `evalhub run quickstart`"
        )
    serve("app.py", port, {"EVALHUB_RUNS": str(root)})


def serve(script: str, port: int, environment: Mapping[str, str], options: Sequence[str] = ()) -> NoReturn:
    """Serve an app on this machine only, until the command is ended. The server ends with it.

    Args:
        script: The app's file among the dashboards.
        port: The port.
        environment: Variables that tell the app what to show.
        options: Further options of Streamlit.
    """
    app = hub.specs.data_root() / "dashboards" / script
    # The options also stand in the app's config file. An app without it must ask nobody outside either.
    command = [
        sys.executable, "-c", _START, "run", str(app), "--server.port", str(port),
        "--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false",
        *options,
    ]  # fmt: skip
    notes().print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)")
    signal.signal(signal.SIGTERM, _end)
    server = subprocess.Popen(command, env={**os.environ, **environment}, cwd=app.parent)
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

"""The tables of a large finished run that are not stored yet are made by a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import streamlit as st
from context import Context
from parts.text import plain

_NICENESS = 10
"""The pages come first."""


def show_indexing(context: Context) -> None:
    """Make the tables of a run beside the server, and read the page again when they are there."""
    path = str(context.run.path)
    if _start(path, context.version).poll() == 0 and not context.has_tables:
        st.error("The tables of this run could not be stored beside it. Is the disk full?")
        return
    _wait(path, context.version)


@st.fragment(run_every="2s")
def _wait(path: str, version: str) -> None:
    process = _start(path, version)
    code = process.poll()
    if code is None:
        st.info(
            "The tables of this run are being made, as `evalhub index` does. This takes about a minute for a "
            "million judgments. Samples, Runs and SQL work now.",
            icon=":material/hourglass_top:",
        )
    elif code == 0:
        st.rerun(scope="app")
    else:
        errors = process.stderr.read().decode(errors="replace") if process.stderr else ""
        st.error(plain(f"The tables cannot be made: {' '.join(errors.split()) or code}"))


@st.cache_resource(max_entries=20, show_spinner=False)
def _start(path: str, version: str) -> subprocess.Popen[bytes]:
    """Start the process that makes the tables of a version of a run, once."""
    del version
    command = [sys.executable, "-m", "evalhub", "index", path, "--runs", str(Path(path).parent)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    return process

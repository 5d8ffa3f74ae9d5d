"""The command that serves the blind labelling of one queue, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.dashboard import serve
from evalhub.cli.options import Runs
from evalhub.cli.output import print_note


def label(
    queue: Annotated[Path, typer.Argument(metavar="QUEUE", help="A file that `labels queue` wrote.")],
    annotator: Annotated[
        str | None, typer.Option("--annotator", help="Who labels. By default, the page asks.")
    ] = None,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Decide where annotators differ, and nothing else.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 8502,
    runs: Runs = None,
) -> None:
    """Label a queue in a browser, blind: the page knows no system, no verdict and no other label.

    Labels are stored beside the runs, where every table uses them at once. Ended and started again, the page
    goes on where it was. Several annotators may label at the same time, each in a browser.
    """
    root = hub.store.runs_root(runs).resolve()
    task = hub.analysis.label_task(queue, root)
    folder = hub.store.labels_folder(root)
    if annotator is not None:
        hub.store.check_annotator(folder, annotator)
    labels = hub.store.read_labels(folder, [task.queue.dataset]) if adjudicate else ()
    number = len(hub.store.disputes(task.queue, labels)) if adjudicate else len(task.queue.units)
    print_note(f"{number} to {'decide' if adjudicate else 'label'}. Labels are stored in {folder}")
    environment = {
        "EVALHUB_RUNS": str(root),
        "EVALHUB_LABEL_QUEUE": str(queue.resolve()),
        "EVALHUB_LABEL_ANNOTATOR": annotator or "",
        "EVALHUB_LABEL_ADJUDICATE": "yes" if adjudicate else "",
    }
    # Keys that are pressed fast follow each other. Otherwise a second one would run beside the first.
    serve("label_app.py", port, environment, ["--runner.fastReruns", "false"])

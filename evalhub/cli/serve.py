"""The command that puts a measured judge behind HTTP."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json, Runs
from evalhub.cli.output import print_note
from evalhub.cli.progress import choose_progress

if TYPE_CHECKING:
    from evalhub.serving import ServedJudge


def serve_judge(
    judge: Annotated[str, typer.Argument(metavar="JUDGE", help="Id of a judge of the run.")],
    run_name: Annotated[
        str | None,
        typer.Option("--run", help="The run that measured it: its folder, id or suite. Default: the newest."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on this machine. 0 takes any that is free.")
    ] = 8503,
    host: Annotated[
        str, typer.Option(help="Address to listen on. There is no password: whoever reaches it may ask.")
    ] = "127.0.0.1",
    allow_unmeasured: Annotated[
        bool,
        typer.Option(
            "--allow-unmeasured",
            help="Also serve a judge that changed since the run, and answer what the run did not measure.",
        ),
    ] = False,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Serve a judge of a run over HTTP: each answer is calibrated, and says how far people agree with it."""
    progress = choose_progress()
    run = hub.store.find_run(run_name, hub.store.runs_root(runs))
    served = hub.serving.prepare(run, judge, allow_unmeasured=allow_unmeasured, progress=progress)
    for sentence in (*served.measured.changes, *served.measured.machine):
        print_note(f"not as in the run: {sentence}", style="yellow")
    for criterion, evidence in served.evidence.items():
        print_note(_describe(served, criterion, evidence.reason))

    def on_ready(url: str) -> None:
        if as_json:
            # In one line, since the command goes on: whoever reads it knows that it is complete.
            sys.stdout.write(json.dumps({"url": url, **served.describe()}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        if not hub.serving.is_loopback(host):
            print_note("whoever reaches this address may ask the judge", style="yellow")
        print_note(f"{url}  (Ctrl-C ends it)")

    hub.serving.serve(served, hub.serving.Address(host, port), on_ready, progress)


def _describe(served: ServedJudge, criterion: str, reason: str | None) -> str:
    """Return how far a judge can be trusted on a criterion, in a sentence."""
    evidence = served.evidence[criterion]
    parts = [
        f"{measure.measure} {measure.agreement:.2f} on {measure.dataset} ({measure.trust})"
        for measure in evidence.measures
        if measure.agreement is not None
    ]
    calibration = evidence.calibration
    calibrated = f"not calibrated: {reason}" if reason else ""
    if calibration and calibration.map:
        calibrated = f"calibrated on {calibration.labels} labels"
    return f"{criterion}: {'; '.join([*parts, calibrated])}"

"""The group about people's labels: what to label next, and how much of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Json, RunName, Runs
from evalhub.cli.output import notes, print_json
from evalhub.errors import InputError, StorageError

labels = typer.Typer(help="Labels: what people should label next, and how much.", no_args_is_help=True)


@labels.command("queue")
def labels_queue(
    judge: Annotated[str, typer.Option("--judge", help="Whose verdicts say what is in doubt.")],
    n: Annotated[int, typer.Option("--n", help="How many responses or pairs to draw.")],
    out: Annotated[Path, typer.Option("--out", help="The JSON Lines file that is made.")],
    run_name: RunName = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Where the run has several.")] = None,
    criterion: Annotated[str | None, typer.Option("--criterion", help="Where the judge has several.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")] = 0,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Draw what people should label next: a fifth evenly, the rest by how much the judge doubts.

    Each line has the probability with which it was drawn. Keep it with the label, in the column `probability`
    of a card's labels: the estimates from people and judge together weight by it.
    """
    found = hub.load(run_name, runs)
    wanted = hub.analysis.QueueRequest(
        judge,
        criterion or _only(found, judge, "criterion"),
        dataset or _only(found, judge, "dataset"),
        n,
        seed,
    )
    rows = hub.analysis.labelling_queue(found, wanted)
    if out.exists():
        raise InputError("the file exists already", where=str(out), fix="name another one, or remove it")
    try:
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the queue cannot be written ({error.strerror})", where=str(out)) from error
    if as_json:
        print_json({"written": str(out), "rows": len(rows)})
        return
    notes().print(f"written: {out}, {len(rows)} to label", markup=False, soft_wrap=True)


def _only(found: hub.analysis.Results, judge: str, name: str) -> str:
    """Return the one dataset or criterion of a judge's verdicts; an unknown judge is refused later."""
    asked = found.judgments()
    known = sorted(set(asked[asked["judge"] == judge][name]))
    if len(known) > 1:
        raise InputError(f"the judge has several {name} values", value=known, fix=f"name one with --{name}")
    return known[0] if known else ""


@labels.command("needed")
def labels_needed(
    width: Annotated[
        float, typer.Option("--width", help="Of the interval, from end to end, in the labels' unit.")
    ],
    run_name: RunName = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Print how many labels an interval of a width needs, alone and beside a judge's verdicts."""
    found = hub.load(run_name, runs)
    rows = hub.analysis.rows_of(hub.analysis.labels_needed(found, width=width))
    if not rows:
        raise InputError(
            "there is no pilot: nothing that a judge was asked has a person's label", where=found.run.id
        )
    if as_json:
        print_json(rows)
        return
    hub.report.print_needed(rows, width=width)

"""`evalhub judges train`: a judge of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Runs
from evalhub.cli.output import print_fields, print_note, print_rows
from evalhub.cli.progress import choose_progress
from evalhub.errors import InputError

if TYPE_CHECKING:
    from evalhub.stats import Estimate

METHODS = Literal["head"]


def judges_train(
    source: Annotated[
        str, typer.Argument(metavar="SUITE_OR_RUN", help="A suite or a run. Its datasets hold the labels.")
    ],
    model: Annotated[str, typer.Option(help="The base model: a pinned name, a folder or a hub id.")],
    out: Annotated[Path, typer.Option(help="The new model folder.")],
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="DATASET[:CRITERION]",
            help="Learn from the labels of this dataset. Repeat it for more. Default: all.",
        ),
    ] = None,
    rubric: Annotated[str, typer.Option(help="The rubric whose prompt the judge reads.")] = "helpfulness",
    criterion: Annotated[str | None, typer.Option(help="One of its criteria. Default: the first.")] = None,
    method: Annotated[METHODS, typer.Option(help="What is trained: a head on frozen layers.")] = "head",
    layers: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="The layers to try. Default: five of them.")
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option("--control", metavar="length", help="Hold this out of what the head learns."),
    ] = None,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Learn from as many pairs again, whose right answer is known."),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Largest number of pairs of each dataset.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all draws: dev clusters, folds, pairs.")] = 0,
    engine: Engine = "pooling",
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Train a judge on the labels of dev clusters, and write it as a model folder.

    Clusters outside the dev split are never read, and a suite leaves out the clusters that a judge was
    trained on.
    """
    del method  # there is one
    options = hub.runner.TrainOptions(
        source=source,
        model=model,
        out=out,
        on=tuple(on or ()),
        rubric=rubric,
        criterion=criterion,
        layers=_numbers(layers),
        control=tuple(control or ()),
        augment=augment,
        limit=limit,
        seed=seed,
        engine=hub.engines.parse_engine(engine, where="--engine"),
        runs=runs,
    )
    progress = choose_progress()
    try:
        head = hub.runner.train_head(options, progress)
    finally:
        progress.stop()
    facts = head.facts
    fields: dict[str, Any] = {
        "written": str(out),
        "base": facts.base,
        "rubric": facts.rubric["id"],
        "layer": facts.layer,
        "ridge": facts.ridge,
        "pairs": head.pairs,
        "datasets": [
            f"{name}: {values['pairs']} pairs of {values['clusters']} clusters, {values['criterion']}"
            for name, values in facts.datasets.items()
        ],
        "accuracy on held-out folds": _interval(head.accuracy),
        "the longer response, on the same": _interval(head.longer),
        "left out": [f"{count} {reason}" for reason, count in head.exclusions.items()],
    }
    if not as_json:
        print_rows([dict(candidate) for candidate in facts.cross_validation], as_json=False)
    print_fields(fields, as_json=as_json)
    for note in facts.notes:
        print_note(f"{note}: the head learns what that person prefers")
    print_note(
        "next: name the folder as the model of a judge with the same rubric, and run the suite. Its training "
        "clusters are left out."
    )


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise InputError("layers are numbers with commas between", where="--layers", value=text) from None


def _interval(estimate: Estimate) -> str | None:
    if estimate.estimate is None:
        return None
    if estimate.low is None or estimate.high is None:
        return f"{estimate.estimate:.3f}"
    return f"{estimate.estimate:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] n {estimate.n}"

"""The command that attacks a judge."""

from __future__ import annotations

from typing import Annotated

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Mode, Rubric, Runs
from evalhub.cli.output import print_json
from evalhub.cli.progress import choose_progress


def judges_attack(
    rubric: Rubric,
    model: Annotated[str, typer.Option(help="The judge's model.")],
    dataset: Annotated[str, typer.Option(help="Dataset whose responses are attacked.")] = "quickstart",
    limit: Annotated[
        int,
        typer.Option(
            help="Largest number of items. One pair or the lowest-rated response of each is attacked."
        ),
    ] = 30,
    mode: Mode = "direct",
    criterion: Annotated[str | None, typer.Option(help="Criterion, by default the first.")] = None,
    engine: Engine = "vllm",
    names: Annotated[
        list[str] | None, typer.Option("--only", help="Try only this attack or control. Repeat it for more.")
    ] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Try injection attacks and control responses on a judge, and print how often they win."""
    progress = choose_progress()
    options = hub.runner.AttackOptions(
        rubric=rubric,
        model=model,
        dataset=dataset,
        limit=limit,
        mode=hub.specs.Mode(mode),
        criterion=criterion,
        engine=hub.engines.parse_engine(engine, where="--engine"),
        names=tuple(names or ()),
        runs=runs,
    )
    try:
        run = hub.runner.attack(options, progress)
    finally:
        progress.stop()
    results = hub.load(run)
    hub.report.write_report(hub.report.report_data(results), run.path)
    if as_json:
        print_json({"run": run.id, **hub.report.attack_data(results)})
        return
    hub.report.print_attacks(results)

"""The command that attacks a judge."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Runs
from evalhub.cli.output import print_json
from evalhub.cli.progress import chosen

Rubric = Annotated[str, typer.Argument(metavar="RUBRIC", help="Path or id of a rubric.")]
Mode = Annotated[Literal["direct", "explain", "think"], typer.Option(help="How the judge answers.")]


def judges_attack(
    rubric: Rubric,
    model: Annotated[str, typer.Option(help="The judge's model.")],
    dataset: Annotated[str, typer.Option(help="Dataset whose responses are attacked.")] = "quickstart",
    limit: Annotated[int, typer.Option(help="Items at most; one pair, or the lowest rated, of each.")] = 30,
    mode: Mode = "direct",
    criterion: Annotated[str | None, typer.Option(help="Criterion; the first by default.")] = None,
    engine: Engine = "vllm",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Try only this attack or control; may be given again.")
    ] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Try injection attacks and control responses on a judge, and print how often they win."""
    progress = chosen()
    options = hub.runner.AttackOptions(
        rubric=rubric,
        model=model,
        dataset=dataset,
        limit=limit,
        mode=hub.specs.Mode(mode),
        criterion=criterion,
        engine=hub.engines.parse_engine(engine, where="--engine"),
        only=tuple(only or ()),
        runs=runs,
    )
    try:
        done = hub.runner.attack(options, progress)
    finally:
        progress.stop()
    results = hub.load(done)
    hub.report.write_report(hub.report.report_data(results), done.path)
    if as_json:
        print_json({"run": done.id, **hub.report.attack_data(results)})
        return
    hub.report.print_attacks(results)

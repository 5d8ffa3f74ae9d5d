"""The command that asks a judge the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Mode, Rubric, Runs
from evalhub.cli.output import print_json, print_rows, print_text
from evalhub.cli.progress import choose_progress
from evalhub.texts import count, number

SHOWN = 10
"""Number of flaky verdicts that are printed."""


def judges_noise(
    rubric: Rubric,
    model: Annotated[str, typer.Option(help="The judge's model.")],
    dataset: Annotated[str, typer.Option(help="Dataset whose responses are judged.")] = "quickstart",
    limit: Annotated[int, typer.Option(help="Largest number of items.")] = 30,
    mode: Mode = "direct",
    engine: Engine = "vllm",
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Ask a judge the same again, and print which differences are only noise, and the flaky verdicts."""
    progress = choose_progress()
    options = hub.runner.NoiseOptions(
        rubric=rubric,
        model=model,
        dataset=dataset,
        limit=limit,
        mode=hub.specs.Mode(mode),
        engine=hub.engines.parse_engine(engine, where="--engine"),
        runs=runs,
    )
    try:
        run = hub.runner.ask_again(options, progress)
    finally:
        progress.stop()
    results = hub.load(run)
    rows = hub.analysis.rows_of(hub.analysis.noise(results))
    flaky = hub.analysis.rows_of(hub.analysis.flaky_verdicts(results))
    if as_json:
        print_json({"run": run.id, "noise": rows, "flaky": flaky})
        return
    for sentence in _sentences(rows):
        print_text(sentence)
    if flaky:
        title = f"flaky verdicts, {count(min(SHOWN, len(flaky)))} of {count(len(flaky))}"
        print_rows(flaky[:SHOWN], as_json=False, title=title)


def _sentences(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what each row says."""
    for row in rows:
        place = f"{row['criterion']} on {row['dataset']}"
        if row["estimate"] is None:
            yield f"{place}: {row['statistic']} is not known ({row['reason']})"
        elif row["statistic"] == "flips":
            share = f"{number(row['estimate'], 3)}{_ends(row)} of {count(row['n'])} verdicts change"
            yield f"{place}: {share} if the judge is asked again ({_AGAIN[row['again']]})"
        elif row["estimate"] == 0:
            if row["statistic"] == "spread":
                yield f"{place}: no verdict changed in any asking"
        elif row["statistic"] == "spread":
            yield f"{place}: a verdict spreads by {number(row['estimate'], 3)}{_ends(row)} over the askings"
        else:
            difference = f"{number(row['estimate'], 3)}{_ends(row)} over {count(row['n'])} units"
            yield f"{place}: a difference below {difference} is no more than noise"


def _ends(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f" [{number(row['low'], 3)}, {number(row['high'], 3)}]"


_AGAIN = {
    "seed": "other seeds",
    "batches": "other batches",
    "order": "items in the opposite order",
}

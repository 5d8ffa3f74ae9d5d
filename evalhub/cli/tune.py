"""`evalhub judges tune`: a rubric that is improved from labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.cli.options import Engine, Json, Mode, Rubric, Runs
from evalhub.cli.output import interval_text, print_json, print_note, print_rows, print_text
from evalhub.cli.progress import choose_progress
from evalhub.texts import count

if TYPE_CHECKING:
    from evalhub.runner import Tuned, VariantOutcome
    from evalhub.stats import Estimate


def judges_tune(
    rubric: Rubric,
    model: Annotated[str, typer.Option(help="The judge's model.")],
    on: Annotated[
        str,
        typer.Option("--on", metavar="SUITE_OR_RUN", help="A suite or a run. Its datasets hold the labels."),
    ],
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            metavar="DATASET[:CRITERION]",
            help="Take the labels of this dataset. Repeat it for more. Default: all.",
        ),
    ] = None,
    variants: Annotated[
        list[str] | None,
        typer.Option("--variant", metavar="FILE", help="A rubric with other words. Repeat it for more."),
    ] = None,
    writer: Annotated[
        str | None, typer.Option(help="A model that writes variants. It sees dev clusters alone.")
    ] = None,
    writes: Annotated[int, typer.Option(help="Number of variants that the writer writes.")] = 4,
    writer_engine: Annotated[
        str | None, typer.Option(help="Engine that runs the writer. Default: that of the judge.")
    ] = None,
    criterion: Annotated[
        str | None, typer.Option(help="One of the rubric's criteria. Default: the first.")
    ] = None,
    mode: Mode = "direct",
    engine: Engine = "vllm",
    budget: Annotated[
        int | None,
        typer.Option(help="Largest number of judgments on dev clusters, of all variants together."),
    ] = None,
    first: Annotated[
        int,
        typer.Option(
            help="Clusters of the largest dataset in the first round. Each later one has twice as many."
        ),
    ] = 32,
    seed: Annotated[int, typer.Option(help="Seed of all draws: dev and test clusters, rounds, writer.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The new file for the winner, with a new version of the rubric.")
    ] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Choose the best variant of a rubric on dev clusters, and measure it once on test clusters.

    The rubric as it is takes part, and stays where no variant is better.
    """
    options = hub.runner.TuneOptions(
        rubric=rubric,
        model=model,
        mode=hub.specs.Mode(mode),
        engine=hub.engines.parse_engine(engine, where="--engine"),
        runs=runs,
        source=on,
        on=tuple(datasets or ()),
        criterion=criterion,
        variants=tuple(variants or ()),
        writer=writer,
        writer_engine=(
            hub.engines.parse_engine(writer_engine, where="--writer-engine") if writer_engine else None
        ),
        writes=writes,
        budget=budget,
        first=first,
        seed=seed,
        out=out,
    )
    progress = choose_progress()
    try:
        tuned = hub.runner.tune(options, progress)
    finally:
        progress.stop()
    if as_json:
        print_json(_data(tuned))
        return
    print_rows([_row(outcome) for outcome in tuned.outcomes], as_json=False)
    for sentence in _sentences(tuned):
        print_text(sentence)
    if tuned.file:
        print_note(f"next: evalhub judges check {tuned.file}, and let a suite name it")


def _data(tuned: Tuned) -> dict[str, Any]:
    race, test = tuned.race, tuned.test
    return {
        "winner": tuned.winner,
        "variants": [
            {
                "id": outcome.variant.id,
                "origin": outcome.variant.origin,
                "name": outcome.variant.name,
                "rubric": outcome.variant.rubric and outcome.variant.rubric.id,
                "status": outcome.status,
                "text": outcome.variant.text,
                "accuracy": outcome.measured and asdict(outcome.measured.accuracy),
                "difference": _values(outcome.measured.difference) if outcome.measured else None,
            }
            for outcome in tuned.outcomes
        ],
        "dev": race
        and {
            "rounds": list(race.rounds),
            "judgments": race.judgments,
            "read_clusters": race.read_clusters,
            "end": race.end,
            "runs": list(race.runs),
        },
        "test": test
        and {
            "run": test.run,
            "accuracies": {name: asdict(estimate) for name, estimate in test.accuracies.items()},
            "difference": asdict(test.difference),
            "is_better": test.is_better,
            "is_held_out": test.is_held_out,
            "earlier_looks": list(test.looks),
            "pairs_chosen_on": test.chosen_on,
            "pairs_left_out": test.shared,
        },
        "written": tuned.file and str(tuned.file),
        "version": tuned.version,
        "sentences": list(_sentences(tuned)),
    }


def _values(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else asdict(estimate)


def _row(outcome: VariantOutcome) -> dict[str, Any]:
    measured = outcome.measured
    return {
        "variant": outcome.variant.id,
        "origin": f"{outcome.variant.origin}: {outcome.variant.name}",
        "pairs": measured.accuracy.n if measured else None,
        "clusters": measured.accuracy.clusters if measured else None,
        "dev accuracy": interval_text(measured.accuracy) if measured else None,
        "minus original": interval_text(measured.difference) if measured and measured.difference else None,
        "status": outcome.status,
    }


def _sentences(tuned: Tuned) -> Iterator[str]:
    """Yield what the tuning found, plainly."""
    yield _counts(tuned)
    race, test = tuned.race, tuned.test
    if race is None:
        yield "No variant is left to compare with the original, so nothing was judged."
        return
    rounds = count(len(race.rounds))
    yield f"{count(race.judgments)} judgments on dev clusters in {rounds} rounds: {race.end}."
    if race.read_clusters:
        yield (
            f"The writer read pairs of {count(race.read_clusters)} dev clusters of the largest dataset. "
            "The variants judged them too, and none of their pairs counts."
        )
    if test is None:
        yield "No variant is better than the original on dev clusters: nothing was measured on test clusters."
        return
    yield (
        f"The dev accuracy of {tuned.winner} is optimistic: it is the best of "
        f"{count(sum(outcome.variant.races for outcome in tuned.outcomes))}, chosen on the same clusters."
    )
    for name, estimate in test.accuracies.items():
        yield f"On test clusters {name}: {interval_text(estimate)}, {count(estimate.n)} pairs."
    if test.shared:
        yield f"{count(test.shared)} test pairs are left out: their clusters or prompts are dev ones too."
    yield _verdict(tuned)
    if test.looks:
        yield (
            f"Earlier tunings measured winners of this rubric {count(len(test.looks))} times on these "
            "clusters: they are no longer held out."
        )
    if test.chosen_on:
        yield (
            f"An earlier tuning chose its winner on the prompts of {count(test.chosen_on)} of these pairs: "
            "they are not held out."
        )


def _counts(tuned: Tuned) -> str:
    origins = [outcome.variant.origin.value for outcome in tuned.outcomes]
    refusals = sum(outcome.variant.refusal is not None for outcome in tuned.outcomes)
    duplicates = sum(outcome.variant.duplicate is not None for outcome in tuned.outcomes)
    return (
        f"Variants: the original, {count(origins.count('person'))} by people, "
        f"{count(origins.count('model'))} by a model. "
        f"{count(refusals)} refused, {count(duplicates)} duplicates."
    )


def _verdict(tuned: Tuned) -> str:
    assert tuned.test is not None
    test = tuned.test
    difference = f"the difference is {interval_text(test.difference)}"
    where = (
        "test clusters that no choice has seen" if test.is_held_out else "test clusters that were used before"
    )
    if test.is_better:
        return f"{tuned.winner} is better than the original on {where}: {difference}."
    if test.difference.high is not None and test.difference.high < 0:
        return f"{tuned.winner} is worse than the original on {where}: {difference}."
    return f"It is not shown that {tuned.winner} is better than the original on {where}: {difference}."

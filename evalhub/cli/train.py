"""`evalhub judges train`: a judge of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import evalhub as hub
from evalhub.cli.options import Json, Runs
from evalhub.cli.output import interval_text, print_fields, print_note, print_rows
from evalhub.cli.progress import choose_progress
from evalhub.errors import InputError

if TYPE_CHECKING:
    from evalhub.runner import TrainedJudge, TrainedRater
    from evalhub.stats import Estimate

METHODS = Literal["head", "lora"]


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
    method: Annotated[
        METHODS, typer.Option(help="What is trained: a head on frozen layers, or a LoRA adapter.")
    ] = "head",
    teacher: Annotated[
        str | None,
        typer.Option(metavar="JUDGE", help="Learn this judge's probabilities instead of labels."),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Head: the layers to try. Default: five of them.")
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option("--control", metavar="length", help="Head: hold this out of what it learns."),
    ] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA: the rank of its factors. Default: 16.")] = None,
    epochs: Annotated[int | None, typer.Option(help="LoRA: most readings of each pair. Default: 2.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="LoRA: the largest learning rate. Default: .0002.")
    ] = None,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Learn from as many pairs again, whose right answer is known."),
    ] = False,
    limit: Annotated[
        int | None, typer.Option(help="Largest number of pairs or ratings of each dataset.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Tokens of the longest prompt. Longer ones are left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all draws: dev clusters, folds, pairs or ratings.")] = 0,
    engine: Annotated[
        str | None, typer.Option(help="Head: the engine that gives the hidden states. Default: pooling.")
    ] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Train a judge on the labels of dev clusters, and write it as a folder.

    Clusters outside the dev split are never read, and a suite leaves out the clusters that a judge was
    trained on.
    """
    options = hub.runner.TrainOptions(
        source=source,
        model=model,
        out=out,
        on=tuple(on or ()),
        rubric=rubric,
        method=hub.runner.Method(method),
        criterion=criterion,
        teacher=teacher,
        layers=_numbers(layers),
        control=tuple(control or ()),
        rank=rank,
        epochs=epochs,
        learning_rate=learning_rate,
        augment=augment,
        limit=limit,
        max_length=max_length,
        seed=seed,
        engine=hub.engines.parse_engine(engine, where="--engine") if engine else None,
        runs=runs,
    )
    progress = choose_progress()
    try:
        judge = hub.runner.train_judge(options, progress)
    finally:
        progress.stop()
    if not as_json:
        print_rows([dict(attempt) for attempt in judge.facts.attempts], as_json=False)
    fields = _fields(judge, out) if isinstance(judge, hub.runner.TrainedJudge) else _rater_fields(judge, out)
    print_fields(fields, as_json=as_json)
    for note in judge.facts.notes:
        print_note(f"{note}: the judge learns what that person prefers")
    if judge.facts.caution:
        print_note(judge.facts.caution)
    if judge.facts.has_learned:
        print_note(_next_step(judge))


def _fields(judge: TrainedJudge, out: Path) -> dict[str, Any]:
    facts = judge.facts
    fields = _basis(judge, out)
    if facts.teacher is not None:
        fields["teacher"] = f"{facts.teacher['judge']} of {facts.teacher['run']}"
    fields |= {
        **facts.choice,
        "pairs": judge.pairs,
        "datasets": _datasets(judge, "pairs"),
        _accuracy_name(judge): _measured(judge.accuracy),
    }
    if judge.base is not None:
        fields["its base, on the same"] = _measured(judge.base)
    fields["the longer response, on the same"] = _measured(judge.longer)
    if judge.teacher is not None:
        fields["divergence from the teacher before"] = _measured(judge.teacher.before)
        fields["divergence from the teacher after"] = _measured(judge.teacher.after)
    fields["left out"] = _left_out(judge)
    return fields


def _accuracy_name(judge: TrainedJudge) -> str:
    """Return what the accuracy is measured against: labels, or the verdicts of a teacher."""
    if judge.facts.teacher is not None:
        return "agreement with the teacher on held-out clusters"
    return "accuracy on held-out clusters"


def _rater_fields(judge: TrainedRater, out: Path) -> dict[str, Any]:
    skill, length = judge.skill, judge.length
    return {
        **_basis(judge, out),
        **judge.facts.choice,
        "ratings": judge.ratings,
        "datasets": _datasets(judge, "ratings"),
        "rank correlation on held-out clusters": _measured(skill.correlation),
        "of the length alone, on the same": _measured(length.correlation),
        "mean error in levels on held-out clusters": _measured(skill.error),
        "error of the length alone, on the same": _measured(length.error),
        "commonest level": judge.commonest,
        "error of always answering it": _measured(judge.commonest_error),
        "left out": _left_out(judge),
    }


def _basis(judge: TrainedJudge | TrainedRater, out: Path) -> dict[str, Any]:
    return {"written": str(out), "base": judge.facts.base, "rubric": judge.facts.rubric["id"]}


def _datasets(judge: TrainedJudge | TrainedRater, noun: str) -> list[str]:
    return [
        f"{name}: {values[noun]} {noun} of {values['clusters']} clusters, {values['criterion']}"
        for name, values in judge.facts.datasets.items()
    ]


def _left_out(judge: TrainedJudge | TrainedRater) -> list[str]:
    return [f"{count} {reason}" for reason, count in judge.exclusions.items()]


def _next_step(judge: TrainedJudge | TrainedRater) -> str:
    if judge.facts.method == hub.runner.Method.LORA:
        return (
            "next: name the base as the model of a judge and the folder's adapter as its adapter, or its "
            "merged folder as the model, and run the suite. Its training clusters are left out."
        )
    return (
        "next: name the folder as the model of a judge with the same rubric, and run the suite. Its training "
        "clusters are left out."
    )


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise InputError("layers are numbers with commas between", where="--layers", value=text) from None


def _measured(estimate: Estimate) -> str:
    return f"{interval_text(estimate)} n {estimate.n}"

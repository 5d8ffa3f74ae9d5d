"""Attacks on one judge: the recorded responses first, then those that it likes less, with insertions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from evalhub.analysis import Results, Target, targets
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.judging import ATTACKS, CONTROLS, Attack, Control, inserted_system, protocol_named
from evalhub.records import Item, Response, Source, digest
from evalhub.runner.plan.plan import Cells, Plan, plan
from evalhub.runner.plan.resolve import Resolved, resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.tasks import Cell
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import carry_out
from evalhub.scales import Kind
from evalhub.specs import (
    Controls,
    CrossFamily,
    DatasetUse,
    EngineSpec,
    JudgeUse,
    Mode,
    Pairs,
    Rubric,
    Suite,
    load_rubric,
)
from evalhub.store import Run, RunWriter, all_runs, runs_root

_Named = TypeVar("_Named", Attack, Control)


@dataclass(frozen=True, slots=True)
class AttackOptions:
    """What is attacked, with what.

    Attributes:
        rubric: Path or id of a rubric that shows one response or two.
        model: The judge's model.
        dataset: Path or id of a dataset with responses.
        limit: Number of items, at most; None for all.
        seed: Of the draw of the items.
        mode: How the judge answers.
        criterion: The first of the rubric by default.
        engine: Where the model runs.
        only: Ids of attacks and controls; all of both by default.
        runs: The folder that holds the runs.
    """

    rubric: str
    model: str
    dataset: str = "quickstart"
    limit: int | None = 30
    seed: int = 0
    mode: Mode = Mode.DIRECT
    criterion: str | None = None
    engine: EngineSpec = field(default_factory=EngineSpec)
    only: tuple[str, ...] = ()
    runs: Path | None = None


def attack(options: AttackOptions, progress: Progress | None = None) -> Run:
    """Attack a judge, or go on with the newest unfinished run of the same attacks.

    The run holds the recorded responses, those with insertions as responses of the systems
    `<system>+<attack>` and `<system>+<attack>.harmless`, and the judgments of all.

    Args:
        options: What is attacked, with what.
        progress: Told how far the run is.

    Returns:
        The sealed run; `analysis.attacks` and `analysis.controls` read it.

    Raises:
        UnknownNameError: There is no such rubric, criterion, dataset, model, attack or control.
        SpecError: The rubric ranks lists, or the dataset has no responses that it could be shown.
        Interrupted: Ctrl-C; the same call goes on.
    """
    progress = progress or Silent()
    attacks, controls = _chosen(ATTACKS, options.only), _chosen(CONTROLS, options.only)
    _check_names(options.only)
    rubric = load_rubric(options.rubric, where="RUBRIC")
    refuse_changed(rubric, all_runs(runs_root(options.runs)), options.rubric)
    resolved = resolve(_suite(options, rubric), Path(f"attack {options.rubric}"), progress)
    resolved = replace(
        resolved,
        attack={
            "criterion": resolved.judges[0].criteria[0],
            "attacks": [one.id for one in attacks],
            "controls": [one.id for one in controls],
            "texts": digest([[one.applied("|"), one.harmless("|")] for one in attacks])
            + digest([one.applied("|") for one in controls]),
        },
    )
    _check_responses(resolved, options)

    def insert(writer: RunWriter, done: Plan) -> Cells:
        return _inserted(writer, done, [*attacks, *controls])

    return carry_out(resolved, plan(resolved), runs_root(options.runs), progress, insert)


def _suite(options: AttackOptions, rubric: Rubric) -> Suite:
    """Return the suite that judges the recorded responses: one judge, one pair of each item."""
    if rubric.shows == ("responses",):
        raise SpecError(
            "a judge of lists cannot be attacked",
            where="RUBRIC",
            value=rubric.id,
            allowed="a rubric that shows one response or two",
        )
    name = options.criterion or next(iter(rubric.criteria))
    if name not in rubric.criteria:
        raise UnknownNameError("criterion", name, rubric.criteria, where="--criterion")
    if options.limit is not None and options.limit < 1:
        raise InputError("a limit is at least 1", where="--limit", value=options.limit)
    use: dict[str, Any] = {
        "id": rubric.id,
        "rubric": options.rubric,
        "model": options.model,
        "engine": options.engine,
        "mode": options.mode,
    }
    if protocol_named(rubric.protocol).total is None:
        use["criteria"] = (name,)
    if rubric.kind is Kind.PAIRWISE:
        use["pairs"] = Pairs(by="all", cap=1)
    return Suite(
        suite=f"attack-{rubric.id.replace('/', '-')}",
        title=f"Attacks on {rubric.id} by {options.model}",
        datasets=(DatasetUse(id=options.dataset, limit=options.limit, seed=options.seed),),
        judges=(JudgeUse(**use),),
        controls=Controls(cross_family=CrossFamily.ALLOW),
    )


def _check_responses(resolved: Resolved, options: AttackOptions) -> None:
    if not any(one.text is not None for dataset in resolved.datasets for one in dataset.responses):
        raise SpecError(
            "the dataset has no responses that a judge could read",
            where="--dataset",
            value=options.dataset,
            fix="choose one with the texts of responses",
        )


def _inserted(writer: RunWriter, done: Plan, insertions: Sequence[Attack | Control]) -> Cells:
    """Keep the responses with insertions, and return what is asked about them."""
    items = {(one.dataset, one.item_id): one for one in cast("list[Item]", writer.table("items"))}
    asked: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in (cell for cells in done.cells.values() for cell in cells):
        asked.setdefault((cell.judge, cell.dataset, cell.item_id, cell.sample, cell.systems), []).append(cell)
    following: dict[str, list[Cell]] = {judge: [] for judge in done.cells}
    for target in targets(Results(Run(writer.path))):
        if target.attacked is None:
            continue
        about = (target.judge, target.dataset, target.item_id, target.sample)
        alone = asked.get((*about, (target.attacked,)))
        question = items[target.dataset, target.item_id].turns[-1]
        groups = []
        for made, other in _responses(writer, target, insertions, question):
            writer.append(made)
            groups.append((made.system,) if alone else tuple(sorted((made.system, other), key=str.encode)))
        following[target.judge] += [
            replace(cell, systems=group)
            for cell in alone or asked[(*about, target.systems)]
            for group in dict.fromkeys(groups)
        ]
    return {judge: tuple(cells) for judge, cells in following.items()}


def _responses(
    writer: RunWriter, target: Target, insertions: Sequence[Attack | Control], question: str
) -> Iterator[tuple[Response, str]]:
    """Yield each response with an insertion, and the system that it is set against."""
    recorded = {
        system: cast(
            "Response", writer.get("responses", (target.dataset, target.item_id, system, target.sample))
        )
        for system in (target.attacked, target.preferred)
        if system is not None
    }
    for insertion in insertions:
        if isinstance(insertion, Control):
            for system, response in recorded.items():
                text = insertion.applied(response.text or "", question)
                yield _rewritten(response, inserted_system(system, insertion.id), text), system
            continue
        response = recorded[target.attacked or ""]
        for harmless, change in ((False, insertion.applied), (True, insertion.harmless)):
            name = inserted_system(response.system, insertion.id, harmless=harmless)
            yield _rewritten(response, name, change(response.text or "", question)), target.preferred or ""


def _rewritten(recorded: Response, system: str, text: str) -> Response:
    """Return a recorded response under another name with another text, in its last turn."""
    turns = (*recorded.turns[:-1], text) if recorded.turns else ()
    return replace(
        recorded,
        system=system,
        text=text,
        turns=turns,
        chars=sum(map(len, turns or (text,))),
        source=Source.GENERATED,
        sha256=digest(text),
    )


def _chosen(known: tuple[_Named, ...], only: tuple[str, ...]) -> list[_Named]:
    return [one for one in known if not only or one.id in only]


def _check_names(only: Iterable[str]) -> None:
    known = [*(one.id for one in ATTACKS), *(one.id for one in CONTROLS)]
    for name in only:
        if name not in known:
            raise UnknownNameError("attack or control", name, known, where="--only")

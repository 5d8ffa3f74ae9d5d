"""Attacks on one judge: it judges the recorded responses first, then the losing ones with insertions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from evalhub.analysis import Results, Target, targets
from evalhub.errors import InputError, SpecError, UnknownNameError
from evalhub.judging import ATTACKS, CONTROLS, Attack, Control, find_protocol, inserted_system
from evalhub.records import Item, Response, Source, digest, key_of
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.plan.epochs import with_epochs
from evalhub.runner.plan.plan import Plan, TasksByJudge
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import Resolved, resolve
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.task_groups import TaskGroup, Tasks
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import carry_out
from evalhub.scales import Kind, Shape
from evalhub.specs import DatasetUse, Rubric, Suite, load_rubric
from evalhub.store import PartWriter, Run, RunWriter, all_runs, runs_root, tonight

_Insertion = TypeVar("_Insertion", Attack, Control)


@dataclass(frozen=True, slots=True)
class AttackOptions(JudgeOptions):
    """The judge that is attacked, and the attacks. Its rubric shows one response or two.

    Attributes:
        dataset: Path or id of a dataset with responses.
        limit: Most items. None for all.
        seed: Seed of the draw of the items.
        criterion: One of the rubric's criteria, by default the first.
        names: Ids of attacks and controls, by default all of both.
        night: The night, YYYY-MM-DD, by default today in UTC.
        part_of: The suite for whose night the judge is attacked.
    """

    dataset: str = "quickstart"
    limit: int | None = 30
    seed: int = 0
    criterion: str | None = None
    names: tuple[str, ...] = ()
    night: str = field(default_factory=tonight)
    part_of: str | None = None


def attack(options: AttackOptions, progress: Progress | None = None) -> Run:
    """Attack a judge, or resume the newest unfinished run of the same attacks.

    The run holds the recorded responses, the responses with insertions, and the judgments of all. A response
    with an insertion belongs to the system `<system>+<attack>` or `<system>+<attack>.placebo`.

    Args:
        options: The judge and the attacks.
        progress: Shows how far the run is.

    Returns:
        The sealed run. `analysis.attacks` and `analysis.controls` read it.

    Raises:
        UnknownNameError: There is no such rubric, criterion, dataset, model, attack or control.
        SpecError: The rubric ranks lists, or the dataset has no responses with texts.
        Interrupted: Ctrl-C. The same call resumes the run.
    """
    progress = progress or Silent()
    attacks, controls = _select(ATTACKS, options.names), _select(CONTROLS, options.names)
    _check_names(options.names)
    rubric = load_rubric(options.rubric, where="RUBRIC")
    root = runs_root(options.runs)
    runs = all_runs(root)
    refuse_changed(rubric, runs, options.rubric)
    resolved = resolve(
        _suite(options, rubric), Path(f"attack {options.rubric}"), progress, model_place="--model"
    )
    resolved = replace(
        resolved,
        attack={
            "criterion": resolved.judges[0].criteria[0],
            "attacks": [attack.id for attack in attacks],
            "controls": [control.id for control in controls],
            "texts": digest([[attack.apply("|"), attack.apply_placebo("|")] for attack in attacks])
            + digest([control.apply("|") for control in controls]),
        },
    )
    _check_responses(resolved, options)
    resolved = replace(with_epochs(resolved, runs, options.night), part_of=options.part_of)

    def plan_attacks(writer: RunWriter, part: PartWriter, planned: Plan) -> TasksByJudge:
        return _plan_insertions(writer, part, planned, [*attacks, *controls])

    return carry_out(prepare_resolved(resolved, runs), root, progress, plan_attacks)


def _suite(options: AttackOptions, rubric: Rubric) -> Suite:
    """Return the suite that judges the recorded responses: one judge, one pair of each item."""
    if rubric.shape is Shape.LIST:
        raise SpecError(
            "a judge of lists cannot be attacked",
            where="RUBRIC",
            value=rubric.id,
            allowed="a rubric that shows one response or two",
        )
    if rubric.verdict is Kind.POINTWISE:
        raise SpecError(
            "a judge of values without levels cannot be attacked, since no rise of a value is a success",
            where="RUBRIC",
            value=rubric.id,
            allowed="a rubric with verdict: pairwise",
        )
    name = options.criterion or next(iter(rubric.criteria))
    if name not in rubric.criteria:
        raise UnknownNameError("criterion", name, rubric.criteria, where="--criterion")
    if options.limit is not None and options.limit < 1:
        raise InputError("a limit is at least 1", where="--limit", value=options.limit)
    use = {} if find_protocol(rubric.protocol).total else {"criteria": (name,)}
    dataset = DatasetUse(id=options.dataset, limit=options.limit, seed=options.seed)
    return options.make_suite(rubric, "attack", dataset, 1, **use)


def _check_responses(resolved: Resolved, options: AttackOptions) -> None:
    responses = [response for dataset in resolved.datasets for response in dataset.responses]
    if all(response.text is None for response in responses):
        raise SpecError(
            "the dataset has no responses that a judge could read",
            where="--dataset",
            value=options.dataset,
            fix="choose one with the texts of responses",
        )


def _plan_insertions(
    writer: RunWriter, part: PartWriter, planned: Plan, insertions: Sequence[Attack | Control]
) -> TasksByJudge:
    """Store the responses with insertions in a shard of their own, and return the tasks that judge them."""
    run = Run(writer.path)
    items = {(item.dataset, item.item_id): item for item in cast("Iterator[Item]", run.records("items"))}
    recorded = {
        key_of(response): response for response in cast("Iterator[Response]", run.records("responses"))
    }
    planned_groups = [group for tasks in planned.tasks.values() for group in tasks.groups]
    shard = 1 + max((group.shard for group in planned_groups), default=0)
    by_systems = {
        (group.judge, group.dataset, group.item_id, group.sample, group.systems): group
        for group in planned_groups
    }
    further: dict[str, list[TaskGroup]] = {judge: [] for judge in planned.tasks}
    for target in targets(Results(run)):
        if target.attacked is None:
            continue
        place = (target.judge, target.dataset, target.item_id, target.sample)
        single = by_systems.get((*place, (target.attacked,)))
        question = items[target.dataset, target.item_id].turns[-1]
        systems = []
        for response, opponent in _responses(recorded, target, insertions, question):
            part.shard(shard).append(response)
            pair = tuple(sorted((response.system, opponent), key=str.encode))
            systems.append((response.system,) if single else pair)
        group = single or by_systems[(*place, target.systems)]
        further[target.judge] += [
            replace(group, systems=names, shard=shard) for names in dict.fromkeys(systems)
        ]
    return {judge: Tasks(groups) for judge, groups in further.items()}


def _responses(
    recorded: Mapping[tuple[Any, ...], Response],
    target: Target,
    insertions: Sequence[Attack | Control],
    question: str,
) -> Iterator[tuple[Response, str]]:
    """Yield each response with an insertion, and the system that it is compared with."""
    responses = {
        system: recorded[target.dataset, target.item_id, system, target.sample]
        for system in (target.attacked, target.preferred)
        if system is not None
    }
    for insertion in insertions:
        if isinstance(insertion, Control):
            for system, response in responses.items():
                text = insertion.apply(response.text or "", question)
                yield _rewrite(response, inserted_system(system, insertion.id), text), system
            continue
        response = responses[target.attacked or ""]
        for placebo, change in ((False, insertion.apply), (True, insertion.apply_placebo)):
            name = inserted_system(response.system, insertion.id, placebo=placebo)
            yield _rewrite(response, name, change(response.text or "", question)), target.preferred or ""


def _rewrite(recorded: Response, system: str, text: str) -> Response:
    """Return a recorded response of another system, with another text in its last turn."""
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


def _select(insertions: tuple[_Insertion, ...], names: tuple[str, ...]) -> list[_Insertion]:
    return [insertion for insertion in insertions if not names or insertion.id in names]


def _check_names(names: Iterable[str]) -> None:
    ids = [*(attack.id for attack in ATTACKS), *(control.id for control in CONTROLS)]
    for name in names:
        if name not in ids:
            raise UnknownNameError("attack or control", name, ids, where="--only")

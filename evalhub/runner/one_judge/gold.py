"""A run of gold cases: they form a dataset, which one judge judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from evalhub.judging import check_rubric, expectations
from evalhub.models import NOT_AN_LLM
from evalhub.records import Item, Response, digest
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.plan.prepared import prepare_resolved
from evalhub.runner.plan.resolve import resolve
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import carry_out
from evalhub.sources import Dataset
from evalhub.specs import (
    Card,
    CaseFile,
    DatasetUse,
    FileSpec,
    GoldCase,
    Rubric,
    load_cases,
    load_rubric,
    no_cases,
)
from evalhub.store import Run, all_runs, runs_root

_SYSTEMS = {"response": "response", "response_a": "a", "response_b": "b"}


def run_gold(options: JudgeOptions, progress: Progress | None = None) -> Run:
    """Judge the gold cases of a rubric, or resume the newest unfinished run of them.

    Args:
        options: The judge. Its rubric has gold cases beside it.
        progress: Shows how far the run is.

    Returns:
        The sealed run. `analysis.gold` reads it.

    Raises:
        UnknownNameError: There is no such rubric or model, or a case names no criterion of the rubric.
        SpecError: The rubric has no cases, or a case does not fit it.
        Interrupted: Ctrl-C. The same call resumes the run.
    """
    rubric = load_rubric(options.rubric, where="RUBRIC")
    check_rubric(rubric, options.rubric)
    cases = load_cases(options.rubric)
    if cases is None:
        raise no_cases(options.rubric)
    by_case = expectations(rubric, cases.cases, str(cases.path))
    dataset = _dataset(rubric, cases)
    suite = options.make_suite(rubric, "gold", DatasetUse(id=dataset.card.id), None)
    resolved = resolve(suite, cases.path, progress or Silent(), (dataset,), "--model")
    resolved = replace(resolved, gold=by_case)
    root = runs_root(options.runs)
    prepared = prepare_resolved(resolved, all_runs(root))
    total = resolved.judges[0].protocol.total
    criteria = {expectation.case: total or expectation.criterion for expectation in by_case}
    tasks = {
        judge: all_tasks.keep(lambda task: task.criterion == criteria[task.item_id])
        for judge, all_tasks in prepared.plan.tasks.items()
    }
    prepared = replace(prepared, plan=replace(prepared.plan, tasks=tasks))
    return carry_out(prepared, root, progress or Silent())


def _dataset(rubric: Rubric, cases: CaseFile) -> Dataset:
    """Return the cases as a dataset of anonymous systems, which are never ranked."""
    name = f"{rubric.id}.cases"
    card = Card(
        id=name,
        version=1,
        title=f"Gold cases of {rubric.id}",
        licence="not stated",
        source="written beside the rubric",
        anonymous=True,
        files={"cases": FileSpec(path=cases.path.name, sha256=cases.sha256, format="lines")},
        items="SELECT text FROM cases",
    )
    return Dataset(
        card=card,
        path=cases.path,
        items=tuple(_item(name, case) for case in cases.cases),
        responses=tuple(response for case in cases.cases for response in _responses(name, case)),
        labels=(),
        judgments=(),
        scores=(),
        hashes={"card": card.hash, cases.path.name: cases.sha256},
    )


def _item(dataset: str, case: GoldCase) -> Item:
    return Item(
        dataset,
        case.id,
        turns=case.user_turns,
        refs=(*((),) * (len(case.user_turns) - 1), case.refs) if case.refs else (),
        context=case.context,
        cluster=case.id,
        criteria=case.criteria,
    )


def _responses(dataset: str, case: GoldCase) -> Iterator[Response]:
    by_system = case.responses or {_SYSTEMS[slot]: text for slot, text in case.slot_texts.items()}
    for system, text in by_system.items():
        turns = (text,) if isinstance(text, str) else text
        yield Response(
            dataset,
            case.id,
            system,
            text=turns[-1],
            turns=turns,
            chars=sum(map(len, turns)),
            families=(NOT_AN_LLM,),
            sha256=digest(turns[-1]),
        )

"""A judge of an earlier run, opened again exactly as it was measured there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from evalhub.engines import Engine, open_engine, without_batches
from evalhub.errors import SpecError, StorageError, UnknownNameError
from evalhub.judging import check_rubric, defuse
from evalhub.records import Item, RequestKind, Response, canonical
from evalhub.runner.execute.driver import Job
from evalhub.runner.execute.jobs import judge_job
from evalhub.runner.plan.resolve import ResolvedJudge, describe_model, resolve_judge
from evalhub.runner.plan.tasks import plan_responses
from evalhub.runner.progress import Progress, Silent
from evalhub.scales import Kind, Shape
from evalhub.specs import SLOT, JudgeUse, Positions, Rubric, load_rubric, locate
from evalhub.store import ModelFacts, Run

# What makes another judge, and what only makes another machine of the same one.
_CONTENT = {
    "content_hash": "the model's files",
    "chat_template_hash": "the model's chat template",
    "engine": "the engine",
}
_MACHINE = {
    "engine_version": "the engine's version",
    "device": "the device",
    "settings": "the engine's settings",
}


@dataclass(frozen=True, slots=True)
class MeasuredJudge:
    """A judge of a run, resolved again.

    Attributes:
        run: The run that measured it.
        judge: The judge with its rubric, its model and its engine.
        changes: Why it is no longer the judge that was measured, a sentence each. Empty unless that was
            allowed.
        machine: What of its engine differs from the run without making it another judge, a sentence each.
    """

    run: Run
    judge: ResolvedJudge
    changes: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()

    def open_engine(self) -> Engine:
        """Return the judge's engine, ready. It belongs to the thread that calls this.

        Raises:
            ModelError: The model cannot be loaded, or there is no room for it.
            EngineError: The engine cannot start.
        """
        runs = self.judge.runs
        # Whoever asks waits for the answer, which a batch may give a day later.
        engine = without_batches(self.judge.spec.engine)
        return open_engine(engine, runs.model, name=runs.identity.model)

    def jobs(self, item: Item, responses: tuple[Response, ...], criterion: str) -> Iterator[Job]:
        """Yield the jobs that judge some responses, as a run would: one for each order and sample.

        Args:
            item: An item of no dataset.
            responses: As many as the rubric shows, in bytewise order of their systems.
            criterion: One of the rubric's criteria, or the total of its protocol.
        """
        families = {response.system: response.families for response in responses}
        judge = replace(self.judge, criteria=(criterion,))
        for task in plan_responses(judge, item, families):
            yield judge_job(judge, item, responses, task, clip=None)

    def with_criterion(self, name: str, text: str) -> MeasuredJudge | None:
        """Return the judge with a further criterion, which no run has measured.

        Args:
            name: The criterion's name.
            text: The question in words, which is not trusted.

        Returns:
            None where the rubric rates, or has no place for a question.
        """
        judge, rubric = self.judge, self.judge.rubric
        slots = {slot.strip() for slot in SLOT.findall(f"{rubric.system}\n{rubric.user}")}
        has_place = "criterion" in slots or judge.runs.asks is RequestKind.DECIDE
        if rubric.kind is Kind.POINTWISE or not has_place:
            return None
        changed = rubric.model_copy(update={"criteria": {**rubric.criteria, name: defuse(text)}})
        return replace(self, judge=replace(judge, judge=replace(judge.judge, rubric=changed)))


def measured_judge(
    run: Run, name: str, *, allow_changes: bool = False, progress: Progress | None = None
) -> MeasuredJudge:
    """Return a judge of a run, with its rubric, its model and the settings of its engine found again.

    Args:
        run: The run that measured the judge.
        name: The judge's id in the run.
        allow_changes: Whether a judge that has changed since is taken as it is now.
        progress: Shows what is fetched.

    Raises:
        UnknownNameError: The run has no such judge. The nearest one is named.
        SpecError: The rubric or the model has changed, or the judge judges what cannot be asked by itself.
        EvalhubError: The model does not exist any more.
    """
    use = _find_use(run, name)
    where = f"{run.id}:judges.{name}"
    measured_rubric = _measured_rubric(run, name)
    rubric = _rubric_now(use, measured_rubric, Path(run.manifest.suite_file))
    check_rubric(rubric, use.rubric)
    _check_shape(rubric, where)
    suite = run.manifest.resolved.suite
    judge = resolve_judge(use, rubric, suite, progress or Silent(), where)
    facts = run.manifest.resolved.models.get(name)
    changes = [
        *_changes_of_rubric(rubric, measured_rubric),
        *_differences(_CONTENT, judge, facts),
        *_changes_of_positions(judge),
    ]
    if changes and not allow_changes:
        raise SpecError(
            f"this is not the judge that the run measured: {'; '.join(changes)}",
            where=where,
            fix="run the suite again, or take it as it is with --allow-unmeasured",
        )
    judge = replace(judge, spec=judge.spec.model_copy(update={"positions": Positions.BOTH}))
    return MeasuredJudge(run, judge, tuple(changes), tuple(_differences(_MACHINE, judge, facts)))


def _find_use(run: Run, name: str) -> JudgeUse:
    suite = run.manifest.resolved.suite
    if any(jury.id == name for jury in suite.juries):
        raise SpecError(
            "a jury has several engines, and is not asked as one judge",
            where=run.id,
            value=name,
            allowed=next(jury.members for jury in suite.juries if jury.id == name),
        )
    uses = {use.id: use for use in suite.judges}
    if name not in uses:
        raise UnknownNameError("judge of the run", name, uses, where=run.id)
    return uses[name]


def _measured_rubric(run: Run, name: str) -> Rubric:
    try:
        return Rubric.model_validate(run.manifest.rubrics[name])
    except (KeyError, ValidationError) as error:
        raise StorageError(
            f"the rubric of {name} in this run is not one that this version reads",
            where=run.id,
            fix="run the suite again with the rubric mended",
        ) from error


def _rubric_now(use: JudgeUse, measured: Rubric, suite_file: Path) -> Rubric:
    """Return the rubric under the suite's name for it. One without a file any more is that of the run."""
    try:
        path = locate("judges", use.rubric, referrer=suite_file)
    except (SpecError, UnknownNameError):
        return measured
    return load_rubric(str(path))


def _check_shape(rubric: Rubric, where: str) -> None:
    if rubric.shape is Shape.LIST:
        problem = "a judge of lists is not asked by itself"
        allowed = "a rubric that shows one response or two"
    elif rubric.has_item_criteria:
        problem = "a judge of the items' own criteria is not asked by itself"
        allowed = "criteria of the rubric"
    else:
        return
    raise SpecError(problem, where=where, value=rubric.id, allowed=allowed)


def _changes_of_rubric(rubric: Rubric, measured: Rubric) -> Iterator[str]:
    if rubric.hash != measured.hash:
        yield (
            f"the rubric {measured.id} has changed (sha256 {measured.hash[:12]} in the run, "
            f"now {rubric.hash[:12]})"
        )


def _changes_of_positions(judge: ResolvedJudge) -> Iterator[str]:
    """Yield that the run showed each pair in one order, where it is asked in both here."""
    if judge.protocol.uses_positions(judge.rubric) and judge.spec.positions is not Positions.BOTH:
        yield f"the run showed each pair in one order (positions: {judge.spec.positions})"


def _differences(names: Mapping[str, str], judge: ResolvedJudge, facts: ModelFacts | None) -> Iterator[str]:
    """Yield what of a judge's model and engine is not as the run has it."""
    now_values = describe_model(judge.runs)
    for name, words in names.items():
        measured = getattr(facts, name, None)
        # As JSON, which is how the manifest has them.
        if canonical(now_values[name]) != canonical(measured):
            yield f"{words}: {_short(measured)} in the run, now {_short(now_values[name])}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"

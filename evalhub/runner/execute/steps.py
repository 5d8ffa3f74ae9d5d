"""The steps of a run, one kind after the other. What an earlier run has made is linked and not made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from evalhub.errors import StorageError
from evalhub.metrics import Metric
from evalhub.records import Response, has_failed
from evalhub.runner.execute.generation import response_facts, warn_of_cuts
from evalhub.runner.execute.jobs import AnswerStep, EngineWork, JudgeStep, make_generations, make_judgings
from evalhub.runner.execute.metrics import make_scores, metric_facts
from evalhub.runner.execute.rounds import Rounds
from evalhub.runner.execute.session import RESUME, Session
from evalhub.runner.execute.texts import Texts
from evalhub.runner.plan.manifest import planned_facts
from evalhub.runner.plan.plan import Plan, TasksByJudge
from evalhub.runner.plan.power import fewest_clusters
from evalhub.runner.plan.steps import dataset_step, judgments_step, responses_step, scores_step
from evalhub.runner.plan.task_groups import PlannedTask, Tasks
from evalhub.specs import MetricUse
from evalhub.store import DecidedPair, MetricFacts, PartFacts, PartWriter, RunWriter, Step

FurtherTasks = Callable[[RunWriter, PartWriter, Plan], TasksByJudge]
"""Returns tasks that only the judgments of a plan make known. May store records of theirs in the part."""

Answers = Mapping[str, Mapping[str, PartFacts]]
"""The facts of the candidates' responses, by dataset and candidate."""


def read_datasets(session: Session) -> None:
    """Store each dataset, or link it from an earlier run."""
    for dataset in session.resolved.datasets:
        step = dataset_step(dataset)
        facts = session.parts.reuse(step) or session.parts.store_dataset(step, dataset)
        dataset.recall(facts)
        dataset.release()


def answer_datasets(session: Session) -> Answers:
    """Generate the responses that no run has yet. Return the facts of those of each dataset.

    After a stop the facts of some are missing.
    """
    answers: dict[str, dict[str, PartFacts]] = {dataset.id: {} for dataset in session.resolved.datasets}
    open_steps = []
    for number, dataset in enumerate(session.resolved.datasets):
        texts = None
        for candidate in session.resolved.candidates:
            step = responses_step(candidate, dataset)
            if facts := session.parts.reuse(step):
                answers[dataset.id][candidate.spec.id] = facts
            else:
                texts = texts or session.parts.texts(dataset)
                part = session.parts.open(step, candidate.runs.identity)
                open_steps.append(AnswerStep(candidate, dataset, number, part, texts))
    if open_steps:
        session.progress.stage("responses", sum(step.expected for step in open_steps))
        session.execute(make_generations(open_steps))
        if not session.stop.requested:
            for answer in open_steps:
                answers[answer.dataset.id][answer.candidate.spec.id] = _finish_responses(session, answer)
    for candidate in session.resolved.candidates:
        parts = [facts[candidate.spec.id] for facts in answers.values() if candidate.spec.id in facts]
        for sentence in warn_of_cuts(candidate, parts) if parts else ():
            session.progress.note(sentence)
    if open_steps and not session.stop.requested:
        session.watch.finish()
    return answers


def _finish_responses(session: Session, step: AnswerStep) -> PartFacts:
    responses = cast("list[Response]", list(step.part.records("responses")))
    facts = response_facts(responses, step.expected)
    session.writer.finish_part(step.part, facts)
    return facts


def judge_datasets(
    session: Session, planned: Plan, answers: Answers, further_tasks: FurtherTasks | None
) -> Plan:
    """Judge the planned tasks that no run has yet, then the further tasks while the engine is still open.

    Returns:
        The plan with the further tasks, without those that are judged already or left out.
    """
    steps, planned = _open_judgments(session, planned, answers, reopen=further_tasks is not None)
    session.writer.update(**planned_facts(planned))
    if not steps:
        return planned
    rounds = Rounds(session.writer, steps, planned, session.progress)

    def make_further() -> Iterator[EngineWork]:
        if further_tasks and not session.stop.requested:
            further = further_tasks(session.writer, steps[0].part, planned)
            rounds.plan = rounds.plan.add_tasks(further)
            session.writer.update(**planned_facts(rounds.plan))
            count = sum(tasks.judgments for tasks in further.values())
            session.progress.stage("judgments that follow", count)
            yield from make_judgings(steps, lambda judge: [further[judge.spec.id]])

    session.progress.stage("judgments", planned.judgments)
    session.execute(make_judgings(steps, rounds.of), make_further)
    for step in steps:
        _finish_judgments(session, step, rounds.plan)
    return rounds.plan


def _open_judgments(
    session: Session, planned: Plan, answers: Answers, *, reopen: bool
) -> tuple[list[JudgeStep], Plan]:
    """Link what earlier runs have judged. Return the steps that remain, and the plan with them."""
    steps: list[JudgeStep] = []
    for number, dataset in enumerate(session.resolved.datasets):
        open_steps = []
        for judge in session.resolved.judges:
            step = judgments_step(session.resolved, judge, dataset, answers[dataset.id])
            if facts := session.parts.reuse(step):
                planned = planned.with_reused(judge.spec.id, dataset.id, facts)
            elif (judge.spec.id, dataset.id) in planned.reused:
                raise StorageError(
                    f"the judgments of {judge.spec.id} on {dataset.id} have vanished from an earlier run",
                    where=session.writer.id,
                    fix=RESUME,
                )
            else:
                open_steps.append((judge, step))
        if open_steps:
            # Early stopping and a metered budget go through the clusters in random order.
            in_order = planned.early_stopping is None and session.meter is None
            texts = session.parts.texts(dataset, in_order=in_order)
            for judge, step in open_steps:
                part = session.parts.open(step, judge.runs.identity)
                if reopen or planned.early_stopping:
                    part.reopen()  # what follows depends on all judgments of the part
                steps.append(JudgeStep(judge, dataset, number, part, texts))
    parts = {(step.judge.spec.id, step.dataset.id): step.part for step in steps}

    def is_judged(task: PlannedTask) -> bool:
        part = parts[task.judge, task.dataset]
        return part.is_sealed(task.shard) or all(part.get("judgments", key) for key in task.keys)

    return steps, planned.keep_judged(is_judged)


def _finish_judgments(session: Session, step: JudgeStep, planned: Plan) -> None:
    """Complete the part of a judge if each of its planned judgments is made."""
    judge, dataset = step.judge.spec.id, step.dataset
    tasks = planned.tasks[judge].on(dataset.id)
    failures = step.part.count_failures("judgments")
    expected, records = tasks.judgments, failures.total()
    if session.stop.requested or records < expected or planned.excess.get(judge, Tasks()).on(dataset.id):
        return
    stopping = planned.early_stopping
    facts = PartFacts(
        expected=expected,
        records=records,
        valid=sum(count for failure, count in failures.items() if not has_failed(failure)),
        retriable=failures["engine"],
        exclusions=planned.exclusions[judge].get(dataset.id, {}),
        order_sizes=stopping.order_sizes.get(judge, {}).get(dataset.id, {}) if stopping else {},
        decided=_decided_pairs(planned, judge, dataset.id),
        fewest_clusters=fewest_clusters(tasks, step.texts.clusters, anonymous=dataset.card.anonymous),
    )
    session.writer.finish_part(step.part, facts)


def _decided_pairs(planned: Plan, judge: str, dataset: str) -> tuple[DecidedPair, ...]:
    pairs: Sequence[DecidedPair] = planned.early_stopping.pairs if planned.early_stopping else ()
    return tuple(pair for pair in pairs if (pair.judge, pair.dataset) == (judge, dataset))


def score_datasets(session: Session, answers: Answers) -> None:
    """Score the responses that no run has scored yet."""
    metrics = {}
    for dataset in session.resolved.datasets:
        texts = None
        for use, metric in session.resolved.metrics:
            step = scores_step(use, metric, dataset, answers[dataset.id])
            facts = session.parts.reuse(step)
            if facts is None:
                texts = texts or session.parts.texts(dataset)
                session.progress.stage(f"metric {use.name} on {dataset.id}", texts.count)
                facts = _score_responses(session, step, use, metric, texts)
            metrics.update(facts.metrics)
    session.writer.update(metrics=metrics)


def _score_responses(session: Session, step: Step, use: MetricUse, metric: Metric, texts: Texts) -> PartFacts:
    """Store a metric's scores of a dataset, and return the part's facts."""
    part = session.parts.open(step)
    columns: dict[str, MetricFacts] = {}
    records = 0
    reference_systems = step.inputs["reference_systems"]
    for shard, scores in make_scores(use, metric, texts, reference_systems):
        columns |= dict.fromkeys((score.metric for score in scores), metric_facts(use, metric))
        records += len(scores)
        if not part.is_sealed(shard):
            part.write_shard(shard, scores)
        responses = {(score.item_id, score.system, score.sample) for score in scores}
        session.progress.advance(steps=len(responses))
    facts = PartFacts(records=records, metrics=columns)
    session.writer.finish_part(part, facts)
    return facts

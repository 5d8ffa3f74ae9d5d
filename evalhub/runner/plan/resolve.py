"""A suite with everything that it names: datasets, models, rubrics, metrics, each with its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.engines import EngineIdentity, LocalSettings, identify, read_settings, with_settings
from evalhub.errors import EvalhubError, SpecError
from evalhub.judging import Judge, Protocol, check_rubric, check_use, find_protocol
from evalhub.metrics import Metric, build
from evalhub.models import UNKNOWN, ResolvedModel
from evalhub.models import resolve as resolve_model
from evalhub.records import RequestKind, digest
from evalhub.runner.plan.answer_forms import Forms, answer_forms, opens_thinking
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.heads import check_head, head_protocol, head_training, other_training_rubric
from evalhub.runner.plan.runners import choose_request, with_runners
from evalhub.runner.progress import Progress
from evalhub.scales import AnswerForm
from evalhub.sources import Dataset
from evalhub.specs import (
    Candidate,
    Expectation,
    JudgeUse,
    MetricUse,
    Positions,
    Rubric,
    Suite,
    load_rubric,
)
from evalhub.specs.suite import LIMITS


@dataclass(frozen=True, slots=True)
class Runnable:
    """A model on an engine, known without starting it.

    Attributes:
        moved: The last night on which the model behind a server was seen to have changed. None = never.
        asks: The kind of the requests that it is sent.
    """

    model: ResolvedModel | None
    identity: EngineIdentity
    families: tuple[str, ...]
    cutoff: str | None = None
    moved: str | None = None
    asks: RequestKind = RequestKind.GENERATE


@dataclass(frozen=True, slots=True)
class ResolvedCandidate:
    """A candidate with its model."""

    spec: Candidate
    runs: Runnable


@dataclass(frozen=True, slots=True)
class ResolvedJudge:
    """A judge of the suite with its protocol and its model.

    Attributes:
        spec: The suite's entry.
        judge: What the protocol needs to know: the rubric, the model's name, the mode, the sampling.
        criteria: The criteria that have a task each. A protocol with a total has that one.
        runs: The model on its engine.
        opens_thinking: Whether the model's chat template begins each answer with a think tag.
    """

    spec: JudgeUse
    judge: Judge
    protocol: Protocol
    criteria: tuple[str, ...]
    runs: Runnable
    opens_thinking: bool = False

    @property
    def rubric(self) -> Rubric:
        """The judge's rubric."""
        return self.judge.rubric

    @property
    def forms(self) -> Forms:
        """How the levels of each criterion are answered. Empty for a rubric without a scale."""
        return self.judge.forms

    @property
    def positions(self) -> Positions | None:
        """The orders in which a pair is shown. None if a verdict cannot depend on an order."""
        return None if self.protocol.orderless else self.spec.positions

    @property
    def answers(self) -> dict[str, dict[str, str]]:
        """The criteria answered by letters, as the manifest has them. Empty if all are answered by labels."""
        lettered = {name: str(form) for name, form in self.forms.items() if form is AnswerForm.LETTERS}
        return {"answers": lettered} if lettered else {}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A suite with everything that it names.

    Attributes:
        attack: The attacks on its judge, if this is a run of attacks.
        gold: The expectations of its gold cases, if this is a run of gold cases.
        part_of: The suite for whose night this is run, if it is no suite of its own.
        rejudges: The run whose answers are judged anew, if this does so.
        is_trial: Whether this is only a part of the suite.
    """

    suite: Suite
    path: Path
    datasets: tuple[SuiteDataset, ...]
    candidates: tuple[ResolvedCandidate, ...]
    judges: tuple[ResolvedJudge, ...]
    metrics: tuple[tuple[MetricUse, Metric], ...]
    attack: Mapping[str, Any] | None = None
    gold: tuple[Expectation, ...] = ()
    part_of: str | None = None
    rejudges: str | None = None
    is_trial: bool = False

    def describe(self) -> dict[str, Any]:
        """Return everything that decides the results as plain values. The limits of a budget do not."""
        parts: list[ResolvedCandidate | ResolvedJudge] = [*self.candidates, *self.judges]
        return {
            "suite": self.suite.model_dump(mode="json", exclude={"title": True, "budget": set(LIMITS)}),
            "datasets": {
                dataset.id: {
                    "card": dataset.hashes["card"],
                    "files": dict(dataset.hashes),
                    "version": dataset.version,
                }
                for dataset in self.datasets
            },
            "rubrics": {
                judge.spec.id: {
                    "id": judge.rubric.id,
                    "hash": judge.rubric.hash,
                    "version": judge.rubric.version,
                    **judge.answers,
                }
                for judge in self.judges
            },
            "evalhub": metadata.version("evalhub-laaj"),
            "models": {part.spec.id: describe_model(part.runs) for part in parts},
            **({"attack": dict(self.attack)} if self.attack else {}),
        }

    @property
    def hash(self) -> str:
        """The sha256 of everything that decides the results."""
        return digest(self.describe())


def resolve(
    suite: Suite,
    path: Path,
    progress: Progress,
    datasets: tuple[Dataset, ...] = (),
    model_place: str = "",
    rubrics: Mapping[str, Rubric] | None = None,
) -> Resolved:
    """Return the suite with everything that it names loaded, checked and hashed.

    Args:
        suite: The suite.
        path: The suite's file.
        progress: Shows what is fetched.
        datasets: The suite's datasets, if they come from no card.
        model_place: Where the judges' models are named, if not in the suite's file.
        rubrics: Rubrics that stand in no file, by the name under which the judges of the suite use them.

    Raises:
        EvalhubError: Something that the suite names does not exist or is invalid.
    """
    where = str(path)
    judge_rubrics = [_rubric(use, f"{where}:judges.{use.id}", path, rubrics or {}) for use in suite.judges]
    suite = with_settings(with_runners(suite, judge_rubrics), where)
    metrics = tuple(
        (use, build(use.metric, use.options, where=f"{where}:metrics")) for use in suite.metric_uses()
    )
    uses = [(use, f"{where}:datasets.{use.id}") for use in suite.datasets]
    if datasets:
        suite_datasets = tuple(
            SuiteDataset(use, loaded.card, loaded.path, place, loaded)
            for (use, place), loaded in zip(uses, datasets, strict=True)
        )
    else:
        suite_datasets = tuple(SuiteDataset.find(use, place, path) for use, place in uses)
    return Resolved(
        suite=suite,
        path=path,
        datasets=suite_datasets,
        candidates=tuple(
            ResolvedCandidate(spec, _runnable(spec, progress, f"{where}:candidates.{spec.id}"))
            for spec in suite.candidates
        ),
        judges=tuple(
            resolve_judge(use, rubric, suite, progress, model_place or f"{where}:judges.{use.id}")
            for use, rubric in zip(suite.judges, judge_rubrics, strict=True)
        ),
        metrics=metrics,
    )


def describe_model(runs: Runnable) -> dict[str, Any]:
    """Return a model on its engine as the manifest has it."""
    identity = runs.identity
    trained_on = sorted(runs.model.trained_on) if runs.model else []
    cut_points = runs.model.training.cut_points if runs.model and runs.model.training else ()
    return {
        "model": identity.model,
        **({"cut_points": list(cut_points)} if cut_points else {}),
        **({"trained_on": {"items": len(trained_on), "sha256": digest(trained_on)}} if trained_on else {}),
        "families": list(runs.families),
        "cutoff": runs.cutoff,
        "content_hash": identity.model_hash,
        "chat_template_hash": identity.chat_template_hash,
        "engine": identity.engine,
        "engine_version": identity.version,
        "device": identity.device,
        "settings": dict(identity.settings),
        **{name: night for name, night in (("since", identity.since), ("moved", runs.moved)) if night},
    }


def metric_columns(metric: Metric) -> list[str]:
    """Return the names that the metric itself gives to its columns."""
    return [column.name for column in metric.score([], [])]


def _rubric(use: JudgeUse, where: str, path: Path, rubrics: Mapping[str, Rubric]) -> Rubric:
    rubric = rubrics.get(use.rubric) or load_rubric(use.rubric, where=f"{where}.rubric", referrer=path)
    check_rubric(rubric, use.rubric)
    check_use(use, rubric, where)
    if use.protocol not in (None, rubric.protocol):
        raise SpecError(
            "the rubric has another protocol",
            where=f"{where}.protocol",
            value=f"{use.protocol}, and {rubric.protocol} in the rubric {rubric.id}",
            fix="leave protocol out, or name a rubric of that protocol",
        )
    return rubric


def resolve_judge(
    use: JudgeUse, rubric: Rubric, suite: Suite, progress: Progress, where: str
) -> ResolvedJudge:
    """Return a judge of a suite with its protocol, and its model located and identified.

    Args:
        use: The suite's entry.
        rubric: Its rubric, already checked.
        suite: The suite, whose controls hold for the judge.
        progress: Shows what is fetched.
        where: What names the judge, for errors.

    Raises:
        EvalhubError: The model does not exist, or does not fit the engine or the rubric.
    """
    runs = _runnable(use, progress, where, rubric)
    if other_rubric := other_training_rubric(runs.model, rubric):
        progress.note(f"{use.id}: its model learned the prompt of {other_rubric}, which is another text")
    training = head_training(runs.model)
    by_token = runs.asks is RequestKind.GENERATE
    judge = Judge(
        id=use.id,
        rubric=rubric,
        model=use.model,
        mode=use.mode,
        sampling=use.sampling.sampling(),
        rationale_tokens=use.rationale_tokens,
        think_tokens=use.think_tokens,
        think_extensions=use.think_extensions,
        min_choice_mass=suite.controls.min_choice_mass,
        forms=answer_forms(rubric, use.mode, runs.model, use.rubric) if by_token else {},
        asks=runs.asks,
        cut_points=training.cut_points if training else (),
    )
    return ResolvedJudge(
        spec=use,
        judge=judge,
        protocol=head_protocol(find_protocol(rubric.protocol), training),
        criteria=_criteria(use, rubric),
        runs=runs,
        opens_thinking=opens_thinking(runs.model),
    )


def _criteria(use: JudgeUse, rubric: Rubric) -> tuple[str, ...]:
    """Return the criteria that have a task each, or the total that covers them all."""
    total = find_protocol(rubric.protocol).total
    return (total,) if total else tuple(dict.fromkeys(use.criteria or rubric.criteria))


def _runnable(
    spec: Candidate | JudgeUse,
    progress: Progress,
    where: str,
    rubric: Rubric | None = None,
) -> Runnable:
    try:
        runs = _locate_model(spec, progress)
        training = head_training(runs.model)
        if training and rubric and isinstance(spec, JudgeUse):
            check_head(training, spec, rubric, _criteria(spec, rubric), where)
        return replace(runs, asks=choose_request(spec, runs.identity, rubric, training=training))
    except EvalhubError as error:
        error.where = error.where or where
        raise


def _locate_model(spec: Candidate | JudgeUse, progress: Progress) -> Runnable:
    model = None
    settings = read_settings(spec.engine)
    if isinstance(settings, LocalSettings):
        model = resolve_model(
            spec.model,
            adapter=spec.adapter,
            families=spec.families or (),
            trust_remote_code=settings.trust_remote_code,
            progress=progress.note,
        )
    elif spec.adapter is not None:
        raise SpecError(
            f"the engine {spec.engine.type} adds no adapter to a model",
            value=spec.adapter,
            allowed="engine: vllm",
        )
    families = model.families if model else spec.families or (UNKNOWN,)
    cutoff = spec.cutoff or (model.cutoff if model else None)
    return Runnable(model, identify(spec.engine, model, name=spec.model), tuple(families), cutoff)

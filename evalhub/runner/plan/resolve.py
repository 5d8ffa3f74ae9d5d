"""From a suite to everything that it names: datasets, models, rubrics, metrics, each with its hash."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.engines import EngineIdentity, LocalSettings, identify, read_settings, with_settings
from evalhub.errors import EvalhubError, SpecError
from evalhub.judging import Judge, Protocol, check_rubric, check_use, protocol_named
from evalhub.metrics import Metric, build
from evalhub.models import UNKNOWN, ResolvedModel
from evalhub.models import resolve as resolve_model
from evalhub.records import Item, digest
from evalhub.runner.plan.answer_forms import Forms, answer_forms, opens_thinking
from evalhub.runner.progress import Progress
from evalhub.scales import AnswerForm
from evalhub.sources import Dataset
from evalhub.sources import load as load_dataset
from evalhub.specs import Candidate, DatasetUse, JudgeUse, MetricUse, Rubric, Suite, load_card, load_rubric


@dataclass(frozen=True, slots=True)
class Runnable:
    """A model on an engine, known without starting it."""

    model: ResolvedModel | None
    identity: EngineIdentity
    families: tuple[str, ...]
    cutoff: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedCandidate:
    """A candidate with its model."""

    spec: Candidate
    runs: Runnable


@dataclass(frozen=True, slots=True)
class ResolvedJudge:
    """A judge with its rubric, its protocol, its model, and the controls that hold for it.

    Attributes:
        forms: By what the levels of each criterion are answered; nothing for a rubric without a scale.
        opens_thinking: Whether the model's chat template begins each answer with a think tag.
    """

    spec: JudgeUse
    rubric: Rubric
    protocol: Protocol
    criteria: tuple[str, ...]
    runs: Runnable
    min_choice_mass: float
    forms: Forms
    opens_thinking: bool = False

    @property
    def answers(self) -> dict[str, dict[str, str]]:
        """The criteria whose levels are asked by letters, as the manifest has it; by labels needs no word."""
        lettered = {name: str(form) for name, form in self.forms.items() if form is AnswerForm.LETTERS}
        return {"answers": lettered} if lettered else {}

    @property
    def judge(self) -> Judge:
        """What the protocol needs to know."""
        return Judge(
            id=self.spec.id,
            rubric=self.rubric,
            model=self.spec.model,
            mode=self.spec.mode,
            sampling=self.spec.sampling.sampling(),
            rationale_tokens=self.spec.rationale_tokens,
            think_tokens=self.spec.think_tokens,
            waits=self.spec.waits,
            min_choice_mass=self.min_choice_mass,
            forms=self.forms,
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """A suite with everything that it names.

    Attributes:
        attack: With what its judge is attacked.
        gold: What its judge must say of gold cases.
    """

    suite: Suite
    path: Path
    datasets: tuple[Dataset, ...]
    candidates: tuple[ResolvedCandidate, ...]
    judges: tuple[ResolvedJudge, ...]
    metrics: tuple[tuple[MetricUse, Metric], ...]
    attack: Mapping[str, Any] | None = None
    gold: tuple[Mapping[str, Any], ...] = ()

    def described(self) -> dict[str, Any]:
        """Return what decides the results, as plain values; the budget does not."""
        parts: list[ResolvedCandidate | ResolvedJudge] = [*self.candidates, *self.judges]
        return {
            "suite": self.suite.model_dump(mode="json", exclude={"title", "budget"}),
            "datasets": {
                one.card.id: {
                    "card": one.hashes["card"],
                    "files": dict(one.hashes),
                    "version": one.card.version,
                }
                for one in self.datasets
            },
            "rubrics": {
                one.spec.id: {
                    "id": one.rubric.id,
                    "hash": one.rubric.hash,
                    "version": one.rubric.version,
                    **one.answers,
                }
                for one in self.judges
            },
            "evalhub": metadata.version("evalhub-laaj"),
            "models": {one.spec.id: _described(one.runs) for one in parts},
            **({"attack": dict(self.attack)} if self.attack else {}),
        }

    @property
    def hash(self) -> str:
        """The sha256 of what decides the results."""
        return digest(self.described())


def _described(runs: Runnable) -> dict[str, Any]:
    identity = runs.identity
    trained_on = sorted(runs.model.trained_on) if runs.model else []
    return {
        "model": identity.model,
        **({"trained_on": {"items": len(trained_on), "sha256": digest(trained_on)}} if trained_on else {}),
        "families": list(runs.families),
        "cutoff": runs.cutoff,
        "content_hash": identity.model_hash,
        "chat_template_hash": identity.chat_template_hash,
        "engine": identity.engine,
        "engine_version": identity.version,
        "device": identity.device,
        "settings": dict(identity.settings),
    }


def resolve(suite: Suite, path: Path, progress: Progress, datasets: tuple[Dataset, ...] = ()) -> Resolved:
    """Return the suite with everything that it names loaded, checked and hashed.

    Args:
        suite: The suite.
        path: The file that it stands in.
        progress: Told what is fetched.
        datasets: Those of the suite, where they come from no card.

    Raises:
        EvalhubError: Anything that is named does not exist, or is not what it should be.
    """
    where = str(path)
    suite = with_settings(suite, where)
    metrics = tuple(
        (use, build(use.metric, use.options, where=f"{where}:metrics")) for use in suite.metric_uses()
    )
    rubrics = [_rubric(use, f"{where}:judges.{use.id}", path) for use in suite.judges]
    datasets = datasets or tuple(_dataset(use, f"{where}:datasets.{use.id}", path) for use in suite.datasets)
    return Resolved(
        suite=suite,
        path=path,
        datasets=datasets,
        candidates=tuple(
            ResolvedCandidate(spec, _runnable(spec, progress, f"{where}:candidates.{spec.id}"))
            for spec in suite.candidates
        ),
        judges=tuple(
            _judge(use, rubric, suite, _runnable(use, progress, f"{where}:judges.{use.id}"))
            for use, rubric in zip(suite.judges, rubrics, strict=True)
        ),
        metrics=metrics,
    )


def metric_columns(metric: Metric) -> list[str]:
    """Return the metric's own names of its columns."""
    return [column.name for column in metric.score([], [])]


def _rubric(use: JudgeUse, where: str, path: Path) -> Rubric:
    rubric = load_rubric(use.rubric, where=f"{where}.rubric", referrer=path)
    check_rubric(rubric, use.rubric)
    check_use(use, rubric, where)
    return rubric


def _judge(use: JudgeUse, rubric: Rubric, suite: Suite, runs: Runnable) -> ResolvedJudge:
    return ResolvedJudge(
        spec=use,
        rubric=rubric,
        protocol=protocol_named(rubric.protocol),
        criteria=_criteria(use, rubric),
        runs=runs,
        min_choice_mass=suite.controls.min_choice_mass,
        forms=answer_forms(rubric, use.mode, runs.model, use.rubric),
        opens_thinking=opens_thinking(runs.model),
    )


def _criteria(use: JudgeUse, rubric: Rubric) -> tuple[str, ...]:
    """Return the criteria that the judge is asked one by one, or the total that stands for all."""
    total = protocol_named(rubric.protocol).total
    return (total,) if total else tuple(dict.fromkeys(use.criteria or rubric.criteria))


def _runnable(spec: Candidate | JudgeUse, progress: Progress, where: str) -> Runnable:
    try:
        return _located(spec, progress)
    except EvalhubError as error:
        error.where = error.where or where
        raise


def _located(spec: Candidate | JudgeUse, progress: Progress) -> Runnable:
    model = None
    settings = read_settings(spec.engine)
    if isinstance(settings, LocalSettings):
        model = resolve_model(
            spec.model,
            families=spec.families or (),
            trust_remote_code=settings.trust_remote_code,
            progress=progress.note,
        )
    families = model.families if model else spec.families or (UNKNOWN,)
    cutoff = spec.cutoff or (model.cutoff if model else None)
    return Runnable(model, identify(spec.engine, model, name=spec.model), tuple(families), cutoff)


def _dataset(use: DatasetUse, where: str, path: Path) -> Dataset:
    key = "dataset" if use.dataset else "id"
    card, card_path = load_card(use.name, where=f"{where}.{key}", referrer=path)
    loaded = load_dataset(card, card_path)
    items = [item for item in loaded.items if _wanted(item, use)]
    if not items:
        raise SpecError(
            "no item of the dataset is left",
            where=where,
            value=", ".join(use.tags or use.without) or use.split,
            allowed=sorted({tag for item in loaded.items for tag in item.tags} if use.tags else ()),
        )
    drawn = sorted(items, key=lambda item: item.item_id)
    if use.limit is not None and use.limit < len(drawn):
        random.Random(digest([use.seed, card.id])).shuffle(drawn)
        drawn = drawn[: use.limit]
    restricted = _restricted(loaded, {item.item_id for item in drawn})
    return renamed(restricted, use.id) if use.dataset else restricted


def _restricted(dataset: Dataset, kept: set[str]) -> Dataset:
    """Return the dataset with the records of some items alone."""
    return replace(
        dataset,
        items=tuple(one for one in dataset.items if one.item_id in kept),
        responses=tuple(one for one in dataset.responses if one.item_id in kept),
        labels=tuple(one for one in dataset.labels if one.item_id in kept),
        judgments=tuple(one for one in dataset.judgments if one.item_id in kept),
        scores=tuple(one for one in dataset.scores if one.item_id in kept),
    )


def renamed(dataset: Dataset, name: str) -> Dataset:
    """Return the dataset under another id, which its records carry."""
    return replace(
        dataset,
        card=dataset.card.model_copy(update={"id": name}),
        items=tuple(replace(one, dataset=name) for one in dataset.items),
        responses=tuple(replace(one, dataset=name) for one in dataset.responses),
        labels=tuple(replace(one, dataset=name) for one in dataset.labels),
        judgments=tuple(replace(one, dataset=name) for one in dataset.judgments),
        scores=tuple(replace(one, dataset=name) for one in dataset.scores),
    )


def _wanted(item: Item, use: DatasetUse) -> bool:
    kept = set(use.tags) <= set(item.tags) and not set(use.without) & set(item.tags)
    return kept and use.split in (None, item.split)

"""The steps of a suite, each with everything that decides its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evalhub.engines import EngineIdentity
from evalhub.judging import ANTISYMMETRIC, ORDINAL
from evalhub.metrics import Metric
from evalhub.records import digest
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.links import label_criteria
from evalhub.runner.plan.resolve import Resolved, ResolvedCandidate, ResolvedJudge, Runnable
from evalhub.scales import Kind
from evalhub.specs import MetricUse
from evalhub.specs.plugins import extensions
from evalhub.store import ASKED_SINCE, PartFacts, PartKind, Step

CODE = {PartKind.DATASET: 2, PartKind.RESPONSES: 2, PartKind.JUDGMENTS: 2, PartKind.SCORES: 1}
"""The version of the code that makes each kind of part. A change of what it makes raises it."""


def dataset_step(dataset: SuiteDataset) -> Step:
    """Return the step that reads a dataset."""
    return _step(
        PartKind.DATASET,
        dataset,
        dataset.id,
        {
            "card": dataset.hashes["card"],
            **{f"file {name}": sha256 for name, sha256 in dataset.hashes.items() if name != "card"},
            **dataset.use.model_dump(mode="json", exclude={"id", "dataset"}),
        },
    )


def responses_step(candidate: ResolvedCandidate, dataset: SuiteDataset) -> Step:
    """Return the step in which a candidate answers a dataset."""
    spec = candidate.spec
    return _step(
        PartKind.RESPONSES,
        dataset,
        spec.id,
        {
            "prompts": dataset.facts.outputs["prompts"],
            **spec.model_dump(mode="json", include={"sampling", "samples", "system_prompt", "think"}),
            **_model_inputs(candidate.runs),
        },
    )


def judgments_step(
    resolved: Resolved, judge: ResolvedJudge, dataset: SuiteDataset, answers: Mapping[str, PartFacts]
) -> Step:
    """Return the step in which a judge judges a dataset.

    Args:
        resolved: The suite.
        judge: The judge.
        dataset: The dataset.
        answers: The facts of the responses of each candidate.
    """
    spec, controls = judge.spec, resolved.suite.controls
    families = {
        **dataset.facts.families,
        **{candidate.spec.id: candidate.runs.families for candidate in resolved.candidates},
    }
    trained_on = sorted(judge.runs.model.trained_on) if judge.runs.model else []
    inputs = {
        "items": dataset.facts.outputs["items"],
        "responses": dataset.facts.outputs["texts"],
        **{f"responses of {system}": facts.outputs["texts"] for system, facts in answers.items()},
        "families": {system: list(names) for system, names in sorted(families.items())},
        "anonymous": dataset.card.anonymous,
        "rubric": judge.rubric.hash,
        "protocol": judge.rubric.protocol,
        **({"antisymmetric": True} if judge.protocol is ANTISYMMETRIC else {}),
        **({"cut_points": list(judge.judge.cut_points)} if judge.protocol is ORDINAL else {}),
        "criteria": list(judge.criteria),
        "answers": {name: str(form) for name, form in sorted(judge.forms.items())},
        **spec.model_dump(
            mode="json",
            include={
                "mode", "positions", "pairs", "sampling", "samples", "combine", "rationale_tokens",
                "think_tokens", "think_extensions", "seed",
            },
        ),
        "cross_family": controls.cross_family.value,
        "min_choice_mass": controls.min_choice_mass,
        "trained_on": digest(trained_on) if trained_on else None,
        **_model_inputs(judge.runs),
        "early_stopping": resolved.suite.budget.early_stopping,
    }  # fmt: skip
    if judge.rubric.kind is Kind.PAIRWISE and spec.pairs.by == "labelled":
        inputs["labels"] = dataset.facts.outputs["labels"]
        inputs["label_criteria"] = label_criteria(judge, dataset)
    if judge.rubric.has_item_criteria:
        inputs["clip"] = list(dataset.card.clip_range or ("none",))
    if resolved.attack:
        inputs["attack"] = digest(dict(resolved.attack))
    if resolved.gold:
        inputs["gold cases"] = digest([asdict(case) for case in resolved.gold])
    return _step(PartKind.JUDGMENTS, dataset, spec.id, inputs)


def scores_step(
    use: MetricUse, metric: Metric, dataset: SuiteDataset, answers: Mapping[str, PartFacts]
) -> Step:
    """Return the step in which a metric scores a dataset."""
    return _step(
        PartKind.SCORES,
        dataset,
        use.name,
        {
            "references": dataset.facts.outputs["references"],
            "responses": dataset.facts.outputs["texts"],
            **{f"responses of {system}": facts.outputs["texts"] for system, facts in answers.items()},
            "reference_systems": sorted(dataset.card.reference_systems),
            "metric": use.metric,
            "options": {name: use.options[name] for name in sorted(use.options)},
            "signatures": {column.name: column.signature for column in metric.score([], [])},
        },
    )


def engine_hash(identity: EngineIdentity) -> str:
    """Return the hash of an engine, under which its completions are found again."""
    return digest(_identity_inputs(identity))


def _step(kind: PartKind, dataset: SuiteDataset, source: str, inputs: Mapping[str, Any]) -> Step:
    packages = extensions()
    code = {"evalhub's code": CODE[kind], **({"packages": packages} if packages else {})}
    return Step(kind=kind, dataset=dataset.id, source=source, inputs={**code, **inputs})


def _model_inputs(runs: Runnable) -> dict[str, Any]:
    return {
        "model": runs.identity.model,
        "model_families": list(runs.families),
        **_identity_inputs(runs.identity),
    }


def _identity_inputs(identity: EngineIdentity) -> dict[str, Any]:
    return {
        "engine": identity.engine,
        "engine_version": identity.version,
        "device": identity.device,
        "weights": identity.model_hash,
        "chat_template": identity.chat_template_hash,
        **{f"engine.{name}": value for name, value in sorted(identity.settings.items())},
        **({ASKED_SINCE: identity.since} if identity.since else {}),
    }

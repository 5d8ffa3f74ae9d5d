"""What differs in a judge or metric between two runs. A difference of scores may then come from the rater."""

from __future__ import annotations

from typing import Any

from evalhub.analysis.frames.outcomes import MEAN_SCORE, PENALISED, WIN_RATE
from evalhub.analysis.results import Results
from evalhub.store import Manifest

_MODEL_FACTS = {
    "model": ("model", "content_hash"),
    "chat template": ("chat_template_hash",),
    "engine": ("engine", "engine_version", "device"),
    "engine settings": ("settings",),
    "server": ("moved",),
}

# Settings of the suite for a judge. Settings that its mode does not use cannot differ.
_USE_SETTINGS = {"sampling": "sampling", "pairs": "pairs"}
_MODE_SETTINGS: dict[str, dict[str, str]] = {
    "explain": {"rationale_tokens": "rationale tokens"},
    "think": {"think_tokens": "think tokens", "think_extensions": "think extensions"},
}

_SIGNATURES = """
SELECT DISTINCT signature FROM scores
WHERE dataset = $dataset AND metric = $metric AND criterion IS NULL AND signature IS NOT NULL ORDER BY ALL
"""

_OF_METRIC = ("bounds", "higher_is_better")


def rater_changes(key: tuple[str, ...], after: Results, before: Results) -> tuple[str, ...]:
    """Return the names of the parts of a rater that differ between two runs. An empty tuple means the same.

    Args:
        key: Dataset, kind, rater, criterion and measure, as in `outcomes`. The rater is a judge, a jury or a
            metric that has the same id in both runs.
        after: The later run.
        before: The earlier run.
    """
    dataset, _, rater, _, measure = key
    parts_after, parts_before = (
        {
            **_rater_parts(rater, run.manifest),
            **_penalty(measure, run.manifest),
            "signature": _signatures(dataset, rater, run),
        }
        for run in (after, before)
    )
    return tuple(
        name for name in {**parts_after, **parts_before} if parts_after.get(name) != parts_before.get(name)
    )


def _signatures(dataset: str, metric: str, results: Results) -> list[str]:
    """Return everything that a metric's values depend on, such as its options. Empty for a judge."""
    parameters = {"dataset": dataset, "metric": metric}
    return [str(signature) for signature in results.sql(_SIGNATURES, parameters)["signature"]]


def _penalty(measure: str, manifest: Manifest) -> dict[str, Any]:
    penalised = {PENALISED.format(name) for name in (WIN_RATE, MEAN_SCORE)}
    strength = manifest.resolved.suite.controls.length_penalty
    return {"length penalty": strength} if measure in penalised else {}


def _rater_parts(rater: str, manifest: Manifest) -> dict[str, Any]:
    """Return the parts of a rater, each under the name that the report prints."""
    if rater in manifest.metrics:
        return {"metric": {name: getattr(manifest.metrics[rater], name) for name in _OF_METRIC}}
    juries = {jury.id: jury for jury in manifest.juries}
    if rater in juries:
        members = {member: _rater_parts(member, manifest) for member in juries[rater].members}
        return {"jury": juries[rater], "members": members}
    if rater not in manifest.judges:
        return {}
    facts = manifest.resolved.models.get(rater)
    model = {part: [getattr(facts, name, None) for name in names] for part, names in _MODEL_FACTS.items()}
    settings = manifest.judges[rater].model_dump(exclude={"model", "families", "rubric"})
    rubric = manifest.rubrics.get(rater)
    return {**model, "rubric": rubric, **settings, **_use_settings(rater, manifest)}


def _use_settings(judge: str, manifest: Manifest) -> dict[str, Any]:
    """Return how a suite uses a judge: sampling, token budgets of its mode, pairs, least choice mass."""
    suite = manifest.resolved.suite
    uses = {use.id: use for use in suite.judges}
    if judge not in uses:
        return {}
    use = uses[judge]
    names = _USE_SETTINGS | _MODE_SETTINGS.get(use.mode, {})
    floor = suite.controls.min_choice_mass
    return {**{part: getattr(use, name) for name, part in names.items()}, "least choice mass": floor}

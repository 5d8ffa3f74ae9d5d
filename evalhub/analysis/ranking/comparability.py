"""Whether a judge or metric is the same instrument in two runs: otherwise their numbers do not compare."""

from __future__ import annotations

from typing import Any

from evalhub.analysis.frames.outcomes import MEAN_SCORE, PENALISED, WIN_RATE
from evalhub.analysis.results import Results

_OF_MODEL = {
    "model": ("model", "content_hash"),
    "chat template": ("chat_template_hash",),
    "engine": ("engine", "engine_version", "device"),
    "engine settings": ("settings",),
}

# How a judge is asked, beside what the manifest says of it. What its mode does not use cannot differ.
_ASKED = {"sampling": "sampling", "pairs": "pairs"}
_ASKED_IN = {
    "explain": {"rationale_tokens": "rationale tokens"},
    "think": {"think_tokens": "think tokens", "waits": "waits"},
}

_SIGNATURES = """
SELECT DISTINCT signature FROM scores
WHERE dataset = $dataset AND metric = $metric AND criterion IS NULL AND signature IS NOT NULL ORDER BY ALL
"""


def changed(key: tuple[str, ...], after: Results, before: Results) -> tuple[str, ...]:
    """Name what differs in a judge, jury or metric of the same id between two runs; empty = the same.

    Args:
        key: Dataset, kind, rater, criterion and measure, as in `outcomes`.
        after: The later run.
        before: The earlier run.
    """
    dataset, _, rater, _, measure = key
    now, then = (
        {
            **_parts(rater, run.manifest),
            **_penalty(measure, run.manifest),
            "signature": _signature(dataset, rater, run),
        }
        for run in (after, before)
    )
    return tuple(name for name in {**now, **then} if now.get(name) != then.get(name))


def _signature(dataset: str, metric: str, results: Results) -> list[str]:
    """Return all that a metric's values depend on, such as its options; empty for a judge."""
    about = {"dataset": dataset, "metric": metric}
    return [str(one) for one in results.sql(_SIGNATURES, about)["signature"]]


def _penalty(measure: str, manifest: dict[str, Any]) -> dict[str, Any]:
    penalised = {PENALISED.format(name) for name in (WIN_RATE, MEAN_SCORE)}
    strength = manifest["resolved"]["suite"]["controls"]["length_penalty"]
    return {"length penalty": strength} if measure in penalised else {}


def _parts(rater: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what a rater is made of, by a name that people read."""
    if rater in manifest.get("metrics", {}):
        return {"metric": manifest["metrics"][rater]}
    juries = {jury["id"]: jury for jury in manifest.get("juries", ())}
    if rater in juries:
        members = {member: _parts(member, manifest) for member in juries[rater]["members"]}
        return {"jury": juries[rater], "members": members}
    if rater not in manifest["judges"]:
        return {}
    model, judge = manifest["resolved"].get("models", {}).get(rater, {}), manifest["judges"][rater]
    made = {name: [model.get(fact) for fact in facts] for name, facts in _OF_MODEL.items()}
    asked = {name: value for name, value in judge.items() if name not in ("model", "families", "rubric")}
    return {**made, "rubric": manifest["rubrics"].get(rater), **asked, **_asking(rater, manifest)}


def _asking(judge: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return how a suite lets a judge be asked: sampling, budgets of its mode, pairs, least choice mass."""
    suite = manifest["resolved"]["suite"]
    uses = {use["id"]: use for use in suite.get("judges", ())}
    if judge not in uses:
        return {}
    use = uses[judge]
    names = _ASKED | _ASKED_IN.get(use.get("mode", ""), {})
    floor = suite["controls"].get("min_choice_mass", 0.0)
    return {**{shown: use.get(name) for name, shown in names.items()}, "least choice mass": floor}

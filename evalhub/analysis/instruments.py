"""Whether a judge or metric is the same instrument in two runs: otherwise their numbers do not compare."""

from __future__ import annotations

from typing import Any

from evalhub.analysis.measured import MEAN_SCORE, PENALISED, WIN_RATE
from evalhub.analysis.results import Results

_OF_MODEL = {
    "model": ("model", "content_hash"),
    "chat template": ("chat_template_hash",),
    "engine": ("engine", "engine_version", "device"),
    "engine settings": ("settings",),
}


def changed(rater: str, measure: str, after: Results, before: Results) -> tuple[str, ...]:
    """Name what differs in a judge, jury or metric of the same id between two runs; empty = the same."""
    now, then = (
        {**_parts(rater, run.manifest), **_penalty(measure, run.manifest)} for run in (after, before)
    )
    return tuple(name for name in {**now, **then} if now.get(name) != then.get(name))


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
    return {**made, "rubric": manifest["rubrics"].get(rater), **asked}

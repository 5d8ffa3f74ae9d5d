"""The facts of a manifest that a run needs, for runs that are written by hand."""

from collections.abc import Mapping
from typing import Any

CARD = {"title": "By hand", "licence": "none", "source": "this test"}
USE = {"rubric": "pair", "model": "j"}
JUDGE: dict[str, Any] = {
    **USE, "protocol": "pairwise", "mode": "direct", "positions": "fixed", "samples": 1, "combine": "mean",
    "families": [],
}  # fmt: skip


def complete(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts of a manifest with those that they lack and every run has."""
    resolved = facts.get("resolved", {})
    suite = {"suite": "s", "datasets": ["d"], **resolved.get("suite", {})}
    suite["judges"] = [{**USE, **use} for use in suite.get("judges", ())]
    models = {name: {"model": name, **model} for name, model in resolved.get("models", {}).items()}
    cards = {name: {"id": name, **CARD, **card} for name, card in facts.get("cards", {}).items()}
    judges = {name: {**JUDGE, **judge} for name, judge in facts.get("judges", {}).items()}
    empty: dict[str, Any] = {
        name: {} for name in ("rubrics", "judges", "expected", "exclusions", "label_criteria")
    }
    resolved = {**resolved, "suite": suite, "models": models}
    return {**empty, **facts, "resolved": resolved, "cards": cards, "judges": judges}

"""A labelled dataset and three judges, as the tests of the dashboard's pages need them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
Open = Callable[..., Any]


def labels(items: int) -> list[dict[str, Any]]:
    pairs = [
        {
            "item_id": f"i{n:03}",
            "criterion": "overall",
            "system_a": "k",
            "system_b": "m",
            "winner": "ab"[n % 2],
        }
        for n in range(items)
    ]
    rated = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": system, "value": 1.0 + (n + place) % 3}
        for n in range(items)
        for place, system in enumerate(("k", "m"))
    ]
    return [{**row, "annotator": "someone"} for row in [*pairs, *rated]]


def prepared(
    desk: Any,
    *,
    prompts: str = "",
    rules: list[dict[str, Any]] | None = None,
    card: dict[str, Any] | None = None,
    **script: Any,
) -> Any:
    """Return a desk with a labelled dataset and three judges; every text of it may be hostile."""
    items = [
        {
            "item_id": f"i{n:03}",
            "prompt": f"What is {n}? {prompts}",
            "refs": [f"It is {n} {prompts}"],
        }
        for n in range(5)
    ]
    responses = [
        {"item_id": item["item_id"], "system": system, "family": "alpha", "text": f"{system} {prompts}"}
        for item in items
        for system in ("k", "m")
    ]
    desk.dataset(
        items=items, responses=responses, labels=labels(5), card={"title": f"Tiny {prompts}", **(card or {})}
    )
    judge = {
        "model": "toy-judge",
        "families": ["beta"],
        "engine": {"type": "scripted", "script": {"rules": rules or [], **script}},
    }
    desk.suite(
        title=f"A suite {prompts}",
        judges=[
            {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **judge},
            {"id": "ex", "rubric": "pair", "mode": "explain", "pairs": {"by": "all"}, **judge},
            {"id": "pt", "rubric": "rate", **judge},
        ],
        juries=[{"id": "panel", "members": ["pw", "ex"]}],
        cascades=[{"id": "sure_first", "stages": ["pw"]}],
        metrics=["length", {"rouge": {"variants": [1], "tokenizer": "unicode"}}],
        controls={"length_penalty": 0.5},
    )
    return desk

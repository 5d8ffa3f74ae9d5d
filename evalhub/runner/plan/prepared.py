"""A suite that is ready to be run: resolved, planned, and held against what earlier runs have made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalhub.runner.plan.plan import Plan, plan
from evalhub.runner.plan.resolve import Resolved
from evalhub.runner.plan.reuse import Catalog, StepState, find_parts, reused_judgments
from evalhub.store import Run


@dataclass(frozen=True, slots=True)
class Prepared:
    """A suite that is ready to be run.

    Attributes:
        states: What earlier runs have made of each step.
        catalog: What earlier runs have made.
    """

    resolved: Resolved
    plan: Plan
    states: Sequence[StepState]
    catalog: Catalog


def prepare_resolved(resolved: Resolved, runs: Sequence[Run]) -> Prepared:
    """Return a resolved suite planned, without what these runs have made already. The newest run is first."""
    catalog = Catalog(runs)
    states = find_parts(resolved, catalog)
    return Prepared(resolved, plan(resolved, reused_judgments(states)), states, catalog)

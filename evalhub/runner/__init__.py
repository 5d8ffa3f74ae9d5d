"""The only place that orders work: suite, plan, complete, judge, score, seal."""

from evalhub.runner.plan import Cell, Plan, has_inputs
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.resolve import Resolved, check_rubric
from evalhub.runner.run import Options, prepare, run

__all__ = [
    "Cell",
    "Options",
    "Plan",
    "Progress",
    "Resolved",
    "Silent",
    "check_rubric",
    "has_inputs",
    "prepare",
    "run",
]

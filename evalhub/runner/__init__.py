"""The only place that orders work: suite, plan, complete, judge, score, seal."""

from evalhub.runner.attack import AttackOptions, attack
from evalhub.runner.cells import Cell, has_inputs
from evalhub.runner.forms import answer_forms, forms_text
from evalhub.runner.gold import GoldOptions, run_gold
from evalhub.runner.plan import Plan
from evalhub.runner.power import foreseen
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.resolve import Resolved, ResolvedJudge
from evalhub.runner.run import Options, prepare, run
from evalhub.runner.versions import refuse_changed

__all__ = [
    "AttackOptions",
    "Cell",
    "GoldOptions",
    "Options",
    "Plan",
    "Progress",
    "Resolved",
    "ResolvedJudge",
    "Silent",
    "answer_forms",
    "attack",
    "foreseen",
    "forms_text",
    "has_inputs",
    "prepare",
    "refuse_changed",
    "run",
    "run_gold",
]

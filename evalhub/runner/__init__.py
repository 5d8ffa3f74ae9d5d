"""The only place that orders work: suite, plan, complete, judge, score, seal."""

from evalhub.runner.attack import AttackOptions, attack
from evalhub.runner.gold import GoldOptions, run_gold
from evalhub.runner.plan.answer_forms import answer_forms, forms_text
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.power import foreseen
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.tasks import Cell, has_inputs
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import Options, prepare, run

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

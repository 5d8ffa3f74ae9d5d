"""The only room that orders work: plan a suite, generate, judge, score, seal."""

from evalhub.runner.execute.asking import Asker
from evalhub.runner.execute.expenses import expected_expenses
from evalhub.runner.execute.preview import describe_steps
from evalhub.runner.one_judge.attack import AttackOptions, attack
from evalhub.runner.one_judge.gold import run_gold
from evalhub.runner.one_judge.measured import MeasuredJudge, measured_judge
from evalhub.runner.one_judge.noise import NoiseOptions, ask_again
from evalhub.runner.one_judge.options import JudgeOptions
from evalhub.runner.one_judge.train import train_judge
from evalhub.runner.one_judge.train_options import Method, TrainOptions
from evalhub.runner.one_judge.training_set import Distance, RatingSkill, TrainedJudge, TrainedRater
from evalhub.runner.one_judge.tune import Tuned, TuneOptions, VariantOutcome, tune
from evalhub.runner.options import Options
from evalhub.runner.plan.answer_forms import answer_forms, forms_text
from evalhub.runner.plan.datasets import SuiteDataset
from evalhub.runner.plan.gates import false_reds
from evalhub.runner.plan.plan import Plan
from evalhub.runner.plan.power import expected_power
from evalhub.runner.plan.prepared import Prepared
from evalhub.runner.plan.resolve import Resolved, ResolvedJudge
from evalhub.runner.plan.rubric_versions import refuse_changed
from evalhub.runner.plan.task_groups import PlannedTask
from evalhub.runner.plan.tasks import has_inputs
from evalhub.runner.progress import Progress, Silent
from evalhub.runner.run import prepare, run

__all__ = [
    "Asker", "AttackOptions", "Distance", "JudgeOptions", "MeasuredJudge", "Method", "NoiseOptions",
    "Options", "Plan", "PlannedTask", "Prepared", "Progress", "RatingSkill", "Resolved", "ResolvedJudge",
    "Silent", "SuiteDataset", "TrainOptions", "TrainedJudge", "TrainedRater", "TuneOptions", "Tuned",
    "VariantOutcome", "answer_forms", "ask_again", "attack", "describe_steps", "expected_expenses",
    "expected_power", "false_reds", "forms_text", "has_inputs", "measured_judge", "prepare", "refuse_changed",
    "run", "run_gold", "train_judge", "tune",
]  # fmt: skip

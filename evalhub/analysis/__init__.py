"""Each number that evalhub shows has exactly one function here, and it returns a tidy table."""

from evalhub.analysis.agreement import agreement
from evalhub.analysis.attacks import attacks, controls, not_attacked
from evalhub.analysis.bias import biases, length_penalty
from evalhub.analysis.calibration import calibration, reliability
from evalhub.analysis.cascades import cascades
from evalhub.analysis.contamination import contamination
from evalhub.analysis.correlation import correlations, side_by_side
from evalhub.analysis.cost import cost
from evalhub.analysis.coverage import coverage, coverage_by_criterion, engines, failures, left_out, reused
from evalhub.analysis.gold import gold
from evalhub.analysis.leaderboard import leaderboard
from evalhub.analysis.meta import meta
from evalhub.analysis.results import Results, export
from evalhub.analysis.retest import by_language, retest
from evalhub.analysis.samples import item_list, sample
from evalhub.analysis.targets import Target, targets
from evalhub.analysis.tidy import rows_of
from evalhub.analysis.training import Training, export_training, training
from evalhub.analysis.truth import truth
from evalhub.analysis.verdicts import pair_verdicts, ratings

__all__ = [
    "Results",
    "Target",
    "Training",
    "agreement",
    "attacks",
    "biases",
    "by_language",
    "calibration",
    "cascades",
    "contamination",
    "controls",
    "correlations",
    "cost",
    "coverage",
    "coverage_by_criterion",
    "engines",
    "export",
    "export_training",
    "failures",
    "gold",
    "item_list",
    "leaderboard",
    "left_out",
    "length_penalty",
    "meta",
    "not_attacked",
    "pair_verdicts",
    "ratings",
    "reliability",
    "retest",
    "reused",
    "rows_of",
    "sample",
    "side_by_side",
    "targets",
    "training",
    "truth",
]

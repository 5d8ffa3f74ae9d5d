"""Each number that evalhub shows has exactly one function here, and it returns a tidy table."""

from evalhub.analysis.agreement import agreement
from evalhub.analysis.annotator_pairs import annotator_pairs
from evalhub.analysis.answers import answers
from evalhub.analysis.attacks import attacks, controls, not_attacked
from evalhub.analysis.bias import biases, length_penalty
from evalhub.analysis.by_tag import by_tag
from evalhub.analysis.calibration import calibration, reliability
from evalhub.analysis.cascades import cascades
from evalhub.analysis.choice_mass import choice_mass
from evalhub.analysis.comparison import comparisons, nights
from evalhub.analysis.contamination import contamination
from evalhub.analysis.correlation import correlations, side_by_side
from evalhub.analysis.cost import cost
from evalhub.analysis.coverage import (
    coverage,
    coverage_by_criterion,
    engines,
    left_out,
    reused,
    unscored,
)
from evalhub.analysis.failures import alike, failures
from evalhub.analysis.gold import gold
from evalhub.analysis.labelling import Wanted, labelling_queue, labels_needed
from evalhub.analysis.leaderboard import leaderboard
from evalhub.analysis.length_control import length_controlled
from evalhub.analysis.meta import meta
from evalhub.analysis.metaevaluation import correlation_differences, ranking_accuracies
from evalhub.analysis.people import instead, people
from evalhub.analysis.powered import powered
from evalhub.analysis.ranks import ranks
from evalhub.analysis.rater_models import rater_models
from evalhub.analysis.results import Results, export
from evalhub.analysis.retest import by_language, retest
from evalhub.analysis.samples import item_list, sample
from evalhub.analysis.sensitivity import sensitivity
from evalhub.analysis.served import hard_verdicts, not_sent
from evalhub.analysis.settled import settled
from evalhub.analysis.shortfalls import shortfall_sentences, shortfalls
from evalhub.analysis.strengths import beats, strengths
from evalhub.analysis.targets import Target, targets
from evalhub.analysis.tidy import rows_of
from evalhub.analysis.training import Training, export_training, training
from evalhub.analysis.truth import truth
from evalhub.analysis.verdicts import pair_verdicts, ratings
from evalhub.analysis.worst import worst_cases

__all__ = [
    "Results",
    "Target",
    "Training",
    "Wanted",
    "agreement",
    "alike",
    "annotator_pairs",
    "answers",
    "attacks",
    "beats",
    "biases",
    "by_language",
    "by_tag",
    "calibration",
    "cascades",
    "choice_mass",
    "comparisons",
    "contamination",
    "controls",
    "correlation_differences",
    "correlations",
    "cost",
    "coverage",
    "coverage_by_criterion",
    "engines",
    "export",
    "export_training",
    "failures",
    "gold",
    "hard_verdicts",
    "instead",
    "item_list",
    "labelling_queue",
    "labels_needed",
    "leaderboard",
    "left_out",
    "length_controlled",
    "length_penalty",
    "meta",
    "nights",
    "not_attacked",
    "not_sent",
    "pair_verdicts",
    "people",
    "powered",
    "ranking_accuracies",
    "ranks",
    "rater_models",
    "ratings",
    "reliability",
    "retest",
    "reused",
    "rows_of",
    "sample",
    "sensitivity",
    "settled",
    "shortfall_sentences",
    "shortfalls",
    "side_by_side",
    "strengths",
    "targets",
    "training",
    "truth",
    "unscored",
    "worst_cases",
]

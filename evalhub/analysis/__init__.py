"""Each number that evalhub shows has exactly one function here, and it returns a tidy table."""

from evalhub.analysis.agreement.accuracy_differences import (
    accuracy_differences,
    length_balanced_differences,
)
from evalhub.analysis.agreement.agreement import agreement
from evalhub.analysis.agreement.calibration import calibration, reliability
from evalhub.analysis.agreement.correlation import correlations
from evalhub.analysis.agreement.criterion_tags import criterion_agreement
from evalhub.analysis.agreement.judge_calibration import JudgeCalibration, judge_calibration
from evalhub.analysis.agreement.meta import meta
from evalhub.analysis.agreement.noise import flaky_verdicts, noise
from evalhub.analysis.agreement.rater_comparison import correlation_differences, ranking_accuracies
from evalhub.analysis.agreement.retest import by_language, retest
from evalhub.analysis.bias.attacks import attacks, controls, unattacked_items
from evalhub.analysis.bias.bias import biases, length_penalty
from evalhub.analysis.bias.targets import Target, targets
from evalhub.analysis.findings.best import best_findings
from evalhub.analysis.findings.changes import BASELINE_TAG, describe_changes
from evalhub.analysis.findings.finding import Finding
from evalhub.analysis.findings.judge_measures import JudgeMeasure, judge_measures
from evalhub.analysis.findings.overview import judge_summary, system_summary
from evalhub.analysis.findings.reading import worth_reading
from evalhub.analysis.findings.table import findings, findings_beside, in_order
from evalhub.analysis.findings.trust import trust
from evalhub.analysis.frames.by_tag import split_by_tag
from evalhub.analysis.frames.item_criteria import criterion_answers
from evalhub.analysis.frames.labels import consensus_labels
from evalhub.analysis.frames.responses import labelled_responses
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.people.annotator_pairs import annotator_pairs
from evalhub.analysis.people.human_agreement import alternative_annotator_test, human_agreement
from evalhub.analysis.people.label_progress import (
    AnnotatorProgress,
    count_undecided_disputes,
    queue_progress,
    self_agreement,
)
from evalhub.analysis.people.label_task import Guideline, LabelTask, label_task
from evalhub.analysis.people.labelling import QueueRequest, labelling_queue, labels_needed
from evalhub.analysis.people.prediction_powered import prediction_powered
from evalhub.analysis.people.preference_source import PreferenceFilter
from evalhub.analysis.people.preferences import export_preferences
from evalhub.analysis.people.rater_models import rater_models
from evalhub.analysis.people.training import Training, export_training, training
from evalhub.analysis.ranking.bradley_terry import bradley_terry_ratings, win_probabilities
from evalhub.analysis.ranking.comparison import comparisons, run_comparison
from evalhub.analysis.ranking.item_changes import count_changes, run_changes, system_changes
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.ranking.length_control import length_controlled_win_rates
from evalhub.analysis.ranking.ranks import ranks
from evalhub.analysis.ranking.sensitivity import sensitivity
from evalhub.analysis.ranking.sequential import sequential_tests
from evalhub.analysis.ranking.tag_means import tag_means
from evalhub.analysis.ranking.worst_case import worst_case_bounds
from evalhub.analysis.results import Results
from evalhub.analysis.run.answers import answers
from evalhub.analysis.run.cascades import cascades
from evalhub.analysis.run.choice_mass import choice_mass
from evalhub.analysis.run.contamination import contamination
from evalhub.analysis.run.cost import cost, judgment_tokens
from evalhub.analysis.run.coverage import (
    completion_origins,
    coverage,
    coverage_by_criterion,
    engines,
    exclusions,
    missing_scores,
    reused_completions,
)
from evalhub.analysis.run.export import export
from evalhub.analysis.run.failures import failures, normalise_reason
from evalhub.analysis.run.gold import gold
from evalhub.analysis.run.samples import judgment_prompt, sample_details
from evalhub.analysis.run.servers import hard_verdicts, unsent_parameters
from evalhub.analysis.run.shortfalls import shortfall_sentences, shortfalls
from evalhub.analysis.run.step_changes import step_changes
from evalhub.analysis.run.verdict_list import VerdictFilter, confusions, filter_options, verdict_list
from evalhub.analysis.tables import rows_of

__all__ = [
    "BASELINE_TAG", "AnnotatorProgress", "Finding", "Guideline", "JudgeCalibration", "JudgeMeasure",
    "LabelTask", "PreferenceFilter", "QueueRequest", "Results", "Target", "Training", "VerdictFilter",
    "accuracy_differences", "agreement", "alternative_annotator_test", "annotator_pairs", "answers",
    "attacks", "best_findings", "biases", "bradley_terry_ratings", "by_language", "calibration", "cascades",
    "choice_mass", "comparisons", "completion_origins", "confusions", "consensus_labels", "contamination",
    "controls", "correlation_differences", "correlations", "cost", "count_changes",
    "count_undecided_disputes", "coverage", "coverage_by_criterion", "criterion_agreement",
    "criterion_answers", "describe_changes", "engines", "exclusions", "export", "export_preferences",
    "export_training", "failures", "filter_options", "findings", "findings_beside", "flaky_verdicts",
    "gold", "hard_verdicts", "human_agreement", "in_order", "judge_calibration", "judge_measures",
    "judge_summary", "judgment_prompt", "judgment_tokens", "label_task", "labelled_responses",
    "labelling_queue", "labels_needed", "leaderboard", "length_balanced_differences",
    "length_controlled_win_rates", "length_penalty", "meta", "missing_scores", "noise", "normalise_reason",
    "pair_verdicts", "prediction_powered", "queue_progress", "ranking_accuracies", "ranks", "rater_models",
    "ratings", "reliability", "retest", "reused_completions", "rows_of", "run_changes", "run_comparison",
    "sample_details", "self_agreement", "sensitivity", "sequential_tests", "shortfall_sentences",
    "shortfalls", "split_by_tag", "step_changes", "system_changes", "system_summary", "tag_means",
    "targets", "training", "trust", "unattacked_items", "unsent_parameters", "verdict_list",
    "win_probabilities", "worst_case_bounds", "worth_reading",
]  # fmt: skip

"""What evalhub shows: every table and every section, and where each stands. All outputs read this list.

A new statistic needs its function in `analysis`, a `Table` here, and a `Section` that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from evalhub import analysis
from evalhub.analysis import Results
from evalhub.report.format import Grid
from evalhub.report.grids import comparisons, coverage, leaderboard, meta, ranks
from evalhub.report.grids.agreement import agreement_grids, correlation_grids, with_each_other
from evalhub.report.grids.attacks import ATTACK_NOTES, attack_grids, attack_lines
from evalhub.report.grids.biases import bias_grids
from evalhub.report.grids.by_tag import tag_grids
from evalhub.report.grids.cascades import cascade_grids
from evalhub.report.grids.columns import Data
from evalhub.report.grids.criteria import criterion_grids
from evalhub.report.grids.overview import MOST_LINES, judge_grids, system_grids
from evalhub.report.plots.estimates import (
    agreement_plots,
    correlation_plots,
    judge_plots,
    leaderboard_plots,
    system_plots,
)
from evalhub.report.tables.places import Place, Section, Table

if TYPE_CHECKING:
    import pandas as pd

    from evalhub.report.format import Footnotes

INTERVALS = "[low, high] is a 95% interval over independent items. A dash (–) stands for an absent value."

_RANKING = Place.REPORT | Place.LEADERBOARD


def _raters(results: Results) -> pd.DataFrame:
    """Return the raters of one run without its name, so that a run of equal records may take the table."""
    return analysis.meta([results]).drop(columns="run")


_OF_RANKINGS = ("leaderboard", "ranks", "trust", "prediction_powered", "sequential_tests")
"""What decides which numbers rank the systems first of all."""

TABLES = (
    # These two read most, so they come before any other table is in memory.
    Table("judgment_tokens", analysis.judgment_tokens, Place.NOWHERE, uses_labels=False),
    Table("completion_origins", analysis.completion_origins, Place.NOWHERE, uses_labels=False),
    Table("leaderboard", analysis.leaderboard, _RANKING, by_tag=Place.REPORT | Place.LEADERBOARD),
    Table("length_penalty", analysis.length_penalty, Place.REPORT, uses_labels=False),
    Table("length_controlled", analysis.length_controlled_win_rates, _RANKING, uses_labels=False),
    Table("ranks", analysis.ranks, _RANKING, by_tag=Place.REPORT | Place.LEADERBOARD),
    Table("bradley_terry", analysis.bradley_terry_ratings, _RANKING),
    Table("win_probabilities", analysis.win_probabilities, _RANKING),
    Table("sequential_tests", analysis.sequential_tests, _RANKING, uses_labels=False),
    Table("prediction_powered", analysis.prediction_powered, _RANKING),
    Table("worst_case_bounds", analysis.worst_case_bounds, _RANKING),
    Table("agreement", analysis.agreement, Place.REPORT, by_tag=Place.REPORT),
    Table("criterion_agreement", analysis.criterion_agreement, Place.REPORT | Place.META),
    Table("cascades", analysis.cascades, Place.REPORT),
    Table("biases", analysis.biases, Place.REPORT, by_tag=Place.REPORT),
    Table("correlations", analysis.correlations, Place.REPORT, by_tag=Place.REPORT),
    Table("attacks", analysis.attacks, Place.REPORT | Place.ATTACK, uses_labels=False),
    Table("controls", analysis.controls, Place.REPORT | Place.ATTACK, uses_labels=False),
    Table("unattacked_items", analysis.unattacked_items, Place.REPORT | Place.ATTACK, uses_labels=False),
    Table("shortfalls", analysis.shortfalls, _RANKING, uses_labels=False),
    Table(
        "coverage",
        analysis.coverage,
        Place.REPORT,
        by_tag=Place.REPORT,
        of_part=analysis.coverage_by_criterion,
        uses_labels=False,
    ),
    Table("choice_mass", analysis.choice_mass, Place.REPORT | Place.META, uses_labels=False),
    Table("answers", analysis.answers, _RANKING, by_tag=Place.REPORT, uses_labels=False),
    Table("exclusions", analysis.exclusions, Place.REPORT, uses_labels=False),
    Table("missing_scores", analysis.missing_scores, Place.REPORT, by_tag=Place.REPORT, uses_labels=False),
    Table("failures", analysis.failures, _RANKING, by_tag=Place.REPORT, uses_labels=False),
    Table("hard_verdicts", analysis.hard_verdicts, Place.REPORT, uses_labels=False),
    Table("unsent_parameters", analysis.unsent_parameters, Place.REPORT, uses_labels=False),
    Table("engines", analysis.engines, Place.REPORT, of_the_night=True, uses_labels=False),
    Table(
        "reused_completions",
        analysis.reused_completions,
        Place.REPORT,
        starts_from=("completion_origins",),
        of_the_night=True,
        uses_labels=False,
    ),
    Table(
        "raters",
        _raters,
        Place.META,
        by_tag=Place.META,
        starts_from=("agreement", "correlations", "calibration", "biases"),
    ),
    Table("human_agreement", analysis.human_agreement, Place.META),
    Table("annotator_pairs", analysis.annotator_pairs, Place.META),
    Table("alternative_annotator_test", analysis.alternative_annotator_test, Place.META),
    Table("rater_models", analysis.rater_models, Place.META),
    Table(
        "cost",
        analysis.cost,
        Place.META,
        starts_from=("judgment_tokens",),
        of_the_night=True,
        uses_labels=False,
    ),
    Table("languages", analysis.by_language, Place.META),
    Table("contamination", analysis.contamination, Place.META, uses_labels=False),
    Table("calibration", analysis.calibration, Place.META),
    Table("reliability", analysis.reliability, Place.META),
    Table("confusions", analysis.confusions, Place.META),
    Table("consensus_labels", analysis.consensus_labels, Place.NOWHERE),
    Table("correlation_differences", analysis.correlation_differences, Place.RATERS),
    Table("accuracy_differences", analysis.accuracy_differences, Place.REPORT | Place.RATERS),
    Table("length_balanced_differences", analysis.length_balanced_differences, Place.RATERS),
    Table("ranking_accuracies", analysis.ranking_accuracies, Place.RATERS),
    Table(
        "trust",
        analysis.trust,
        Place.REPORT | Place.META,
        starts_from=(
            "agreement",
            "accuracy_differences",
            "correlations",
            "correlation_differences",
            "biases",
            "alternative_annotator_test",
        ),
    ),
    Table("worth_reading", analysis.worth_reading, Place.REPORT),
    Table("system_summary", analysis.system_summary, Place.REPORT | Place.SUMMARY, starts_from=_OF_RANKINGS),
    Table(
        "judge_summary",
        analysis.judge_summary,
        Place.REPORT | Place.SUMMARY,
        starts_from=("trust", "biases", "judgment_tokens", "coverage"),
    ),
    Table(
        "findings",
        analysis.findings,
        _RANKING | Place.META,
        starts_from=(
            *_OF_RANKINGS,
            "agreement",
            "accuracy_differences",
            "correlations",
            "biases",
            "coverage",
            "answers",
            "shortfalls",
            "length_controlled",
        ),
    ),
)
"""Every table that a command or the dashboard has among its data."""

_OF_TRUST = Place.META | Place.TRUST_VIEW
_OF_RUNS = Place.META | Place.RUNS_VIEW
_OF_BIASES = Place.REPORT | Place.BIASES_VIEW
_OF_METRICS = Place.REPORT | Place.METRICS_VIEW
_PAGE = Place.PAGE | Place.LEADERBOARD | Place.RANKING_VIEW


def _failures(data: Data, notes: Footnotes) -> Iterator[Grid]:
    yield from coverage.coverage_grids(data, notes)
    yield from coverage.failure_grids(data, notes)


def _attack_notes(data: Data) -> Iterator[str]:
    yield from attack_lines(data)
    yield from ATTACK_NOTES


SECTIONS = (
    Section(
        "Systems",
        ("system_summary",),
        system_grids,
        Place.SUMMARY | Place.PAGE,
        system_plots,
        brief=partial(system_grids, limit=MOST_LINES),
    ),
    Section(
        "Judges",
        ("judge_summary",),
        judge_grids,
        Place.SUMMARY | Place.PAGE,
        judge_plots,
        brief=partial(judge_grids, limit=MOST_LINES),
    ),
    Section(
        "Leaderboard",
        ("leaderboard",),
        leaderboard.leaderboard_grids,
        _RANKING | Place.RANKING_VIEW,
        leaderboard_plots,
    ),
    Section("Ranks, 1 = best", ("ranks",), ranks.rank_grids, _PAGE),
    Section("Elo (Bradley-Terry)", ("bradley_terry", "win_probabilities"), ranks.strength_grids, _PAGE),
    Section(
        "Win rate against one baseline, length controlled",
        ("length_controlled",),
        ranks.length_control_grids,
        _PAGE,
    ),
    Section(
        "Sequential tests, valid at every look and for all pairs",
        ("sequential_tests",),
        ranks.sequential_grids,
        _RANKING | Place.RANKING_VIEW,
    ),
    Section("People and judge together", ("prediction_powered",), ranks.prediction_powered_grids, _PAGE),
    Section(
        "Length penalty: raw and penalised",
        ("leaderboard",),
        leaderboard.length_penalty_grids,
        _RANKING | Place.RANKING_VIEW,
    ),
    Section("By tag or condition of the items", (), tag_grids, _RANKING),
    Section(
        "Judge, ROUGE and labels",
        ("agreement",),
        agreement_grids,
        Place.REPORT | Place.TRUST_VIEW,
        agreement_plots,
        brief=partial(agreement_grids, readings=False),
    ),
    Section(
        "Correlation with the labels",
        ("correlations", "leaderboard"),
        correlation_grids,
        Place.REPORT | Place.METRICS_VIEW,
        correlation_plots,
    ),
    Section(
        "Judge and ROUGE with each other",
        ("agreement", "correlations", "leaderboard"),
        with_each_other,
        _OF_METRICS,
    ),
    Section(
        "Criteria of items against labels, by the tags of the criteria",
        ("criterion_agreement",),
        criterion_grids,
        Place.REPORT | Place.META | Place.TRUST_VIEW,
    ),
    Section("Cascades", ("cascades",), cascade_grids, Place.REPORT | Place.TRUST_VIEW),
    Section("Biases", ("biases",), bias_grids, Place.REPORT | Place.BIASES_VIEW),
    Section("Attacks", ("attacks", "controls", "unattacked_items"), attack_grids, _OF_BIASES),
    Section(
        "Coverage and failures",
        ("coverage", "answers", "missing_scores", "exclusions", "failures"),
        _failures,
        Place.REPORT | Place.RUNS_VIEW,
    ),
    Section("Worst-case bounds for what failed", ("worst_case_bounds",), ranks.worst_case_grids, _PAGE),
    Section("Failures", ("failures",), coverage.failure_grids, Place.LEADERBOARD),
    Section("Raters against labels", ("raters",), meta.rater_grids, Place.META, notes=meta.effect_notes),
    Section("By tag or condition of the items", (), tag_grids, Place.META),
    Section("How far people agree", ("human_agreement",), meta.human_agreement_grids, _OF_TRUST),
    Section(
        "Two annotators on what both labelled", ("annotator_pairs",), meta.annotator_pair_grids, _OF_TRUST
    ),
    Section(
        "A judge in place of one annotator",
        ("alternative_annotator_test",),
        meta.alternative_annotator_grids,
        _OF_TRUST,
    ),
    Section(
        "How often each rater is right, by a model of all raters",
        ("rater_models",),
        meta.rater_model_grids,
        _OF_TRUST,
    ),
    Section("All attacks together", ("attacks",), meta.judge_grids("attacks"), Place.META),
    Section("Cost, over all datasets of a run", ("cost",), meta.cost_grids, _OF_RUNS),
    Section("Languages", ("languages",), meta.language_grids, _OF_TRUST),
    Section("May have been seen in training", ("contamination",), meta.contamination_grids, _OF_RUNS),
    Section(
        "Differences, paired on the items that both have",
        ("comparisons",),
        comparisons.comparison_grids,
        Place.COMPARE,
        notes=comparisons.comparison_notes,
    ),
    Section(
        "Agreement with the labels of pairs, first minus second",
        ("accuracy_differences",),
        comparisons.accuracy_difference_grids,
        Place.RATERS,
        notes=lambda data: iter([comparisons.ACCURACY_TESTS] * bool(data["accuracy_differences"])),
    ),
    Section(
        "The same with length held fixed",
        ("length_balanced_differences",),
        comparisons.balanced_difference_grids,
        Place.RATERS,
        notes=lambda data: iter([comparisons.BALANCED] * bool(data["length_balanced_differences"])),
    ),
    Section(
        "Correlation with the labels, first minus second",
        ("correlation_differences",),
        comparisons.correlation_difference_grids,
        Place.RATERS,
        notes=lambda data: iter([comparisons.RATER_TESTS] * bool(data["correlation_differences"])),
    ),
    Section(
        "Two systems in the order of the labels",
        ("ranking_accuracies",),
        comparisons.ranking_accuracy_grids,
        Place.RATERS,
    ),
    Section(
        "Rankings of the same systems",
        ("sensitivity",),
        comparisons.sensitivity_grids,
        Place.SENSITIVITY,
        notes=lambda _: iter(comparisons.RANKING_NOTES),
    ),
    Section(
        "Attacks",
        ("attacks", "controls", "unattacked_items"),
        attack_grids,
        Place.ATTACK,
        notes=_attack_notes,
    ),
    Section(
        "Labels for an interval of this width",
        ("labels_needed",),
        comparisons.labels_needed_grids,
        Place.LABELS,
        notes=lambda _: iter(["correlation is that of the judge's verdicts with the available labels."]),
    ),
)
"""Every section, in the order in which all outputs show them."""


def tables_of(place: Place) -> tuple[Table, ...]:
    """Return the tables that an output has among its data."""
    return tuple(table for table in TABLES if table.places & place)


def sections_of(place: Place) -> tuple[Section, ...]:
    """Return the sections of an output, in order."""
    return tuple(section for section in SECTIONS if section.places & place)

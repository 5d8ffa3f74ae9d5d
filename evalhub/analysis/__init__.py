"""Each number that evalhub shows has exactly one function here, and it returns a tidy table."""

from evalhub.analysis.agreement import agreement
from evalhub.analysis.bias import length_penalty, position_bias
from evalhub.analysis.correlation import correlations, side_by_side
from evalhub.analysis.coverage import coverage, engines, failures, left_out, reused
from evalhub.analysis.leaderboard import leaderboard
from evalhub.analysis.results import Results, export
from evalhub.analysis.samples import item_list, sample
from evalhub.analysis.tidy import rows_of
from evalhub.analysis.truth import truth
from evalhub.analysis.verdicts import pair_verdicts, ratings

__all__ = [
    "Results",
    "agreement",
    "correlations",
    "coverage",
    "engines",
    "export",
    "failures",
    "item_list",
    "leaderboard",
    "left_out",
    "length_penalty",
    "pair_verdicts",
    "position_bias",
    "ratings",
    "reused",
    "rows_of",
    "sample",
    "side_by_side",
    "truth",
]

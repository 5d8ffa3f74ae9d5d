"""What a run says, for people: in the terminal, as JSON, and as one page."""

from evalhub.report.data import ranking_data, report_data
from evalhub.report.grids.attacks import attack_data
from evalhub.report.grids.comparisons import print_comparisons, print_raters, print_sensitivity
from evalhub.report.grids.labels import print_needed
from evalhub.report.grids.meta import meta_data, print_meta
from evalhub.report.outputs.files import write_report
from evalhub.report.outputs.terminal import print_attacks, print_leaderboard, print_report

__all__ = [
    "attack_data",
    "meta_data",
    "print_attacks",
    "print_comparisons",
    "print_leaderboard",
    "print_meta",
    "print_needed",
    "print_raters",
    "print_report",
    "print_sensitivity",
    "ranking_data",
    "report_data",
    "write_report",
]

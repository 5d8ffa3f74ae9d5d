"""What a run shows to people: in the terminal, as JSON, and as one page."""

from evalhub.report.data import (
    attack_data,
    findings_of_other_runs,
    meta_data,
    ranking_data,
    rater_data,
    report_data,
)
from evalhub.report.outputs.files import remove_report, write_report
from evalhub.report.outputs.parquet import export_parquet
from evalhub.report.outputs.terminal import (
    print_attacks,
    print_comparisons,
    print_leaderboard,
    print_meta,
    print_needed,
    print_raters,
    print_report,
    print_sensitivity,
)
from evalhub.report.outputs.trends import trends_page
from evalhub.report.tables.stored import index_run, records_key
from evalhub.report.tables.trends import change_rows, trend_rows

__all__ = [
    "attack_data", "change_rows", "export_parquet", "findings_of_other_runs", "index_run", "meta_data",
    "print_attacks", "print_comparisons", "print_leaderboard", "print_meta", "print_needed", "print_raters",
    "print_report", "print_sensitivity", "ranking_data", "rater_data", "records_key", "remove_report",
    "report_data", "trend_rows", "trends_page", "write_report",
]  # fmt: skip

"""All findings of a run: those of its own tables, stored with it, and those of what lies beside it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from evalhub.analysis.findings.attacked import attack_findings
from evalhub.analysis.findings.best import best_findings
from evalhub.analysis.findings.biases import bias_findings
from evalhub.analysis.findings.changes import change_findings
from evalhub.analysis.findings.finding import Finding, Question
from evalhub.analysis.findings.measured import measured_findings
from evalhub.analysis.findings.next_steps import next_findings
from evalhub.analysis.findings.people import metric_findings, trust_findings
from evalhub.analysis.results import Results

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(field.name for field in fields(Finding))
_ORDER = list(Question)
_SOURCES = (
    best_findings, metric_findings, trust_findings, bias_findings, measured_findings, next_findings,
)  # fmt: skip


def findings(results: Results) -> pd.DataFrame:
    """Return what a run's own tables say, one row per finding, with the columns of `Finding`.

    Only what is certain is claimed: every claim of a difference is adjusted for all that are tested with it.
    `numbers` is a list of names with values. `findings_beside` has what other runs tell of this one.
    """
    import pandas as pd

    rows = [finding.as_row() for source in _SOURCES for finding in source(results)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n": "Int64"})


def findings_beside(results: Results) -> list[Finding]:
    """Return what other runs tell of this one: attacks on its judges, and changes since its baseline."""
    return [*attack_findings(results), *change_findings(results)]


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of `findings` in the order of their questions."""
    return sorted(rows, key=lambda row: _ORDER.index(Question[row["question"].upper()]))

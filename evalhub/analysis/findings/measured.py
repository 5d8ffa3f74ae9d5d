"""What was not measured: failures, cut and empty answers, items that not all systems share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from evalhub.analysis.agreement.agreement import agreement
from evalhub.analysis.agreement.correlation import correlations
from evalhub.analysis.bias.attacks import attacks
from evalhub.analysis.findings.finding import Finding, Question, Verdict, listed, on
from evalhub.analysis.frames.directions import length_names
from evalhub.analysis.frames.labels import criteria
from evalhub.analysis.ranking.leaderboard import comparability_sentences, leaderboard
from evalhub.analysis.results import Results
from evalhub.analysis.run.answers import answers, cut_answer_sentences
from evalhub.analysis.run.coverage import coverage
from evalhub.analysis.run.failures import failures
from evalhub.analysis.run.servers import (
    hard_verdict_sentences,
    hard_verdicts,
    unsent_parameter_sentences,
    unsent_parameters,
)
from evalhub.analysis.run.shortfalls import shortfall_sentences, shortfalls
from evalhub.analysis.tables import rows_of
from evalhub.store import ADJUDICATED
from evalhub.texts import count

Row = Mapping[str, Any]

_REASON_LENGTH = 300


def measured_findings(results: Results) -> Iterator[Finding]:
    """Yield what is missing from the numbers, and that nothing is where nothing is."""
    for sentence in shortfall_sentences(rows_of(shortfalls(results))):
        yield Finding(
            question=Question.CONCLUSIVE, verdict=Verdict.BAD, sentence=f"Inconclusive. {sentence}."
        )
    failed = rows_of(failures(results))
    if rows := [row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"]:
        yield describe_coverage(rows, failed)
    counts = rows_of(answers(results))
    means = rows_of(leaderboard(results))
    yield from _failed_responses(failed, counts)
    yield from _nothing(results, means)
    for sentence in (
        *cut_answer_sentences(counts),
        *_empty_answers(counts),
        *_ignored_annotators(results),
        *comparability_sentences(means, length_names(results.manifest.metrics)),
        *hard_verdict_sentences(rows_of(hard_verdicts(results))),
        *unsent_parameter_sentences(rows_of(unsent_parameters(results))),
    ):
        yield _finding(Verdict.CAUTION, f"{sentence}.", command="evalhub report --full")


def _nothing(results: Results, means: Sequence[Row]) -> Iterator[Finding]:
    """Yield that a run measures nothing, where that is so."""
    tables = (coverage, agreement, correlations, attacks)
    if not means and not any(len(table(results)) for table in tables):
        sentence = (
            "Nothing is measured: the suite has neither judges nor metrics, and its datasets contain no "
            "labels, verdicts or scores."
        )
        yield _finding(Verdict.BAD, sentence)


def describe_coverage(rows: Sequence[Row], failed: Sequence[Row]) -> Finding:
    """Return how many of the planned judgments are valid, and why the others are not.

    Args:
        rows: Rows of `coverage`.
        failed: Rows of `failures`.
    """
    expected, answered = sum(row["expected"] for row in rows), sum(row["done"] for row in rows)
    invalid = sum(row["failed"] for row in rows)
    valid = answered - invalid
    numbers = {"expected": expected, "valid": valid}
    if valid == expected:
        sentence = f"All {count(expected)} planned judgments are valid."
        return _finding(Verdict.GOOD, sentence, numbers=numbers, n=expected)
    sentence = f"{count(valid)} of {count(expected)} planned judgments are valid."
    if missing := expected - answered:
        sentence += f" {count(missing)} {'is' if missing == 1 else 'are'} not asked yet."
    if invalid:
        causes = _causes([row for row in failed if row["stage"] == "judgment"])
        sentence += f" {count(invalid)} failed{f': {causes}' if causes else ''}."
    return _finding(Verdict.CAUTION, sentence, numbers=numbers, n=expected, command="evalhub leaderboard")


def _causes(failed: Sequence[Row]) -> str:
    """Return the kinds of failures with their counts and an example, the most frequent first."""
    by_kind: dict[str, list[Row]] = {}
    for row in failed:
        by_kind.setdefault(row["failure"], []).append(row)
    counts = {kind: sum(row["n"] for row in rows) for kind, rows in by_kind.items()}
    parts = []
    for kind in sorted(counts, key=lambda name: -counts[name]):
        example = max(by_kind[kind], key=lambda row: int(row["n"]))["example"]
        reason = f" ({example[:_REASON_LENGTH]})" if example else ""
        parts.append(f"{count(counts[kind])} {kind}{reason}")
    return listed(parts) if parts else ""


def _failed_responses(failed: Sequence[Row], answers_of: Sequence[Row]) -> Iterator[Finding]:
    """Yield the candidates of which responses failed, and why."""
    planned: dict[str, int] = {}
    for row in answers_of:
        planned[row["system"]] = planned.get(row["system"], 0) + row["responses"]
    of_responses = [row for row in failed if row["stage"] == "response"]
    for system in dict.fromkeys(row["source"] for row in of_responses):
        rows = [row for row in of_responses if row["source"] == system]
        n = sum(row["n"] for row in rows)
        total = planned.get(system)
        of_total = f" of {count(total)}" if total else ""
        sentence = f"{count(n)}{of_total} responses of {system} failed: {_causes(rows)}."
        yield _finding(Verdict.CAUTION, sentence, subject=system, n=total, command="evalhub leaderboard")


def _ignored_annotators(results: Results) -> Iterator[str]:
    """Yield which added labels do not count, because a dataset's consensus is that of other annotators."""
    ignored: dict[tuple[str, str, str], list[str]] = {}
    for (dataset, criterion), spec in criteria(results).items():
        pattern = spec.consensus.annotators if spec.consensus else "*"
        for label in results.added_labels:
            is_of_criterion = (label.dataset, label.criterion) == (dataset, criterion)
            is_annotator = label.annotator != ADJUDICATED
            if is_of_criterion and is_annotator and not fnmatchcase(label.annotator, pattern):
                ignored.setdefault((dataset, criterion, pattern), []).append(label.annotator)
    for (dataset, criterion, pattern), annotators in ignored.items():
        yield (
            f"Labels of {listed(sorted(set(annotators)))} do not count {on(dataset, criterion)} "
            f"({count(len(annotators))}): the dataset takes those of {pattern}"
        )


def _empty_answers(rows: Sequence[Row]) -> Iterator[str]:
    empty = [
        f"{row['system']} {count(row['empty'])} of {count(row['responses'])}" for row in rows if row["empty"]
    ]
    if empty:
        yield f"answers show nothing and are judged as they are: {listed(empty)}"


def _finding(verdict: Verdict, sentence: str, **fields: Any) -> Finding:
    return Finding(question=Question.MEASURED, verdict=verdict, sentence=sentence, **fields)

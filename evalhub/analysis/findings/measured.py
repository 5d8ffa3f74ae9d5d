"""What was not measured: failures, cut and empty answers, items that not all systems share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalhub.analysis.findings.finding import Finding, Question, Verdict, listed
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.results import Results
from evalhub.analysis.run.answers import answers
from evalhub.analysis.run.coverage import coverage
from evalhub.analysis.run.failures import failures
from evalhub.analysis.run.shortfalls import shortfall_sentences, shortfalls
from evalhub.analysis.tables import rows_of
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
    yield from _failed_responses(failed, counts)
    yield from _answers(counts)
    yield from _unshared(rows_of(leaderboard(results)))


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
    planned = {row["system"]: row["responses"] for row in answers_of}
    of_responses = [row for row in failed if row["stage"] == "response"]
    for system in dict.fromkeys(row["source"] for row in of_responses):
        rows = [row for row in of_responses if row["source"] == system]
        n = sum(row["n"] for row in rows)
        total = planned.get(system)
        of_total = f" of {count(total)}" if total else ""
        sentence = f"{count(n)}{of_total} responses of {system} failed: {_causes(rows)}."
        yield _finding(Verdict.CAUTION, sentence, subject=system, n=total, command="evalhub leaderboard")


def _answers(rows: Sequence[Row]) -> Iterator[Finding]:
    cut = {f"{row['system']} {count(row['cut'])} of {count(row['ended'])}": row for row in rows if row["cut"]}
    if cut:
        limits = [row["max_tokens"] for row in cut.values() if row["max_tokens"]]
        fix = f" For longer ones set sampling: {{max_tokens: {2 * max(limits)}}}." if limits else ""
        sentence = f"Answers were cut at the token limit and judged as they are: {listed(list(cut))}.{fix}"
        yield _finding(Verdict.CAUTION, sentence, link="samples?fail=cut")
    empty = [
        f"{row['system']} {count(row['empty'])} of {count(row['responses'])}" for row in rows if row["empty"]
    ]
    if empty:
        sentence = f"Answers show nothing and are judged as they are: {listed(empty)}."
        yield _finding(Verdict.CAUTION, sentence, link="samples?fail=empty")


def _unshared(rows: Sequence[Row]) -> Iterator[Finding]:
    datasets = list(dict.fromkeys(row["dataset"] for row in rows if row["n_not_shared"]))
    if datasets:
        sentence = (
            f"Not all systems were measured on the same items of {listed(datasets)}. They are ranked on the "
            "items that they share."
        )
        yield _finding(Verdict.CAUTION, sentence, command="evalhub leaderboard")


def _finding(verdict: Verdict, sentence: str, **fields: Any) -> Finding:
    return Finding(question=Question.MEASURED, verdict=verdict, sentence=sentence, **fields)

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


def measured_findings(results: Results) -> Iterator[Finding]:
    """Yield what is missing from the numbers, and that nothing is where nothing is."""
    below_floor = [
        _finding(Verdict.BAD, f"Inconclusive. {sentence}.", command="evalhub runs show")
        for sentence in shortfall_sentences(rows_of(shortfalls(results)))
    ]
    yield from below_floor
    rows = [row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"]
    if rows and not below_floor:
        yield describe_coverage(rows, rows_of(failures(results)))
    yield from _answers(rows_of(answers(results)))
    yield from _unshared(rows_of(leaderboard(results)))


def describe_coverage(rows: Sequence[Row], failed: Sequence[Row]) -> Finding:
    """Return how many of the planned judgments are valid, and why the others are not.

    Args:
        rows: Rows of `coverage`.
        failed: Rows of `failures`.
    """
    expected, done = sum(row["expected"] for row in rows), sum(row["done"] for row in rows)
    invalid = sum(row["failed"] for row in rows)
    valid = done - invalid
    numbers = {"expected": expected, "valid": valid}
    if valid == expected:
        sentence = f"All {count(expected)} planned judgments are valid."
        return _finding(Verdict.GOOD, sentence, numbers=numbers, n=expected)
    sentence = f"{count(valid)} of {count(expected)} planned judgments are valid."
    if done < expected:
        sentence += f" {count(expected - done)} {'is' if expected - done == 1 else 'are'} not asked yet."
    if invalid:
        reasons = [row for row in failed if row["stage"] == "judgment"]
        counts: dict[str, int] = {}
        for row in reasons:
            counts[row["failure"]] = counts.get(row["failure"], 0) + row["n"]
        named = [f"{count(n)} {name}" for name, n in sorted(counts.items(), key=lambda entry: -entry[1])]
        sentence += f" {count(invalid)} failed{f': {listed(named)}' if named else ''}."
    return _finding(Verdict.CAUTION, sentence, numbers=numbers, n=expected, command="evalhub leaderboard")


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

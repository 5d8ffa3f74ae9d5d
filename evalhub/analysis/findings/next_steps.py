"""What is worth doing next, with the command."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from evalhub.analysis.findings.finding import Finding, Question, Verdict, listed, on
from evalhub.analysis.findings.rankings import Ranking, rankings
from evalhub.analysis.findings.trust import Trust, trust
from evalhub.analysis.ranking.comparison import compare_two
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.texts import count, number

Row = Mapping[str, Any]

# Quantiles of the normal distribution for a test at 5% that finds the difference in 80 of 100 runs.
_TEST_AND_POWER = 1.959964 + 0.841621
_MOST = 100
"""How many times the present number of items or labels is worth naming."""
_FIRST_LABELS = 100


def next_findings(results: Results) -> Iterator[Finding]:
    """Yield what would settle what is open: another judge, more items, more labels."""
    if results.is_attack or not results.run.finished:
        return
    rows = rows_of(trust(results))
    yield from _better_judges(rows)
    for ranking in rankings(results):
        if not ranking.is_settled and ranking.trust not in (Trust.REFUSE, Trust.CHANCE):
            yield from _more_items(results, ranking)
    yield from _more_labels(rows)


def _better_judges(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield, for each dataset with a judge that cannot be used, the judge that can."""
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        of_dataset = [row for row in rows if row["dataset"] == dataset]
        usable = [row for row in of_dataset if row["trust"] in (Trust.STANDS_IN, Trust.USEFUL)]
        unusable = {row["judge"] for row in of_dataset if row["trust"] in (Trust.REFUSE, Trust.CHANCE)}
        if usable and unusable - {row["judge"] for row in usable}:
            best = max(usable, key=lambda row: (row["trust"] == Trust.STANDS_IN, row["estimate"] or 0.0))
            names = listed(sorted(unusable - {row["judge"] for row in usable}))
            yield _finding(
                f"Use {best['judge']} {on(dataset)} instead of {names}. It is surely better than chance.",
                dataset=dataset,
                subject=best["judge"],
                command="evalhub meta",
            )


def _more_items(results: Results, ranking: Ranking) -> Iterator[Finding]:
    """Yield how many items would tell the first two systems apart, if their difference stays."""
    if len(ranking.places) < 2 or ranking.source not in ("labels", "judge"):
        return
    first, second = (place.system for place in ranking.places[:2])
    measure = (ranking.dataset, ranking.source, ranking.rater, ranking.criterion, ranking.measure)
    comparison = compare_two(results, measure, first, second)
    target = (
        None
        if comparison is None
        else observations_needed(
            comparison.difference.estimate, comparison.difference.standard_error, ranking.items
        )
    )
    if comparison is None or target is None:
        return
    key = ranking.dataset, ranking.criterion
    difference = _significant(abs(comparison.difference.estimate or 0))
    yield _finding(
        f"About {count(target)} items would tell {first} from {second} {on(*key)}, if they stay {difference} "
        f"apart (now {count(ranking.items)}).",
        dataset=ranking.dataset,
        numbers={"items": target},
        n=ranking.items,
        command=f"evalhub plan {results.manifest.suite} --limit {target}",
    )


def _significant(value: float) -> str:
    """Return a number with two decimals, or as many as show that it is not 0."""
    places = next((places for places in range(2, 9) if round(value, places)), 9)
    return number(value, places)


def observations_needed(difference: float | None, error: float | None, present: int) -> int | None:
    """Return how many observations find a difference in 80 of 100 runs at the 5% level.

    Args:
        difference: The difference, as estimated.
        error: Its standard error.
        present: Number of independent observations behind them.

    Returns:
        The number, above `present`. None where nothing differs, or where it is out of reach.
    """
    if not difference or not error:
        return None
    target = math.ceil(present * (_TEST_AND_POWER * error / difference) ** 2)
    return target if present < target <= _MOST * present else None


def _more_labels(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Yield where labels would show what a judge may be used for."""
    unlabelled = [row for row in rows if row["label_criterion"] is None]
    if unlabelled:
        row = unlabelled[0]
        yield _finding(
            f"Label {_FIRST_LABELS} verdicts of {row['judge']} {on(row['dataset'])}, to learn how far people "
            "agree with it.",
            dataset=row["dataset"],
            subject=row["judge"],
            command=_queue(row),
        )
    for row in rows:
        if row["label_criterion"] and row["trust"] == Trust.UNKNOWN and row["low"] is not None:
            error = (row["high"] - row["low"]) / (2 * 1.959964)
            if target := observations_needed(row["chance_difference"], error, row["n"]):
                yield _finding(
                    f"About {count(target)} labels would show that {row['judge']} is better than chance "
                    f"{on(row['dataset'], row['label_criterion'])}, if it stays so (now {count(row['n'])}).",
                    dataset=row["dataset"],
                    subject=row["judge"],
                    numbers={"labels": target},
                    n=row["n"],
                    command=_queue(row),
                )


def _queue(row: Row) -> str:
    return (
        f"evalhub labels queue --judge {shlex.quote(row['judge'])} --dataset {shlex.quote(row['dataset'])} "
        f"--criterion {shlex.quote(row['criterion'])} --n {_FIRST_LABELS} --out queue.jsonl"
    )


def _finding(sentence: str, **fields: Any) -> Finding:
    return Finding(question=Question.NEXT, verdict=Verdict.UNKNOWN, sentence=sentence, **fields)

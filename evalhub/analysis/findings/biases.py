"""Which bias moves a judge's verdicts, and would the ranking change without it?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from evalhub import stats
from evalhub.analysis.bias.bias import ALL_JUDGES, BY_CONSTRUCTION, HARD, biases
from evalhub.analysis.findings.finding import ALPHA, Finding, Question, Verdict, listed, on, with_interval
from evalhub.analysis.findings.rankings import rankings
from evalhub.analysis.frames.outcomes import PENALISED
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.ranking.length_control import CONTROLLED, length_controlled_win_rates
from evalhub.analysis.results import Results
from evalhub.analysis.tables import estimate_of, rows_of
from evalhub.stats import BiasKind

Row = Mapping[str, Any]

_EFFECTS = {
    BiasKind.LENGTH: "twice the length",
    BiasKind.LISTS: "having all list items",
    BiasKind.MARKDOWN: "having all of the Markdown",
    BiasKind.SELF_PREFERENCE: "being of the judge's family",
}
_HARMLESS_FLIPS = 0.2
"""If surely fewer verdicts change with the order, the order is no concern."""


def bias_findings(results: Results) -> Iterator[Finding]:
    """Yield the biases of each judge that are beyond chance, or that none is."""
    rows = [row for row in rows_of(biases(results)) if row["reading"] == HARD]
    ranked = {
        (ranking.dataset, ranking.rater, ranking.criterion)
        for ranking in rankings(results)
        if ranking.source == "judge" and ranking.is_settled and results.run.finished
    }

    def key(row: Row) -> tuple[str, str, str]:
        return row["dataset"], row["judge"], row["criterion"]

    for (dataset, judge, criterion), group in itertools.groupby(sorted(rows, key=key), key=key):
        by_statistic = {(row["bias"], row["statistic"]): row for row in group}
        finding = describe_biases(dataset, judge, criterion, by_statistic)
        if finding:
            yield finding
            if (dataset, judge, criterion) in ranked and _is_beyond_chance(by_statistic).get(BiasKind.LENGTH):
                yield from _without_length(results, dataset, judge, criterion)


def _tests(rows: Mapping[tuple[str, str], Row]) -> dict[BiasKind, float | None]:
    """Return the p-value of each bias that was measured."""
    tests: dict[BiasKind, float | None] = {}
    if position := rows.get((BiasKind.POSITION, "rate")):
        tests[BiasKind.POSITION] = stats.p_from_interval(estimate_of(position), 0.5)
    for kind in _EFFECTS:
        if effect := _effect(rows, kind):
            tests[kind] = stats.p_from_interval(estimate_of(effect))
    return tests


def _effect(rows: Mapping[tuple[str, str], Row], kind: BiasKind) -> Row | None:
    """Return the effect of a bias, beyond that on people where it is known."""
    for statistic in ("effect beyond people", "effect"):
        row = rows.get((kind, statistic))
        if row is not None and row["low"] is not None:
            return row
    return None


def _is_beyond_chance(rows: Mapping[tuple[str, str], Row]) -> dict[BiasKind, bool]:
    tests = _tests(rows)
    adjusted = stats.adjusted(list(tests.values()))
    return {kind: p is not None and p < ALPHA for kind, p in zip(tests, adjusted, strict=True)}


def describe_biases(
    dataset: str, judge: str, criterion: str, rows: Mapping[tuple[str, str], Row]
) -> Finding | None:
    """Return which biases of a judge are beyond chance. None where nothing could be tested.

    Args:
        dataset: The dataset.
        judge: The judge, or all judges of the criterion together.
        criterion: The judge's criterion.
        rows: Rows of `biases` of hard verdicts, by bias and statistic.
    """
    shown = _is_beyond_chance(rows)
    flips = rows.get((BiasKind.FLIPS, "rate"))
    tested = [kind.value for kind, p in _tests(rows).items() if p is not None]
    if not tested and (flips is None or flips["low"] is None):
        return None
    if judge == ALL_JUDGES and not any(shown.values()):
        return None
    parts = list(_parts(rows, shown))
    verdict = Verdict.CAUTION
    if flips and flips["low"] is not None and flips["low"] > 0.5:
        verdict = Verdict.BAD
    if not parts:
        verdict = Verdict.GOOD
        sentence = f"No bias of {judge} is shown {on(dataset, criterion)}"
        sentence += f" (tested: {listed(tested or ['order'], limit=6)})."
        if flips and flips["method"] == BY_CONSTRUCTION:
            sentence += " By construction the order cannot move its verdicts."
    else:
        sentence = f"{judge} {on(dataset, criterion)}: {'; '.join(parts)}."
    numbers = {
        f"{bias} {statistic}": row["estimate"]
        for (bias, statistic), row in rows.items()
        if statistic in ("rate", "effect", "effect beyond people") and row["estimate"] is not None
    }
    return Finding(
        question=Question.BIAS,
        verdict=verdict,
        sentence=sentence,
        dataset=dataset,
        subject=judge,
        numbers=numbers,
        n=flips["n"] if flips else None,
        link=f"biases?data={dataset}&judge={judge}",
        command="evalhub report --full",
    )


def _parts(rows: Mapping[tuple[str, str], Row], shown: Mapping[BiasKind, bool]) -> Iterator[str]:
    flips, first = rows.get((BiasKind.FLIPS, "rate")), rows.get((BiasKind.POSITION, "rate"))
    if flips and flips["low"] is not None and flips["low"] > _HARMLESS_FLIPS:
        yield f"the verdict changes with the order in {with_interval(flips)} of pairs"
    if first and shown.get(BiasKind.POSITION):
        place = "first" if first["estimate"] > 0.5 else "second"
        row = first if place == "first" else _complement(first)
        yield f"the response shown {place} wins in {with_interval(row)}"
    for kind, text in _EFFECTS.items():
        effect = _effect(rows, kind)
        if effect and shown.get(kind):
            beyond_people = ", beyond what it does with people" if effect["statistic"] != "effect" else ""
            points = with_interval(effect, places=1)
            yield f"{text} moves the win probability by {points} points{beyond_people}"


def _complement(row: Row) -> Row:
    return {**row, "estimate": 1 - row["estimate"], "low": 1 - row["high"], "high": 1 - row["low"]}


def _without_length(results: Results, dataset: str, judge: str, criterion: str) -> Iterator[Finding]:
    """Yield whether another system would lead if length did not count."""
    raw, controlled = _leaders(results, dataset, judge, criterion)
    if raw is None or controlled is None:
        return
    place = on(dataset, criterion)
    stays = raw == controlled
    yield Finding(
        question=Question.BIAS,
        verdict=Verdict.GOOD if stays else Verdict.CAUTION,
        sentence=(
            f"{raw} is first by {judge} {place}, with length held fixed too."
            if stays
            else f"With length held fixed {controlled} is first by {judge} {place}, not {raw}."
        ),
        dataset=dataset,
        subject=judge,
        link=f"ranking?data={dataset}&by={judge}",
        command="evalhub leaderboard",
    )


def _leaders(results: Results, dataset: str, judge: str, criterion: str) -> tuple[str | None, str | None]:
    """Return the first system by the raw numbers of a judge, and by those without the effect of length."""
    key = (dataset, judge, criterion)
    controlled = {
        row["system"]: row["estimate"]
        for row in rows_of(length_controlled_win_rates(results))
        if (row["dataset"], row["judge"], row["criterion"]) == key
        and row["measure"] == CONTROLLED
        and row["estimate"] is not None
    }
    if controlled:
        baseline = next(
            row["baseline"]
            for row in rows_of(length_controlled_win_rates(results))
            if (row["dataset"], row["judge"], row["criterion"]) == key
        )
        controlled[baseline] = 0.5
    raw: dict[str, float] = {}
    penalised: dict[str, float] = {}
    for row in rows_of(leaderboard(results)):
        if (row["dataset"], row["rater"], row["criterion"]) == key and row["estimate"] is not None:
            if row["measure"] in ("win rate", "mean score"):
                raw[row["system"]] = row["estimate"] * (-1 if row["higher_is_better"] is False else 1)
            elif row["measure"] in (PENALISED.format("win rate"), PENALISED.format("mean score")):
                penalised[row["system"]] = row["estimate"] * (-1 if row["higher_is_better"] is False else 1)
    return _first(raw), _first(controlled or penalised)


def _first(values: Mapping[str, float]) -> str | None:
    return max(sorted(values), key=lambda name: values[name], default=None)

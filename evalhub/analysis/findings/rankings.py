"""The rankings that findings rest on: whose numbers rank the systems, and which places are certain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from evalhub import stats
from evalhub.analysis.findings.finding import ALPHA
from evalhub.analysis.findings.trust import Trust, trust
from evalhub.analysis.frames.labels import label_criterion
from evalhub.analysis.frames.outcomes import MEAN_SCORE, STOPPED_EARLY, WIN_RATE
from evalhub.analysis.people.prediction_powered import (
    COMBINED,
    prediction_powered,
    prediction_powered_differences,
)
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.ranking.ranks import ranks
from evalhub.analysis.ranking.sequential import sequential_tests
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of

Row = dict[str, Any]

MAIN_MEASURES = (WIN_RATE, MEAN_SCORE, "mean label")
_TRUST_ORDER = [Trust.STANDS_IN, Trust.USEFUL, Trust.UNKNOWN, Trust.CHANCE, Trust.REFUSE]


@dataclass(frozen=True, slots=True)
class Place:
    """A system in a ranking.

    Attributes:
        system: Its id.
        rank: 1 = best.
        best: The best rank that the data allow, valid for all systems at once. None without a test.
        worst: The worst such rank.
        estimate: Its mean, with its interval's ends. None where the ranking is made of comparisons alone.
        band: The number of its band, from 0: between two bands every difference is certain. None where
            nothing was tested, or certain differences are not transitive.
    """

    system: str
    rank: int
    best: int | None
    worst: int | None
    estimate: float | None
    low: float | None
    high: float | None
    band: int | None = None


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many pairs or responses people labelled, of how many that the judge judged."""

    labelled: int
    units: int
    unit: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The systems of a dataset, the best first.

    Attributes:
        dataset: The dataset.
        criterion: The criterion of the labels or of the judge.
        source: "labels", "people + judge" or "judge".
        rater: The kind of labels, or the judge's id.
        measure: What the numbers are.
        items: Number of items that rank the systems.
        places: The systems, the best first.
        trust: What the judge may be used for on this criterion, where it ranks alone.
        labels: Where people rank together with a judge: how many labels there are, and on what the verdicts.
    """

    dataset: str
    criterion: str
    source: str
    rater: str
    measure: str
    items: int
    places: tuple[Place, ...]
    trust: Trust | None = None
    labels: LabelCounts | None = None

    @property
    def leaders(self) -> list[Place]:
        """The systems of which none is surely better. Empty where nothing was tested."""
        return [place for place in self.places if place.best == 1]

    @property
    def is_settled(self) -> bool:
        """Whether one system is surely better than each of the others."""
        return any(place.worst == 1 for place in self.places)

    @property
    def is_circle(self) -> bool:
        """Whether each system has one that surely beats it, which comparisons of pairs can show."""
        return bool(self.places) and all((place.best or 1) > 1 for place in self.places)


def rankings(results: Results) -> list[Ranking]:
    """Return the rankings of each dataset that findings speak of, those of labels first.

    Labels rank where they are at hand. Where people labelled a part, their labels and the judge's verdicts
    rank together. One judge ranks the systems that human labels do not: the one that is trusted most.
    """
    rank_rows = [row for row in rows_of(ranks(results)) if row["measure"] in MAIN_MEASURES]
    by_labels = list(_by_tables(results, [row for row in rank_rows if row["rater_kind"] == "labels"]))
    powered = list(_people_and_judge(results))
    combined = {(ranking.dataset, ranking.criterion) for ranking in powered}
    by_labels = [
        ranking
        for ranking in by_labels
        if ranking.rater != "human labels" or (ranking.dataset, ranking.criterion) not in combined
    ]
    by_judges = [
        *_by_tables(results, [row for row in rank_rows if row["rater_kind"] == "judge"]),
        *_by_sequential_tests(results),
    ]
    by_people = [ranking for ranking in [*by_labels, *powered] if ranking.rater != "constructed labels"]
    covered = {_coverage(ranking, ranking.criterion) for ranking in by_people if ranking.leaders}
    trusted = [
        ranking
        for ranking in _of_most_trusted(results, by_judges)
        if _coverage(ranking, _labels_of(results, ranking)) not in covered
    ]
    ranked = {ranking.dataset for ranking in trusted}
    by_labels = [ranking for ranking in by_labels if ranking.leaders or ranking.dataset not in ranked]
    order = {dataset: place for place, dataset in enumerate(results.cards)}
    return sorted([*powered, *by_labels, *trusted], key=lambda ranking: order[ranking.dataset])


def _coverage(ranking: Ranking, criterion: str) -> tuple[Any, ...]:
    return ranking.dataset, criterion, frozenset(place.system for place in ranking.places)


def _labels_of(results: Results, ranking: Ranking) -> str:
    """Return the labels' criterion with which a judge's ranking compares."""
    name = label_criterion(results, ranking.rater, ranking.dataset, ranking.criterion)
    return name or ranking.criterion


def _by_tables(results: Results, rank_rows: list[Row]) -> Iterator[Ranking]:
    means = {
        (row["dataset"], row["rater"], row["criterion"], row["measure"], row["system"]): row
        for row in rows_of(leaderboard(results))
    }
    names = ("dataset", "rater", "criterion", "measure")

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(row[name] or "" for name in names)

    for _, group in itertools.groupby(sorted(rank_rows, key=key), key=key):
        rows = [row for row in group if row["rank"] is not None]
        if len(rows) < 2 or any(row["reason"] == STOPPED_EARLY for row in rows):
            continue
        first = rows[0]
        places = [_place(row, means[tuple(row[name] for name in (*names, "system"))]) for row in rows]
        yield Ranking(
            first["dataset"],
            first["criterion"] or "",
            "labels" if first["rater_kind"] == "labels" else "judge",
            first["rater"],
            first["measure"],
            first["items"],
            _with_bands(places),
        )


def _with_bands(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return places in their order, each with its band."""
    ordered = sorted(places, key=lambda place: (place.rank, place.system))
    bands = stats.rank_bands([(place.best, place.worst) for place in ordered])
    if not bands:
        return tuple(ordered)
    return tuple(replace(place, band=band) for place, band in zip(ordered, bands, strict=True))


def _place(rank: Row, mean: Row) -> Place:
    ends = rank["low_all"], rank["high_all"]
    return Place(rank["system"], rank["rank"], *ends, mean["estimate"], mean["low"], mean["high"])


def _people_and_judge(results: Results) -> Iterator[Ranking]:
    """Yield a ranking for each criterion of which people labelled a part, with the most trusted judge."""
    rows = [row for row in rows_of(prediction_powered(results)) if row["statistic"] == COMBINED]
    means = {
        (row["dataset"], row["judge"], row["criterion"], row["system"]): row
        for row in rows
        if row["estimate"] is not None
    }
    differences = list(prediction_powered_differences(results)) if means else []
    candidates: dict[tuple[str, str], list[Ranking]] = {}
    for dataset, judge, criterion, criterion_of_labels in dict.fromkeys(
        (row["dataset"], row["judge"], row["criterion"], row["label_criterion"]) for row in rows
    ):
        of_judge = {key[3]: row for key, row in means.items() if key[:3] == (dataset, judge, criterion)}
        if len(of_judge) > 1:
            measured = [
                (keys["first"], keys["second"], difference)
                for keys, difference in differences
                if (keys["dataset"], keys["rater"], keys["criterion"]) == (dataset, judge, criterion)
            ]
            sign = -1 if next(iter(of_judge.values()))["higher_is_better"] is False else 1
            places = _places(of_judge, _closed(_surely_better(measured, sign)), sign)
            items = max(row["items"] for row in of_judge.values())
            ranking = Ranking(
                dataset, criterion_of_labels, COMBINED, judge, "mean label", items, places,
                labels=_label_counts(next(iter(of_judge.values()))),
            )  # fmt: skip
            candidates.setdefault((dataset, criterion_of_labels), []).append(ranking)
    for rankings_of_criterion in candidates.values():
        yield min(
            rankings_of_criterion, key=lambda ranking: preference(results, ranking.dataset, ranking.rater)
        )


def _label_counts(row: Row) -> LabelCounts:
    """Return on how many labels and verdicts the prediction-powered means of a judge rest."""
    unit = "pairs" if row["measure"].startswith(WIN_RATE) else "responses"
    return LabelCounts(row["labelled_units"], row["units"], unit)


def _surely_better(differences: Iterable[tuple[str, str, stats.Estimate]], sign: int) -> set[tuple[str, str]]:
    """Return the pairs of which the first is surely better, with Holm's adjustment for all of them."""
    tested = list(differences)
    adjusted = stats.adjusted([stats.p_from_interval(difference) for _, _, difference in tested])
    return {
        (first, second) if sign * (difference.estimate or 0) > 0 else (second, first)
        for (first, second, difference), p in zip(tested, adjusted, strict=True)
        if p is not None and p < ALPHA
    }


def _closed(better: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return also the pairs that follow: of means, one above a second that is above a third is above it."""
    closed = set(better)
    while following := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= following
    return closed


def _places(means: dict[str, Row], better: set[tuple[str, str]], sign: int = 1) -> tuple[Place, ...]:
    """Return systems with the ranks that the pairs of which one is surely better allow."""
    size = len(means)
    places = []
    for system, mean in means.items():
        rank = 1 + sum(sign * other["estimate"] > sign * mean["estimate"] for other in means.values())
        best = 1 + sum(second == system for _, second in better)
        worst = size - sum(first == system for first, _ in better)
        places.append(Place(system, rank, best, worst, mean["estimate"], mean["low"], mean["high"]))
    if _closed(better) == better:
        return _with_bands(places)
    return tuple(sorted(places, key=lambda place: (place.rank, place.system)))


def _by_sequential_tests(results: Results) -> Iterator[Ranking]:
    """Yield the order that sequential tests settled, where judging stopped early."""
    names = ("dataset", "judge", "criterion")
    tests = rows_of(sequential_tests(results))
    for (dataset, judge, criterion), group in itertools.groupby(
        tests, key=lambda row: tuple(map(row.get, names))
    ):
        rows = list(group)
        better = {
            (row["first"], row["second"]) if row["decision"] == "first" else (row["second"], row["first"])
            for row in rows
            if row["decision"] != "open"
        }
        wins: dict[str, list[float]] = {}
        for row in rows:
            if row["estimate"] is not None:
                wins.setdefault(row["first"], []).append(row["estimate"])
                wins.setdefault(row["second"], []).append(1 - row["estimate"])
        means = {
            system: {"estimate": sum(rates) / len(rates), "low": None, "high": None}
            for system, rates in wins.items()
        }
        if len(means) > 1:
            items = max(row["clusters"] for row in rows)
            yield Ranking(dataset, criterion, "judge", judge, WIN_RATE, items, _places(means, better))


def _of_most_trusted(results: Results, by_judges: list[Ranking]) -> Iterator[Ranking]:
    """Yield the rankings of the judge that is trusted most on each dataset, never of the first in a file."""
    by_dataset: dict[str, list[Ranking]] = {}
    for ranking in by_judges:
        by_dataset.setdefault(ranking.dataset, []).append(ranking)
    for of_dataset in by_dataset.values():
        judge = min(of_dataset, key=lambda ranking: preference(results, ranking.dataset, ranking.rater)).rater
        for ranking in of_dataset:
            if ranking.rater == judge:
                word = trust_of(results, ranking.dataset, judge, ranking.criterion)
                yield replace(ranking, trust=word)


def preference(results: Results, dataset: str, judge: str) -> tuple[Any, ...]:
    """Return the key that sorts judges by how far they are trusted on a dataset, the most trusted first."""
    rows = [row for row in rows_of(trust(results)) if (row["dataset"], row["judge"]) == (dataset, judge)]
    word = trust_of(results, dataset, judge)
    agreement = max((row["estimate"] for row in rows if row["estimate"] is not None), default=-1.0)
    flips = min((row["flips"] for row in rows if row["flips"] is not None), default=1.0)
    return (_TRUST_ORDER.index(word), -agreement, flips, judge)


def trust_of(results: Results, dataset: str, judge: str, criterion: str | None = None) -> Trust:
    """Return what a judge may be used for: the least of its words over a dataset, or on one criterion."""
    words = [
        Trust(row["trust"])
        for row in rows_of(trust(results))
        if (row["dataset"], row["judge"]) == (dataset, judge) and criterion in (None, row["criterion"])
    ]
    return max(words, key=_TRUST_ORDER.index, default=Trust.UNKNOWN)

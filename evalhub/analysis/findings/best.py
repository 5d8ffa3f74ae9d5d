"""Which system is best, and is that settled?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evalhub.analysis.findings.finding import LABELS, Finding, Question, Verdict, listed, on
from evalhub.analysis.findings.rankings import Place, Ranking, rankings
from evalhub.analysis.findings.trust import UNUSABLE
from evalhub.analysis.people.prediction_powered import COMBINED
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.texts import count, number


def best_findings(results: Results) -> Iterator[Finding]:
    """Yield which system is best on each dataset, by labels and by the judge that is trusted most."""
    if not results.run.finished:
        sentence = f"The run is not finished ({results.run.state.value}), so no ranking is claimed."
        yield Finding(question=Question.BEST, verdict=Verdict.UNKNOWN, sentence=sentence)
        return
    for dataset, card in results.cards.items():
        if card.anonymous and not results.is_attack:
            yield Finding(
                question=Question.BEST,
                verdict=Verdict.UNKNOWN,
                dataset=dataset,
                sentence=f"The systems {on(dataset)} are anonymous: it tests judges and ranks no system.",
            )
    ranked = set()
    for ranking in rankings(results):
        ranked.add(ranking.dataset)
        yield describe(ranking)
    yield from _unranked(rows_of(leaderboard(results)), ranked)


def _unranked(means: list[dict[str, Any]], ranked: Collection[str]) -> Iterator[Finding]:
    """Yield the datasets with several systems that nothing ranks, and why."""
    for dataset in dict.fromkeys(row["dataset"] for row in means if row["dataset"] not in ranked):
        of_dataset = [row for row in means if row["dataset"] == dataset]
        if len({row["system"] for row in of_dataset}) < 2:
            continue
        if any(row["rater_kind"] in ("judge", "labels") for row in of_dataset):
            sentence = f"Nothing can be said of the order {on(dataset)}: too little is measured."
        else:
            sentence = f"Neither a judge nor labels rank the systems {on(dataset)}, only metrics do."
        yield Finding(question=Question.BEST, verdict=Verdict.UNKNOWN, dataset=dataset, sentence=sentence)


def describe(ranking: Ranking) -> Finding:
    """Return what a ranking says. Only what holds for all its systems at once is claimed."""
    sentence, verdict = _claim(ranking)
    if ranking.trust in UNUSABLE:
        sentence, verdict = f"{sentence} {UNUSABLE[ranking.trust]}.", Verdict.BAD
    first = ranking.places[0]
    numbers = {place.system: place.estimate for place in ranking.places[:2] if place.estimate is not None}
    return Finding(
        question=Question.BEST,
        verdict=verdict,
        sentence=sentence,
        dataset=ranking.dataset,
        subject=first.system if ranking.is_settled else None,
        numbers=numbers,
        n=ranking.items,
        link=f"ranking?data={ranking.dataset}&crit={ranking.criterion}",
        command="evalhub leaderboard",
    )


def _claim(ranking: Ranking) -> tuple[str, Verdict]:
    source, place = _source(ranking), on(ranking.dataset, ranking.criterion)
    leaders = ranking.leaders
    worse_places = [system for system in ranking.places if system not in leaders]
    if ranking.is_circle:
        sentence = f"{source}, each system {place} loses to another one: the verdicts run in a circle."
        return sentence, Verdict.CAUTION
    if not leaders:
        sentence = f"{source}, nothing can be said of the order {place}: there are too few items."
        return sentence, Verdict.UNKNOWN
    if ranking.is_settled:
        sentence = f"{source}, {leaders[0].system} is better than {_others(worse_places)} {place}"
        return f"{sentence}{_means(ranking, leaders[0])}.", Verdict.GOOD
    if not worse_places:
        items = "1 item does" if ranking.items == 1 else f"{count(ranking.items)} items do"
        if labels := ranking.labels:
            items = f"labels on {count(labels.labelled)} of {count(labels.units)} {labels.unit} do"
        sentence = f"{source}, no system is shown to be better than another {place}"
        systems = "two" if len(leaders) == 2 else count(len(leaders))
        return f"{sentence}: {items} not tell the {systems} systems apart.", Verdict.UNKNOWN
    names = listed([leader.system for leader in leaders])
    if len(leaders) == 1:
        sentence = f"{source}, {names} leads {place}, but is not shown to beat each of the others."
        return sentence, Verdict.CAUTION
    sentence = f"{source}, {names} lead {place} and are not told apart."
    verb = "is" if len(worse_places) == 1 else "are"
    return f"{sentence} {_others(worse_places, capital=True)} {verb} behind.", Verdict.CAUTION


def _others(worse_places: list[Place], *, capital: bool = False) -> str:
    """Return the systems that are behind in words."""
    if len(worse_places) == 1:
        return worse_places[0].system
    names = "both others" if len(worse_places) == 2 else f"the other {count(len(worse_places))}"
    return names[0].upper() + names[1:] if capital else names


def _source(ranking: Ranking) -> str:
    if ranking.source == COMBINED:
        return f"By people and {ranking.rater} together"
    if ranking.source == "labels":
        return f"By {LABELS[ranking.rater.removesuffix(' labels')]}"
    return f"By {ranking.rater}"


def _means(ranking: Ranking, first: Place) -> str:
    """Return the means of the first two systems in words."""
    second = ranking.places[1]
    if first.estimate is None or second.estimate is None:
        return ""
    ends = "" if first.low is None else f" [{number(first.low)}, {number(first.high)}]"
    mean = f"{ranking.measure} {number(first.estimate)}{ends}"
    return f": {mean}, then {second.system} with {number(second.estimate)}"

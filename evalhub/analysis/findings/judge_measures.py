"""How far people agree with a judge on a criterion, beside a coin and the longer response."""

from __future__ import annotations

from dataclasses import dataclass

from evalhub.analysis.findings.trust import trust
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.records import AnnotatorKind
from evalhub.stats.estimate import CONFIDENCE

_KINDS = (AnnotatorKind.HUMAN.value, AnnotatorKind.CONSTRUCTED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeMeasure:
    """A judge's agreement with the labels of one dataset, in the unit of `measure`, higher = better.

    Attributes:
        label_criterion: The labels' criterion.
        annotator_kind: Who gave the labels. Only `human` are people.
        measure: `accuracy` for pairs, a Spearman correlation for ratings.
        agreement: The agreement, with its interval's ends. None with a reason.
        n: The labelled verdicts that entered.
        coin: The agreement of a coin for pairs, 0 for ratings.
        longer: The agreement of the preference for the longer response.
        people: The agreement of an annotator with the others, where there are several to follow.
        trust: What the judge may be used for on this dataset, in the words of `trust`.
    """

    dataset: str
    label_criterion: str
    annotator_kind: str
    measure: str
    agreement: float | None
    low: float | None
    high: float | None
    confidence: float
    n: int
    coin: float | None
    longer: float | None
    people: float | None
    trust: str
    reason: str | None


def judge_measures(results: Results, judge: str, criterion: str) -> list[JudgeMeasure]:
    """Return how far the labels of each dataset agree with a judge. Empty without labels.

    Labels of models are left out, since they say nothing of people.

    Args:
        results: The run.
        judge: A judge that the run executed.
        criterion: One of its criteria.
    """
    return [
        JudgeMeasure(
            dataset=row["dataset"],
            label_criterion=row["label_criterion"],
            annotator_kind=row["annotator_kind"],
            measure=row["measure"],
            agreement=row["estimate"],
            low=row["low"],
            high=row["high"],
            confidence=CONFIDENCE,
            n=row["n"],
            coin=row["chance"],
            longer=row["longer"],
            people=row["people"],
            trust=row["trust"],
            reason=row["reason"],
        )
        for row in rows_of(trust(results))
        if (row["judge"], row["criterion"]) == (judge, criterion) and row["annotator_kind"] in _KINDS
    ]

"""Juries: several judges of a run whose verdicts are combined to those of one more rater.

Source: Verga et al., Replacing Judges with Juries, arXiv 2404.18796; weights of a weighted vote: Nitzan
and Paroush, Optimal decision rules in uncertain dichotomous choice situations, 1982.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.directions import opposed_directions
from evalhub.analysis.frames.labels import gold_labels, with_label_criterion
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, RESPONSE, values
from evalhub.judging import hard_winner
from evalhub.records import digest
from evalhub.scales import Winner
from evalhub.specs import Combine
from evalhub.store import JuryFacts

if TYPE_CHECKING:
    import pandas as pd

JURY = "jury"
FOLDS = 5
MIN_LABELS = 10

_SURE = 0.99


@dataclass(frozen=True, slots=True)
class _Bench:
    """One jury on one criterion.

    Attributes:
        weights: Weight of a member on the clusters of a fold, by member and fold, where members are
            weighted. A member without a weight there has no vote.
    """

    jury: str
    criterion: str
    combine: Combine
    quorum: int
    weights: Mapping[tuple[str, int], float]

    def voters(self, members: pd.DataFrame, column: str) -> tuple[pd.DataFrame, list[float]]:
        """Return the members whose verdict counts on a pair or a response, and their weights.

        Args:
            members: The members' rows about the pair or response.
            column: The column of the verdict.
        """
        voters = members[members[column].notna()]
        if self.combine is not Combine.WEIGHTED:
            return voters, [1.0] * len(voters)
        keys = zip(voters["judge"], voters["cluster"], strict=True)
        weights = [self.weights.get((judge, fold(cluster))) for judge, cluster in keys]
        has_weight = [weight is not None for weight in weights]
        return voters[has_weight], [weight for weight in weights if weight is not None]


def pair_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pair verdicts of the judges, followed by those of the run's juries.

    Args:
        results: The run.
        frame: One row per judge, criterion and pair, with chances (a probability for each outcome, or
            None), winner and soft.
    """
    return _with_juries(results, frame, PAIR, _pair, _accuracy)


def rating_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings of the judges, followed by those of the run's juries.

    Args:
        results: The run.
        frame: One row per judge, criterion and response, with value, expected and not_applicable. The
            criterion does not apply for a jury where it does not apply for at least half of its members.
    """
    return _with_juries(results, frame, RESPONSE, _rating, _correlation)


def fold(cluster: str) -> int:
    """Return the fold of a cluster. The weights of members on a fold are estimated on the other folds.

    >>> 0 <= fold("q1") < FOLDS
    True
    """
    return int(digest(cluster)[:8], 16) % FOLDS


def _with_juries(
    results: Results,
    frame: pd.DataFrame,
    unit: list[str],
    decide: Callable[[pd.DataFrame, _Bench], dict[str, Any]],
    weigh: Callable[[pd.DataFrame], float],
) -> pd.DataFrame:
    import pandas as pd

    rows = [
        row
        for jury in results.juries
        for criterion, of_member in jury.criteria.items()
        for row in _jury_rows(results, frame, jury, criterion, of_member, unit, decide, weigh)
    ]
    if not rows:
        return frame
    # Without these types pandas would turn winners into texts, and a missing winner into NaN.
    columns = {
        str(name): pd.Series([row.get(str(name)) for row in rows], dtype=object).astype(dtype)
        for name, dtype in frame.dtypes.items()
    }
    return pd.concat([frame, pd.DataFrame(columns)], ignore_index=True)


def _jury_rows(
    results: Results,
    frame: pd.DataFrame,
    jury: JuryFacts,
    criterion: str,
    of_member: Mapping[str, str],
    unit: list[str],
    decide: Callable[[pd.DataFrame, _Bench], dict[str, Any]],
    weigh: Callable[[pd.DataFrame], float],
) -> list[dict[str, Any]]:
    by_members = [of_member.get(j) == c for j, c in zip(frame["judge"], frame["criterion"], strict=True)]
    verdicts = frame[by_members] if len(frame) else frame
    weights = _weights(results, verdicts, unit, weigh) if jury.combine is Combine.WEIGHTED else {}
    bench = _Bench(jury.id, criterion, jury.combine, jury.quorum, weights)
    shared = {"judge": bench.jury, "criterion": criterion, "source": JURY}
    return [
        {**_first(members), **_sums(members), **shared, **decide(members, bench)}
        for _, members in verdicts.groupby(unit, sort=True)
    ]


def _first(members: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in members.iloc[0].items()}


def _sums(members: pd.DataFrame) -> dict[str, Any]:
    same_family = values(members["same_family"])
    return {
        "askings": int(members["askings"].sum()),
        "same_family": True if True in same_family else None if None in same_family else False,
        "spread": None,
        "retest": None,
    }


def _pair(members: pd.DataFrame, bench: _Bench) -> dict[str, Any]:
    voters, weights = bench.voters(members, "winner")
    fixed = {"winner_ab": None, "winner_ba": None, "soft": False}
    if len(voters) < bench.quorum:
        return {**fixed, "chances": None, "winner": None}
    shares = dict.fromkeys((winner.value for winner in Winner), 0.0)
    total = sum(weights)
    for weight, winner, chances in zip(weights, voters["winner"], voters["chances"], strict=True):
        averaged = bench.combine is Combine.MEAN and chances is not None
        for name, share in (chances if averaged else {str(winner): 1.0}).items():
            shares[name] += weight * share
    if not total:
        return {**fixed, "chances": None, "winner": None}
    shares = {name: share / total for name, share in shares.items()}
    if bench.combine is Combine.MEAN:
        soft = bool(voters["soft"].all())
        if not shares["tie"]:
            del shares["tie"]
        return {**fixed, "chances": shares, "winner": hard_winner(shares), "soft": soft}
    maximum = max(shares.values())
    leaders = [name for name, share in shares.items() if math.isclose(share, maximum)]
    winner = Winner(leaders[0]) if len(leaders) == 1 else Winner.TIE
    return {**fixed, "chances": shares, "winner": winner}


def _rating(members: pd.DataFrame, bench: _Bench) -> dict[str, Any]:
    import numpy as np

    voters, weights = bench.voters(members, "value")
    not_applicable = int(members["not_applicable"].sum())
    unrated = {"value": None, "expected": None, "failures": 0, "not_applicable": False}
    if len(voters) + not_applicable < bench.quorum:
        return unrated
    if 2 * not_applicable >= len(voters) + not_applicable:
        return {**unrated, "not_applicable": True}
    if not sum(weights):
        return unrated
    if bench.combine is Combine.VOTE:
        return {**unrated, "value": float(voters["value"].mode().mean())}
    expected = voters["expected"].astype("float64")
    return {
        **unrated,
        "value": float(np.average(voters["value"].astype("float64"), weights=weights)),
        "expected": None if expected.isna().any() else float(np.average(expected, weights=weights)),
    }


def _weights(
    results: Results, frame: pd.DataFrame, unit: list[str], weigh: Callable[[pd.DataFrame], float]
) -> dict[tuple[str, int], float]:
    """Return the weight of each member on each fold, by its agreement with the labels of the other folds.

    A member with fewer than `MIN_LABELS` labels on the other folds has no weight.
    """
    labels = gold_labels(results)
    verdicts = with_label_criterion(results, frame)
    verdicts["fold"] = [fold(cluster) for cluster in frame["cluster"]]
    verdicts["opposed"] = opposed_directions(results, verdicts)
    joined = verdicts.merge(labels, on=[*unit, "label_criterion"], suffixes=("", "_of_label"))
    weights = {}
    for judge, rows in joined.groupby("judge"):
        for number in range(FOLDS):
            training_rows = rows[rows["fold"] != number]
            if len(training_rows) >= MIN_LABELS:
                weights[str(judge), number] = weigh(training_rows)
    return weights


def _accuracy(joined: pd.DataFrame) -> float:
    """Return the log-odds of being right, at least 0. Labels that are a tie are left out."""
    decided = joined[joined["winner"].notna() & (joined["label_winner"] != "tie")]
    if decided.empty:
        return 0.0
    right = float((decided["winner"].astype(str) == decided["label_winner"]).mean())
    right = min(max(right, 1 - _SURE), _SURE)
    return max(0.0, math.log(right / (1 - right)))


def _correlation(joined: pd.DataFrame) -> float:
    """Return Pearson's correlation with the labels, both with higher = better, at least 0."""
    rated = joined[joined["value"].notna() & joined["label_value"].notna()]
    value, label = rated["value"].astype("float64"), rated["label_value"].astype("float64")
    value = value.where(~rated["opposed"], -value)
    if len(rated) < MIN_LABELS or not value.std() or not label.std():
        return 0.0
    return max(0.0, float(value.corr(label)))

"""Juries: several judges of a run who become one more rater, after their own verdicts are known.

Source: Verga et al., Replacing Judges with Juries, arXiv 2404.18796; weights of a weighted vote: Nitzan
and Paroush, Optimal decision rules in uncertain dichotomous choice situations, 1982.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.directions import opposed
from evalhub.analysis.frames.labels import ground, with_label_criterion
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, RESPONSE, values
from evalhub.judging import hard_winner
from evalhub.records import digest
from evalhub.scales import Winner
from evalhub.specs import Combine

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
        weights: What a member counts on the clusters of a fold, where members are weighted: who has no
            weight there has no vote.
    """

    jury: str
    criterion: str
    combine: Combine
    quorum: int
    weights: Mapping[tuple[str, int], float]

    def voters(self, found: pd.DataFrame, verdict: str) -> tuple[pd.DataFrame, list[float]]:
        """Return the members whose verdict counts on a pair or a response, and what each counts."""
        said = found[found[verdict].notna()]
        if self.combine is not Combine.WEIGHTED:
            return said, [1.0] * len(said)
        keys = zip(said["judge"], said["cluster"], strict=True)
        weights = [self.weights.get((judge, fold(cluster))) for judge, cluster in keys]
        known = [weight is not None for weight in weights]
        return said[known], [weight for weight in weights if weight is not None]


def pair_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs with those of the run's juries behind them.

    Args:
        results: The run.
        frame: One row per judge, criterion and pair, with chances (a probability for each outcome, or
            None), winner and soft.
    """
    return _with_juries(results, frame, PAIR, _pair, _accuracy)


def rating_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings with those of the run's juries behind them.

    Args:
        results: The run.
        frame: One row per judge, criterion and response, with value, expected and not_applicable. Where half
            of a jury's members or more find that the criterion does not apply, so does the jury.
    """
    return _with_juries(results, frame, RESPONSE, _rating, _correlation)


def fold(cluster: str) -> int:
    """Return the fold of a cluster: members are weighed on the other folds.

    >>> 0 <= fold("q1") < FOLDS
    True
    """
    return int(digest(cluster)[:8], 16) % FOLDS


def _with_juries(
    results: Results,
    frame: pd.DataFrame,
    about: list[str],
    decide: Callable[[pd.DataFrame, _Bench], dict[str, Any]],
    weigh: Callable[[pd.DataFrame], float],
) -> pd.DataFrame:
    import pandas as pd

    rows = [
        decided
        for told in results.manifest.get("juries", ())
        for criterion, of_member in told["criteria"].items()
        for decided in _decided(results, frame, told, criterion, of_member, about, decide, weigh)
    ]
    if not rows:
        return frame
    # Left to itself, pandas would make texts of winners, and NaN of who is absent among them.
    columns = {
        str(name): pd.Series([row.get(str(name)) for row in rows], dtype=object).astype(dtype)
        for name, dtype in frame.dtypes.items()
    }
    return pd.concat([frame, pd.DataFrame(columns)], ignore_index=True)


def _decided(
    results: Results,
    frame: pd.DataFrame,
    told: Mapping[str, Any],
    criterion: str,
    of_member: Mapping[str, str],
    about: list[str],
    decide: Callable[[pd.DataFrame, _Bench], dict[str, Any]],
    weigh: Callable[[pd.DataFrame], float],
) -> list[dict[str, Any]]:
    asked = [of_member.get(j) == c for j, c in zip(frame["judge"], frame["criterion"], strict=True)]
    mine = frame[asked] if len(frame) else frame
    combine = Combine(told["combine"])
    weights = _weights(results, mine, about, weigh) if combine is Combine.WEIGHTED else {}
    bench = _Bench(told["id"], criterion, combine, told["quorum"], weights)
    shared = {"judge": bench.jury, "criterion": criterion, "source": JURY}
    return [
        {**_first(found), **_sums(found), **shared, **decide(found, bench)}
        for _, found in mine.groupby(about, sort=True)
    ]


def _first(found: pd.DataFrame) -> dict[str, Any]:
    return {str(name): value for name, value in found.iloc[0].items()}


def _sums(found: pd.DataFrame) -> dict[str, Any]:
    own = values(found["same_family"])
    return {
        "askings": int(found["askings"].sum()),
        "same_family": True if True in own else None if None in own else False,
        "spread": None,
        "retest": None,
    }


def _pair(found: pd.DataFrame, bench: _Bench) -> dict[str, Any]:
    voters, weights = bench.voters(found, "winner")
    own = {"winner_ab": None, "winner_ba": None, "soft": False}
    if len(voters) < bench.quorum:
        return {**own, "chances": None, "winner": None}
    shares = dict.fromkeys((winner.value for winner in Winner), 0.0)
    whole = sum(weights)
    for weight, winner, chances in zip(weights, voters["winner"], voters["chances"], strict=True):
        averaged = bench.combine is Combine.MEAN and chances is not None
        for name, share in (chances if averaged else {str(winner): 1.0}).items():
            shares[name] += weight * share
    if not whole:
        return {**own, "chances": None, "winner": None}
    shares = {name: share / whole for name, share in shares.items()}
    if bench.combine is Combine.MEAN:
        soft = bool(voters["soft"].all())
        if not shares["tie"]:
            del shares["tie"]
        return {**own, "chances": shares, "winner": hard_winner(shares), "soft": soft}
    most = max(shares.values())
    first = [name for name, share in shares.items() if math.isclose(share, most)]
    return {**own, "chances": shares, "winner": Winner(first[0] if len(first) == 1 else "tie")}


def _rating(found: pd.DataFrame, bench: _Bench) -> dict[str, Any]:
    import numpy as np

    voters, weights = bench.voters(found, "value")
    empty = int(found["not_applicable"].sum())
    none = {"value": None, "expected": None, "failures": 0, "not_applicable": False}
    if len(voters) + empty < bench.quorum:
        return none
    if 2 * empty >= len(voters) + empty:
        return {**none, "not_applicable": True}
    if not sum(weights):
        return none
    if bench.combine is Combine.VOTE:
        return {**none, "value": float(voters["value"].mode().mean())}
    expected = voters["expected"].astype("float64")
    return {
        **none,
        "value": float(np.average(voters["value"].astype("float64"), weights=weights)),
        "expected": None if expected.isna().any() else float(np.average(expected, weights=weights)),
    }


def _weights(
    results: Results, mine: pd.DataFrame, about: list[str], weigh: Callable[[pd.DataFrame], float]
) -> dict[tuple[str, int], float]:
    """Weigh each member for each fold by how far it agrees with the labels of the other folds.

    A member with fewer than `MIN_LABELS` labels there has no weight.
    """
    labels = ground(results)
    held = with_label_criterion(results, mine)
    held["fold"] = [fold(cluster) for cluster in mine["cluster"]]
    held["opposed"] = opposed(results, held)
    joined = held.merge(labels, on=[*about, "label_criterion"], suffixes=("", "_of_label"))
    found = {}
    for judge, said in joined.groupby("judge"):
        for number in range(FOLDS):
            others = said[said["fold"] != number]
            if len(others) >= MIN_LABELS:
                found[str(judge), number] = weigh(others)
    return found


def _accuracy(joined: pd.DataFrame) -> float:
    """Return the log-odds of being right, at least 0; ties of the labels are left out."""
    decided = joined[joined["winner"].notna() & (joined["label_winner"] != "tie")]
    if decided.empty:
        return 0.0
    right = float((decided["winner"].astype(str) == decided["label_winner"]).mean())
    right = min(max(right, 1 - _SURE), _SURE)
    return max(0.0, math.log(right / (1 - right)))


def _correlation(joined: pd.DataFrame) -> float:
    """Return Pearson's correlation with the labels, both with higher = better, at least 0."""
    known = joined[joined["value"].notna() & joined["label_value"].notna()]
    value, label = known["value"].astype("float64"), known["label_value"].astype("float64")
    value = value.where(~known["opposed"], -value)
    if len(known) < MIN_LABELS or not value.std() or not label.std():
        return 0.0
    return max(0.0, float(value.corr(label)))

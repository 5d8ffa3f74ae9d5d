"""Juries: several judges of a run whose verdicts are combined to those of one more rater.

Source: Verga et al., Replacing Judges with Juries, arXiv 2404.18796; weights of a weighted vote: Nitzan
and Paroush, Optimal decision rules in uncertain dichotomous choice situations, 1982.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.directions import opposed_directions
from evalhub.analysis.frames.labels import gold_labels, with_label_criterion
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, RESPONSE, by_key, stacked, values
from evalhub.records import digest
from evalhub.scales import Winner
from evalhub.specs import Combine
from evalhub.store import JuryFacts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]

JURY = "jury"
FOLDS = 5
MIN_LABELS = 10

_SURE = 0.99


@dataclass(frozen=True, slots=True)
class _Bench:
    """The members of one jury on one criterion, and the pairs or responses that any of them judged.

    Attributes:
        units: One row per pair or response, with the values of its first member.
        members: For each member a row per unit, in the order of the units. Missing where it did not judge.
        votes: Whether each member has a vote on each unit.
        weights: The weight of each member on each unit.
    """

    jury: JuryFacts
    units: pd.DataFrame
    members: list[pd.DataFrame]
    votes: Sequence[Numbers]
    weights: Sequence[Numbers]

    def sum(self, of_members: Iterable[Numbers]) -> Numbers:
        """Return the sum over the members, in their order, of what those with a vote give."""
        import numpy as np

        total = np.zeros(len(self.units))
        for vote, value in zip(self.votes, of_members, strict=True):
            total = total + np.where(vote, value, 0.0)
        return total

    @property
    def voters(self) -> Numbers:
        """The number of members with a vote on each unit."""
        return self.sum(self.votes)


def pair_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pair verdicts of the judges, followed by those of the run's juries.

    Args:
        results: The run.
        frame: One row per judge, criterion and pair, with chance_a, chance_tie and chance_b (missing for hard
            verdicts), winner and soft.
    """
    return _with_juries(results, frame, PAIR, "winner", _decide_pairs, _accuracy)


def rating_juries(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings of the judges, followed by those of the run's juries.

    Args:
        results: The run.
        frame: One row per judge, criterion and response, with value, expected and not_applicable. The
            criterion does not apply for a jury where it does not apply for at least half of its members.
    """
    return _with_juries(results, frame, RESPONSE, "value", _decide_ratings, _correlation)


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
    verdict: str,
    decide: Callable[[_Bench], dict[str, Any]],
    weigh: Callable[[pd.DataFrame], float],
) -> pd.DataFrame:
    import pandas as pd

    frames = [frame]
    for jury in results.juries:
        for criterion, of_member in jury.criteria.items():
            if frame.empty:
                continue
            members = by_key(frame, ("judge", "criterion"), lambda j, c, of=of_member: of.get(j) == c)
            verdicts = frame[members.astype(bool)]
            if verdicts.empty:
                continue
            weights = _weights(results, verdicts, unit, weigh) if jury.combine is Combine.WEIGHTED else None
            bench = _bench(jury, verdicts, unit, verdict, weights)
            columns = {
                **_shared(bench), **decide(bench), "judge": jury.id, "criterion": criterion, "source": JURY,
            }  # fmt: skip
            # The names of juries are in no column of categories yet.
            types = {
                name: "category" if isinstance(dtype, pd.CategoricalDtype) else dtype
                for name, dtype in frame.dtypes.items()
            }
            frames.append(bench.units.assign(**columns).astype(types))
    return stacked(frames)


def _bench(
    jury: JuryFacts,
    verdicts: pd.DataFrame,
    unit: list[str],
    verdict: str,
    weights: Mapping[tuple[str, int], float] | None,
) -> _Bench:
    """Arrange the members' rows by unit.

    Args:
        jury: The jury.
        verdicts: The members' rows.
        unit: The columns that identify a pair or response.
        verdict: The column of the verdict. A member without one has no vote.
        weights: The weight of each member on each fold. None = all have the weight 1.
    """
    import numpy as np

    units = verdicts.drop_duplicates(unit).sort_values(unit, ignore_index=True)
    keys = units[unit].reset_index(names="unit")
    numbers = verdicts[unit].merge(keys, on=unit, how="left")["unit"].to_numpy()
    members, votes, member_weights = [], [], []
    for judge in sorted(set(verdicts["judge"])):
        of_judge = (verdicts["judge"] == judge).to_numpy()
        rows = verdicts[of_judge].set_index(numbers[of_judge]).reindex(range(len(units)))
        weight = np.ones(len(units))
        if weights is not None:
            by_fold = [weights.get((judge, number), np.nan) for number in range(FOLDS)]
            weight = np.array([by_fold[fold(cluster)] for cluster in units["cluster"]])
        members.append(rows)
        votes.append(rows[verdict].notna().to_numpy() & ~np.isnan(weight))
        member_weights.append(weight)
    return _Bench(jury, units, members, votes, member_weights)


def _shared(bench: _Bench) -> dict[str, Any]:
    """Return the columns that pairs and responses share."""
    import numpy as np

    present = [rows["judge"].notna().to_numpy() for rows in bench.members]
    relations = [np.array(values(rows["same_family"]), dtype=object) for rows in bench.members]
    related = np.any([relation == True for relation in relations], axis=0)  # noqa: E712
    unrelated = np.all(
        [(relation == False) | ~judged for relation, judged in zip(relations, present, strict=True)],  # noqa: E712
        axis=0,
    )
    return {
        "askings": np.sum([rows["askings"].fillna(0) for rows in bench.members], axis=0),
        "same_family": [True if a else False if b else None for a, b in zip(related, unrelated, strict=True)],
        "spread": None,
        "retest": None,
    }


def _decide_pairs(bench: _Bench) -> dict[str, Any]:
    import numpy as np

    averaged, shares = bench.jury.combine is Combine.MEAN, {}
    for winner in Winner:
        votes = [(rows["winner"] == winner.value).to_numpy(dtype=float) for rows in bench.members]
        if averaged:
            votes = [
                np.where(rows["chance_a"].notna(), rows[f"chance_{winner}"].fillna(0), hard_verdict)
                for rows, hard_verdict in zip(bench.members, votes, strict=True)
            ]
        weighted = (weight * share for weight, share in zip(bench.weights, votes, strict=True))
        shares[winner.value] = bench.sum(weighted)
    total = bench.sum(bench.weights)
    decided = (bench.voters >= bench.jury.quorum) & (total > 0)
    with np.errstate(invalid="ignore"):
        chances = {
            f"chance_{name}": np.where(decided, share / total, np.nan) for name, share in shares.items()
        }
    columns: dict[str, Any] = {**chances, "winner": None, "winner_ab": None, "winner_ba": None, "soft": False}
    if averaged:
        columns["chance_tie"] = np.where(chances["chance_tie"] > 0, chances["chance_tie"], np.nan)
        soft = [
            ~vote | rows["soft"].eq(True).to_numpy()
            for vote, rows in zip(bench.votes, bench.members, strict=True)
        ]
        columns["soft"] = decided & np.all(soft, axis=0)
    return columns


def _decide_ratings(bench: _Bench) -> dict[str, Any]:
    import numpy as np

    levels, expected = (
        [rows[name].to_numpy(dtype=float) for rows in bench.members] for name in ("value", "expected")
    )
    not_applicable = np.sum([rows["not_applicable"].eq(True) for rows in bench.members], axis=0)
    applies = 2 * not_applicable < bench.voters + not_applicable
    has_quorum = bench.voters + not_applicable >= bench.jury.quorum
    total = bench.sum(bench.weights)
    rated = has_quorum & applies & (total > 0)

    def mean(of_members: Sequence[Numbers]) -> Numbers:
        weighted = (weight * value for weight, value in zip(bench.weights, of_members, strict=True))
        with np.errstate(invalid="ignore"):
            return np.where(rated, bench.sum(weighted) / total, np.nan)

    by_vote = bench.jury.combine is Combine.VOTE
    return {
        "value": np.where(rated, _modes(bench, levels), np.nan) if by_vote else mean(levels),
        "expected": np.nan if by_vote else mean(expected),
        "failures": 0,
        "not_applicable": has_quorum & ~applies,
    }


def _modes(bench: _Bench, of_members: Sequence[Numbers]) -> Numbers:
    """Return the most frequent level of each response, or the mean of several such levels."""
    import numpy as np

    voted = [np.where(vote, value, np.nan) for vote, value in zip(bench.votes, of_members, strict=True)]
    levels = np.sort(np.column_stack(voted), axis=1)
    equal = levels[:, :, None] == levels[:, None, :]
    counts = equal.sum(axis=2)
    first = ~np.tril(equal, -1).any(axis=2) & (counts > 0)
    modes = first & (counts == counts.max(axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        means: Numbers = np.where(modes, levels, 0.0).sum(axis=1) / modes.sum(axis=1)
    return means


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

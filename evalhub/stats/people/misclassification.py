"""The share of a system's answers that are right, from a judge whose errors were counted on labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, codes, floats, same_length
from evalhub.stats.estimate import Estimate
from evalhub.stats.intervals import DEFAULT, NOISE, Ends, Options, no_ends, t_quantile, with_ends
from evalhub.stats.means import cluster_variance, mean_estimate
from evalhub.stats.people.frame import MIN_LABELLED


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share that is set right for a judge's errors, and these errors.

    Attributes:
        share: Of labels that are 1 among the rows without a label, in [0, 1].
        said: Share of their verdicts that are 1; biased as the judge is.
        sensitivity: Share of verdicts that are 1 where the label is.
        specificity: Share of verdicts that are 0 where the label is.
    """

    share: Estimate
    said: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class _Part:
    """A proportion, and how many independent rows it is worth."""

    share: float
    n: float
    clusters: int
    freedom: float

    def moved(self, pseudo: float) -> tuple[float, float]:
        """Return the proportion with `pseudo` rows more, half of them hits, and its variance."""
        n = self.n + pseudo
        share = (self.share * self.n + pseudo / 2) / n
        return share, share * (1 - share) / n


def corrected_share(
    labels: Column, verdicts: Column, clusters: Column, *, options: Options = DEFAULT
) -> Corrected:
    """Estimate how many of the unlabelled rows people would call right, from what the judge calls so.

    The labelled rows need not be drawn like the others, nor have as many right ones: only the judge's error
    rates must be the same. Where they are a random part of all rows, `powered_mean` assumes less.

    Args:
        labels: (n,) 1, 0, or None = not labelled; their rows measure the judge.
        verdicts: (n,) 1, 0, or None = no verdict, left out.
        clusters: (n,) cluster ids.
        options: Level.

    Returns:
        The share in [0, 1] with an interval that holds the uncertainty of the judge's errors. No interval
        where sensitivity + specificity cannot be told from 1, or with fewer than 25 clusters of either kind;
        None where it is at most 1.

    Raises:
        InputError: The columns differ in length, or a value is neither 0 nor 1.

    Source: Rogan & Gladen, American Journal of Epidemiology 107(1), 1978, 71-76; Fieller, Journal of
        the Royal Statistical Society B 16(2), 1954, 175-185 (interval of a ratio); Lang & Reiczigel,
        Preventive Veterinary Medicine 113(1), 2014, 13-22 (the rows that are added to each count); Lee et
        al. 2025, arXiv 2511.21140 (judges).

    Example:
        >>> labels = [1] * 50 + [0] * 50 + [None] * 200
        >>> verdicts = [1] * 45 + [0] * 5 + [1] * 10 + [0] * 40 + [1, 1, 0, 1] * 50
        >>> found = corrected_share(labels, verdicts, range(300))
        >>> found.said.estimate, round(found.share.estimate, 3)
        (0.75, 0.786)
        >>> round(found.share.low, 2), round(found.share.high, 2)
        (0.66, 0.94)
    """
    n = same_length({"labels": labels, "verdicts": verdicts, "clusters": clusters})
    true, said = _binary(labels), _binary(verdicts)
    judged = ~np.isnan(said)
    names = np.asarray(clusters)
    groups = (
        (said, judged & np.isnan(true)),
        (said, judged & (true == 1)),
        (1 - said, judged & (true == 0)),
    )
    shares = [mean_estimate(hit[row], names[row], bounds=(0, 1), options=options) for hit, row in groups]
    parts = [_part(hit[row], names[row]) for hit, row in groups if row.any()]
    value, ends = _share(parts, options.level)
    used = int(judged.sum())
    count = codes(names[judged])[1]
    share = with_ends(value, ends, level=options.level, n=used, clusters=count, left_out=n - used)
    return Corrected(share, *shares)


def _binary(column: Column) -> Floats:
    values = floats(column)
    strange = values[~(np.isnan(values) | (values == 0) | (values == 1))]
    if strange.size:
        raise InputError("labels and verdicts are 0 or 1 here", value=float(strange[0]))
    return values


def _part(values: Floats, clusters: Column) -> _Part:
    """Return the proportion; clusters whose rows go together count for fewer rows."""
    members, count = codes(clusters)
    share, n, freedom = float(values.mean()), float(len(values)), math.inf
    if 1 < count < n:
        variance, freedom = cluster_variance(values, members)
        worth = share * (1 - share) / variance if variance > NOISE**2 else float(count)
        n = min(n, worth)
    return _Part(share, n, count, freedom)


def _share(parts: list[_Part], level: float) -> tuple[float | None, Ends]:
    if len(parts) < 3:
        return None, no_ends("unlabelled rows and labels of both kinds are needed")
    said, hit, spared = parts
    informed = hit.share + spared.share - 1
    if informed <= 0:
        return None, no_ends("the verdicts carry no information: sensitivity + specificity is at most 1")
    value = float(np.clip((said.share + spared.share - 1) / informed, 0.0, 1.0))
    return value, _ends(said, hit, spared, level)


def _ends(said: _Part, hit: _Part, spared: _Part, level: float) -> Ends:
    """Return the shares p that the counts do not contradict: q + sp - 1 = p (se + sp - 1), tested."""
    if min(part.clusters for part in (said, hit, spared)) < MIN_LABELLED:
        return no_ends(f"fewer than {MIN_LABELLED} clusters of unlabelled rows or of either kind of label")
    quantile = t_quantile(level, min(part.freedom for part in (said, hit, spared)))
    square = quantile**2
    (q, of_q), (se, of_se), (sp, of_sp) = said.moved(square), hit.moved(2), spared.moved(2)
    informed, above = se + sp - 1, q + sp - 1
    # Where this is not above 0, the shares that are not contradicted have no bounds.
    leading = informed**2 - square * (of_se + of_sp)
    if informed <= 0 or leading <= 0:
        return no_ends("sensitivity + specificity cannot be told from 1")
    middle = above * informed - square * of_sp
    last = above**2 - square * (of_q + of_sp)
    half = max(0.0, middle**2 - leading * last) ** 0.5
    low, high = (float(np.clip(end / leading, 0.0, 1.0)) for end in (middle - half, middle + half))
    if high - low <= NOISE:
        return no_ends("the verdicts do not fit the errors that were counted")
    return Ends(low, high, "fieller")

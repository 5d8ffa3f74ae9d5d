"""The share of a system's answers that are right, from a judge whose error rates are measured on labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalhub.errors import InputError
from evalhub.stats.clusters import Column, Floats, codes, floats, same_length
from evalhub.stats.estimate import CONFIDENCE, Estimate
from evalhub.stats.intervals import NOISE, Ends, no_ends, t_quantile, with_ends
from evalhub.stats.means import cluster_variance
from evalhub.stats.people.frame import MIN_LABELLED


@dataclass(frozen=True, slots=True)
class _Part:
    """A proportion, and its effective number of independent rows."""

    share: float
    n: float
    clusters: int
    freedom: float

    def smoothed(self, pseudo: float) -> tuple[float, float]:
        """Return the proportion with `pseudo` rows more, half of them hits, and its variance."""
        n = self.n + pseudo
        share = (self.share * self.n + pseudo / 2) / n
        return share, share * (1 - share) / n


def corrected_share(labels: Column, verdicts: Column, clusters: Column) -> Estimate:
    """Estimate how many of the unlabelled rows people would call right, from the judge's verdicts.

    Choose it where the labelled rows are no random part of all rows, and may have more or fewer right
    answers: only the judge's error rates must be the same. Where they are a random part, `powered_mean`
    assumes less.

    Args:
        labels: (n,) 1, 0, or None = not labelled. Their rows measure the judge.
        verdicts: (n,) 1, 0, or None = no verdict, left out.
        clusters: (n,) cluster ids.

    Returns:
        The share in [0, 1] with an interval that covers the uncertainty of the judge's error rates. No
        interval where sensitivity + specificity may be 1, or with fewer than 25 clusters of either kind. None
        where it is at most 1.

    Raises:
        InputError: The columns differ in length, or a value is neither 0 nor 1.

    Source: Rogan & Gladen, American Journal of Epidemiology 107(1), 1978, 71-76. Fieller, Journal of
        the Royal Statistical Society B 16(2), 1954, 175-185 (interval of a ratio). Lang & Reiczigel,
        Preventive Veterinary Medicine 113(1), 2014, 13-22 (the rows that are added to each count). Lee et
        al. 2025, arXiv 2511.21140 (judges).

    Example:
        >>> labels = [1] * 50 + [0] * 50 + [None] * 200
        >>> verdicts = [1] * 45 + [0] * 5 + [1] * 10 + [0] * 40 + [1, 1, 0, 1] * 50
        >>> share = corrected_share(labels, verdicts, range(300))
        >>> round(share.estimate, 3), round(share.low, 2), round(share.high, 2)
        (0.786, 0.66, 0.94)
    """
    n = same_length({"labels": labels, "verdicts": verdicts, "clusters": clusters})
    truth, hits = _binary(labels), _binary(verdicts)
    judged = ~np.isnan(hits)
    names = np.asarray(clusters)
    groups = (
        (hits, judged & np.isnan(truth)),
        (hits, judged & (truth == 1)),
        (1 - hits, judged & (truth == 0)),
    )
    parts = [_part(values[rows], names[rows]) for values, rows in groups if rows.any()]
    value, ends = _share(parts)
    rows = int(judged.sum())
    return with_ends(value, ends, n=rows, clusters=codes(names[judged])[1], n_excluded=n - rows)


def _binary(column: Column) -> Floats:
    values = floats(column)
    strange = values[~(np.isnan(values) | (values == 0) | (values == 1))]
    if strange.size:
        raise InputError("labels and verdicts are 0 or 1 here", value=float(strange[0]))
    return values


def _part(values: Floats, clusters: Column) -> _Part:
    """Return the proportion. Clusters with correlated rows count for fewer rows."""
    members, count = codes(clusters)
    share, n, freedom = float(values.mean()), float(len(values)), math.inf
    if 1 < count < n:
        variance, freedom = cluster_variance(values, members)
        n = min(n, share * (1 - share) / variance if variance > NOISE**2 else float(count))
    return _Part(share, n, count, freedom)


def _share(parts: list[_Part]) -> tuple[float | None, Ends]:
    if len(parts) < 3:
        return None, no_ends("unlabelled rows and labels of both kinds are needed")
    verdicts, sensitivity, specificity = parts
    information = sensitivity.share + specificity.share - 1
    if information <= 0:
        return None, no_ends("the verdicts carry no information: sensitivity + specificity is at most 1")
    value = float(np.clip((verdicts.share + specificity.share - 1) / information, 0.0, 1.0))
    return value, _ends(parts)


def _ends(parts: list[_Part]) -> Ends:
    """Return the shares p that the counts do not contradict: q + sp - 1 = p (se + sp - 1), tested."""
    if min(part.clusters for part in parts) < MIN_LABELLED:
        return no_ends(f"fewer than {MIN_LABELLED} clusters of unlabelled rows or of either kind of label")
    quantile = t_quantile(CONFIDENCE, min(part.freedom for part in parts))
    square = quantile**2
    (q, of_q), (se, of_se), (sp, of_sp) = (
        part.smoothed(rows) for part, rows in zip(parts, (square, 2, 2), strict=True)
    )
    information, excess = se + sp - 1, q + sp - 1
    # Where this is not above 0, the shares that are not contradicted have no bounds.
    leading = information**2 - square * (of_se + of_sp)
    if information <= 0 or leading <= 0:
        return no_ends("sensitivity + specificity cannot be told from 1")
    middle = excess * information - square * of_sp
    last = excess**2 - square * (of_q + of_sp)
    half = max(0.0, middle**2 - leading * last) ** 0.5
    low, high = (float(np.clip(end / leading, 0.0, 1.0)) for end in (middle - half, middle + half))
    if high - low <= NOISE:
        return no_ends("the verdicts do not fit the errors that were counted")
    return Ends(low, high, "fieller")

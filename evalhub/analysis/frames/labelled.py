"""Pair verdicts joined with the labels of the same pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR

if TYPE_CHECKING:
    import pandas as pd


def labelled_pairs(results: Results) -> pd.DataFrame:
    """Return every judge's verdicts of labelled pairs.

    The columns are those of `pair_verdicts` and of `consensus_labels`. A pair that several kinds of
    annotators labelled has a row for each kind.
    """
    pairs, labels = pair_verdicts(results), consensus_labels(results)
    verdicts = with_label_criterion(results, pairs)
    labels = labels[labels["label_winner"].notna()]
    return verdicts.merge(labels.drop(columns="system"), on=[*PAIR, "label_criterion"])

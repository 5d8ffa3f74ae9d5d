"""The parts of a report: which tables each shows, and which parts stand on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from evalhub.report.format import Footnotes, Grid
from evalhub.report.grids.attacks import attack_grids
from evalhub.report.grids.biases import biases
from evalhub.report.grids.by_tag import tag_grids
from evalhub.report.grids.cascades import cascade_grids
from evalhub.report.grids.grids import (
    agreements,
    answer_grids,
    correlation_grids,
    coverages,
    failure_grids,
    leaderboards,
    length_penalty,
    unscored_grids,
    with_each_other,
)
from evalhub.report.grids.ranking import (
    length_grids,
    powered_grids,
    rank_grids,
    settled_grids,
    strength_grids,
    unshared_grids,
    worst_grids,
)
from evalhub.report.plots import Forest, agreement_forests, correlation_forests, leaderboard_forests

Data = dict[str, Any]


def _no_forests(_: Data) -> Iterator[Forest]:
    yield from ()


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report.

    Args:
        title: Stands over it.
        tables: The tables of `report_data` that it is made of.
        grids: Makes its grids; they are none where there is nothing to say.
        forests: Makes its drawings, for a page.
        brief: Makes fewer grids, for a terminal; None = the same.
    """

    title: str
    tables: tuple[str, ...]
    grids: Callable[[Data, Footnotes], Iterator[Grid]]
    forests: Callable[[Data], Iterator[Forest]] = _no_forests
    brief: Callable[[Data, Footnotes], Iterator[Grid]] | None = None


def _coverage(data: Data, notes: Footnotes) -> Iterator[Grid]:
    yield from coverages(data, notes)
    yield from answer_grids(data)
    yield from unscored_grids(data)
    yield from failure_grids(data)


def _leaderboard(data: Data, notes: Footnotes) -> Iterator[Grid]:
    yield from leaderboards(data, notes)
    yield from unshared_grids(data, notes)


LEADERBOARD = Section("Leaderboard", ("leaderboard",), _leaderboard, leaderboard_forests)
RANKS = Section("Ranks, 1 = best", ("ranks",), rank_grids)
STRENGTHS = Section("Elo (Bradley-Terry)", ("strengths", "beats"), strength_grids)
LENGTH_CONTROLLED = Section(
    "Win rate against one baseline, length controlled", ("length_controlled",), length_grids
)
SETTLED = Section("Settled, valid at every look and for all pairs", ("settled",), settled_grids)
POWERED = Section("People and judge together", ("powered",), powered_grids)
LENGTH_PENALTY = Section("Length penalty: raw and penalised", ("leaderboard",), length_penalty)
WORST_CASES = Section("Had nothing failed", ("worst_cases",), worst_grids)
AGREEMENT = Section(
    "Judge, ROUGE and labels",
    ("agreement",),
    agreements,
    agreement_forests,
    brief=partial(agreements, readings=False),
)
CORRELATIONS = Section(
    "Correlation with the labels", ("correlations",), correlation_grids, correlation_forests
)
WITH_EACH_OTHER = Section("Judge and ROUGE with each other", ("agreement", "correlations"), with_each_other)
CASCADES = Section("Cascades", ("cascades",), cascade_grids)
BIASES = Section("Biases", ("biases",), biases)
ATTACKS = Section("Attacks", ("attacks", "controls", "not_attacked"), attack_grids)
COVERAGE = Section(
    "Coverage and failures", ("coverage", "answers", "unscored", "left_out", "failures"), _coverage
)

FAILURES = Section("Failures", ("failures",), lambda data, _: failure_grids(data))
BY_TAG = Section("By tag of the items", (), tag_grids)

RANKING = (
    LEADERBOARD, RANKS, STRENGTHS, LENGTH_CONTROLLED, SETTLED, POWERED, LENGTH_PENALTY, BY_TAG, WORST_CASES,
)  # fmt: skip
"""Everything that ranks systems."""

_JUDGES = (AGREEMENT, CORRELATIONS, WITH_EACH_OTHER, CASCADES, BIASES, ATTACKS, COVERAGE)

PAGE = (*RANKING[:-1], *_JUDGES, WORST_CASES)
"""The whole report, in the order of the page."""

TERMINAL = (LEADERBOARD, SETTLED, LENGTH_PENALTY, BY_TAG, *_JUDGES)
"""What fits on a terminal."""

"""Where something is shown, and what an entry of the registry is: a table of tidy rows, or a section."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Flag, auto
from typing import TYPE_CHECKING

from evalhub.analysis import Results
from evalhub.report.grids.columns import Data, Grids
from evalhub.report.plots.estimates import Plot

if TYPE_CHECKING:
    import pandas as pd

Function = Callable[[Results], "pd.DataFrame"]


class Place(Flag):
    """Where something is shown."""

    NOWHERE = 0
    SUMMARY = auto()
    TERMINAL = auto()
    PAGE = auto()
    LEADERBOARD = auto()
    META = auto()
    COMPARE = auto()
    RATERS = auto()
    SENSITIVITY = auto()
    ATTACK = auto()
    LABELS = auto()
    RANKING_VIEW = auto()
    TRUST_VIEW = auto()
    BIASES_VIEW = auto()
    METRICS_VIEW = auto()
    RUNS_VIEW = auto()
    REPORT = TERMINAL | PAGE
    VIEWS = RANKING_VIEW | TRUST_VIEW | BIASES_VIEW | METRICS_VIEW | RUNS_VIEW


@dataclass(frozen=True, slots=True)
class Table:
    """A statistic of a run, as a table of tidy rows.

    Attributes:
        name: Its key in JSON, and its name for sections and the dashboard.
        function: The function of `analysis` that makes it.
        places: Which outputs have it among their data.
        by_tag: Which outputs break it down by the tags of items.
        of_part: Makes it for a part of the items, where that is another function.
        starts_from: The tables that its function starts from, whose functions keep what they return.
        of_the_night: Whether it tells of the night: its engines, and what it took from earlier runs.
        uses_labels: Whether labels enter it, so that labels which people add make it anew.
    """

    name: str
    function: Function
    places: Place
    by_tag: Place = Place.NOWHERE
    of_part: Function | None = None
    starts_from: tuple[str, ...] = ()
    of_the_night: bool = False
    uses_labels: bool = True


def _no_plots(_: Data) -> Iterator[Plot]:
    yield from ()


def _no_notes(_: Data) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True, slots=True)
class Section:
    """One part of an output: a heading with grids and plots.

    Attributes:
        title: Stands over it.
        tables: Names of the tables that it is made of.
        grids: Makes its grids. `line_grids` makes them of a list of columns.
        places: Where it stands. Sections stand in the order of `SECTIONS` everywhere.
        plots: Makes what is drawn, for the page and the dashboard.
        brief: Makes fewer grids, for the terminal. None = the same grids.
        notes: Makes sentences that stand below all tables.
    """

    title: str
    tables: tuple[str, ...]
    grids: Grids
    places: Place
    plots: Callable[[Data], Iterator[Plot]] = _no_plots
    brief: Grids | None = None
    notes: Callable[[Data], Iterator[str]] = _no_notes

"""What every page is about: the run and the dataset of its address, and the run's tables."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from parts.choices import choice
from parts.text import plain
from streamlit.delta_generator import DeltaGenerator

from evalhub.analysis import Results, in_order
from evalhub.analysis.findings.finding import Question
from evalhub.errors import EvalhubError
from evalhub.report.data import findings_of_other_runs, metrics_data
from evalhub.report.tables.registry import TABLES
from evalhub.report.tables.stored import is_stored, table_rows
from evalhub.store import Run, labels_folder, runs_root

COMMAND = "evalhub run quickstart"
LATEST = "latest"

Row = dict[str, Any]

_COUNTED_WHILE_RUNNING = 5_000
"""The tables of a run with more planned judgments are not made before it is finished."""
_SECONDS_BETWEEN_READS = 10
_OF_SYSTEMS = Question.BEST.name.lower()
_TABLES = {table.name: table for table in TABLES}


@dataclass(frozen=True, slots=True)
class Context:
    """The run and the dataset of a page."""

    run: Run
    dataset: str
    version: str

    @property
    def results(self) -> Results:
        """The run's tables, to be asked."""
        return _results(str(self.run.path), self.version)

    @property
    def metrics(self) -> dict[str, Row]:
        """The run's metrics with their directions."""
        return metrics_data(self.run.manifest)

    @property
    def has_tables(self) -> bool:
        """Whether the tables are at hand: those of a small run, or those that are stored with a large one."""
        if _is_counted(self.results):
            return True
        key, complete = (str(self.run.path), self.version), _complete_runs()
        if key not in complete and all(is_stored(self.results, table) for table in TABLES):
            complete.add(key)
        return key in complete

    def table(self, name: str) -> list[Row]:
        """Return the rows of a table of the whole run. They are shared, so no caller may change them."""
        return _table(str(self.run.path), self.version, name)

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a table that are about the dataset, or about no dataset alone."""
        return [row for row in self.table(name) if row.get("dataset", self.dataset) == self.dataset]

    def findings(self) -> list[Row]:
        """Return the findings about the run and the dataset, in the order of their questions.

        A dataset whose systems are anonymous tests judges, so what ranks systems comes last.
        """
        rows = _findings(str(self.run.path), self.version)
        rows = [row for row in rows if row["dataset"] in (None, self.dataset)]
        is_anonymous = self.run.manifest.cards[self.dataset].anonymous
        return sorted(rows, key=lambda row: is_anonymous and row["question"] == _OF_SYSTEMS)

    def data(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return several tables as the grids of the report take them."""
        tables = {name: [{"run": self.run.id, **row} for row in self.rows(name)] for name in names}
        return {**tables, "metrics": self.metrics}

    def link(self, **parameters: str | int | None) -> dict[str, str]:
        """Return the parameters of an address that leads to this run and dataset for ever."""
        further = {name: str(value) for name, value in parameters.items() if value not in (None, "")}
        return {"run": self.run.id, "data": self.dataset, **further}


def choose(toolbar: DeltaGenerator) -> Context | None:
    """Return what is chosen in the toolbar. Without any run, show how to make one."""
    root = runs_root()
    runs = runs_of(root)
    if not runs:
        _no_runs(root)
        return None
    with toolbar:
        suites = sorted({run.manifest.suite for run in runs.values()})
        suite = choice("Suite", suites, key="suite", placeholder="all suites") if len(suites) > 1 else None
        of_suite = [name for name, run in runs.items() if suite in (None, run.manifest.suite)]
        picked = choice(
            "Run", [LATEST, *of_suite], key="run", placeholder=f"newest: {of_suite[0]}", width=340
        )
        run = runs[picked] if picked in runs else runs[of_suite[0]]
        datasets = list(run.manifest.cards)
        dataset = choice("Dataset", datasets, key="data", placeholder=datasets[0]) if datasets[1:] else None
    try:
        context = Context(run, dataset or datasets[0], version_of(run))
        _ = context.results
    except (EvalhubError, OSError) as error:
        st.error("This run cannot be read. `evalhub verify` says which of its files is damaged.")
        st.code(str(error), language=None, wrap_lines=True)
        return None
    return context


def runs_of(root: Path) -> dict[str, Run]:
    """Return the runs of a folder by id, the newest first. A manifest is read again if it changed."""
    runs = []
    for manifest in root.glob("[!.]*/manifest.json"):
        try:
            runs.append(_run(str(manifest.parent), manifest.stat().st_mtime_ns))
        except (EvalhubError, OSError):
            continue
    runs.sort(key=lambda run: (run.manifest.created, run.id), reverse=True)
    return {run.id: run for run in runs}


def results_of(run: Run) -> Results:
    """Return the tables of any run."""
    return _results(str(run.path), version_of(run))


def _no_runs(root: Path) -> None:
    st.header("There are no runs yet", anchor=False)
    st.text("This command makes the first one. It takes a few minutes and needs no GPU:")
    st.code(COMMAND, language="bash")
    st.caption("The runs are looked for in this folder (`--runs` or `EVALHUB_RUNS` names another):")
    st.markdown(plain(root.resolve()))


def _is_counted(results: Results) -> bool:
    """Return whether a run is so small that its tables are counted when a page needs them."""
    if not results.run.finished and _planned_judgments(results.run) > _COUNTED_WHILE_RUNNING:
        return False  # without a look at its journals, which takes long while it runs
    return not results.database.is_large


def _planned_judgments(run: Run) -> int:
    """Return how many judgments a run has when it is finished."""
    return sum(run.manifest.expected.values())


def version_of(run: Run) -> str:
    """Return what changes when the run's files do: nothing that was read before is shown again.

    A large run that goes on is read again every few seconds, once for all sessions.
    """
    parts: list[int | str] = [(run.path / "manifest.json").stat().st_mtime_ns]
    if run.finished or _planned_judgments(run) <= _COUNTED_WHILE_RUNNING:
        parts += [path.stat().st_size for path in run.journals()]
    else:
        parts.append(int(time.time() / _SECONDS_BETWEEN_READS))
    files = sorted(labels_folder(run.path.parent).glob("*.jsonl"))
    parts += [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return "-".join(map(str, parts))


@st.cache_resource(max_entries=5000, show_spinner=False)
def _run(path: str, modified: int) -> Run:
    del modified
    return Run(Path(path))


@st.cache_resource(show_spinner=False)
def _complete_runs() -> set[tuple[str, str]]:
    """Return the runs, in their versions, of which all tables are known to be stored. It grows."""
    return set()


@st.cache_resource(max_entries=4, show_spinner="Reading the run")
def _results(path: str, version: str) -> Results:
    del version
    results = Results(Run(Path(path)))
    # Damage is found now, and not in the middle of a page.
    if _is_counted(results):
        results.read_tables()
    return results


# A resource and not data: data would be unpickled each time that it is read.
@st.cache_resource(max_entries=200, show_spinner="Counting")
def _table(path: str, version: str, name: str) -> list[Row]:
    return table_rows(_results(path, version), _TABLES[name])


# Other runs tell of this one too: their attacks, and the tag of the baseline. So it is asked again soon.
@st.cache_resource(max_entries=50, ttl="30s", show_spinner="Counting")
def _findings(path: str, version: str) -> list[Row]:
    results = _results(path, version)
    of_other_runs = (finding.as_row() for finding in findings_of_other_runs(results))
    return in_order([*_table(path, version, "findings"), *of_other_runs])

"""Which run is looked at, and its tables, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from evalhub.analysis import Results, labelled_responses
from evalhub.errors import EvalhubError
from evalhub.report.data import metrics_data
from evalhub.report.format import visible
from evalhub.report.registry import Place, tables_of
from evalhub.report.tables import read_table
from evalhub.store import Run, State, all_runs, labels_folder, runs_root
from evalhub.texts import count

COMMAND = "evalhub run quickstart"

_TABLES = {table.name: table for table in tables_of(Place.DASHBOARD)}


@dataclass(frozen=True, slots=True)
class Selection:
    """The run and dataset that every view shows."""

    run: Run
    dataset: str
    version: str

    @property
    def results(self) -> Results:
        """The run's tables, to be asked."""
        return _results(str(self.run.path), self.version)

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """The run's metrics with their directions."""
        return metrics_data(self.run.manifest)

    def table(self, name: str) -> Any:
        """Return what the analysis of that name says about the whole run."""
        return _table(str(self.run.path), self.version, name)

    def rows(self, name: str) -> pd.DataFrame:
        """Return the rows of a table that belong to the chosen dataset."""
        table: pd.DataFrame = self.table(name)
        return table[table["dataset"] == self.dataset].reset_index(drop=True)

    def labelled_responses(self, label_criterion: str, annotator_kind: str) -> pd.DataFrame | None:
        """Return all numbers about each response with a label of a criterion, or None."""
        frames = _labelled_responses(str(self.run.path), self.version)
        return frames.get((self.dataset, label_criterion, annotator_kind))

    def link(self, **parameters: str) -> dict[str, str]:
        """Return the query parameters that lead back to what is shown."""
        return {"run": self.run.id, "dataset": self.dataset, **parameters}


def choose() -> Selection | None:
    """Show the sidebar and return the selection made in it. Without any run, show how to make one."""
    root = runs_root()
    runs = {run.id: run for run in all_runs(root)}
    if not runs:
        _no_runs(root)
        return None
    with st.sidebar:
        linked = st.query_params.get("run")
        newest = next(iter(runs))
        picked = st.selectbox(
            "Run", list(runs), index=None, placeholder=f"newest: {newest}", key="run", bind="query-params"
        )
        run = runs[picked] if picked in runs else runs[newest]
        datasets = list(run.manifest.cards)
        dataset = st.selectbox("Dataset", datasets, key="dataset", bind="query-params")
        _facts(run)
    if linked and linked not in runs:
        st.warning("The link names a run that is not in this folder. The newest one is shown instead.")
    try:
        selection = Selection(run, dataset if dataset in datasets else datasets[0], _version(run))
        _ = selection.results
    except (EvalhubError, OSError) as error:
        st.error("This run cannot be read. `evalhub verify` says which of its files is damaged.")
        st.code(str(error), language=None, wrap_lines=True)
        return None
    return selection


def plain(text: object) -> str:
    """Return a text as one line without effect on the page: `visible`, and Markdown and HTML escaped."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|<>$:~&/@=^" else sign for sign in visible(text))


def _facts(run: Run) -> None:
    state = run.state
    if run.finished:
        st.caption(f"Finished, {count(run.manifest.seconds)} s. Begun {run.manifest.created:.16}.")
    else:
        st.badge(state, icon=":material/pending:", color="orange")
        effect = "repeats what failed in a new run" if state is State.STOPPED else "continues it"
        st.caption(f"The numbers cover the records written so far. The same `evalhub run` {effect}.")
    if st.button("Read again", icon=":material/refresh:", width="stretch"):
        st.rerun()


def _no_runs(root: Path) -> None:
    st.header("There are no runs yet")
    st.text("This command makes the first one. It takes a few minutes and needs no GPU:")
    st.code(COMMAND, language="bash")
    st.caption("The runs are looked for in this folder (`--runs` or `EVALHUB_RUNS` names another):")
    st.code(str(root.resolve()), language=None)


def _version(run: Run) -> str:
    """Return what changes when the run's files do: nothing that was read before is shown again."""
    parts = [(run.path / "manifest.json").stat().st_mtime_ns]
    parts += [path.stat().st_size for path in run.journals()]
    parts += [path.stat().st_size for path in sorted(labels_folder(run.path.parent).glob("*.jsonl"))]
    return "-".join(map(str, parts))


@st.cache_resource(max_entries=4, show_spinner="Reading the run")
def _results(path: str, version: str) -> Results:
    del version
    results = Results(Run(Path(path)))
    if not results.database.is_large:
        results.read_tables()
    return results


@st.cache_data(max_entries=100, show_spinner="Counting")
def _table(path: str, version: str, name: str) -> Any:
    return read_table(_results(path, version), _TABLES[name])


@st.cache_data(max_entries=10, show_spinner="Counting")
def _labelled_responses(path: str, version: str) -> dict[tuple[str, str, str], pd.DataFrame]:
    return labelled_responses(_results(path, version))

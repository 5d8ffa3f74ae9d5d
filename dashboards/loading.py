"""Which run is looked at, and its tables, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from evalhub import analysis
from evalhub.analysis import Results
from evalhub.errors import EvalhubError
from evalhub.store import Run, all_runs, runs_root

COMMAND = "evalhub run quickstart"

_TABLES = {
    name: getattr(analysis, name)
    for name in (
        "leaderboard",
        "ranks",
        "strengths",
        "beats",
        "settled",
        "length_controlled",
        "worst_cases",
        "agreement",
        "cascades",
        "biases",
        "calibration",
        "reliability",
        "correlations",
        "attacks",
        "controls",
        "not_attacked",
        "coverage",
        "answers",
        "choice_mass",
        "shortfalls",
        "left_out",
        "unscored",
        "failures",
        "hard_verdicts",
        "not_sent",
        "engines",
        "reused",
        "item_list",
        "pair_verdicts",
        "ratings",
        "consensus_labels",
        "labelled_responses",
    )
} | {"powered": analysis.prediction_powered}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run and dataset that every view shows."""

    run: Run
    dataset: str
    version: str

    @property
    def results(self) -> Results:
        """The run's tables, to be asked."""
        return _results(str(self.run.path), self.version)

    def table(self, name: str) -> Any:
        """Return what the analysis of that name says about the whole run."""
        return _table(str(self.run.path), self.version, name)

    def rows(self, name: str) -> pd.DataFrame:
        """Return the rows of a table that belong to the chosen dataset."""
        found = self.table(name)
        return found[found["dataset"] == self.dataset].reset_index(drop=True)

    def link(self, **about: str) -> dict[str, str]:
        """Return the query parameters that lead back to what is shown."""
        return {"run": self.run.id, "dataset": self.dataset, **about}


def choose() -> Chosen | None:
    """Show the sidebar and return what was chosen in it; None, and a page that helps, where nothing is."""
    root = runs_root()
    runs = {run.id: run for run in all_runs(root)}
    if not runs:
        _no_runs(root)
        return None
    with st.sidebar:
        asked = st.query_params.get("run")
        newest = next(iter(runs))
        picked = st.selectbox(
            "Run", list(runs), index=None, placeholder=f"newest: {newest}", key="run", bind="query-params"
        )
        run = runs[picked] if picked in runs else runs[newest]
        datasets = list(run.manifest["cards"])
        dataset = st.selectbox("Dataset", datasets, key="dataset", bind="query-params")
        _facts(run)
    if asked and asked not in runs:
        st.warning("The link names a run that is not in this folder. The newest one is shown instead.")
    try:
        chosen = Chosen(run, dataset if dataset in datasets else datasets[0], _version(run))
        _ = chosen.results
    except (EvalhubError, OSError) as error:
        st.error("This run cannot be read. `evalhub verify` says which of its files is damaged.")
        st.code(str(error), language=None, wrap_lines=True)
        return None
    return chosen


def plain(text: object) -> str:
    """Return a text as one line in which no sign means anything to Markdown."""
    line = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|<>$:~&/@=^" else sign for sign in line)


def _facts(run: Run) -> None:
    state = run.manifest.get("state")
    if run.finished:
        st.caption(f"Finished, {run.manifest.get('seconds', 0):,.0f} s. Begun {run.manifest['created']:.16}.")
    else:
        shown = state if state in ("running", "stopped") else "interrupted"
        st.badge(shown, icon=":material/pending:", color="orange")
        follow = "asks again what failed, in a new run" if state == "stopped" else "goes on with it"
        st.caption(f"The numbers cover what is there so far. The same `evalhub run` {follow}.")
    if st.button("Read again", icon=":material/refresh:", width="stretch"):
        st.rerun()


def _no_runs(root: Path) -> None:
    st.header("There are no runs yet")
    st.text("Make the first one; it takes a few minutes and needs no GPU:")
    st.code(COMMAND, language="bash")
    st.caption("The runs are looked for in this folder (`--runs` or `EVALHUB_RUNS` names another):")
    st.code(str(root.resolve()), language=None)


def _version(run: Run) -> str:
    """Return what changes when the run's files do: nothing that was read before is shown again."""
    parts = [(run.path / "manifest.json").stat().st_mtime_ns]
    parts += [path.stat().st_size for path in run.journals()]
    return "-".join(map(str, parts))


@st.cache_resource(max_entries=4, show_spinner="Reading the run")
def _results(path: str, version: str) -> Results:
    del version
    results = Results(Run(Path(path)))
    _ = results.connection
    return results


@st.cache_data(max_entries=100, show_spinner="Counting")
def _table(path: str, version: str, name: str) -> Any:
    return _TABLES[name](_results(path, version))

"""Judges side by side, as grids: one per labelled criterion, the raters below each other."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from evalhub.analysis.agreement.agreement import MACRO
from evalhub.analysis.run.contamination import OVERLAP_WORDS
from evalhub.analysis.run.cost import MONEY
from evalhub.report.format import Footnotes, Grid, Row, grouped, pivot, visible
from evalhub.report.grids.biases import CONTROLLED
from evalhub.report.grids.columns import Data, Grids, heading
from evalhub.report.grids.raters import judged_twice, rater_order, row_name
from evalhub.texts import ABSENT, count

_PAIR = ("dataset", "label_criterion", "first", "second", "statistic")
_LABELLED = ("dataset", "label_criterion", "annotator_kind")


def effect_notes(data: Data) -> Iterator[str]:
    """Yield in which unit effects are, where a table has some."""
    if any(row["statistic"].startswith("effect") for row in data["raters"]):
        yield f"{CONTROLLED.capitalize()}."


def rater_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion. A rater has a line for each run and criterion.

    Macro precision, recall and F1 are for programs.
    """
    rows = [row for row in data["raters"] if row["statistic"] not in dict(MACRO)]
    for (dataset, criterion, kind), group in grouped(rows, *_LABELLED):
        several_runs = len({row["run"] for row in group}) > 1
        several = judged_twice(group)
        lines = [
            {**row, **_heads(row), "line": _line(row, several, several_runs=several_runs)} for row in group
        ]
        lines.sort(key=lambda row: (rater_order(row), row["line"]))
        title = f"{dataset} · {criterion} · {kind} labels"
        names = {"line": "rater", "rater_kind": "kind"}
        yield pivot(lines, notes, title=title, names=names, across=("head", "subhead"))


def _heads(row: Row) -> Row:
    """Return the two lines of a statistic's head."""
    head, _, subhead = row["statistic"].partition(", ")
    return {"head": head, "subhead": subhead or None}


def _line(row: Row, several: Container[str], *, several_runs: bool) -> str:
    name = row_name({**row, "reading": "combined"}, several)
    return f"{name} ({_short_id(row['run'])})" if several_runs else name


def _short_id(run: str) -> str:
    return run.rsplit("-", 1)[-1]


def _with_short_ids(rows: Sequence[Row]) -> tuple[list[Row], dict[str, str]]:
    """Return rows with the end of their run's id, and its column where they are of several runs."""
    several = len({row["run"] for row in rows}) > 1
    return [{**row, "run": _short_id(row["run"])} for row in rows], {"run": "run"} if several else {}


def judge_grids(table: str) -> Grids:
    """Return what makes one grid of a table: a line for each judge, a column for each statistic."""

    def grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
        rows, run = _with_short_ids(data[table])
        if rows:
            names = {"judge": "judge", "model": "model", **run}
            yield pivot(rows, notes, title="", names=names, across=("statistic",))

    return grids


def cost_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid: a line for each judge, a column for each statistic. Money where a judge has a price."""
    rows = data["cost"]
    if not any(row["statistic"] == MONEY and row["estimate"] is not None for row in rows):
        rows = [row for row in rows if row["statistic"] != MONEY]
    yield from judge_grids("cost")({**data, "cost": rows}, notes)


def human_agreement_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per dataset: how far people agree with each other. Runs of one dataset say the same."""
    distinct = {
        (row["dataset"], row["label_criterion"], row["annotators"], row["statistic"]): row
        for row in data["human_agreement"]
    }
    for (dataset,), rows in grouped(distinct.values(), "dataset"):
        names = {"label_criterion": "criterion", "annotators": "annotators", "people": "people"}
        lines = [{**row, "people": count(row["people"])} for row in rows]
        yield pivot(lines, notes, title=visible(dataset), names=names, across=("statistic",))


def annotator_pair_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: every two annotators on what both labelled."""
    rows = data["annotator_pairs"]
    distinct = {tuple(row[name] for name in _PAIR): row for row in rows if row["first"] is not None}
    for key, group in grouped(distinct.values(), "dataset", "label_criterion"):
        names = {"first": "first", "second": "second"}
        yield pivot(group, notes, title=_title(*key), names=names, across=("statistic",))


def _title(*parts: object) -> str:
    return " · ".join(map(visible, parts))


def alternative_annotator_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion: each judge in the place of one annotator."""
    yield from _by_criterion(
        data["alternative_annotator_test"],
        notes,
        {"judge": "judge"},
        lambda key: f"{key}, each against the other annotators",
    )


def rater_model_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion that has an estimate: raters by a model of all of them."""
    measured = {
        (row["dataset"], row["label_criterion"])
        for row in data["rater_models"]
        if row["estimate"] is not None
    }
    rows = [row for row in data["rater_models"] if (row["dataset"], row["label_criterion"]) in measured]
    yield from _by_criterion(rows, notes, {"rater": "rater", "rater_kind": "kind"}, str)


def _by_criterion(
    rows: Sequence[Row], notes: Footnotes, names: dict[str, str], title: Callable[[str], str]
) -> Iterator[Grid]:
    rows, run = _with_short_ids(rows)
    for key, group in grouped(rows, "dataset", "label_criterion"):
        heads = {**names, **run}
        yield pivot(group, notes, title=title(_title(*key)), names=heads, across=("statistic",))


def language_grids(data: Data, notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per criterion: each judge in each language."""
    rows, run = _with_short_ids(data["languages"])
    for key, group in grouped(rows, "dataset", "criterion"):
        names = {"judge": "judge", "lang": "language", **run}
        across = ("statistic", "label_criterion", "annotator_kind")
        yield pivot(group, notes, title=heading(*key), names=names, across=across)


def contamination_grids(data: Data, _: Footnotes) -> Iterator[Grid]:
    """Yield one grid: which datasets a model may have read, and which items a rubric gives away."""
    rows, run = _with_short_ids(data["contamination"])
    names = {
        "dataset": "dataset", "released": "released", "used_by": "used by", **run, "cutoff": "cut-off",
        "flag": "flag",
    }  # fmt: skip
    lines = tuple((*(visible(row[name]) for name in names), _overlap(row)) for row in rows)
    if lines:
        yield Grid("", (*names.values(), f"rubric shares {OVERLAP_WORDS} words with"), lines, len(names))


def _overlap(row: Row) -> str:
    return ABSENT if row["overlap"] is None else f"{count(row['overlap'])} of {count(row['items'])} items"

"""Judges side by side, as grids: one per labelled criterion, the raters below each other."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

from evalhub.analysis import (
    Results,
    alternative_annotator_test,
    annotator_pairs,
    attacks,
    by_language,
    choice_mass,
    contamination,
    cost,
    human_agreement,
    meta,
    rater_models,
    rows_of,
)
from evalhub.analysis.agreement.agreement import MACRO
from evalhub.analysis.bias.attacks import EVERY, attacks_on_judges_of
from evalhub.analysis.run.contamination import WORDS
from evalhub.report.format import ABSENT, Footnotes, Grid, Row, count, grouped, pivot, visible
from evalhub.report.grids.biases import CONTROLLED
from evalhub.report.grids.by_tag import COMPARED, tag_data, tag_grids
from evalhub.report.grids.choice_mass import wishes
from evalhub.report.grids.grids import RATERS, judged_twice, named
from evalhub.report.outputs.terminal import INTERVALS, say, section, wide

_OF_A_RUN = {
    "people": human_agreement,
    "annotator_pairs": annotator_pairs,
    "instead": alternative_annotator_test,
    "rater_models": rater_models,
    "cost": cost,
    "languages": by_language,
    "contamination": contamination,
    "choice_mass": choice_mass,
}
_OF_A_PAIR = ("dataset", "label_criterion", "first", "second", "statistic")
_WHERE = ("dataset", "label_criterion", "annotator_kind")


def meta_data(runs: Sequence[Results], by: Sequence[str] = ()) -> dict[str, Any]:
    """Return all tables of `evalhub meta` as plain values, fit for JSON; raters also by the tags of items.

    Attacks on the runs' judges that lie beside the runs count as given.
    """
    return {
        "raters": rows_of(meta(runs)),
        "attacks": [
            {"run": one.run.id, "model": one.manifest["judges"][row["judge"]]["model"], **row}
            for one in [*runs, *attacks_on_judges_of(runs)]
            for row in rows_of(attacks(one))
            if row["attack"] == EVERY
        ],
        **{
            name: [{"run": one.run.id, **row} for one in runs for row in rows_of(table(one))]
            for name, table in _OF_A_RUN.items()
        },
        **tag_data(runs, by, COMPARED),
    }


def print_meta(data: dict[str, Any]) -> None:
    """Print the raters of some runs side by side, attacks, cost, languages, and what may be contaminated.

    Args:
        data: As `meta_data` returns it.
    """
    console, notes = wide(), Footnotes()
    section(console, "Raters against labels", _raters(data["raters"], notes))
    section(console, "By tag of the items", tag_grids(data, notes))
    section(console, "How far people agree", _people(data["people"], notes))
    section(console, "Two annotators on what both labelled", _pairs(data["annotator_pairs"], notes))
    section(console, "A judge in the place of one of the people", _instead(data["instead"], notes))
    section(
        console, "How often each is right, by a model of all raters", _models(data["rater_models"], notes)
    )
    section(console, "All attacks together", _of_judges(data["attacks"], notes))
    section(console, "Cost, over all datasets of a run", _of_judges(data["cost"], notes))
    section(console, "Languages", _languages(data["languages"], notes))
    section(console, "May have been seen in training", _contamination(data["contamination"]))
    effects = any(row["statistic"].startswith("effect") for row in data["raters"])
    say(
        console,
        [
            INTERVALS,
            *([f"{CONTROLLED.capitalize()}."] if effects else []),
            *wishes(data["choice_mass"]),
            *notes.lines(),
        ],
    )


def _raters(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    """Yield one grid per labelled criterion; a rater of several runs, or criteria, has a line for each.

    Macro precision, recall and F1 are for programs.
    """
    rows = [row for row in rows if row["statistic"] not in dict(MACRO)]
    for (dataset, criterion, kind), found in grouped(rows, *_WHERE):
        many_runs = len({row["run"] for row in found}) > 1
        several = judged_twice(found)
        lines = [{**row, **_headed(row), "line": _line(row, several, many_runs=many_runs)} for row in found]
        lines.sort(key=lambda row: (RATERS.get(row["kind"], 9), row["line"]))
        title = f"{dataset} · {criterion} · {kind} labels"
        names = {"line": "rater", "kind": "kind"}
        yield pivot(lines, notes, title=title, names=names, across=("what", "which"))


def _headed(row: Row) -> Row:
    """Return the two lines of a statistic's head."""
    what, _, which = row["statistic"].partition(", ")
    return {"what": what, "which": which or None}


def _short(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return rows with the end of their run's id, and its column where they are of several runs."""
    several = len({row["run"] for row in rows}) > 1
    return [{**row, "run": _end(row["run"])} for row in rows], {"run": "run"} if several else {}


def _end(run: str) -> str:
    return run.rsplit("-", 1)[-1]


def _line(row: Row, several: Container[str], *, many_runs: bool) -> str:
    name = named({**row, "reading": "combined"}, several)
    return f"{name} ({_end(row['run'])})" if many_runs else name


def _of_judges(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    if rows:
        rows, run = _short(rows)
        names = {"judge": "judge", "model": "model", **run}
        yield pivot(rows, notes, title="", names=names, across=("statistic",))


def _people(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    unlike = {
        (row["dataset"], row["label_criterion"], row["annotators"], row["statistic"]): row for row in rows
    }
    for (dataset,), found in grouped(unlike.values(), "dataset"):
        names = {"label_criterion": "criterion", "annotators": "annotators", "people": "people"}
        lines = [{**row, "people": count(row["people"])} for row in found]
        yield pivot(lines, notes, title=visible(dataset), names=names, across=("statistic",))


def _pairs(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    known = {tuple(row[name] for name in _OF_A_PAIR): row for row in rows if row["first"] is not None}
    for (dataset, criterion), found in grouped(known.values(), "dataset", "label_criterion"):
        title = f"{visible(dataset)} · {visible(criterion)}"
        names = {"first": "first", "second": "second"}
        yield pivot(found, notes, title=title, names=names, across=("statistic",))


def _instead(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    rows, run = _short(rows)
    for (dataset, criterion), found in grouped(rows, "dataset", "label_criterion"):
        title = f"{visible(dataset)} · {visible(criterion)}, each against the other annotators"
        yield pivot(found, notes, title=title, names={"judge": "judge", **run}, across=("statistic",))


def _models(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    rows, run = _short(rows)
    for (dataset, criterion), found in grouped(rows, "dataset", "label_criterion"):
        title = f"{visible(dataset)} · {visible(criterion)}"
        names = {"rater": "rater", "kind": "kind", **run}
        if any(row["estimate"] is not None for row in found):
            yield pivot(found, notes, title=title, names=names, across=("statistic",))


def _languages(rows: list[dict[str, Any]], notes: Footnotes) -> Iterator[Grid]:
    rows, run = _short(rows)
    for (dataset, criterion), found in grouped(rows, "dataset", "criterion"):
        names = {"judge": "judge", "lang": "language", **run}
        across = ("statistic", "label_criterion", "annotator_kind")
        yield pivot(found, notes, title=f"{dataset} · {criterion}", names=names, across=across)


def _contamination(rows: list[dict[str, Any]]) -> Iterator[Grid]:
    rows, run = _short(rows)
    names = {
        "dataset": "dataset", "released": "released", "used_by": "used by", **run, "cutoff": "cut-off",
        "flag": "flag",
    }  # fmt: skip
    lines = tuple((*(visible(row[name]) for name in names), _shared(row)) for row in rows)
    if lines:
        yield Grid("", (*names.values(), f"rubric shares {WORDS} words with"), lines, len(names))


def _shared(row: dict[str, Any]) -> str:
    return ABSENT if row["overlap"] is None else f"{count(row['overlap'])} of {count(row['items'])} items"

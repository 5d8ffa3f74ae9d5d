"""A run's tables as plain values, as every command prints them as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub.analysis import Results, findings_beside, in_order, rows_of, split_by_tag
from evalhub.analysis.bias.attacks import ALL_ATTACKS, attacks_on_judges_of
from evalhub.analysis.findings.finding import Finding, Question
from evalhub.gates import gate_findings, kept_gates, kept_losses
from evalhub.judging import ATTACKS, CONTROLS
from evalhub.report.notes import report_notes
from evalhub.report.tables.places import Place, Table
from evalhub.report.tables.registry import TABLES, tables_of
from evalhub.report.tables.stored import table_rows
from evalhub.store import Manifest

Data = dict[str, Any]


def report_data(results: Results, by: Sequence[str] = (), where: Sequence[str] = ()) -> Data:
    """Return everything that the report shows, fit for JSON.

    Args:
        results: The run.
        by: Tags of items that it is broken down by, as `analysis.split_by_tag` takes them.
        where: Conditions on items that it is broken down by.

    Returns:
        `format`, `run`, `suite`, `title`, `created`, `state`, `seconds`, `models` (the model of each id, and
        for a judge its rubric, how it is used, and whether its verdicts are pairwise or pointwise),
        `metrics` (signature and bounds of each), `datasets`, one list of tidy rows for each table of the
        report, of which `findings` is the one to read first, `gates`, `regressions` (as `largest_losses`
        returns them), `by_tag` where it is broken down, `environment`, and `notes`: sentences that belong to
        the numbers.
    """
    manifest = results.manifest
    data: Data = {
        "format": 1,
        "run": results.run.id,
        "suite": manifest.suite,
        "title": manifest.title,
        "created": manifest.created,
        "state": results.run.state.value,
        "seconds": manifest.seconds,
        "models": sorted(_models(results), key=lambda model: model["role"]),
        "metrics": metrics_data(manifest),
        "datasets": [
            card.model_dump(include={"id", "title", "licence", "source", "note"})
            for card in manifest.cards.values()
        ],
    }
    data |= {table.name: table_rows(results, table) for table in tables_of(Place.REPORT)}
    return {
        **data,
        "gates": kept_gates(results.run),
        "regressions": kept_losses(results.run),
        "findings": _with_findings_beside(results, data["findings"]),
        **_by_tag([results], by, where, Place.REPORT),
        "environment": manifest.environment,
        "notes": list(report_notes(results, data)),
    }


def ranking_data(results: Results, by: Sequence[str] = (), where: Sequence[str] = ()) -> Data:
    """Return the tables that rank systems, one list of tidy rows each, their answers and what failed.

    Args:
        results: The run.
        by: Tags of items that they are broken down by too, under `by_tag`.
        where: Conditions on items that they are broken down by too.
    """
    tables = {table.name: table_rows(results, table) for table in tables_of(Place.LEADERBOARD)}
    tables["findings"] = select_findings(_with_findings_beside(results, tables["findings"]), _OF_SYSTEMS)
    parts = _by_tag([results], by, where, Place.LEADERBOARD)
    return {"metrics": metrics_data(results.manifest), **tables, **parts}


def meta_data(runs: Sequence[Results], by: Sequence[str] = (), where: Sequence[str] = ()) -> Data:
    """Return all tables of `evalhub meta` as plain values, fit for JSON.

    Raters are also broken down by tags and by conditions on items.

    Attacks on the runs' judges that lie beside the runs count as given.
    """
    attacks = next(table for table in TABLES if table.name == "attacks")
    tables = {
        table.name: [{"run": results.run.id, **row} for results in runs for row in table_rows(results, table)]
        for table in tables_of(Place.META)
    }
    from_other_runs = [
        {"run": results.run.id, **finding.as_row()}
        for results in runs
        for finding in findings_beside(results)
    ]
    return {
        **tables,
        "findings": select_findings([*tables["findings"], *from_other_runs], _OF_JUDGES),
        "attacks": [
            {"run": results.run.id, "model": results.judges[row["judge"]].model, **row}
            for results in [*runs, *attacks_on_judges_of(runs)]
            for row in table_rows(results, attacks)
            if row["attack"] == ALL_ATTACKS
        ],
        **_by_tag(runs, by, where, Place.META),
    }


def rater_data(results: Results) -> Data:
    """Return how raters differ in their agreement with the labels, as plain values, fit for JSON."""
    return {table.name: table_rows(results, table) for table in tables_of(Place.RATERS)}


_OF_SYSTEMS = (Question.CONCLUSIVE, Question.CHANGE, Question.BEST, Question.MEASURED)
_OF_JUDGES = (Question.CONCLUSIVE, Question.TRUST, Question.METRICS, Question.BIAS, Question.ATTACKS)


def _with_findings_beside(results: Results, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the stored findings of a run with those of the runs beside it, in order."""
    return in_order([*rows, *(finding.as_row() for finding in findings_of_other_runs(results))])


def report_findings(results: Results) -> list[dict[str, Any]]:
    """Return the findings of a run as its report has them: with those of its gates and of runs beside it."""
    (table,) = (table for table in TABLES if table.name == "findings")
    return _with_findings_beside(results, table_rows(results, table))


def findings_of_other_runs(results: Results) -> list[Finding]:
    """Return what is said of a run by others: attacks on its judges, its baseline, and its gates."""
    return [*gate_findings(kept_gates(results.run)), *findings_beside(results)]


def select_findings(rows: Sequence[dict[str, Any]], questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return the findings that answer one of some questions, in order."""
    names = {question.name.lower() for question in questions}
    return in_order([row for row in rows if row["question"] in names])


def attack_data(results: Results) -> Data:
    """Return the tables of a run of attacks, fit for JSON, and what each insertion is."""
    return {
        **{table.name: table_rows(results, table) for table in tables_of(Place.ATTACK)},
        "findings": [finding.as_row() for finding in findings_beside(results)],
        "titles": {
            insertion.id: {"title": insertion.title, "source": insertion.source}
            for insertion in (*ATTACKS, *CONTROLS)
        },
    }


def _by_tag(runs: Sequence[Results], names: Sequence[str], conditions: Sequence[str], place: Place) -> Data:
    """Return the tables of an output that are broken down by tags and conditions, fit for JSON.

    Returns:
        Under `by_tag`: `tags` (run, tag and number of items of each part), and for each table its rows with
        run and `tag` (a tag or a condition) in front. Nothing without tags and conditions.

    Raises:
        UnknownNameError: A run has no item with such a tag.
        InputError: No item of a run meets a condition, or DuckDB refuses it.
    """
    if not (names or conditions):
        return {}
    parts = [(results.run.id, part) for results in runs for part in split_by_tag(results, names, conditions)]

    def rows(table: Table) -> list[dict[str, Any]]:
        function = table.of_part or table.function
        return [
            {"run": run, "tag": part.tag, **row}
            for run, part in parts
            for row in rows_of(function(part.results))
        ]

    return {
        "by_tag": {
            "tags": [{"run": run, "tag": part.tag, "items": part.items} for run, part in parts],
            **{table.name: rows(table) for table in TABLES if table.by_tag & place},
        }
    }


def metrics_data(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Return the columns of scores with their directions, fit for JSON."""
    return {name: facts.model_dump(mode="json") for name, facts in manifest.metrics.items()}


def _models(results: Results) -> Iterator[dict[str, Any]]:
    for name, facts in results.manifest.resolved.models.items():
        judge = results.judges.get(name)
        names = {"model", "families", "engine", "engine_version", "device"}
        model = facts.model_dump(mode="json", include=names)
        if judge is None:
            yield {"id": name, "role": "candidate", **model}
        else:
            use = judge.model_dump(mode="json", include={"rubric", "protocol", "mode", "positions"})
            rubric = results.rubric(name)
            verdict_kind = None if rubric is None else rubric.kind.value
            yield {"id": name, "role": "judge", **model, **use, "verdict_kind": verdict_kind}

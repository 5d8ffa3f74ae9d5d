"""The command `export`: the tables of a run for other programs, and preferences for training."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.analysis.findings.finding import with_interval
from evalhub.cli.options import Json, RunName, Runs
from evalhub.cli.output import print_fields, print_json, print_note
from evalhub.errors import InputError
from evalhub.records import KINDS

if TYPE_CHECKING:
    from evalhub.analysis import PreferenceFilter


class ExportFormat(StrEnum):
    """What `export` writes."""

    DUCKDB = "duckdb"
    PARQUET = "parquet"


def export(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]", help="The new file, or the new folder. With --preferences, the run."
        ),
    ] = None,
    run_name: RunName = None,
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="One DuckDB file, or a folder of Parquet files.")
    ] = ExportFormat.DUCKDB,
    preferences: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the judged pairs of a run as preferences: JSON lines, or Parquet if FILE ends in "
            ".parquet. Its manifest is written beside it. The options below are for preferences.",
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="The judge or jury whose verdict orders a pair, if there are several.")
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="Order pairs by the labels, and not by a judge.")
    ] = False,
    split: Annotated[str, typer.Option(help="The clusters that are taken: dev, test or all.")] = "dev",
    seed: Annotated[int, typer.Option(help="Seed of the dev clusters if a dataset has no split.")] = 0,
    min_probability: Annotated[
        float | None, typer.Option(help="Least probability of the preferred response, from 0.5 to 1.")
    ] = None,
    orders_agree: Annotated[
        bool, typer.Option("--orders-agree", help="Only pairs whose two orders have the same winner.")
    ] = False,
    agree_with_labels: Annotated[
        bool, typer.Option("--agree-with-labels", help="Only pairs whose label is the verdict.")
    ] = False,
    criterion: Annotated[str | None, typer.Option(help="Only this criterion.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Write a run's tables into one DuckDB file or a folder of Parquet files, or its pairs as preferences."""
    selection = hub.analysis.PreferenceFilter(
        judge=judge,
        labels=labels,
        split=split,
        seed=seed,
        min_probability=min_probability,
        orders_agree=orders_agree,
        agree_with_labels=agree_with_labels,
        criterion=criterion,
        dataset=dataset,
    )
    if preferences is not None:
        if run_name is not None or file_format is not ExportFormat.DUCKDB:
            raise InputError(
                "with --preferences FILE only the run is named",
                where="export",
                value=run_name or f"--format {file_format}",
                fix="write `evalhub export RUN --preferences FILE`",
            )
        _export_preferences(target, preferences, selection, runs, as_json=as_json)
        return
    if selection != hub.analysis.PreferenceFilter():
        raise InputError(
            "an option that selects pairs needs --preferences FILE",
            where="export",
            fix="write `evalhub export RUN --preferences FILE`",
        )
    if target is None:
        raise InputError("there is no target", where="export", fix="name the new file, as in `run.duckdb`")
    results = hub.load(run_name, runs)
    tables: list[str] = list(KINDS)
    if file_format is ExportFormat.PARQUET:
        tables = hub.report.export_parquet(results, Path(target))
    else:
        hub.analysis.export(results, Path(target))
    if as_json:
        print_json({"written": target, "tables": tables})
        return
    print_note(f"written: {target}")


def _export_preferences(
    run_name: str | None,
    path: Path,
    selection: PreferenceFilter,
    runs: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write preferences, and print what they are."""
    results = hub.load(run_name, runs)
    manifest = hub.analysis.export_preferences(results, path, selection)
    files = {"written": str(path), "manifest": f"{path}.manifest.json"}
    if as_json:
        print_json({**files, **manifest})
        return
    names = ("rows", "clusters", "judge", "rubric", "model", "criteria")
    print_fields(
        {
            **files,
            **{name: manifest[name] for name in names if manifest[name] is not None},
            "splits": manifest["splits"],
            "left_out": [f"{count} {reason}" for reason, count in manifest["exclusions"].items()],
            "chosen_is_longer": _length_text(manifest["length"], manifest["rows"]),
            **{
                f"agreement ({kind})": _agreement_text(estimate)
                for kind, estimate in manifest["agreement"].items()
            },
            "control_tokens": f"{manifest['control_tokens']} rows with text that may be read as one",
        },
        as_json=False,
    )


def _length_text(length: Mapping[str, Any], rows: int) -> str:
    return f"{length['share_longer']:.1%} of {rows} rows, and of equal length in {length['equal']}"


def _agreement_text(agreement: Mapping[str, Any]) -> str:
    """Return in words how often a label is on the side of the preferred response."""
    if agreement["estimate"] is None:
        return f"not measured: {agreement['reason']}"
    ties = f", {agreement['n_excluded']} labels are ties" if agreement["n_excluded"] else ""
    return f"{with_interval(agreement, places=3)}, n {agreement['n']}, {agreement['clusters']} clusters{ties}"

"""The commands that read single verdicts and records: samples, sql."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import evalhub as hub
from evalhub.analysis.run.query import QueryLimits, run_query
from evalhub.analysis.run.query_child import Cut
from evalhub.analysis.run.verdict_list import CHOICES, ORDERS
from evalhub.cli.options import Json, RunName, Runs
from evalhub.cli.output import print_fields, print_json, print_note, print_rows
from evalhub.errors import InputError, UnknownNameError
from evalhub.records import FailureKind
from evalhub.report.grids.verdicts import judge_of, label_of, reasons_of, verdict_of
from evalhub.texts import count

if TYPE_CHECKING:
    from evalhub.analysis import Results, VerdictFilter

Text = Annotated[str, typer.Option("--search", help="Words in the item, in a response or in a rationale.")]
Query = Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT. - reads it from standard input.")]
Dataset = Annotated[str | None, typer.Option("--dataset", help="Id of a dataset. Default: the first.")]


def _option(name: str, text: str) -> Any:
    return typer.Option(f"--{name}", help=text)


def _choice(name: str, kind: str, text: str) -> Any:
    return typer.Option(f"--{name}", metavar="WORD", help=f"{text}: {', '.join(CHOICES[kind])}.")


def samples(
    run_name: RunName = None,
    dataset: Dataset = None,
    judge: Annotated[str | None, _option("judge", "Only verdicts of this judge.")] = None,
    criterion: Annotated[str | None, _option("criterion", "Only verdicts on this criterion.")] = None,
    system: Annotated[str | None, _option("system", "Only verdicts about this system.")] = None,
    verdict: Annotated[str | None, _choice("verdict", "verdict", "What the verdict is")] = None,
    sureness: Annotated[str | None, _choice("sureness", "sureness", "How sure the judge is")] = None,
    labels: Annotated[str | None, _choice("labels", "labels", "How the labels stand to it")] = None,
    tag: Annotated[str | None, _option("tag", "Only items with this tag.")] = None,
    failure: Annotated[
        str | None, _option("failure", "Only verdicts of which a judgment failed like this.")
    ] = None,
    turns: Annotated[bool, _option("turns", "Only verdicts that change with the order.")] = False,
    item: Annotated[str | None, _option("item", "Only verdicts on this item.")] = None,
    text: Text = "",
    order: Annotated[str, _option("order", f"How they are ordered: {', '.join(ORDERS)}.")] = "interest",
    page: Annotated[int, typer.Option("--page", min=1, help="Which page of the list.")] = 1,
    size: Annotated[int, typer.Option("--size", min=1, max=10_000, help="Verdicts of a page.")] = 20,
    full: Annotated[bool, _option("full", "With --json: also texts, judgments, labels and scores.")] = False,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """List single verdicts, those that teach most first: they differ from labels, turn or failed."""
    if full and not as_json:
        raise InputError("texts are printed as JSON alone", where="--full", fix="add --json")
    results = hub.load(run_name, runs)
    selection = hub.analysis.VerdictFilter(
        dataset=_dataset(results, dataset), item_id=item, judge=judge, criterion=criterion, system=system,
        verdict=verdict, sureness=sureness, labels=labels, tag=tag, failure=failure, turns=turns, text=text,
    )  # fmt: skip
    _check_names(results, selection)
    rows, total = hub.analysis.verdict_list(results, selection, order=order, page=page, size=size)
    pages = max(1, math.ceil(total / size))
    if page > pages:
        raise InputError("the list has no such page", where="--page", value=page, allowed=f"1 to {pages}")
    if as_json:
        verdicts = [row | ({"sample_details": _details(results, row)} if full else {}) for row in rows]
        print_json({"total": total, "verdicts": verdicts})
        return
    has_samples = any(row["sample"] for row in rows)
    lines = [
        {
            "item": row["item_id"],
            "systems": row["system"] or f"{row['system_a']} / {row['system_b']}",
            **({"sample": row["sample"]} if has_samples else {}),
            "judge": judge_of(row),
            "verdict": verdict_of(row),
            "labels": label_of(row),
            "why": reasons_of(row),
        }
        for row in rows
    ]
    print_rows(lines, as_json=False)
    noun = "verdict" if total == 1 else "verdicts"
    print_note(f"{count(total)} {noun}, page {count(page)} of {count(pages)}")


def _dataset(results: Results, name: str | None) -> str:
    """Return the dataset, the first of the run by default."""
    datasets = list(results.cards)
    if name is not None and name not in datasets:
        raise UnknownNameError("dataset", name, datasets)
    return name or datasets[0]


def _check_names(results: Results, selection: VerdictFilter) -> None:
    """Raise UnknownNameError where a filter names what the dataset has not."""
    options = hub.analysis.filter_options(results, selection.dataset, with_failures=False)
    options["failure"] = [kind.value for kind in FailureKind]
    for name, allowed in options.items():
        value = getattr(selection, name)
        if value is not None and value not in allowed:
            raise UnknownNameError(name, value, allowed)
    item = selection.item_id
    if item is not None and item not in set(items := results.items(columns=["item_id"])["item_id"]):
        raise UnknownNameError("item", item, items.head(1000))


def _details(results: Results, row: dict[str, Any]) -> dict[str, Any]:
    """Return all records of the sample that a verdict is about."""
    systems = [row[name] for name in ("system", "system_a", "system_b") if row[name]]
    return hub.analysis.sample_details(
        results, row["dataset"], row["item_id"], systems, row["sample"], judge=row["judge"]
    )


def sql(
    query: Query,
    run_name: RunName = None,
    parquet: Annotated[Path | None, typer.Option("--out", help="Write the rows to a Parquet file.")] = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Ask a run's tables in SQL, in a process that reads them and nothing else."""
    run = hub.store.find_run(run_name, hub.store.runs_root(runs))
    answer = run_query(run.path, sys.stdin.read() if query == "-" else query)
    if answer.truncated:
        limit = {Cut.ROWS: f"{count(QueryLimits().rows)} rows", Cut.SIZE: f"{QueryLimits().size >> 20} MiB"}
        print_note(f"The answer is cut at {limit[answer.cut]}: there are more rows.")
    if parquet is not None:
        import pyarrow.parquet as pq

        pq.write_table(answer.table, parquet)
        print_fields({"file": str(parquet), "rows": answer.table.num_rows}, as_json=as_json)
        return
    print_rows([_finite(row) for row in answer.table.to_pylist()], as_json=as_json)


def _finite(value: Any) -> Any:
    """Return a value as JSON has it: a number that is not finite is absent."""
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""The commands about datasets, suites and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, Name, Names
from evalhub.cli.output import notes, print_fields, print_json, print_note, print_rows, print_text
from evalhub.errors import EvalhubError, InputError, ModelError

_VALUES = 10

datasets = typer.Typer(help="Datasets: one YAML card each.", no_args_is_help=True)
suites = typer.Typer(help="Suites: what to run, one YAML file each.", no_args_is_help=True)
models = typer.Typer(help="Models: weights, pinned and checked.", no_args_is_help=True)


@datasets.command("list")
def datasets_list(as_json: Json = False) -> None:
    """List all datasets, and whether their files are on this machine."""
    print_rows([asdict(entry) for entry in hub.sources.list_datasets()], as_json=as_json)


@datasets.command("show")
def datasets_show(name: Name, as_json: Json = False) -> None:
    """Print the facts of a dataset's card."""
    details = _details(name)
    if as_json:
        print_json(details)
        return
    card = details["card"]
    files = [f"{file['path']}: {file['location'] or file['url'] or 'is absent'}" for file in details["files"]]
    entry = {key: value for key, value in details["entry"].items() if value}
    origin = {key: card[key] for key in ("source", "released", "note") if key in card}
    criteria = {key: criterion["kind"] for key, criterion in card["criteria"].items()}
    print_fields(entry | origin | {"criteria": criteria, "files": "\n".join(files)}, as_json=False)


@datasets.command("check")
def datasets_check(names: Names = None, as_json: Json = False) -> None:
    """Load datasets, refuse whatever a run would refuse, and count their records."""
    _for_datasets(names, lambda name: asdict(hub.sources.check(name)), as_json=as_json)


@datasets.command("fetch")
def datasets_fetch(names: Names = None, as_json: Json = False) -> None:
    """Fetch the files of datasets from their public home, checked by sha256."""

    def fetch(name: str) -> dict[str, Any]:
        for path in hub.sources.fetch(*hub.specs.load_card(name)):
            notes().print(f"{path}", markup=False)
        return _details(name)

    _for_datasets(names, fetch, as_json=as_json)


def _for_datasets(names: list[str] | None, act: Callable[[str], dict[str, Any]], *, as_json: bool) -> None:
    """Call a function for each dataset. Without names, print one line each and the errors at the end."""
    rows: list[dict[str, Any]] = []
    errors: list[InputError] = []
    for name in names or hub.specs.available("datasets"):
        row: dict[str, Any] = {"id": name, "state": hub.sources.SourceState.READY, "problem": None}
        try:
            row |= act(name)
        except InputError as error:
            errors.append(error)
            row |= {"state": hub.sources.state_of_failure(name), "problem": str(error)}
        rows.append(row)
        if as_json or (row["problem"] and len(names or ()) == 1):
            continue
        if names and not row["problem"]:
            print_fields({name: _shown(name, value) for name, value in row.items()}, as_json=False)
        else:
            print_text(_line(row))
    if as_json:
        print_json(rows)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        bad = [f"{row['id']} ({row['state']})" for row in rows if row["problem"]]
        raise InputError(
            f"{len(bad)} of {len(rows)} datasets cannot be loaded: {', '.join(bad)}",
            fix="`evalhub datasets fetch` brings what is absent",
        )


def _shown(name: str, value: Any) -> Any:
    return _criteria_text(value) if name == "first_criteria" and value else _most_frequent(value)


def _criteria_text(by_item: Mapping[str, Any]) -> str:
    """Return the criteria of one item, a line for each, with their points and tags."""
    ((item_id, criteria),) = by_item.items()
    lines = [f"of item {item_id}"]
    for criterion in criteria[:_VALUES]:
        tags = f" ({', '.join(criterion['tags'])})" if criterion["tags"] else ""
        lines.append(f"{criterion['id']}: {criterion['points']:+g}{tags} {criterion['text']}")
    return "\n".join([*lines, *([f"and {len(criteria) - _VALUES} more"] if len(criteria) > _VALUES else [])])


def _most_frequent(counts: Any) -> Any:
    """Return the ten largest counts by value, and the number of values that are left out."""
    if not isinstance(counts, Mapping):
        return counts
    if not all(isinstance(count, int) for count in counts.values()):
        return {name: _most_frequent(part) for name, part in counts.items()}
    if len(counts) <= _VALUES:
        return counts
    largest = sorted(counts, key=lambda value: -counts[value])[:_VALUES]
    return {value: counts[value] for value in largest} | {"and": f"{len(counts) - _VALUES} more"}


def _line(row: dict[str, Any]) -> str:
    counts = [f"{count} {kind}" for kind, count in row.get("counts", {}).items()]
    return f"{row['id']}: " + ", ".join([row["state"], *counts, *filter(None, [row["problem"]])])


@suites.command("list")
def suites_list(as_json: Json = False) -> None:
    """List all suites."""
    rows = []
    for name, path in hub.specs.available("suites").items():
        try:
            suite, _ = hub.specs.load_suite(str(path))
            hub.engines.with_settings(suite, str(path))
        except EvalhubError as error:
            print_note(f"{name}: {error}", style="red")
            continue
        rows.append(
            {
                "id": name,
                "datasets": [use.id for use in suite.datasets],
                "candidates": [candidate.id for candidate in suite.candidates],
                "judges": [use.id for use in suite.judges],
                "title": suite.title,
            }
        )
    print_rows(rows, as_json=as_json)


@suites.command("show")
def suites_show(name: Name, as_json: Json = False) -> None:
    """Print a suite's file, or the suite with its defaults as JSON."""
    suite, path = hub.specs.load_suite(name)
    suite = hub.engines.with_settings(suite, str(path))
    if as_json:
        print_json(suite.model_dump(mode="json"))
        return
    print_text(path.read_text(encoding="utf-8"))


@suites.command("check")
def suites_check(names: Names = None, as_json: Json = False) -> None:
    """Resolve and plan suites, and refuse whatever a run would refuse."""
    rows = []
    for name in names or hub.specs.available("suites"):
        prepared = hub.runner.prepare(name, reuse=False)
        resolved, planned = prepared.resolved, prepared.plan
        rows.append(
            {
                "id": resolved.suite.suite,
                "responses": planned.generations,
                "judgments": planned.judgments,
                "answers": {
                    judge.spec.id: text
                    for judge in resolved.judges
                    if (text := hub.runner.forms_text(judge.rubric, judge.forms))
                },
                "hash": resolved.hash[:12],
            }
        )
    print_rows(rows, as_json=as_json)


@models.command("list")
def models_list(as_json: Json = False) -> None:
    """List the pinned models, and whether they are on this machine."""
    entries = [asdict(model) for model in hub.models.list_models()]
    columns = ("id", "title", "families", "licence", "download_bytes", "here")
    rows = entries if as_json else [{**entry, "here": entry["path"] is not None} for entry in entries]
    print_rows(rows, as_json=as_json, columns=columns)


@models.command("show")
def models_show(name: Name, as_json: Json = False) -> None:
    """Print the facts of a model: family, hash, context, licence."""
    print_fields(asdict(hub.models.show(name)), as_json=as_json)


@models.command("fetch")
def models_fetch(name: Name, as_json: Json = False) -> None:
    """Fetch a model and make it ready for an engine."""
    hub.models.fetch(name, progress=lambda text: notes().print(text, markup=False))
    print_fields(asdict(hub.models.show(name)), as_json=as_json)


@models.command("check")
def models_check(names: Names = None, as_json: Json = False) -> None:
    """Check models against the facts recorded when they were made ready."""
    models_here = names or [model.id for model in hub.models.list_models() if model.path]
    rows = [asdict(check) for name in models_here for check in hub.models.check(name)]
    print_rows(rows, as_json=as_json)
    for row in rows:
        if not row["ok"]:
            raise ModelError(f"{row['check']} does not hold", where=row["model"], value=row["detail"])


def _details(name: str) -> dict[str, Any]:
    dataset = hub.sources.show(name)
    return asdict(dataset) | {"card": dataset.card.model_dump(mode="json", exclude_none=True)}

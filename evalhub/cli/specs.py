"""The groups about files and weights: datasets, suites, models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import typer

import evalhub as hub
from evalhub.cli.options import Json, Name, Names
from evalhub.cli.output import console, notes, print_fields, print_json, print_rows
from evalhub.errors import EvalhubError, InputError, ModelError

_VALUES = 10

datasets = typer.Typer(help="Datasets: one YAML card each.", no_args_is_help=True)
suites = typer.Typer(help="Suites: what to run, one YAML file each.", no_args_is_help=True)
models = typer.Typer(help="Models: weights, pinned and checked.", no_args_is_help=True)


@datasets.command("list")
def datasets_list(as_json: Json = False) -> None:
    """List the datasets that are found, and whether their files are here."""
    print_rows([_plain(one) for one in hub.sources.list_datasets()], as_json=as_json)


@datasets.command("show")
def datasets_show(name: Name, as_json: Json = False) -> None:
    """Print what a card says."""
    said = _details(name)
    if as_json:
        print_json(said)
        return
    card = said["card"]
    files = [f"{one['path']}: {one['found'] or one['url'] or 'is absent'}" for one in said["files"]]
    entry = {key: value for key, value in said["entry"].items() if value}
    about = {key: card[key] for key in ("source", "released", "note") if key in card}
    criteria = {key: one["kind"] for key, one in card["criteria"].items()}
    print_fields(entry | about | {"criteria": criteria, "files": "\n".join(files)}, as_json=False)


@datasets.command("check")
def datasets_check(names: Names = None, as_json: Json = False) -> None:
    """Load datasets, refuse whatever a run would refuse, and count what they hold."""
    _each_dataset(names, lambda name: _plain(hub.sources.check(name)), as_json=as_json)


@datasets.command("fetch")
def datasets_fetch(names: Names = None, as_json: Json = False) -> None:
    """Fetch the files of datasets from their public home, checked by sha256."""

    def fetched(name: str) -> dict[str, Any]:
        for found in hub.sources.fetch(*hub.specs.load_card(name)):
            notes().print(f"{found}", markup=False)
        return _details(name)

    _each_dataset(names, fetched, as_json=as_json)


def _each_dataset(names: list[str] | None, act: Callable[[str], dict[str, Any]], *, as_json: bool) -> None:
    """Do it for each dataset, one line each where none is named; what is wrong is told at the end."""
    rows: list[dict[str, Any]] = []
    errors: list[InputError] = []
    for name in names or hub.specs.available("datasets"):
        row: dict[str, Any] = {"id": name, "state": hub.sources.State.READY, "problem": None}
        try:
            row |= act(name)
        except InputError as error:
            errors.append(error)
            row |= {"state": hub.sources.state_of_failure(name), "problem": str(error)}
        rows.append(row)
        if as_json or (row["problem"] and len(names or ()) == 1):
            continue
        if names and not row["problem"]:
            print_fields({name: _most_frequent(value) for name, value in row.items()}, as_json=False)
        else:
            console().print(_line(row), markup=False, soft_wrap=True)
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


def _most_frequent(counts: Any) -> Any:
    """Return counts by value with the ten largest alone, and how many values are left out."""
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
    """List the suites that are found."""
    rows = []
    for name, path in hub.specs.available("suites").items():
        try:
            suite, _ = hub.specs.load_suite(str(path))
            hub.engines.with_settings(suite, str(path))
        except EvalhubError as error:
            notes().print(f"{name}: {error}", markup=False, style="red", soft_wrap=True)
            continue
        rows.append(
            {
                "id": name,
                "datasets": [one.id for one in suite.datasets],
                "candidates": [one.id for one in suite.candidates],
                "judges": [one.id for one in suite.judges],
                "title": suite.title,
            }
        )
    print_rows(rows, as_json=as_json)


@suites.command("show")
def suites_show(name: Name, as_json: Json = False) -> None:
    """Print a suite as it stands, or with its defaults as JSON."""
    suite, path = hub.specs.load_suite(name)
    suite = hub.engines.with_settings(suite, str(path))
    if as_json:
        print_json(suite.model_dump(mode="json"))
        return
    console().print(path.read_text(encoding="utf-8"), markup=False, soft_wrap=True)


@suites.command("check")
def suites_check(names: Names = None, as_json: Json = False) -> None:
    """Resolve and plan suites, and refuse whatever a run would refuse."""
    rows = []
    for name in names or hub.specs.available("suites"):
        resolved, planned = hub.runner.prepare(name)
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
    """List the pinned models, and whether they are here."""
    found = [_plain(one) for one in hub.models.list_models()]
    columns = ("id", "title", "families", "licence", "download_bytes", "here")
    rows = found if as_json else [{**one, "here": one["path"] is not None} for one in found]
    print_rows(rows, as_json=as_json, columns=columns)


@models.command("show")
def models_show(name: Name, as_json: Json = False) -> None:
    """Print what is known of a model: family, hash, context, licence."""
    print_fields(_plain(hub.models.show(name)), as_json=as_json)


@models.command("fetch")
def models_fetch(name: Name, as_json: Json = False) -> None:
    """Fetch a model and make it ready for an engine."""
    hub.models.fetch(name, progress=lambda text: notes().print(text, markup=False))
    print_fields(_plain(hub.models.show(name)), as_json=as_json)


@models.command("check")
def models_check(names: Names = None, as_json: Json = False) -> None:
    """Hold models against what was recorded when they were made ready."""
    wanted = names or [one.id for one in hub.models.list_models() if one.path]
    rows = [_plain(one) for name in wanted for one in hub.models.check(name)]
    print_rows(rows, as_json=as_json)
    for row in rows:
        if not row["ok"]:
            raise ModelError(f"{row['check']} does not hold", where=row["model"], value=row["detail"])


def _details(name: str) -> dict[str, Any]:
    said = hub.sources.show(name)
    return _plain(said) | {"card": said.card.model_dump(mode="json", exclude_none=True)}


def _plain(record: Any) -> dict[str, Any]:
    return asdict(record)

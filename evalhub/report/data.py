"""A run's report as plain values: every table that analysis makes, and what to know when reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalhub import analysis
from evalhub.analysis import Results, rows_of
from evalhub.analysis.frames.labels import count_uncertainty_sampled
from evalhub.analysis.run.answers import cut_answers
from evalhub.judging.early_stopping import SETTLED
from evalhub.report.grids.by_tag import RANKED, REPORTED, tag_data
from evalhub.report.grids.choice_mass import wishes
from evalhub.report.grids.ranking import on_what_they_rank
from evalhub.report.grids.servers import served_notes
from evalhub.report.sections import FAILURES, RANKING

TABLES = {
    "leaderboard": analysis.leaderboard,
    "length_penalty": analysis.length_penalty,
    "length_controlled": analysis.length_controlled,
    "ranks": analysis.ranks,
    "strengths": analysis.strengths,
    "beats": analysis.beats,
    "settled": analysis.settled,
    "powered": analysis.prediction_powered,
    "worst_cases": analysis.worst_cases,
    "agreement": analysis.agreement,
    "cascades": analysis.cascades,
    "biases": analysis.biases,
    "correlations": analysis.correlations,
    "attacks": analysis.attacks,
    "controls": analysis.controls,
    "not_attacked": analysis.not_attacked,
    "shortfalls": analysis.shortfalls,
    "coverage": analysis.coverage,
    "choice_mass": analysis.choice_mass,
    "answers": analysis.answers,
    "left_out": analysis.left_out,
    "unscored": analysis.unscored,
    "failures": analysis.failures,
    "hard_verdicts": analysis.hard_verdicts,
    "not_sent": analysis.not_sent,
    "engines": analysis.engines,
    "reused": analysis.reused,
}

# Of the responses that a run of attacks makes up they would say nothing.
_BIASES = "biases"

_KINDS = {
    "constructed": "constructed labels are true by construction, not people's opinions",
    "model": "labels of kind model were given by a model, not by people",
}


_FAMILY_RULES = {
    "allow": "a judge may meet its own family",
    "exclude": "what a judge's own family wrote is not shown to it",
}


def report_data(results: Results, by: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything that the report says, fit for JSON.

    Args:
        results: The run.
        by: Tags of items that it is broken down by, as `analysis.split_by_tag` takes them.

    Returns:
        `format`, `run`, `suite`, `title`, `created`, `state`, `seconds`, `models` (what each id stands
        for), `metrics` (signature and bounds of each), `datasets`, one list of tidy rows for each name
        of `TABLES`, `by_tag` where it is broken down, `environment`, and `notes`: sentences that belong to
        the numbers.
    """
    manifest = results.manifest
    data: dict[str, Any] = {
        "format": 1,
        "run": results.run.id,
        "suite": manifest.get("suite"),
        "title": manifest.get("title"),
        "created": manifest.get("created"),
        "state": manifest.get("state"),
        "seconds": manifest.get("seconds"),
        "models": sorted(_models(manifest), key=lambda model: model["role"]),
        "metrics": manifest.get("metrics", {}),
        "datasets": [
            {name: card.get(name) for name in ("id", "title", "licence", "source", "note")}
            for card in manifest["cards"].values()
        ],
    }
    for name, table in TABLES.items():
        data[name] = [] if name == _BIASES and "attack" in manifest else rows_of(table(results))
    return {
        **data,
        **tag_data([results], by, REPORTED),
        "environment": manifest.get("environment", {}),
        "notes": [*_notes(manifest, data), *_on_labels(results)],
    }


def ranking_data(results: Results, by: Sequence[str] = ()) -> dict[str, Any]:
    """Return the tables that rank systems, one list of tidy rows each, their answers and what failed.

    Args:
        results: The run.
        by: Tags of items that they are broken down by too, under `by_tag`.
    """
    names = dict.fromkeys(name for part in (*RANKING, FAILURES) for name in part.tables)
    tables = {name: rows_of(TABLES[name](results)) for name in (*names, "answers", "shortfalls")}
    return {**tables, **tag_data([results], by, RANKED)}


def _models(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, facts in manifest["resolved"]["models"].items():
        judge = manifest["judges"].get(name)
        known = {key: facts.get(key) for key in ("model", "families", "engine", "engine_version", "device")}
        if judge is None:
            yield {"id": name, "role": "candidate", **known}
        else:
            used = {key: judge.get(key) for key in ("rubric", "protocol", "mode", "positions")}
            yield {"id": name, "role": "judge", **known, **used}


def _notes(manifest: dict[str, Any], data: dict[str, Any]) -> Iterator[str]:
    controls = manifest["resolved"]["suite"]["controls"]
    if data["state"] != "sealed":
        yield f"the run is {data['state']}, not finished: the numbers cover what is there so far"
    if not any(data[name] for name in _MEASURED):
        yield (
            "nothing is measured: the suite has neither judges nor metrics, and its datasets bring no "
            "labels, verdicts or scores along"
        )
    for kind in dict.fromkeys(row["annotator_kind"] for row in data["agreement"] + data["correlations"]):
        if kind in _KINDS:
            yield _KINDS[kind]
    if controls["length_penalty"]:
        yield f"length penalty of strength {controls['length_penalty']:g}; the raw number stands beside it"
    if controls["cross_family"] in _FAMILY_RULES:
        yield f"cross-family is set to {controls['cross_family']}: {_FAMILY_RULES[controls['cross_family']]}"
    covered = [row for row in data["coverage"] if row["statistic"] == "coverage"]
    silent = [f"{row['judge']} (0 of {row['done']:,})" for row in covered if 0 < row["done"] == row["failed"]]
    if silent:
        yield f"no valid verdict at all, so under coverage and failures alone: {', '.join(silent)}"
    yield from wishes(data["choice_mass"])
    for row in covered:
        if row["same_family"]:
            yield f"{row['judge']}: {row['same_family']} judgments of responses of the judge's own family"
    if manifest.get("over_budget"):
        yield f"{manifest['over_budget']} planned judgments are over the budget and were not asked"
    if any(row["what"] == SETTLED for row in data["left_out"]):
        yield (
            "judging stopped where the order was settled, sooner for some pairs: win rates over all pairs "
            'are withheld; read the table "Settled"'
        )
    for card in manifest["cards"].values():
        if card.get("anonymous"):
            yield f"{card['id']} names no systems: its responses are judged, never ranked"
    yield from on_what_they_rank(data["leaderboard"])
    yield from served_notes(data)
    yield from cut_answers(data["answers"])
    yield from _differences(manifest)
    if data["reused"]:
        total = sum(row["completions"] for row in data["reused"])
        runs = len({row["run"] for row in data["reused"]})
        yield f"{total:,} completions come from {runs} earlier run{'s' if runs > 1 else ''}"


def _on_labels(results: Results) -> Iterator[str]:
    if doubtful := count_uncertainty_sampled(results):
        yield (
            f"{doubtful:,} labels were drawn by the judge's doubt: they count where they are weighted "
            "(people and judge together) and nowhere else"
        )


_MEASURED = ("leaderboard", "coverage", "agreement", "correlations", "attacks")
_ASKED = ("attention_backend", "dtype", "kv_block_size", "kv_cache_dtype", "max_length", "quantization")


def _differences(manifest: dict[str, Any]) -> Iterator[str]:
    """Say where an engine used something else than what was asked of it."""
    models = manifest["resolved"]["models"]
    for engine in manifest["engines"]:
        served_ids: list[str] = engine.get("serves", [])
        settings: dict[str, Any] = models[served_ids[0]]["settings"] if served_ids else {}
        for name in _ASKED:
            wanted, used = settings.get(name), engine.get(name)
            if wanted not in (None, "auto") and used != wanted:
                served = f"{engine['model']} for {', '.join(served_ids)}"
                yield f"{served}: {name.replace('_', ' ')} was asked as {wanted}, used was {used}"

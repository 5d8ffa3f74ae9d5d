"""Sentences that belong to the numbers of a run: what to know before reading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalhub.analysis import Results
from evalhub.analysis.frames.labels import count_uncertainty_sampled
from evalhub.judging.early_stopping import STOPPED
from evalhub.report.format import Row, visible
from evalhub.store import Manifest
from evalhub.texts import count, number

Data = Mapping[str, Any]

_LABEL_KINDS = {
    "constructed": "constructed labels are true by construction, not people's opinions",
    "model": "labels of kind model were given by a model, not by people",
}
_FAMILY_RULES = {
    "allow": "a judge may judge responses of its own model family",
    "exclude": "a judge is not shown responses of its own model family",
}
_ENGINE_SETTINGS = (
    "attention_backend", "dtype", "kv_block_size", "kv_cache_dtype", "max_length", "quantization",
)  # fmt: skip


def report_notes(results: Results, data: Data) -> Iterator[str]:
    """Yield every sentence that the report of a run has beside its numbers.

    Args:
        results: The run.
        data: Its tables, as `report_data` makes them.
    """
    manifest = results.manifest
    yield from _on_the_run(manifest, data)
    yield from _engine_differences(manifest)
    if data["reused_completions"]:
        total = sum(row["completions"] for row in data["reused_completions"])
        runs = len({row["run"] for row in data["reused_completions"]})
        yield f"{count(total)} completions come from {runs} earlier run{'s' if runs > 1 else ''}"
    if doubtful := count_uncertainty_sampled(results):
        yield (
            f"{count(doubtful)} labels were sampled by the judge's uncertainty. Only the estimates of people "
            "and judge together use them, because these weight each label by its probability of being sampled"
        )


def _on_the_run(manifest: Manifest, data: Data) -> Iterator[str]:
    controls = manifest.resolved.suite.controls
    if data["state"] != "sealed":
        yield f"the run is {data['state']}, not finished. The numbers cover the records written so far"
    for kind in dict.fromkeys(row["annotator_kind"] for row in data["agreement"] + data["correlations"]):
        if kind in _LABEL_KINDS:
            yield _LABEL_KINDS[kind]
    if controls.length_penalty:
        yield (
            f"the length penalty has strength {controls.length_penalty:g}. The raw numbers stand beside "
            "the penalised ones"
        )
    if controls.cross_family in _FAMILY_RULES:
        yield f"cross-family is set to {controls.cross_family}: {_FAMILY_RULES[controls.cross_family]}"
    yield from _on_coverage(data)
    if manifest.over_budget:
        yield f"{manifest.over_budget} planned judgments are over the budget and were not made"
    if any(row["reason"] == STOPPED for row in data["exclusions"]):
        yield (
            "judging of a pair of systems stopped once its order was settled, for some pairs sooner than for "
            "others. Win rates over all pairs are therefore withheld. Instead, read the sequential tests"
        )


def _on_coverage(data: Data) -> Iterator[str]:
    covered = [row for row in data["coverage"] if row["statistic"] == "coverage"]
    silent = [
        f"{row['judge']} (0 of {count(row['done'])})" for row in covered if 0 < row["done"] == row["failed"]
    ]
    if silent:
        yield f"judges without any valid verdict stand under coverage and failures only: {', '.join(silent)}"
    yield from choice_mass_notes(data["choice_mass"])
    for row in covered:
        if row["same_family"]:
            yield f"{row['judge']} made {row['same_family']} judgments of responses of its own model family"


def _engine_differences(manifest: Manifest) -> Iterator[str]:
    """Yield where an engine used something else than what the suite asks for."""
    models = manifest.resolved.models
    for engine in manifest.engines:
        served_ids: list[str] = engine.get("serves", [])
        settings: dict[str, Any] = models[served_ids[0]].settings if served_ids else {}
        for name in _ENGINE_SETTINGS:
            setting, value = settings.get(name), engine.get(name)
            if setting not in (None, "auto") and value != setting:
                served = f"{engine['model']} for {', '.join(served_ids)}"
                setting_name = name.replace("_", " ")
                yield f"{served}: the suite sets {setting_name} to {setting}, but the engine used {value}"


def choice_mass_notes(rows: Iterable[Row]) -> Iterator[str]:
    """Yield which judges gave their allowed answers little probability, and which token they preferred.

    A dataset and criterion of a judge is named where the judge's mean over all of them is not low.

    Args:
        rows: Of the table `choice_mass`.
    """
    low = [row for row in rows if row["low"]]
    overall = {(row.get("run"), row["judge"]) for row in low if not row["dataset"]}
    for row in low:
        if row["dataset"] and (row.get("run"), row["judge"]) in overall:
            continue
        judge, mass = visible(row["judge"]), number(row["mass"])
        place = f" on {visible(row['dataset'])} · {visible(row['criterion'])}" if row["dataset"] else ""
        sentence = f"judge {judge} gave its allowed answers{place} a mean probability of {mass}"
        if row["token"] is not None:
            token = visible(repr(row["token"]))
            n_of_total = f"{count(row['token_n'])} of {count(row['n'])}"
            sentence += f". Its most probable token was most often {token} ({n_of_total})"
        if row["thinks"]:
            sentence += ". Its model thinks before it answers, so use mode: think"
        yield sentence

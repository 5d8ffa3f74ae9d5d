"""Rationales with confirmed verdicts, exported as training data for a judge model.

Only items of the development split are exported, and only verdicts that the labels confirm. So the trained
judge never saw the items on which it is evaluated later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.analysis.frames.labels import gold_labels, label_criterion
from evalhub.analysis.frames.splits import DEV, item_splits, split_rules
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.records import Item, Judgment, canonical, digest, key_of, prompt_sha256
from evalhub.scales import Shape
from evalhub.specs import Mode

FORMAT = "evalhub-training/1"

DIRECT = "judgments without a rationale (mode direct)"
FAILED = "judgments without a verdict"
OF_ITEM = "judgments on criteria that items bring along"
LISTS = "judgments of lists, whose verdict is no single word"
CUT = "judgments whose rationale was cut"
NOT_DEV = "judgments of items outside the dev clusters"
UNLABELLED = "judgments without a label of people or by construction"
ONE_ORDER = "judgments of pairs that were not asked in both orders"
DISAGREE = "judgments of pairs whose two orders disagree"
WRONG = "judgments whose verdict is not the label's"
TWICE = "judgments that another run holds too"

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """Training data for a judge model.

    Attributes:
        lines: One JSON text for each judgment, sorted.
        manifest: Facts of the lines, and the number of judgments that were left out, by reason.
    """

    lines: tuple[str, ...]
    manifest: Mapping[str, Any]


def training(runs: Sequence[Results], seed: int = 0) -> Training:
    """Return the judgments of some runs that can train a judge model.

    A judgment is exported if

    1. it has a rationale or reasoning,
    2. every item of its cluster is in the split `dev`,
    3. its verdict, and the combined verdict of all judgments of the unit, equal the label,
    4. the two orders of a pair agree.

    Of a dataset without a split about half of the clusters count as `dev`, drawn with the seed.

    Args:
        runs: The runs.
        seed: Seed of the draw of clusters.
    """
    rows: dict[str, dict[str, Any]] = {}
    exclusions: Counter[str] = Counter()
    splits: dict[str, str] = {}
    for results in runs:
        dev = _dev_items(results, seed, splits)
        for row, reason in _rows(results, dev):
            line = canonical(row)
            reason = reason or (TWICE if line in rows else None)
            if reason:
                exclusions[reason] += 1
            else:
                rows[line] = row
    lines = tuple(sorted(rows, key=lambda line: (_sort_key(rows[line]), line)))
    text = "".join(f"{line}\n" for line in lines)
    manifest = {
        "format": FORMAT,
        "evalhub": metadata.version("evalhub-laaj"),
        "lines": len(lines),
        "sha256": digest(text),
        "seed": seed,
        "runs": sorted(results.run.id for results in runs),
        "splits": dict(sorted(splits.items())),
        "judges": sorted({row["judge"] for row in rows.values()}),
        "exclusions": dict(sorted(exclusions.items())),
        "items": sorted({row["item_sha256"] for row in rows.values()}),
    }
    return Training(lines, manifest)


def export_training(data: Training, path: Path) -> Path:
    """Write training data and its manifest.

    Args:
        data: The training data.
        path: The file of the lines. The manifest gets the same name with the suffix `.manifest.json`.

    Returns:
        The path of the manifest.

    Raises:
        InputError: One of the files exists already, or there are no lines.
        StorageError: The files cannot be written.
    """
    manifest_path = path.with_suffix(".manifest.json")
    for file in (path, manifest_path):
        if file.exists():
            raise InputError("the file exists already", where=str(file), fix="name another one, or remove it")
    if not data.lines:
        reasons = ", ".join(f"{count} {reason}" for reason, count in data.manifest["exclusions"].items())
        raise InputError("no judgment of these runs may be trained on", value=reasons or "no judgments")
    try:
        write_file(path, "".join(f"{line}\n" for line in data.lines).encode(), shared=True)
        manifest = json.dumps(data.manifest, indent=1, ensure_ascii=False) + "\n"
        write_file(manifest_path, manifest.encode(), shared=True)
    except OSError as error:
        raise StorageError(f"the export cannot be written ({error.strerror})", where=str(path)) from error
    return manifest_path


def _dev_items(results: Results, seed: int, splits: dict[str, str]) -> dict[tuple[str, str], Item]:
    """Return the items of the development split. Adds a description of each dataset's split to `splits`."""
    table = item_splits(results, seed)
    splits |= split_rules(table, seed)
    in_dev = {
        (row["dataset"], row["item_id"])
        for row in table.select(["dataset", "item_id", "split"]).to_pylist()
        if row["split"] == DEV
    }
    items = (record for record in results.run.records("items") if isinstance(record, Item))
    return {key: item for item in items if (key := (item.dataset, item.item_id)) in in_dev}


def _rows(
    results: Results, dev: Mapping[tuple[str, str], Item]
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield each judgment of the run's own judges as a row with None, or an empty row with a reason."""
    run_judges = results.judges
    records = {key_of(record): record for record in results.run.records("judgments")}
    judgments = [
        record for record in records.values() if isinstance(record, Judgment) and record.judge in run_judges
    ]
    has_rationales = any(run_judges[judgment.judge].mode is not Mode.DIRECT for judgment in judgments)
    messages = _messages(results) if has_rationales else {}
    labels, verdicts = _labels(results), _verdicts(results)
    for judgment in judgments:
        item = dev.get((judgment.dataset, judgment.item_id))
        label = _label(results, labels, judgment)
        reason = (
            _unfit_reason(results, judgment)
            or (None if item else NOT_DEV)
            or _unconfirmed_reason(judgment, label, verdicts)
        )
        if reason or not item or not label:
            yield {}, reason
        else:
            yield _training_row(judgment, item, label, messages), None


def _unfit_reason(results: Results, judgment: Judgment) -> str | None:
    """Return why the text of a judgment cannot be trained on. None = it can."""
    rubric = results.rubric(judgment.judge)
    if judgment.failure:
        return FAILED
    if judgment.item_criterion is not None:
        return OF_ITEM
    if rubric is not None and rubric.shape is Shape.LIST:
        return LISTS
    if judgment.rationale is None:
        return DIRECT
    return CUT if judgment.rationale_cut else None


def _unconfirmed_reason(
    judgment: Judgment, label: tuple[Any, str] | None, verdicts: Mapping[Key, Mapping[str, Any]]
) -> str | None:
    """Return why the verdict of a judgment is not confirmed by the label. None = it is."""
    if label is None:
        return UNLABELLED
    combined = verdicts[_unit(judgment)]
    if judgment.system is None:
        orders = [combined["winner_ab"], combined["winner_ba"]]
        if None in orders:
            return ONE_ORDER
        if orders[0] != orders[1]:
            return DISAGREE
        to_confirm = [combined["winner"], judgment.winner.value if judgment.winner else None]
    else:
        to_confirm = [combined["value"], judgment.value]
    return None if all(verdict == label[0] for verdict in to_confirm) else WRONG


def _unit(judgment: Judgment) -> Key:
    """Return the key of the verdict to which a judgment belongs."""
    is_rating = judgment.system is not None
    systems = (judgment.system,) if is_rating else (judgment.system_a, judgment.system_b)
    return (
        judgment.dataset, judgment.judge, judgment.criterion, judgment.item_id, *systems, judgment.sample
    )  # fmt: skip


def _verdicts(results: Results) -> dict[Key, dict[str, Any]]:
    verdicts: dict[Key, dict[str, Any]] = {}
    frames = ((pair_verdicts(results), ("system_a", "system_b")), (ratings(results), ("system",)))
    for frame, systems in frames:
        names = ("dataset", "judge", "criterion", "item_id", *systems, "sample")
        verdicts |= {tuple(row[name] for name in names): row for row in rows_of(frame)}
    return verdicts


def _labels(results: Results) -> dict[Key, tuple[Any, str]]:
    """Return the gold label of each response or pair, with the kind of its annotator."""
    labels: dict[Key, tuple[Any, str]] = {}
    for row in rows_of(gold_labels(results)):
        systems = [row[name] for name in ("system", "system_a", "system_b") if row[name] is not None]
        label = row["label_winner"] if row["label_value"] is None else row["label_value"]
        key = (row["dataset"], row["label_criterion"], row["item_id"], *systems, row["sample"])
        if label is not None:
            labels[key] = (label, str(row["annotator_kind"]))
    return labels


def _label(
    results: Results, labels: Mapping[Key, tuple[Any, str]], judgment: Judgment
) -> tuple[Any, str] | None:
    criterion = label_criterion(results, judgment.judge, judgment.dataset, judgment.criterion)
    dataset, _, _, *item_and_systems = _unit(judgment)
    return labels.get((dataset, criterion, *item_and_systems))


def _messages(results: Results) -> dict[str, str]:
    """Return the messages of each request, by the key of its completion."""
    frame = results.sql("SELECT key, messages FROM completions")
    return dict(zip(frame["key"], frame["messages"], strict=True))


def _training_row(
    judgment: Judgment, item: Item, label: tuple[Any, str], messages: Mapping[str, str]
) -> dict[str, Any]:
    systems = (judgment.system, judgment.system_a, judgment.system_b)
    return {
        "dataset": judgment.dataset,
        "item_id": judgment.item_id,
        "item_sha256": prompt_sha256(item),
        "cluster": item.cluster,
        "split": item.split or DEV,
        "judge": judgment.judge,
        "model": judgment.model,
        "mode": judgment.mode,
        "rubric": judgment.rubric,
        "rubric_hash": judgment.rubric_hash,
        "criterion": judgment.criterion,
        "systems": [name for name in systems if name is not None],
        "sample": judgment.sample,
        "shown": judgment.shown.value if judgment.shown else None,
        "repeat": judgment.repeat,
        "messages": json.loads(messages[judgment.completions[-1]]),
        "rationale": judgment.rationale,
        "verdict": judgment.raw_text,
        "label": label[0],
        "annotator_kind": label[1],
    }


def _sort_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("dataset", "item_id", "judge", "criterion", "systems", "sample")
    return (*(row[name] for name in names), row["shown"] or "", row["repeat"])

"""Rationales and verdicts that held up, as training data for a judge of one's own.

Only items of the development side are taken, and only verdicts that the labels confirm, so that what
the trained judge is measured on later was never shown to it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from evalhub.analysis.frames.labels import ground, label_criterion
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.records import Item, Judgment, canonical, digest, key_of, prompt_sha256
from evalhub.scales import Shape
from evalhub.specs import Mode

FORMAT = "evalhub-training/1"
DEV = "dev"

DIRECT = "judgments without a rationale (mode direct)"
FAILED = "judgments without a verdict"
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
    """What may be trained on.

    Attributes:
        lines: One JSON text for each judgment, sorted.
        manifest: What the lines hold, and what was left out and why.
    """

    lines: tuple[str, ...]
    manifest: Mapping[str, Any]


def training(runs: Sequence[Results], seed: int = 0) -> Training:
    """Return the judgments of some runs that a judge may be trained on.

    A judgment is taken where its judge explained or thought, its item lies in a cluster all of whose
    items have the split `dev`, its verdict and that of all askings together are the label's, and the two
    orders of a pair agree. Where a dataset has no split, about half of its clusters are taken, drawn with
    the seed.

    Args:
        runs: The runs.
        seed: Of the draw of clusters.
    """
    kept: dict[str, dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    splits: dict[str, str] = {}
    for results in runs:
        dev = _dev_items(results, seed, splits)
        for row, why in _rows(results, dev):
            line = canonical(row)
            why = why or (TWICE if line in kept else None)
            if why:
                left_out[why] += 1
            else:
                kept[line] = row
    lines = tuple(sorted(kept, key=lambda line: (_sorted_by(kept[line]), line)))
    text = "".join(f"{line}\n" for line in lines)
    manifest = {
        "format": FORMAT,
        "evalhub": metadata.version("evalhub-laaj"),
        "lines": len(lines),
        "sha256": digest(text),
        "seed": seed,
        "runs": sorted(results.run.id for results in runs),
        "splits": dict(sorted(splits.items())),
        "judges": sorted({row["judge"] for row in kept.values()}),
        "left_out": dict(sorted(left_out.items())),
        "items": sorted({row["item_sha256"] for row in kept.values()}),
    }
    return Training(lines, manifest)


def export_training(found: Training, path: Path) -> Path:
    """Write training data, and its manifest beside it; return where the manifest stands.

    Args:
        found: What is written.
        path: The file of the lines; the manifest has its name with `.manifest.json`.

    Raises:
        InputError: One of the files exists already, or there is nothing to write.
        StorageError: They cannot be written.
    """
    beside = path.with_suffix(".manifest.json")
    for one in (path, beside):
        if one.exists():
            raise InputError("the file exists already", where=str(one), fix="name another one, or remove it")
    if not found.lines:
        reasons = ", ".join(f"{count} {why}" for why, count in found.manifest["left_out"].items())
        raise InputError("no judgment of these runs may be trained on", value=reasons or "no judgments")
    try:
        write_file(path, "".join(f"{line}\n" for line in found.lines).encode(), shared=True)
        manifest = json.dumps(found.manifest, indent=1, ensure_ascii=False) + "\n"
        write_file(beside, manifest.encode(), shared=True)
    except OSError as error:
        why = error.strerror
        raise StorageError(f"the export cannot be written ({why})", where=str(path)) from error
    return beside


def _dev_items(results: Results, seed: int, splits: dict[str, str]) -> dict[tuple[str, str], Item]:
    """Return the items of the development side; whether a cluster is there hangs on its name alone."""
    items = {key_of(one): one for one in results.run.records("items") if isinstance(one, Item)}
    clusters: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items.values():
        clusters[item.dataset, item.cluster].append(item)
    split = {item.dataset for item in items.values() if item.split is not None}
    for dataset in {item.dataset for item in items.values()}:
        told = f"the split {DEV}" if dataset in split else f"about half of the clusters, seed {seed}"
        splits[dataset] = told
    return {
        (item.dataset, item.item_id): item
        for (dataset, cluster), members in clusters.items()
        if (
            all(item.split == DEV for item in members)
            if dataset in split
            else int(digest([seed, dataset, cluster])[:8], 16) % 2 == 0
        )
        for item in members
    }


def _rows(
    results: Results, dev: Mapping[tuple[str, str], Item]
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield each judgment of the run's own judges as a line, or why it is none."""
    told = results.manifest["judges"]
    judgments = {key_of(one): one for one in results.run.records("judgments") if isinstance(one, Judgment)}
    mine = [one for one in judgments.values() if one.judge in told]
    sent = _sent(results) if any(told[one.judge].get("mode") != Mode.DIRECT for one in mine) else {}
    labels, verdicts = _labels(results), _verdicts(results)
    for one in mine:
        item = dev.get((one.dataset, one.item_id))
        label = _label(results, labels, one)
        why = _unfit(results, one) or (None if item else NOT_DEV) or _unconfirmed(one, label, verdicts)
        yield ({}, why) if why or not item or not label else (_line(one, item, label, sent), None)


def _unfit(results: Results, one: Judgment) -> str | None:
    rubric = results.rubric(one.judge)
    if one.failure:
        return FAILED
    if rubric is not None and rubric.shape is Shape.LIST:
        return LISTS
    if one.rationale is None:
        return DIRECT
    return CUT if one.rationale_cut else None


def _unconfirmed(
    one: Judgment, label: tuple[Any, str] | None, verdicts: Mapping[Key, Mapping[str, Any]]
) -> str | None:
    if label is None:
        return UNLABELLED
    whole = verdicts[_about(one)]
    if one.system is None:
        orders = [whole["winner_ab"], whole["winner_ba"]]
        if None in orders:
            return ONE_ORDER
        if orders[0] != orders[1]:
            return DISAGREE
        said = [whole["winner"], one.winner.value if one.winner else None]
    else:
        said = [whole["value"], one.value]
    return None if all(verdict == label[0] for verdict in said) else WRONG


def _about(one: Judgment) -> Key:
    systems = (one.system,) if one.system is not None else (one.system_a, one.system_b)
    return (one.dataset, one.judge, one.criterion, one.item_id, *systems, one.sample)


def _verdicts(results: Results) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    both = ((pair_verdicts(results), ("system_a", "system_b")), (ratings(results), ("system",)))
    for frame, systems in both:
        names = ("dataset", "judge", "criterion", "item_id", *systems, "sample")
        found |= {tuple(row[name] for name in names): row for row in rows_of(frame)}
    return found


def _labels(results: Results) -> dict[Key, tuple[Any, str]]:
    """Return the label of each response or pair, and who gave it."""
    found: dict[Key, tuple[Any, str]] = {}
    for row in rows_of(ground(results)):
        systems = [row[name] for name in ("system", "system_a", "system_b") if row[name] is not None]
        said = row["label_winner"] if row["label_value"] is None else row["label_value"]
        key = (row["dataset"], row["label_criterion"], row["item_id"], *systems, row["sample"])
        if said is not None:
            found[key] = (said, str(row["annotator_kind"]))
    return found


def _label(results: Results, labels: Mapping[Key, tuple[Any, str]], one: Judgment) -> tuple[Any, str] | None:
    criterion = label_criterion(results, one.judge, one.dataset, one.criterion)
    dataset, _, _, *about = _about(one)
    return labels.get((dataset, criterion, *about))


def _sent(results: Results) -> dict[str, str]:
    frame = results.sql("SELECT key, messages FROM completions")
    return dict(zip(frame["key"], frame["messages"], strict=True))


def _line(one: Judgment, item: Item, label: tuple[Any, str], sent: Mapping[str, str]) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "item_id": one.item_id,
        "item_sha256": prompt_sha256(item),
        "cluster": item.cluster,
        "split": item.split or DEV,
        "judge": one.judge,
        "model": one.model,
        "mode": one.mode,
        "rubric": one.rubric,
        "rubric_hash": one.rubric_hash,
        "criterion": one.criterion,
        "systems": [name for name in (one.system, one.system_a, one.system_b) if name is not None],
        "sample": one.sample,
        "shown": one.shown.value if one.shown else None,
        "repeat": one.repeat,
        "messages": json.loads(sent[one.completions[-1]]),
        "rationale": one.rationale,
        "verdict": one.raw_text,
        "label": label[0],
        "annotator_kind": label[1],
    }


def _sorted_by(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("dataset", "item_id", "judge", "criterion", "systems", "sample")
    return (*(row[name] for name in names), row["shown"] or "", row["repeat"])

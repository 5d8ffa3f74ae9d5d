"""Preference pairs of a run: each row is recomputed from the run's files, and no test item is among them."""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from evalhub.analysis import (
    PreferenceFilter,
    Results,
    agreement,
    export_preferences,
    pair_verdicts,
    rows_of,
    training,
)
from evalhub.analysis.database import connection
from evalhub.analysis.people import preference_pairs
from evalhub.analysis.people.preference_rows import (
    DISAGREE,
    EMPTY,
    NO_VERDICT,
    OTHER_LABEL,
    OTHER_SPLIT,
    TIE,
    UNLABELLED,
    UNSURE,
)
from evalhub.errors import InputError
from tests.analysis.preference_bench import (
    JUDGE,
    Exported,
    check_conversational_preference,
    dev,
    exported,
    label_rows,
    run,
)

__all__ = ["dev", "run"]


def is_drawn(seed: int, dataset: str, cluster: str) -> bool:
    text = json.dumps([seed, dataset, cluster], separators=(",", ":"))
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2 == 0


def recomputed(run: Results, split: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return every preference of the run, from its files by SQL of its own."""
    parts = run.run.path / "parts"
    with duckdb.connect() as database:
        for kind in ("items", "responses", "judgments", "labels"):
            files = f"read_parquet('{parts}/*/*-{kind}.parquet', union_by_name = true)"
            database.execute(f"CREATE VIEW {kind} AS FROM {files}")
        query = """
        WITH odds AS (
          SELECT dataset, item_id, criterion, system_a, system_b, sample, min(judge) AS judge,
            min(rubric) AS rubric, min(rubric_hash) AS rubric_hash, min(model) AS model,
            avg(logprobs['a'] - logprobs['b']) AS margin, count(failure) AS failures, count(*) AS orders,
            count(DISTINCT winner) = 1 AS orders_agree
          FROM judgments GROUP BY ALL
        ), clusters AS (
          SELECT dataset, cluster, list_sort(list(DISTINCT split)) AS splits FROM items GROUP BY ALL
        )
        SELECT odds.*, i.cluster, splits, i.turns[1] AS prompt, a.text AS text_a, b.text AS text_b,
          l.winner AS label
        FROM odds JOIN items i USING (dataset, item_id) JOIN clusters USING (dataset, cluster)
        JOIN responses a ON (a.dataset, a.item_id, a.system) = (odds.dataset, odds.item_id, system_a)
        JOIN responses b ON (b.dataset, b.item_id, b.system) = (odds.dataset, odds.item_id, system_b)
        LEFT JOIN labels l ON (l.dataset, l.item_id, l.system_a, l.system_b)
          = (odds.dataset, odds.item_id, odds.system_a, odds.system_b)"""
        rows = database.sql(query).to_arrow_table().to_pylist()
    found = {}
    for row in rows:
        if row["dataset"] == "tiny":
            in_split = row["splits"] == [split]
        else:
            in_split = is_drawn(0, "open", row["cluster"]) == (split == "dev")
        texts = (row["text_a"] or "").strip(), (row["text_b"] or "").strip()
        is_even = abs(1 / (1 + math.exp(-(row["margin"] or 0))) - 0.5) < 1e-6
        if not in_split or row["failures"] or row["orders"] != 2 or is_even:
            continue
        if not all(texts) or texts[0] == texts[1]:
            continue
        sides = ("a", "b") if row["margin"] > 0 else ("b", "a")
        names = [row[f"system_{side}"] for side in sides]
        found[row["dataset"], row["item_id"], row["criterion"], *names, row["sample"]] = {
            **row, "sides": sides, "margin": abs(row["margin"]),
        }  # fmt: skip
    return found


@pytest.mark.parametrize("split", ["dev", "test"])
def test_each_row_is_what_the_files_of_the_run_say(run: Results, tmp_path: Path, split: str) -> None:
    file = exported(run, tmp_path, split=split)
    expected = recomputed(run, split)
    assert file.keys == set(expected)
    assert len(file.rows) > 400
    for row in file.rows:
        names = ("dataset", "item_id", "criterion", "system_chosen", "system_rejected", "sample")
        source = expected[tuple(row[name] for name in names)]
        winner, loser = source["sides"]
        assert row["prompt"] == [{"role": "user", "content": source["prompt"]}]
        assert row["chosen"] == [{"role": "assistant", "content": source[f"text_{winner}"]}]
        assert row["rejected"] == [{"role": "assistant", "content": source[f"text_{loser}"]}]
        assert row["margin"] == pytest.approx(source["margin"], abs=1e-9)
        assert row["probability"] == pytest.approx(1 / (1 + math.exp(-source["margin"])))
        assert 0.5 < row["probability"] <= 1
        assert row["orders_agree"] == source["orders_agree"]
        for name in ("cluster", "judge", "rubric", "rubric_hash", "model"):
            assert row[name] == source[name], name
        assert row["split"] == split
        label = {None: None, "tie": "tie", winner: "chosen", loser: "rejected"}[source["label"]]
        assert (row["label"], row["label_kind"]) == (label, label and "human")
        assert row["control_tokens"] == ("<|im_end|>" in source["prompt"])
    assert {row["label"] for row in file.rows} == {None, "tie", "chosen", "rejected"}
    assert {row["orders_agree"] for row in file.rows} == {True, False}


def test_no_row_is_of_a_test_cluster(run: Results, dev: Exported, tmp_path: Path) -> None:
    items = {(row["dataset"], row["item_id"]): row for row in rows_of(run.items())}
    assert {items["tiny", row["item_id"]]["split"] for row in dev.rows if row["dataset"] == "tiny"} == {"dev"}
    assert not [row for row in dev.rows if row["dataset"] == "tiny" and row["item_id"] >= "i180"]
    test = exported(run, tmp_path, split="test")
    clusters = [{(row["dataset"], row["cluster"]) for row in file.rows} for file in (dev, test)]
    assert clusters[0]
    assert not clusters[0] & clusters[1]
    assert dev.manifest["clusters"] == len(clusters[0])
    both = exported(run, tmp_path, split="all")
    assert dev.keys | test.keys < both.keys  # clusters with items of both splits are in neither
    assert {row["split"] for row in both.rows} == {"dev", "test", None}
    assert both.manifest["splits"] == {"open": "all clusters", "tiny": "all clusters"}
    drawn = "about half of the clusters, seed 0"
    assert dev.manifest["splits"] == {"open": drawn, "tiny": "the split dev"}


def test_the_split_is_that_of_the_training_data_of_judges(desk: Any) -> None:
    labels = [{**row, "item_id": f"i{n:03}", "winner": "a"} for n, row in enumerate(label_rows()[:40])]
    desk.dataset(items=40, labels=labels)
    rules = [{"match": r"First response:\n`+\nk", "choice": "A", "text": "k"}, {"choice": "B", "text": "k"}]
    engine = {"type": "scripted", "script": {"rules": rules}}
    desk.suite(judges=[{**JUDGE, "mode": "think", "engine": engine}])
    results = Results(desk.run())
    for seed in range(3):
        of_judges = {json.loads(line)["item_id"] for line in training([results], seed).lines}
        rows = exported(results, desk.folder, seed=seed).rows
        assert {row["item_id"] for row in rows} == of_judges
        assert 5 < len(of_judges) < 35
    (kept,) = {row["probability"] for row in rows}  # one sampled rationale gives no probability
    assert kept is None


def test_what_is_left_out_is_counted_by_reason(run: Results, dev: Exported, tmp_path: Path) -> None:
    assert dev.manifest["pairs"] == 1300 == dev.manifest["rows"] + sum(dev.manifest["exclusions"].values())
    both = exported(run, tmp_path, split="all").manifest["exclusions"]
    # Ten items each are too long for the judge, tied by the script, of equal responses, or without an answer
    # of m, which is in two of three pairs.
    assert both == {NO_VERDICT: 30, TIE: 60, EMPTY: 20}
    assert list(dev.manifest["exclusions"]) == [NO_VERDICT, TIE, OTHER_SPLIT, EMPTY]


def test_filters_take_what_they_say(run: Results, dev: Exported, tmp_path: Path) -> None:
    def left(**options: Any) -> Exported:
        return exported(run, tmp_path, **options)

    sure = left(min_probability=0.7)
    assert [row for row in dev.rows if row["probability"] >= 0.7] == sure.rows != []
    assert sure.manifest["exclusions"][UNSURE] > 0
    stable = left(orders_agree=True)
    assert [row for row in dev.rows if row["orders_agree"]] == stable.rows != []
    assert stable.manifest["exclusions"][DISAGREE] > 0
    confirmed = left(agree_with_labels=True)
    assert [row for row in dev.rows if row["label"] == "chosen"] == confirmed.rows != []
    assert confirmed.manifest["exclusions"][UNLABELLED] > confirmed.manifest["exclusions"][OTHER_LABEL] > 0
    small = left(dataset="open", criterion="overall")
    assert [row for row in dev.rows if row["dataset"] == "open"] == small.rows != []
    assert small.manifest["pairs"] == 100
    assert small.manifest["filters"] == {
        "judge": None, "labels": False, "split": "dev", "seed": 0, "min_probability": None,
        "orders_agree": False, "agree_with_labels": False, "criterion": "overall", "dataset": "open",
    }  # fmt: skip


def test_length_and_agreement_are_those_of_the_rows(run: Results, dev: Exported) -> None:
    extra = [len(row["chosen"][0]["content"]) - len(row["rejected"][0]["content"]) for row in dev.rows]
    counts = Counter("longer" if more > 0 else "shorter" if more < 0 else "equal" for more in extra)
    assert counts["equal"] > 0
    share = counts["longer"] / len(dev.rows)
    assert dev.manifest["length"] == {"share_longer": share, **{name: counts[name] for name in counts}}
    labels = Counter(row["label"] for row in dev.rows)
    (kind,) = dev.manifest["agreement"].values()
    assert kind["n"] == labels["chosen"] + labels["rejected"]
    assert kind["n_excluded"] == labels["tie"]
    assert kind["estimate"] == pytest.approx(labels["chosen"] / kind["n"])
    assert kind["low"] < kind["estimate"] < kind["high"]
    labelled = {row["cluster"] for row in dev.rows if row["label"] in ("chosen", "rejected")}
    assert kind["clusters"] == len(labelled)
    assert dev.manifest["control_tokens"] == sum(row["control_tokens"] for row in dev.rows) > 0


def test_the_agreement_is_that_of_the_report_where_all_labelled_pairs_are_rows(desk: Any) -> None:
    desk.dataset(items=40, labels=[row for row in label_rows() if row["item_id"] < "i040"])
    desk.suite()
    results = Results(desk.run())
    file = exported(results, desk.folder, split="all")
    assert file.manifest["rows"] == 40
    (expected,) = [
        row
        for row in rows_of(agreement(results))
        if (row["statistic"], row["reading"], row["rater_kind"]) == ("accuracy", "combined", "judge")
    ]
    for name in ("estimate", "low", "high", "n", "clusters", "method"):
        assert file.manifest["agreement"]["human"][name] == expected[name], name


def test_verdicts_are_those_of_the_tables(run: Results, dev: Exported) -> None:
    names = ["dataset", "item_id", "system_a", "system_b"]
    verdicts = {tuple(row[name] for name in names): row for row in rows_of(pair_verdicts(run))}
    for row in dev.rows:
        systems = sorted((row["system_chosen"], row["system_rejected"]))
        verdict = verdicts[row["dataset"], row["item_id"], *systems]
        assert systems["ab".index(verdict["winner"])] == row["system_chosen"]
        p = verdict["p_a"] if verdict["winner"] == "a" else 1 - verdict["p_a"]
        assert row["probability"] == p  # to the last bit


def test_rows_are_conversational_preferences_for_other_programs(
    run: Results, dev: Exported, tmp_path: Path
) -> None:
    load_dataset = pytest.importorskip("datasets").load_dataset
    for row in dev.rows:
        check_conversational_preference(row)
    path = tmp_path / "pairs.parquet"
    manifest = export_preferences(run, path)
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    frame = pd.read_parquet(path)
    assert duckdb.read_parquet(str(path)).to_arrow_table().to_pylist() == dev.rows
    assert list(frame.columns) == list(dev.rows[0])
    assert (len(frame), manifest["rows"]) == (len(dev.rows), len(dev.rows))
    lines = tmp_path / "pairs.jsonl"
    export_preferences(run, lines)
    again = pd.read_json(lines, lines=True)
    assert again["chosen"].tolist() == [row["chosen"] for row in dev.rows]
    for file, kind in ((path, "parquet"), (lines, "json")):
        cache = str(tmp_path / "cache")
        loaded = load_dataset(kind, data_files=str(file), split="train", cache_dir=cache)
        assert [row["chosen"] for row in loaded] == [row["chosen"] for row in dev.rows]
        for row in loaded:
            check_conversational_preference(row)
    facts = [{name: value for name, value in entry.items() if name not in ("sha256", "file")}
             for entry in (manifest, dev.manifest)]  # fmt: skip
    assert facts[0] == facts[1]


def test_batches_change_nothing(
    run: Results, dev: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_pairs, "BATCH", 7)
    again = exported(run, tmp_path)
    assert again.rows == dev.rows
    assert {**again.manifest, "file": ""} == {**dev.manifest, "file": ""}


def test_a_large_run_is_read_from_its_files_to_the_same_rows(
    run: Results, dev: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MANY", 1000)
    large = Results(run.run)
    assert large.database.is_large
    assert exported(large, tmp_path).rows == dev.rows


def test_a_part_of_a_run_keeps_the_split_of_the_full_run(run: Results, dev: Exported, tmp_path: Path) -> None:
    # Of the clusters with items of both splits, the part has the items of one split alone.
    part = exported(run.where("item_id[-1]::INTEGER % 2 = 0"), tmp_path)
    assert part.rows == [row for row in dev.rows if int(row["item_id"][-1]) % 2 == 0] != []


class TestLabels:
    def test_people_order_the_pairs(self, run: Results, tmp_path: Path) -> None:
        file = exported(run, tmp_path, labels=True, split="all")
        winners = {row["item_id"]: row["winner"] for row in label_rows()}
        for row in file.rows:
            winner = "k" if winners[row["item_id"]] == "a" else "m"
            assert (row["system_chosen"], row["label"], row["label_kind"]) == (winner, "chosen", "human")
            absent = ("judge", "rubric", "rubric_hash", "model", "probability", "margin", "orders_agree")
            assert {row[name] for name in absent} == {None}
        ties = sum(winner == "tie" for winner in winners.values())
        assert file.manifest["pairs"] == len(winners)
        assert file.manifest["exclusions"][TIE] == ties
        assert file.manifest["ordered_by"] == "labels"
        assert file.manifest["agreement"]["human"]["reason"] == "the labels select the pairs"

    @pytest.mark.parametrize(
        ("option", "value"),
        [("judge", "pw"), ("min_probability", 0.6), ("orders_agree", True), ("agree_with_labels", True)],
    )
    def test_no_option_of_verdicts_stands_beside(self, option: str, value: Any) -> None:
        with pytest.raises(InputError, match=f"leave --{option.replace('_', '-')} out"):
            PreferenceFilter(labels=True, **{option: value})

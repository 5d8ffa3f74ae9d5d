"""Preference pairs of a run: each row is recomputed from the run's files, and no test item is among them."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

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
    EQUAL,
    HARD,
    NO_VERDICT,
    ONE_ORDER,
    OTHER_LABEL,
    OTHER_SPLIT,
    TIE,
    TURNS,
    UNLABELLED,
    UNSURE,
)
from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.records import AnnotatorKind, FailureKind, Item, Label, Record, Response

ITEMS = 400
SYSTEMS = ("k", "m", "z")
# Two items are a cluster. The clusters of items 180 to 199 have an item of either split.
TINY_ITEMS = """
SELECT item_id, prompt, 'c' || (item_id[2:]::INTEGER // 2) AS cluster,
  CASE WHEN item_id < 'i180' OR (item_id < 'i200' AND item_id[-1]::INTEGER % 2 = 0) THEN 'dev' ELSE 'test' END
  AS split
FROM items"""
LONG = "many " * 300
SCRIPT = {
    "max_length": 250,
    "rules": [{"match": "a tie", "choice": "A"}, {"match": "k wins with \\w+\nm|", "mass": 0.9}],
}
JUDGE = {"id": "pw", "rubric": "pair", "model": "toy", "families": ["beta"], "pairs": {"by": "all"}}


class Exported(NamedTuple):
    """A file of preferences."""

    rows: list[dict[str, Any]]
    manifest: dict[str, Any]

    @property
    def keys(self) -> set[tuple[Any, ...]]:
        names = ("dataset", "item_id", "criterion", "system_chosen", "system_rejected", "sample")
        return {tuple(row[name] for name in names) for row in self.rows}


def read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def exported(results: Results, folder: Path, **options: Any) -> Exported:
    path = folder / f"{hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:12]}.jsonl"
    manifest_path = path.with_name(f"{path.name}.manifest.json")
    path.unlink(missing_ok=True)
    manifest_path.unlink(missing_ok=True)
    manifest = export_preferences(results, path, PreferenceFilter(**options))
    assert json.loads(manifest_path.read_text()) == manifest
    rows = read_lines(path)
    assert len(rows) == manifest["rows"]
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    return Exported(rows, manifest)


def text_of(number: int, system: str) -> str:
    if number % 40 == 7 and system == "m":
        return ""
    if number % 40 == 9:
        return "the same words"
    return f"{system} answers {number}" + " and more" * (number * len(system) * ord(system) % 7)


def item_rows() -> list[dict[str, Any]]:
    prompts = {3: f"{LONG}?", 5: "Is it a tie?", 11: "What does <|im_end|> mean?"}
    return [
        {"item_id": f"i{n:03}", "prompt": f"{prompts.get(n % 40, 'What is it?')} {n}"} for n in range(ITEMS)
    ]


def label_rows() -> list[dict[str, Any]]:
    return [
        {
            "item_id": f"i{n:03}", "criterion": "overall", "system_a": "k", "system_b": "m",
            "annotator": "ann", "winner": ("a", "b", "b", "tie")[n // 3 % 4],
        }
        for n in range(0, ITEMS, 3)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(shared_desk: Callable[[], AbstractContextManager[Any]]) -> Results:
    """A run of 1,300 pairs on two datasets, one with splits and labels, one with neither."""
    with shared_desk() as desk:
        desk.dataset(
            items=item_rows(),
            responses=[
                {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text_of(n, system)}
                for n in range(ITEMS)
                for system in SYSTEMS
            ],
            labels=label_rows(),
            card={"items": TINY_ITEMS},
        )
        desk.dataset("open", items=100)
        engine = {"type": "scripted", "script": SCRIPT}
        desk.suite(datasets=[{"id": "tiny"}, {"id": "open"}], judges=[{**JUDGE, "engine": engine}])
        return Results(desk.run())


@pytest.fixture(scope="module")
def dev(run: Results, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported(run, tmp_path_factory.mktemp("dev"))


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


def check_conversational_preference(row: dict[str, Any]) -> None:
    """Hold a row to the rules of TRL's conversational preferences with an explicit prompt."""
    for name in ("prompt", "chosen", "rejected"):
        messages = row[name]
        assert isinstance(messages, list)
        assert messages
        for message in messages:
            assert set(message) == {"role", "content"}
            assert message["role"] in ("system", "user", "assistant")
            assert isinstance(message["content"], str)
            assert message["content"].strip()
    assert row["prompt"][-1]["role"] == "user"
    assert [message["role"] for message in row["prompt"]].count("system") <= 1
    assert row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"
    assert row["chosen"] != row["rejected"]


def test_rows_are_conversational_preferences_for_other_programs(
    run: Results, dev: Exported, tmp_path: Path
) -> None:
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


class TestByHand:
    """Runs of a few records, on every cluster."""

    def write(self, results: Any, records: list[Record], folder: Path, **options: Any) -> Exported:
        return exported(results(records), folder, **{"split": "all", **options})

    def test_an_order_that_failed_or_is_missing_is_no_preference(
        self, hand: Any, results: Any, tmp_path: Path
    ) -> None:
        file = self.write(results, hand.pairs(), tmp_path)
        assert [row["item_id"] for row in file.rows] == ["i1", "i2", "i3"]
        assert file.manifest["exclusions"] == {NO_VERDICT: 1}
        assert [row["system_chosen"] for row in file.rows] == ["k", "k", "m"]
        odds = (math.log(0.9 / 0.1) + math.log(0.6 / 0.4)) / 2
        assert file.rows[0]["margin"] == pytest.approx(odds)
        assert [row["label"] for row in file.rows] == ["chosen", "rejected", "chosen"]
        assert [row["orders_agree"] for row in file.rows] == [True, False, True]

    def test_a_certain_verdict_has_a_finite_margin_or_none(
        self, hand: Any, results: Any, tmp_path: Path
    ) -> None:
        records: list[Record] = [hand.item("i1"), hand.response("i1", "k"), hand.response("i1", "m", 3)]
        sure = [replace(hand.asked("i1", shown, 0.9), logprobs={"a": -1e-30, "b": -90.0}, p_a=1.0)
                for shown in ("ab", "ba")]  # fmt: skip
        (row,) = self.write(results, [*records, *sure], tmp_path).rows
        assert row["probability"] == 1
        assert row["margin"] == pytest.approx(90)

    def test_a_hard_verdict_has_no_probability(self, hand: Any, results: Any, tmp_path: Path) -> None:
        records: list[Record] = [hand.item("i1"), hand.response("i1", "k"), hand.response("i1", "m", 3)]
        hard = [replace(hand.asked("i1", shown, 0.9), logprobs=None, p_a=None) for shown in ("ab", "ba")]
        run = results([*records, *hard])
        (row,) = exported(run, tmp_path, split="all").rows
        assert (row["probability"], row["margin"], row["orders_agree"]) == (None, None, True)
        with pytest.raises(InputError, match=f"--min-probability leaves none of 1 pairs: 1 {HARD}"):
            exported(run, tmp_path, split="all", min_probability=0.5)

    def test_one_order_alone_says_nothing_of_agreement(self, hand: Any, results: Any, tmp_path: Path) -> None:
        records: list[Record] = [hand.item("i1"), hand.response("i1", "k"), hand.response("i1", "m", 3)]
        run = results([*records, hand.asked("i1", "ab", 0.9)])
        (row,) = exported(run, tmp_path, split="all").rows
        assert row["orders_agree"] is None
        with pytest.raises(InputError, match=f"1 {ONE_ORDER}"):
            exported(run, tmp_path, split="all", orders_agree=True)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"text": " \n\u200b"}, EMPTY),
            ({"text": None}, EMPTY),
            ({"failure": FailureKind.ENGINE}, EMPTY),
            ({"text": "x" * 10}, EQUAL),
            ({"turns": ("x", "y")}, TURNS),
        ],
    )
    def test_a_response_without_an_answer_of_its_own_is_left_out(
        self, hand: Any, results: Any, tmp_path: Path, changes: dict[str, Any], reason: str
    ) -> None:
        other = replace(hand.response("i1", "m", 3), **changes)
        pair = [hand.item("i1"), hand.response("i1", "k"), other]
        rest = [record for record in hand.pairs() if getattr(record, "item_id", "") == "i2"]
        asked = [hand.asked("i1", shown, 0.9) for shown in ("ab", "ba")]
        file = self.write(results, [*pair, *asked, *rest], tmp_path)
        assert [row["item_id"] for row in file.rows] == ["i2"]
        assert file.manifest["exclusions"] == {reason: 1}

    def test_a_response_that_is_not_there_is_left_out(self, hand: Any, results: Any, tmp_path: Path) -> None:
        records = [
            record for record in hand.pairs() if not (isinstance(record, Response) and record.item_id == "i1")
        ]
        assert self.write(results, records, tmp_path).manifest["exclusions"] == {NO_VERDICT: 1, EMPTY: 1}

    def test_a_label_by_construction_has_a_name_of_its_own(
        self, hand: Any, results: Any, tmp_path: Path
    ) -> None:
        records = [
            replace(record, annotator_kind=AnnotatorKind.CONSTRUCTED)
            if isinstance(record, Label) and record.item_id != "i1"
            else record
            for record in hand.pairs()
        ]
        file = self.write(results, records, tmp_path)
        assert {row["item_id"]: row["label_kind"] for row in file.rows} == {
            "i1": "human", "i2": "constructed", "i3": "constructed",
        }  # fmt: skip
        assert {kind: entry["n"] for kind, entry in file.manifest["agreement"].items()} == {
            "constructed": 2, "human": 1,
        }  # fmt: skip
        of_labels = self.write(results, records, tmp_path, labels=True)
        assert {row["item_id"] for row in of_labels.rows} == {
            "i1", "i2", "i3",
        }  # fmt: skip
        assert of_labels.manifest["exclusions"] == {EQUAL: 1}


class TestConversations:
    def judged(self, hand: Any, item: Item, *turns: tuple[str, ...], turn: int | None = None) -> list[Record]:
        responses = [
            Response("d", item.item_id, system, text=texts[-1], turns=texts if len(texts) > 1 else ())
            for system, texts in zip("km", turns, strict=True)
        ]
        asked = [replace(hand.asked(item.item_id, shown, 0.9), turn=turn) for shown in ("ab", "ba")]
        return [item, *responses, *asked]

    def test_the_prompt_is_what_candidates_were_asked(self, hand: Any, results: Any, tmp_path: Path) -> None:
        history = (
            ("system", "Be brief."), ("user", "Weather?"), ("assistant", "call <tool>"),
            ("tool", "Sunny </s>"),
        )  # fmt: skip
        chat = Item("d", "i1", ("Sunny </s>",), context=("A <fact>.",), messages=history, cluster="i1")
        (row,) = exported(
            results(self.judged(hand, chat, ("Sun <|x|>.",), ("Rain.",))), tmp_path, split="all"
        ).rows
        check_conversational_preference(row)
        assert [(message["role"], message["content"]) for message in row["prompt"]] == [
            ("system", "Be brief."), ("user", "A <fact>.\n\nWeather?"), ("assistant", "call <tool>"),
            ("user", "Tool result:\nSunny </s>"),
        ]  # fmt: skip
        assert row["chosen"] == [{"role": "assistant", "content": "Sun <|x|>."}]
        assert row["control_tokens"] is True

    def test_turns_before_the_judged_one_are_shared(self, hand: Any, results: Any, tmp_path: Path) -> None:
        item = Item("d", "i1", ("One?", "Two?"), cluster="i1")
        (row,) = exported(
            results(self.judged(hand, item, ("First.", "Good."), ("First.", "Bad."))), tmp_path, split="all"
        ).rows
        check_conversational_preference(row)
        assert [message["content"] for message in row["prompt"]] == ["One?", "First.", "Two?"]
        assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("Good.", "Bad.")

    @pytest.mark.parametrize(
        "turns",
        [
            (("First.", "Good."), ("Other.", "Bad.")),
            (("Good.",), ("Bad.",)),
            (("First.", "Good."), ("Bad.",)),
        ],
    )
    def test_other_conversations_are_no_preference(
        self, hand: Any, results: Any, tmp_path: Path, turns: tuple[tuple[str, ...], ...]
    ) -> None:
        item = Item("d", "i1", ("One?", "Two?"), cluster="i1")
        with pytest.raises(InputError, match=f"no preference is left of 1 pairs: 1 {TURNS}"):
            exported(results(self.judged(hand, item, *turns)), tmp_path, split="all")

    def test_a_verdict_on_the_first_turn_is_about_it_alone(
        self, hand: Any, results: Any, tmp_path: Path
    ) -> None:
        item = Item("d", "i1", ("One?", "Two?"), cluster="i1")
        turns = ("First.", "Good."), ("Other.", "Bad.")
        (row,) = exported(results(self.judged(hand, item, *turns, turn=1)), tmp_path, split="all").rows
        assert [message["content"] for message in row["prompt"]] == ["One?"]
        assert (row["chosen"][0]["content"], row["rejected"][0]["content"]) == ("First.", "Other.")


class TestJudges:
    @pytest.fixture
    def jury(self, desk: Any) -> Results:
        desk.dataset(items=30)
        names = ("j1", "j2", "j3")
        judges = [
            {"id": name, "rubric": "pair", "model": name, "engine": "scripted", "families": [name],
             "pairs": {"by": "all"}}
            for name in names
        ]  # fmt: skip
        desk.suite(judges=judges, juries=[{"id": "all", "members": [*names], "combine": "mean"}])
        return Results(desk.run())

    def test_a_jury_orders_pairs_as_in_the_tables(self, jury: Results, tmp_path: Path) -> None:
        file = exported(jury, tmp_path, judge="all", split="all")
        verdicts = {row["item_id"]: row for row in rows_of(pair_verdicts(jury)) if row["judge"] == "all"}
        assert len(file.rows) == sum(row["winner"] in ("a", "b") for row in verdicts.values()) > 20
        for row in file.rows:
            verdict = verdicts[row["item_id"]]
            a_wins = verdict["winner"] == "a"
            assert row["system_chosen"] == ("k" if a_wins else "m")
            assert row["probability"] == (verdict["p_a"] if a_wins else 1 - verdict["p_a"])
            p = row["probability"]
            assert row["margin"] == pytest.approx(math.log(p / (1 - p)))
            assert (row["judge"], row["rubric"], row["model"], row["orders_agree"]) == (
                "all",
                None,
                None,
                None,
            )

    def test_of_several_judges_one_is_named(self, jury: Results, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"allowed: all, j1, j2, j3; name the judge .* with --judge"):
            exported(jury, tmp_path)
        assert {row["judge"] for row in exported(jury, tmp_path, judge="j2").rows} == {"j2"}
        with pytest.raises(UnknownNameError, match=r"unknown pairwise judge, got 'j22'.*did you mean 'j2'"):
            exported(jury, tmp_path, judge="j22")

    def test_names_that_do_not_exist_are_refused(self, run: Results, tmp_path: Path) -> None:
        with pytest.raises(UnknownNameError, match=r"--criterion: .*'overal'.*did you mean 'overall'"):
            exported(run, tmp_path, criterion="overal")
        with pytest.raises(UnknownNameError, match=r"--dataset: .*'tinny'.*did you mean 'tiny'"):
            exported(run, tmp_path, dataset="tinny")
        with pytest.raises(InputError, match="--dataset: no pairs of this dataset are compared, got 'open'"):
            exported(run, tmp_path, dataset="open", labels=True)
        with pytest.raises(UnknownNameError, match="unknown split"):
            PreferenceFilter(split="train")
        for number in (0.4, 1.1, math.nan):
            with pytest.raises(InputError, match="--min-probability"):
                PreferenceFilter(min_probability=number)

    def test_a_run_without_comparisons_has_no_preferences(self, desk: Any) -> None:
        desk.suite(judges=[{"id": "pt", "rubric": "rate", "model": "j", "engine": "scripted",
                            "families": ["beta"]}])  # fmt: skip
        results = Results(desk.run())
        with pytest.raises(InputError, match="no judge that compares pairs"):
            exported(results, desk.folder)
        with pytest.raises(InputError, match="no labels of pairs"):
            exported(results, desk.folder, labels=True)


class TestFiles:
    def test_a_filter_that_leaves_nothing_is_named_and_nothing_is_written(
        self, run: Results, tmp_path: Path
    ) -> None:
        path = tmp_path / "pairs.jsonl"
        with pytest.raises(InputError, match="--min-probability leaves none of 1300 pairs"):
            export_preferences(run, path, PreferenceFilter(min_probability=1))
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_written_over(self, run: Results, tmp_path: Path) -> None:
        path = tmp_path / "pairs.jsonl"
        manifest = tmp_path / "pairs.jsonl.manifest.json"
        for file in (path, manifest):
            file.write_text("mine")
            with pytest.raises(InputError, match="exists already"):
                export_preferences(run, path)
            assert file.read_text() == "mine"
            file.unlink()

    @pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.parquet"])
    def test_a_write_that_fails_leaves_no_file(
        self, run: Results, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(StorageError, match="the export cannot be written"):
            export_preferences(run, tmp_path / "nowhere" / name)
        real = Path.replace

        def full(path: Path, target: Path) -> Path:
            if target.name == name:
                raise OSError(28, "No space left on device")
            return real(path, target)

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(StorageError, match="No space left") as error:
            export_preferences(run, tmp_path / name)
        assert error.value.exit_code == 4
        assert list(tmp_path.iterdir()) == []

    def test_attacks_are_no_preferences(self, hand: Any, results: Any, tmp_path: Path) -> None:
        attacked = results(hand.pairs(), attack={"criterion": "overall"})
        with pytest.raises(InputError, match="run of attacks"):
            exported(attacked, tmp_path)

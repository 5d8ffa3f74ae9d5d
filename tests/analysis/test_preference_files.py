"""Exported preferences of records by hand, of conversations, of several judges, and their files."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import (
    PreferenceFilter,
    Results,
    export_preferences,
    pair_verdicts,
    rows_of,
)
from evalhub.analysis.people.preference_rows import (
    EMPTY,
    EQUAL,
    HARD,
    NO_VERDICT,
    ONE_ORDER,
    TURNS,
)
from evalhub.errors import InputError, StorageError, UnknownNameError
from evalhub.records import AnnotatorKind, FailureKind, Item, Label, Record, Response
from tests.analysis.preference_bench import (
    Exported,
    check_conversational_preference,
    dev,
    exported,
    run,
)

__all__ = ["dev", "run"]


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

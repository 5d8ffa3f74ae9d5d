"""One dataset or metric several times in a suite, each time under an id of its own."""

from typing import Any

import pytest

from evalhub.analysis import Results, correlations, leaderboard, rows_of
from evalhub.errors import EvalhubError, SpecError
from evalhub.runner import Options, prepare
from evalhub.specs import Suite

JUDGED = {"model": "j", "engine": "scripted", "families": ["beta"]}
PW = {"id": "pw", "rubric": "pair", "pairs": {"by": "all"}, **JUDGED}
BOT = {"id": "bot", "model": "b", "engine": "scripted", "families": ["alpha"]}
TAGGED = [
    {"id": "low", "dataset": "tiny", "tags": ["low"]},
    {"id": "high", "dataset": "tiny", "tags": ["high"]},
]


@pytest.fixture
def tagged(desk: Any) -> Any:
    """Ten items, the first four `low`, the last six `high`, all labelled."""
    items = [
        {
            "item_id": f"i{n:03}",
            "prompt": f"What is {n}?",
            "refs": [f"It is running {n}"],
            "cluster": f"i{n:03}",
        }
        for n in range(10)
    ]
    rated = [
        {"item_id": f"i{n:03}", "criterion": "quality", "system": system, "value": 1.0 + (n + at) % 3,
         "annotator": "x"}
        for n in range(10)
        for at, system in enumerate("km")
    ]  # fmt: skip
    card = {"items": "SELECT item_id, prompt, refs, cluster, if(line <= 4, 'low', 'high') AS tags FROM items"}
    desk.dataset(items=items, labels=rated, card=card)
    return desk


def frames(desk: Any, **suite: Any) -> Results:
    desk.suite(**suite)
    return Results(desk.run())


class TestDatasets:
    def test_each_use_has_its_own_items_and_records(self, tagged: Any) -> None:
        results = frames(tagged, datasets=TAGGED, judges=[PW], candidates=[BOT], metrics=["rouge"])
        for frame, each in ((results.items(), 1), (results.judgments(), 6), (results.labels(), 2)):
            counts = frame.groupby("dataset").size().to_dict()
            assert counts == {"low": 4 * each, "high": 6 * each}
        assert set(results.responses()["dataset"]) == set(results.scores()["dataset"]) == {"low", "high"}
        assert set(results.manifest.cards) == {"low", "high"}

    @pytest.mark.parametrize("use", TAGGED, ids=["low", "high"])
    def test_its_numbers_are_those_of_a_suite_of_its_own(self, tagged: Any, use: dict[str, Any]) -> None:
        parts = {"judges": [PW], "metrics": [{"rouge": {"variants": [1]}}]}
        both, alone = (frames(tagged, datasets=datasets, **parts) for datasets in (TAGGED, [use]))
        for table in (leaderboard, correlations):
            found = [row for row in rows_of(table(both)) if row["dataset"] == use["id"]]
            assert found == rows_of(table(alone))
            assert found

    def test_the_draw_of_a_limit_does_not_hang_on_the_id(self, tagged: Any) -> None:
        tagged.suite(datasets=[{"id": "tiny", "limit": 3}, {"id": "other", "dataset": "tiny", "limit": 3}])
        first, second = prepare("s").resolved.datasets
        assert [one.item_id for one in first.items] == [one.item_id for one in second.items]

    def test_the_command_line_narrows_by_the_id(self, tagged: Any) -> None:
        tagged.suite(datasets=TAGGED)
        resolved = prepare("s", Options(names=("high",))).resolved
        assert [one.card.id for one in resolved.datasets] == ["high"]

    def test_a_path_can_have_an_id(self, tagged: Any) -> None:
        path = str(tagged.folder / "datasets" / "tiny.yaml")
        tagged.suite(datasets=[{"id": "tiny"}, {"id": "again", "dataset": path}])
        assert [one.card.id for one in prepare("s").resolved.datasets] == ["tiny", "again"]

    @pytest.mark.parametrize(
        ("datasets", "said"),
        [
            ([{"id": "tiny"}, {"id": "tiny", "tags": ["low"]}], "twice among datasets; give each an id"),
            ([{"id": "tiny"}, {"id": "tiny", "dataset": "tiny"}], "appears twice among datasets"),
            ([{"id": "tiny"}, {"id": "datasets/tiny.yaml"}], "one id, got 'tiny'; give one of them"),
            ([{"id": "a b", "dataset": "tiny"}], "a text such as hard-items, got 'a b'"),
            ([{"id": "low", "dataset": "tinny"}], "datasets.low.dataset: unknown dataset"),
            ([{"dataset": "tiny"}], "datasets.0.id: this key is required"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, tagged: Any, datasets: Any, said: str) -> None:
        tagged.suite(datasets=datasets)
        with pytest.raises(EvalhubError) as caught:
            prepare("s")
        assert said in str(caught.value)


class TestMetrics:
    def test_one_metric_twice_with_other_options(self, tagged: Any) -> None:
        metrics = [
            {"rouge": {"id": "stemmed", "variants": [1], "stemmer": True}},
            {"rouge": {"id": "plain", "variants": [1, "L"], "stemmer": False}},
            "rouge",
        ]
        results = frames(tagged, judges=[], metrics=metrics)
        scores = results.scores()
        names = {"stemmed", "plain/rouge1", "plain/rougeL", "rouge1", "rouge2", "rougeL", "rougeLsum"}
        assert set(scores["metric"]) == set(results.manifest.metrics) == names
        signatures = dict(scores[["metric", "signature"]].drop_duplicates().itertuples(index=False))
        assert signatures["stemmed"] == signatures["rouge1"] != signatures["plain/rouge1"]
        ranked = {row["rater"] for row in rows_of(leaderboard(results)) if row["rater_kind"] == "metric"}
        assert ranked == names

    def test_the_values_are_those_without_an_id(self, tagged: Any) -> None:
        metrics = ["exact_match", {"exact_match": {"id": "same"}}]
        scores = frames(tagged, judges=[], metrics=metrics).scores().pivot(
            index=["item_id", "system"], columns="metric", values="value"
        )  # fmt: skip
        assert scores["exact_match"].tolist() == scores["same"].tolist()

    @pytest.mark.parametrize(
        ("metrics", "said"),
        [
            (["rouge", {"rouge": {"stemmer": False}}], "'rouge' appears twice among metrics; give each"),
            (["rouge", {"rouge": {"id": "rouge"}}], "'rouge' appears twice among metrics"),
            (["rouge", {"rouge": {"id": "rouge1", "variants": [2]}}], "a score of one name, got 'rouge1'"),
            ([{"rouge": {"id": "a b"}}], "the id of a metric is a text such as rouge-2, got 'a b'"),
            ([{"rouge": {"id": 7}}], "the id of a metric is a text such as rouge-2, got 7"),
            ([{"rouge": {"id": "x", "stemer": True}}], "did you mean 'stemmer'?"),
        ],
    )  # fmt: skip
    def test_what_is_refused(self, tagged: Any, metrics: Any, said: str) -> None:
        tagged.suite(metrics=metrics)
        with pytest.raises(SpecError) as caught:
            prepare("s")
        assert said in str(caught.value)

    def test_recorded_scores_under_an_id_of_the_suite_are_refused(self, tagged: Any) -> None:
        scores = "SELECT item_id, 'k' AS system, 'stemmed' AS metric, 0.5 AS value FROM items"
        card = {"scores": scores, "items": "SELECT item_id, prompt, refs FROM items"}
        tagged.dataset(card=card)
        tagged.suite(metrics=[{"rouge": {"id": "stemmed", "variants": [1]}}])
        with pytest.raises(
            SpecError, match="records scores of a metric that the suite computes, got 'stemmed'"
        ):
            prepare("s")


def test_uses_are_read_once() -> None:
    suite = Suite.model_validate(
        {"suite": "s", "datasets": [{"id": "a"}], "metrics": ["length", {"rouge": {"id": "r"}}]}
    )
    assert [(use.metric, use.name, dict(use.options)) for use in suite.metric_uses()] == [
        ("length", "length", {}), ("rouge", "r", {}),
    ]  # fmt: skip


def test_a_dataset_may_be_its_name_alone(tagged: Any) -> None:
    results = frames(tagged, datasets=["tiny", {"id": "low", "dataset": "tiny", "tags": ["low"]}], judges=[])
    assert results.items().groupby("dataset").size().to_dict() == {"tiny": 10, "low": 4}


@pytest.mark.parametrize("options", [None, {}])
def test_a_metric_without_options_is_its_name(tagged: Any, options: Any) -> None:
    one, other = (frames(tagged, metrics=[metric], judges=[]) for metric in ({"length": options}, "length"))
    assert one.scores().drop(columns="signature").equals(other.scores().drop(columns="signature"))


@pytest.mark.parametrize("metric", [3, {"rouge": "stemmed"}, {"rouge": {}, "length": {}}, {}, ["rouge"]])
def test_what_is_no_metric_is_said_once(tagged: Any, metric: Any) -> None:
    with pytest.raises(SpecError) as caught:
        frames(tagged, metrics=[metric], judges=[])
    assert str(caught.value).endswith(f"as in {{rouge: {{id: mine}}}}, got {metric!r}.")


RATED = {"id": "pt", "rubric": "rate", **JUDGED}
SCORES = """SELECT item_id, 'k' AS system, 'bleurt' AS metric, 0.5 AS value FROM items"""
RECORDED = """SELECT item_id, 'k' AS system, 'quality' AS criterion, 'gpt' AS judge, 1 AS value FROM items"""


@pytest.mark.parametrize("name", ["coin", "longer", "always-first", "length", "labels", "cluster", "chars"])
@pytest.mark.parametrize("kind", ["judge", "jury", "metric"])
def test_names_that_tables_have_for_something_else(tagged: Any, kind: str, name: str) -> None:
    suite: dict[str, Any] = {
        "judge": {"judges": [{**RATED, "id": name}]},
        "jury": {"judges": [RATED, PW], "juries": [{"id": name, "members": ["pt", "pw"]}]},
        "metric": {"metrics": [{"exact_match": {"id": name}}], "judges": []},
    }[kind]
    tagged.suite(**suite)
    with pytest.raises(SpecError, match=f"tables call something else by this name, got '{name}'"):
        prepare("s")


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ({"judges": [{**RATED, "id": "rouge1"}], "metrics": ["rouge"]}, "metric rouge .* of the judge"),
        ({"judges": [{**RATED, "id": "gpt"}]}, "judge has the name of the recorded judge"),
        ({"judges": [{**RATED, "id": "bleurt"}]}, "judge has the name of the recorded metric"),
        ({"metrics": [{"exact_match": {"id": "gpt"}}]}, "metric exact_match .* of the recorded judge"),
        ({"juries": [{"id": "gpt", "members": ["pt", "p2"]}]}, "jury has the name of the recorded judge"),
    ],
)  # fmt: skip
def test_two_raters_of_one_name(tagged: Any, suite: dict[str, Any], said: str) -> None:
    card = (tagged.folder / "datasets" / "tiny.yaml").read_text("utf-8")
    more = f"scores: {SCORES}\njudgments: {RECORDED}\n"
    (tagged.folder / "datasets" / "tiny.yaml").write_text(card + more, "utf-8")
    tagged.suite(**{"judges": [RATED, {**RATED, "id": "p2"}], **suite})
    with pytest.raises(SpecError, match=said):
        prepare("s")


def test_the_metric_length_has_its_own_names(tagged: Any) -> None:
    tagged.suite(judges=[], metrics=["length", {"length": {"id": "mine"}}])
    prepare("s")

"""A metric of another package: one file and one entry point, nothing else."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.analysis import Results, correlations, leaderboard, rows_of
from evalhub.metrics import build
from evalhub.report import ranking_data, report_data
from evalhub.report.format import Footnotes
from evalhub.report.grids.leaderboard import leaderboard_grids
from evalhub.report.grids.ranks import rank_grids

DISTANCE = '''
"""Edit distance to the nearest reference, as a share of the longer text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from rapidfuzz.distance import Levenshtein

from evalhub.metrics import NO_REFERENCE, Column, Metric, column, refuse_unknown


class EditDistance(Metric):
    """The share of characters to change until a candidate is a reference."""

    higher_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    @classmethod
    def build(cls, options: Mapping[str, object], *, where: str) -> "EditDistance":
        refuse_unknown(options, (), where=where)
        return cls()

    def score(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Column]:
        rows = zip(candidates, references, strict=True)
        values = (
            (min(Levenshtein.normalized_distance(text, reference) for reference in alternatives), None)
            if alternatives
            else (None, NO_REFERENCE)
            for text, alternatives in rows
        )
        return [column("edit_distance", "edit_distance|v:1", values)]
'''

LINES = '''
"""How many lines and letters a response has."""

from evalhub.metrics import Metric, column


class Lines(Metric):
    higher_is_better = None
    is_length = True

    @classmethod
    def build(cls, options, *, where):
        return cls()

    def score(self, candidates, references):
        lines = ((float(len(text.splitlines())), None) for text in candidates)
        letters = ((float(sum(map(str.isalpha, text))), None) for text in candidates)
        return [column("lines", "lines|v:1", lines), column("letters", "letters|v:1", letters)]


class Odd(Lines):
    is_length = False

    def score(self, candidates, references):
        values = [float("nan"), float("inf"), -float("inf"), 1.0]
        return [column("odd", "odd|v:1", [(values[row % 4], None) for row in range(len(candidates))])]
'''


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with both metrics."""
    (tmp_path / "my_metrics.py").write_text(DISTANCE)
    (tmp_path / "my_lengths.py").write_text(LINES)
    facts = tmp_path / "my_metrics-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: my-metrics\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[evalhub.metrics]\nedit_distance = my_metrics:EditDistance.build\nlines = my_lengths:Lines.build\n"
        "odd = my_lengths:Odd.build\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("my_metrics", "my_lengths"):
        sys.modules.pop(name, None)


def test_the_example_scores() -> None:
    columns = build("edit_distance").score(["cart", "dog", ""], [["cat", "cart"], ["dig"], []])
    assert [column.values for column in columns] == [(0.0, pytest.approx(1 / 3), None)]


def test_its_direction_ranks_and_a_length_does_not(desk: Any) -> None:
    desk.dataset(
        responses=[
            {"item_id": f"i{n:03}", "system": system, "family": "alpha", "text": text}
            for n in range(4)
            for system, text in (("k", f"It is {2 * n}"), ("m", f"Perhaps\nit is {n}"))
        ],
        labels=[
            {
                "item_id": f"i{n:03}",
                "criterion": "quality",
                "system": system,
                "annotator": "ann",
                "value": value,
            }
            for n in range(4)
            for system, value in (("k", 3), ("m", 1))
        ],
    )
    desk.suite(judges=[], metrics=["edit_distance", "lines", {"length": {"id": "size"}}])
    results = Results(desk.run())
    lengths = {name for name, facts in results.manifest.metrics.items() if facts.is_length}
    assert lengths == {"lines", "letters", "size/chars", "size/words"}
    ranks = {
        (row["rater"], row["system"]): row["rank"]
        for row in rows_of(leaderboard(results))
        if row["rater_kind"] == "metric"
    }
    assert (ranks["edit_distance", "k"], ranks["edit_distance", "m"]) == (1, 2)
    assert {ranks[name, system] for name in lengths for system in ("k", "m")} == {None}
    assert not lengths & {row["first"] for row in rows_of(correlations(results))}
    for data in (report_data(results), ranking_data(results)):
        (board,) = leaderboard_grids(data, Footnotes())
        assert {"edit_distance", "lines", "size/chars"} <= set(" ".join(board.head).split())
        assert not {"letters", "size/words"} & set(" ".join(board.head).split())
        heads = " ".join(text for grid in rank_grids(data, Footnotes()) for text in grid.head).split()
        assert "edit_distance" in heads
        assert not lengths & set(heads)


def test_a_value_that_is_not_finite_is_none_with_its_reason(desk: Any) -> None:
    """Row 6: a metric of another package may divide by nothing."""
    desk.suite(judges=[], metrics=["odd"])
    scores = [(row["value"], row["reason"]) for row in rows_of(Results(desk.run()).scores())]
    reasons = [f"the metric gave {word}" for word in ("-inf", "inf", "nan")]
    assert sorted(scores, key=str) == [(1.0, None)] * 2 + [(None, reason) for reason in reasons for _ in "km"]

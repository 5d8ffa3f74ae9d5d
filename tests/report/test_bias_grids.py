"""The grids of biases: one line per judge, the pooled judges last, and a footnote where there is nothing."""

from typing import Any

from evalhub.analysis.bias.bias import ALL_JUDGES
from evalhub.report.format import Footnotes
from evalhub.report.grids.biases import EFFECTS, bias_grids


def line(judge: str, bias: str, statistic: str, value: float | None, **about: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    named = {"dataset": "d", "judge": judge, "criterion": "c", "bias": bias, "statistic": statistic}
    number = {"estimate": value, "low": low, "high": high, "n": 0 if value is None else 40}
    return {**named, "reading": "hard", **number, "reason": "why" if value is None else None, **about}


def test_rates_then_effects() -> None:
    rows = [
        line(ALL_JUDGES, "self-preference", "effect", 4.0),
        line("j", "flips", "rate", 0.3),
        line("j", "position", "rate", 0.8),
        line("j", "position", "people", 0.5),
        line("j", "length", "rate", 0.6),
        line("j", "length", "beyond people", None),
        line("j", "position", "effect", 25.0),
        line("j", "position", "effect", 12.0, reading="soft"),
        line(ALL_JUDGES, "self-preference", "rate", 0.55),
        line("k", "flips", "rate", 0.2),
    ]
    notes = Footnotes()
    rates, effects = bias_grids({"biases": rows}, notes)
    assert rates.title == "d · c"
    assert [head.split("\nn ")[0] for head in rates.head] == [
        "judge", "first\nwins", "changes with\nthe order", "longer\nwins",
        "longer wins\nminus people", "prefers its\nrelatives",
    ]  # fmt: skip
    assert rates.rows == (
        ("j", "0.80 [0.70, 0.90]", "0.30 [0.20, 0.40]", "0.60 [0.50, 0.70]", "–¹", ""),
        ("k", "", "0.20 [0.10, 0.30]", "", "", ""),
        (ALL_JUDGES, "", "", "", "", "0.55 [0.45, 0.65]"),
    )
    assert "percentage points" in effects.title
    assert [row[:2] for row in effects.rows] == [("j", "hard"), ("j", "soft"), (ALL_JUDGES, "hard")]
    assert [row[2] for row in effects.rows] == ["25.0 [24.9, 25.1]", "12.0 [11.9, 12.1]", ""]
    assert notes.lines() == ["¹ why"]
    assert len(effects.head) <= 2 + len(EFFECTS)


def test_no_pairwise_judge_no_grid() -> None:
    assert list(bias_grids({"biases": []}, Footnotes())) == []


def test_one_judge_alone_is_not_pooled() -> None:
    rows = [line("j", "flips", "rate", 0.3), line(ALL_JUDGES, "self-preference", "effect", None)]
    rates, effects = bias_grids({"biases": rows}, Footnotes())
    assert [row[0] for row in (*rates.rows, *effects.rows)] == ["j"]

"""One row for each system and one for each judge: what a first screen shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalhub.analysis.bias.bias import HARD, biases
from evalhub.analysis.findings.rankings import Ranking, preference, rankings, trust_of
from evalhub.analysis.findings.trust import trust
from evalhub.analysis.frames.directions import length_names
from evalhub.analysis.ranking.leaderboard import leaderboard
from evalhub.analysis.results import Results
from evalhub.analysis.run.cost import MONEY, judgment_tokens
from evalhub.analysis.run.coverage import coverage
from evalhub.analysis.tables import rows_of
from evalhub.stats import BiasKind

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]

_SOURCES = ("labels", "judge", "metric")
_OF_SOURCE = (
    "rater", "criterion", "measure", "estimate", "low", "high", "n", "rank", "best", "worst", "band",
)  # fmt: skip
# A jury, or a judge whose verdicts came with the dataset.
_NO_TOKENS: Row = {"estimate": None, "reason": "it asked for no answer itself"}
SYSTEM_COLUMNS = (
    "dataset", "system", *(f"{source}_{name}" for source in _SOURCES for name in _OF_SOURCE), "judge_trust",
)  # fmt: skip
JUDGE_COLUMNS = (
    "dataset", "judge", "criterion", "label_criterion", "annotator_kind", "trust", "measure", "estimate",
    "low", "high", "n", "chance", "longer", "metric", "metric_estimate", "people", "flips", "flips_low",
    "flips_high", "length", "length_low", "length_high", "tokens", "money", "money_reason", "expected",
    "valid",
)  # fmt: skip


def system_summary(results: Results) -> pd.DataFrame:
    """Return each system of each dataset by labels, by the judge that is trusted most, and by a metric.

    For each of the three sources SOURCE there are SOURCE_rater, SOURCE_criterion, SOURCE_measure,
    SOURCE_estimate with its interval's ends and its n, its rank, the best and the worst rank that the data
    allow for all systems at once, and its band: between two bands every difference is certain. judge_trust is
    what the judge may be used for. The labels come with the judge where people labelled a part. The metric is
    the run's first that is no length. Systems stand in the order of the labels, then of the judge.
    """
    import pandas as pd

    means = rows_of(leaderboard(results)) if results.run.finished else []
    by_dataset: dict[str, list[Ranking]] = {}
    for ranking in rankings(results) if results.run.finished else ():
        by_dataset.setdefault(ranking.dataset, []).append(ranking)
    rows: list[dict[str, Any]] = []
    for dataset in dict.fromkeys(row["dataset"] for row in means):
        of_dataset = by_dataset.get(dataset, [])
        by_labels = next((ranking for ranking in of_dataset if ranking.source != "judge"), None)
        by_judge = next((ranking for ranking in of_dataset if ranking.source == "judge"), None)
        parts = [
            *_of_ranking("labels", by_labels),
            *(_of_ranking("judge", by_judge) or _judge_means(results, means, dataset, by_labels)),
            *_metric_means(results, means, dataset),
        ]
        # Each source has its best system first, so the labels' order stands, then the judge's.
        systems: dict[str, dict[str, Any]] = {}
        for system, values in parts:
            systems.setdefault(system, {"dataset": dataset, "system": system}).update(values)
        rows += systems.values()
    return pd.DataFrame(rows, columns=list(SYSTEM_COLUMNS))


def _of_ranking(source: str, ranking: Ranking | None) -> list[tuple[str, dict[str, Any]]]:
    if ranking is None:
        return []
    facts = {"rater": ranking.rater, "criterion": ranking.criterion, "measure": ranking.measure}
    if ranking.trust is not None:
        facts["trust"] = ranking.trust.value
    return [
        (
            place.system,
            {
                **{f"{source}_{name}": value for name, value in facts.items()},
                **{
                    f"{source}_{name}": getattr(place, name)
                    for name in ("estimate", "low", "high", "rank", "best", "worst", "band")
                },
                f"{source}_n": ranking.items,
            },
        )
        for place in ranking.places
    ]


def _judge_means(
    results: Results, means: list[dict[str, Any]], dataset: str, by_labels: Ranking | None
) -> list[tuple[str, dict[str, Any]]]:
    """Return the means of a judge beside labels that rank the systems, of their criterion if it has it."""
    rows = [row for row in means if (row["dataset"], row["rater_kind"]) == (dataset, "judge")]
    rows = [row for row in rows if row["measure"] in ("win rate", "mean score")]
    if not rows:
        return []
    label_criterion = by_labels.criterion if by_labels else None
    first = min(
        rows,
        key=lambda row: (
            *preference(results, dataset, row["rater"])[:1],
            row["criterion"] != label_criterion,
            preference(results, dataset, row["rater"]),
        ),
    )
    key = ("rater", "criterion", "measure")
    word = trust_of(results, dataset, first["rater"], first["criterion"]).value
    of_judge = [_mean("judge", row) for row in rows if all(row[name] == first[name] for name in key)]
    return [(system, {**values, "judge_trust": word}) for system, values in of_judge]


def _metric_means(
    results: Results, means: list[dict[str, Any]], dataset: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the means of one metric: the longest-range ROUGE of the suite, else the first."""
    lengths = length_names(results.manifest.metrics)
    rows = [
        row
        for row in means
        if (row["dataset"], row["rater_kind"]) == (dataset, "metric")
        and row["rater"] not in lengths
        and row["estimate"] is not None
    ]
    names = list(dict.fromkeys(row["rater"] for row in rows))
    name = "rougeL" if "rougeL" in names else next(iter(names), None)
    yield from (_mean("metric", row) for row in rows if row["rater"] == name)


def _mean(source: str, row: Row) -> tuple[str, dict[str, Any]]:
    names = ("rater", "criterion", "measure", "estimate", "low", "high", "n")
    return row["system"], {f"{source}_{name}": row[name] for name in names}


def judge_summary(results: Results) -> pd.DataFrame:
    """Return each judge on each dataset and criterion: agreement beside baselines, order, length and tokens.

    The columns are those of `trust`, and `length` (percentage points of the win probability for twice the
    length, all other biases held fixed), tokens (read and written for one judgment, the mean over all
    datasets), money (their price for 1,000 judgments) or money_reason, expected and valid (judgments over all
    datasets).
    """
    import pandas as pd

    lengths = {
        (row["dataset"], row["judge"], row["criterion"]): row
        for row in rows_of(biases(results))
        if (row["bias"], row["reading"], row["statistic"]) == (BiasKind.LENGTH, HARD, "effect")
    }
    costs = rows_of(judgment_tokens(results))
    tokens = _tokens(costs)
    prices = {row["judge"]: row for row in costs if row["statistic"] == MONEY}
    counts = {row["judge"]: row for row in rows_of(coverage(results)) if row["statistic"] == "coverage"}
    rows = []
    for row in rows_of(trust(results)):
        length = lengths.get((row["dataset"], row["judge"], row["criterion"]), {})
        count, price = counts.get(row["judge"], {}), prices.get(row["judge"], _NO_TOKENS)
        answered, failed = count.get("done"), count.get("failed")
        rows.append(
            {
                **row,
                "length": length.get("estimate"),
                "length_low": length.get("low"),
                "length_high": length.get("high"),
                "tokens": tokens.get(row["judge"]),
                "money": price["estimate"],
                "money_reason": price["reason"] if price["estimate"] is None else None,
                "expected": count.get("expected"),
                "valid": None if answered is None else answered - failed,
            }
        )
    frame = pd.DataFrame(rows, columns=list(JUDGE_COLUMNS))
    return frame.astype({"expected": "Int64", "valid": "Int64"})


def _tokens(rows: Iterable[Row]) -> dict[str, float]:
    """Return the tokens that one judgment reads and writes, by judge."""
    tokens: dict[str, float] = {}
    for row in rows:
        if row["statistic"] in ("prompt tokens a judgment", "generated tokens a judgment"):
            tokens[row["judge"]] = tokens.get(row["judge"], 0.0) + (row["estimate"] or 0.0)
    return tokens

"""The verdicts of a run as a list that is filtered, searched and turned page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.cells import PREFERENCE
from evalhub.analysis.frames.label_tables import add_label_tables
from evalhub.analysis.frames.verdicts import few_sample_judges
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError
from evalhub.texts import clean

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.8
"""A judge that gives a side at least this probability is sure."""
TORN = 0.6
"""A judge that gives no side more than this probability is torn."""

CHOICES: dict[str, dict[str, str]] = {
    "verdict": {
        "tie": "winner = 'tie'",
        "won": "(winner = 'a' AND system_a = $system) OR (winner = 'b' AND system_b = $system)",
        "lost": "(winner = 'b' AND system_a = $system) OR (winner = 'a' AND system_b = $system)",
    },
    "sureness": {"sure": f"sureness >= {SURE}", "torn": f"sureness <= {TORN}"},
    "labels": {
        "differ": "differs",
        "agree": "label_known AND NOT differs AND NOT failed",
        "labelled": "label_known",
        "none": "NOT label_known",
    },
}
"""What each filter with a few choices asks of a verdict, in SQL."""

NOT_APPLICABLE = "not applicable"
_KEY = "item_id, system_a, system_b, system, sample, judge, criterion"
ORDERS = {
    "interest": f"interest DESC, {_KEY}",
    "item": _KEY,
    "sure": f"sureness DESC NULLS LAST, {_KEY}",
}
"""How verdicts are ordered. `interest` has those first that contradict the labels, the surest of them first,
then those that turn with the order, then those that failed."""

_PAIRS = f"""
SELECT dataset, item_id, system_a, system_b, NULL AS system, sample, judge, criterion, winner,
  if(judge IN (SELECT unnest($few_samples::VARCHAR[])), NULL, {PREFERENCE}) AS p_a,
  NULL AS value, winner_ab, winner_ba, p_ab, p_ba, askings, askings - valid AS failures,
  winner IS NULL AS failed, coalesce(winner_ab <> winner_ba, false) AS turns
FROM pair_facts WHERE dataset = $dataset"""
_RATINGS = """
SELECT dataset, item_id, NULL AS system_a, NULL AS system_b, system, sample, judge, criterion, NULL AS winner,
  NULL AS p_a, value, NULL AS winner_ab, NULL AS winner_ba, NULL AS p_ab, NULL AS p_ba, askings, failures,
  value IS NULL AND NOT not_applicable AS failed, false AS turns
FROM rating_facts WHERE dataset = $dataset"""


def _with_labels(verdicts: str) -> str:
    """Return a query for verdicts with the label of the same pair or response."""
    return f"""
    SELECT verdicts.*, reverse, label_name, label_winner, label_value
    FROM ({verdicts}) verdicts
    LEFT JOIN verdict_criteria USING (dataset, judge, criterion)
    LEFT JOIN label_consensus labels ON labels.dataset = verdicts.dataset
      AND labels.label_criterion = verdict_criteria.label_name
      AND labels.item_id = verdicts.item_id AND labels.sample = verdicts.sample
      AND labels.system_a IS NOT DISTINCT FROM verdicts.system_a
      AND labels.system_b IS NOT DISTINCT FROM verdicts.system_b
      AND labels.system IS NOT DISTINCT FROM verdicts.system"""


def _share_below(value: str, tied: str) -> str:
    """Return the share of responses below a value, in SQL. Of equal values, half count."""
    return f"""(rank() OVER (PARTITION BY judge, criterion, both_rated ORDER BY {value})
      + (count(*) OVER (PARTITION BY judge, criterion, both_rated, {tied}) - 1) / 2 - 0.5)
      / count(*) OVER (PARTITION BY judge, criterion, both_rated)"""


# Ratings and labels may have different scales, so their places among the labelled responses are compared, as
# in `worth_reading`.
_RANKED_RATINGS = f"""
SELECT * EXCLUDE (both_rated),
  if(both_rated, {_share_below("if(reverse, -value, value)", "value")}, NULL) AS above,
  if(both_rated, {_share_below("label_value", "label_value")}, NULL) AS label_above
FROM (
  SELECT *, value IS NOT NULL AND label_value IS NOT NULL AS both_rated FROM ({_with_labels(_RATINGS)})
)"""
_VERDICTS = f"""
SELECT *, greatest(p_a, 1 - p_a) AS sureness,
  label_winner IS NOT NULL OR label_value IS NOT NULL AS label_known,
  if(value <> label_value, abs(above - label_above), 0) AS distance,
  coalesce(winner <> label_winner, distance > 0.5, false) AS differs,
  CASE WHEN failed THEN 1
    WHEN winner <> label_winner THEN 4 + coalesce(abs(p_a - 0.5), 0)
    WHEN distance > 0.5 THEN 4 + distance
    WHEN turns THEN 2 + coalesce(least(abs(p_ab - 0.5), abs(p_ba - 0.5)), 0)
    ELSE coalesce(distance, 0) END AS interest
FROM (({_with_labels(_PAIRS)}) UNION ALL BY NAME ({_RANKED_RATINGS}))"""
_CONFUSIONS = f"""
SELECT dataset, judge, criterion, label_name AS label_criterion,
  coalesce(label_winner, format('{{:g}}', label_value)) AS label,
  coalesce(winner, format('{{:g}}', value), '{NOT_APPLICABLE}') AS verdict, count(*) AS n
FROM ({_VERDICTS}) WHERE label_known AND NOT failed
GROUP BY ALL
ORDER BY dataset, judge, criterion, label_name, any_value(label_value), label, any_value(value), verdict"""
_WITH_TEXT = """item_id IN (
  SELECT item_id FROM items
    WHERE dataset = $dataset AND contains(lower(item_id || ' ' || array_to_string(turns, ' ')), $text)
  UNION SELECT item_id FROM responses WHERE dataset = $dataset AND contains(lower(text), $text)
  UNION SELECT item_id FROM judgments WHERE dataset = $dataset AND contains(lower(rationale), $text)
)"""
_UNIT = "item_id, judge, criterion, coalesce(system, system_a), coalesce(system_b, ''), sample"
_FAILED_AS = f"""({_UNIT}) IN (
  SELECT ({_UNIT}) FROM judgments WHERE dataset = $dataset AND failure = $failure
)"""
_EQUAL = {
    "item_id": "item_id = $item_id",
    "judge": "judge = $judge",
    "criterion": "criterion = $criterion",
    "system": "$system IN (system_a, system_b, system)",
    "tag": "item_id IN (SELECT item_id FROM items WHERE dataset = $dataset AND list_contains(tags, $tag))",
    "failure": _FAILED_AS,
}
"""What a filter with any value asks of a verdict, in SQL."""

_OF_FACTS = """SELECT {0} FROM pair_facts WHERE dataset = $dataset
UNION SELECT {0} FROM rating_facts WHERE dataset = $dataset"""
_OPTIONS = {
    "judge": _OF_FACTS.format("judge"),
    "criterion": _OF_FACTS.format("criterion"),
    "system": "SELECT DISTINCT system FROM responses WHERE dataset = $dataset",
    "tag": "SELECT DISTINCT unnest(tags) AS tag FROM items WHERE dataset = $dataset",
    "failure": "SELECT DISTINCT failure FROM judgments WHERE dataset = $dataset AND failure IS NOT NULL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFilter:
    """Which verdicts of a dataset are listed. None = all.

    Attributes:
        dataset: Id of the dataset.
        item_id: Id of an item.
        judge: Id of a judge.
        criterion: A criterion of the judge.
        system: A system that the verdict is about.
        verdict: A name in `CHOICES`: the side that won, or whether `system` won or lost.
        sureness: A name in `CHOICES`: `sure` or `torn`.
        labels: A name in `CHOICES`: how the verdict stands to the consensus of the labels.
        tag: A tag of the item.
        failure: A kind of failure that one of its judgments has.
        turns: Whether only pairs are listed whose two orders have different winners.
        text: Words in the item's id or prompt, in a response or in a rationale, in any case.
    """

    dataset: str
    item_id: str | None = None
    judge: str | None = None
    criterion: str | None = None
    system: str | None = None
    verdict: str | None = None
    sureness: str | None = None
    labels: str | None = None
    tag: str | None = None
    failure: str | None = None
    turns: bool = False
    text: str = ""


def verdict_list(
    results: Results, selection: VerdictFilter, *, order: str = "interest", page: int = 1, size: int = 50
) -> tuple[list[dict[str, Any]], int]:
    """Return one page of the verdicts that pass a filter, and how many pass it.

    Args:
        results: The run.
        selection: The filter.
        order: A name in `ORDERS`.
        page: From 1.
        size: Rows of a page.

    Returns:
        Rows with item_id, system_a and system_b or system, sample, judge, criterion, winner, p_a, value,
        winner_ab, winner_ba, p_ab, p_ba, askings, failures, failed, turns, label_winner, label_value,
        label_known, differs, sureness (the probability of the likelier side) and interest. A rating differs
        from its label if over half of the labelled responses lie between their places. Juries are not listed.

    Raises:
        InputError: The filter or the order has a name that does not exist.
    """
    conditions, values = _conditions(selection)
    if order not in ORDERS:
        raise InputError("there is no such order", value=order, allowed=list(ORDERS))
    add_label_tables(results)
    query = f"SELECT * FROM ({_VERDICTS}) WHERE {' AND '.join(conditions) or 'true'}"
    values |= {"dataset": selection.dataset, "few_samples": sorted(few_sample_judges(results))}
    total = int(results.sql(f"SELECT count(*) AS n FROM ({query})", values)["n"].iloc[0])
    limits = {"size": size, "offset": size * (page - 1)}
    rows = results.sql(f"{query} ORDER BY {ORDERS[order]} LIMIT $size OFFSET $offset", values | limits)
    return rows_of(rows), total


def filter_options(results: Results, dataset: str, *, with_failures: bool = True) -> dict[str, list[str]]:
    """Return what each filter with any value may name on a dataset: judge, criterion, system, tag, failure.

    Args:
        results: The run.
        dataset: Id of the dataset.
        with_failures: Whether to look for failures, which takes seconds among millions of judgments.
    """
    names = [name for name in _OPTIONS if with_failures or name != "failure"]
    return {name: sorted(results.sql(_OPTIONS[name], {"dataset": dataset}).iloc[:, 0]) for name in names}


def confusions(results: Results) -> pd.DataFrame:
    """Return how often each verdict of each judge met each label: one row per label and verdict.

    Columns: dataset, judge, criterion, label_criterion, label, verdict, n. Of pairs, `a` is the system whose
    name comes first. Only verdicts on what has a label count, and labels of people before constructed ones.
    """
    import pandas as pd

    add_label_tables(results)
    few_samples = sorted(few_sample_judges(results))
    parts = [
        results.sql(_CONFUSIONS, {"dataset": dataset, "few_samples": few_samples})
        for dataset in results.cards
    ]
    return pd.concat(parts, ignore_index=True)


def _conditions(selection: VerdictFilter) -> tuple[list[str], dict[str, Any]]:
    """Return what a verdict has to meet, in SQL, and the values of its parameters."""
    values = {name: getattr(selection, name) for name in _EQUAL if getattr(selection, name) is not None}
    conditions = [_EQUAL[name] for name in values]
    for name, choices in CHOICES.items():
        value = getattr(selection, name)
        if value is not None and value not in choices:
            raise InputError(f"there is no such {name}", value=value, allowed=list(choices))
        if value is not None:
            conditions.append(f"({choices[value]})")
    if selection.verdict in ("won", "lost") and selection.system is None:
        raise InputError("a verdict is won or lost by a system", value=selection.verdict, fix="name a system")
    if selection.turns:
        conditions.append("turns")
    if text := clean(selection.text).strip().lower():
        conditions.append(_WITH_TEXT)
        values["text"] = text
    return conditions, values

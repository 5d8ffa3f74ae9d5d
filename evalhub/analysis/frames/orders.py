"""The verdicts of pairwise judges in each order, with possible causes of bias and with human labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub.analysis.database.pairs import PAIR_KEY, PLACES
from evalhub.analysis.frames.families import Families, family_names
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.verdicts import HAS_VERDICT, few_sample_judges
from evalhub.analysis.results import Results, cached_table
from evalhub.analysis.tables import by_key, groups, ids, numbers
from evalhub.metrics.style import style
from evalhub.models import UNKNOWN
from evalhub.records import AnnotatorKind
from evalhub.stats import Askings
from evalhub.stats.clusters import Coded, Texts

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = {place: "NULL" if place == "any" else f"'{place}'" for place in PLACES}
_ORDER = f"""
SELECT {", ".join(f"f.{name}" for name in PAIR_KEY)}, {{1}} AS shown, f.turn,
  f.winner_{{0}} AS winner, f.p_{{0}} AS p_a
FROM pair_facts f WHERE f.askings_{{0}} > 0 AND {HAS_VERDICT}
"""
# The samples of one order are one verdict.
_VERDICTS = f"""
SELECT o.*, i.cluster
FROM ({" UNION ALL ".join(_ORDER.format(place, shown) for place, shown in _SHOWN.items())}) o
JOIN items i USING (dataset, item_id)
ORDER BY {", ".join(f"o.{name}" for name in PAIR_KEY)}, o.shown
"""

_RESPONSES = """
SELECT r.dataset, r.item_id, r.system, r.sample, r.chars, r.families,
  if(len(r.turns) > 0, array_to_string(r.turns, chr(10) || chr(10)), r.text) AS text
FROM responses r
SEMI JOIN (
  SELECT dataset, item_id, system_a AS system, sample FROM judgments
  UNION SELECT dataset, item_id, system_b, sample FROM judgments
) j USING (dataset, item_id, system, sample)
"""

_STYLE = ("chars", "lists", "markdown")
_PAIR = ("dataset", "label_criterion", "item_id", "system_a", "system_b", "sample")


@cached_table
def order_verdicts(results: Results) -> pd.DataFrame:
    """Return one row per judge, criterion, pair and order shown.

    Columns: dataset, judge, criterion, item_id, system_a, system_b, sample, shown, cluster, winner (a,
    tie, b, un-swapped, None where a judgment of that order failed), p_a (that a wins plus half that of a
    tie, missing as in `pair_verdicts`), judge_families, label_criterion, people (the human consensus: a, tie,
    b), people_shown (the order that people saw), and for either side chars, lists, markdown and families.

    Several samples, or rows of a list, that show a pair in the same order are one row. Their probabilities
    are averaged. Lists and markdown are those of the whole conversation, and None for a response that is
    stored without its text.
    """
    frame = results.coded_sql(_VERDICTS)
    frame["p_a"] = frame["p_a"].mask(frame["judge"].isin(few_sample_judges(results)))
    frame["judge_families"] = _judge_families(results, frame)
    responses = _responses(results)
    for side in "ab":
        columns = {
            name: f"{name}_{side}" for name in responses if name not in ("dataset", "item_id", "sample")
        }
        on = ["dataset", "item_id", f"system_{side}", "sample"]
        frame = frame.merge(responses.rename(columns=columns), on=on, how="left")
        families = frame[f"families_{side}"]
        frame[f"families_{side}"] = families.where(families.notna(), (UNKNOWN,))
    # Length and style are those of the whole response. They cannot explain a verdict on one turn.
    frame.loc[frame.pop("turn").notna(), [f"{name}_{side}" for name in _STYLE for side in "ab"]] = None
    return _with_people(results, frame)


def _responses(results: Results) -> pd.DataFrame:
    frame = results.sql(_RESPONSES)
    styles = [style(text) if isinstance(text, str) else None for text in frame.pop("text").tolist()]
    for name in ("lists", "markdown"):
        frame[name] = [None if counts is None else getattr(counts, name) for counts in styles]
    frame["families"] = [tuple(names) for names in frame["families"]]
    return frame


def _judge_families(results: Results, frame: pd.DataFrame) -> pd.Series[Any]:
    run_judges = results.judges

    def families(dataset: str, judge: str) -> Families:
        if judge in run_judges:
            return run_judges[judge].families or (UNKNOWN,)
        recorded = results.recorded_judge(dataset, judge).family
        return (recorded,) if isinstance(recorded, str) else tuple(recorded)

    return by_key(frame, ("dataset", "judge"), families)


def _with_people(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the labels' criterion of each judge's criterion, and the human label of each pair."""
    labels = consensus_labels(results)
    human = labels[labels["annotator_kind"] == AnnotatorKind.HUMAN.value]
    frame = with_label_criterion(results, frame)
    people = human[[*_PAIR, "label_winner", "label_shown"]]
    people = people.rename(columns={"label_winner": "people", "label_shown": "people_shown"})
    if people.empty:
        return frame.assign(people=None, people_shown=None)
    return frame.merge(people, on=list(_PAIR), how="left")


def order_verdicts_by_criterion(results: Results) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield the order verdicts of all judges of each dataset and criterion, each family under one name."""
    for key, group in groups(order_verdicts(results), "dataset", "criterion"):
        names = family_names(
            zip(group["judge_families"], group["families_a"], group["families_b"], strict=True)
        )
        yield key, group.assign(**dict(zip(_FAMILIES, zip(*names, strict=True), strict=True)))


def verdict_columns(frame: pd.DataFrame) -> Askings:
    """Return rows of `order_verdicts_by_criterion` as columns. The ids of pairs are unique to each judge."""
    pair = ("judge", "item_id", "system_a", "system_b", "sample")
    return Askings(
        _texts(frame["winner"]),
        ids(frame["cluster"]),
        pair=_numbered(frame.groupby(list(pair), sort=False).ngroup()),
        **{name: _texts(frame[name]) for name in ("shown", "people", "people_shown", *_FAMILIES)},
        **{name: numbers(frame[name]) for name in _NUMBERS},
    )


def _texts(column: pd.Series[Any]) -> Texts:
    """Return a column as texts in which absent values are empty."""
    import numpy as np
    import pandas as pd

    codes, names = pd.factorize(column)
    # The code of an absent value is -1, which takes the last name.
    return np.array([*map(str, names), ""], dtype=np.str_)[codes]


def _numbered(numbers: pd.Series[int]) -> Coded:
    """Return the numbers 0 … k-1 as ids, which are sorted as texts."""
    import numpy as np

    count = int(numbers.max()) + 1 if len(numbers) else 0
    names = np.array([str(number) for number in range(count)], dtype=object)
    places = np.argsort(names)
    return Coded(np.argsort(places)[numbers.to_numpy()], names[places])


_FAMILIES = ("judge_family", "family_a", "family_b")

_NUMBERS = ("p_a", *(f"{name}_{side}" for name in ("chars", "lists", "markdown") for side in "ab"))

"""The askings of pairwise judges, with what may bias them and with what people said of the same pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub.analysis.frames.families import Families, family_names
from evalhub.analysis.frames.labels import label_criterion, truth
from evalhub.analysis.frames.verdicts import HEARD, soft_judges
from evalhub.analysis.results import Results, remembered
from evalhub.analysis.tables import floats, groups, values
from evalhub.judging import preference
from evalhub.judging.aggregate import verdict
from evalhub.metrics.style import style
from evalhub.models import UNKNOWN
from evalhub.records import AnnotatorKind
from evalhub.stats import Askings
from evalhub.stats.clusters import Texts

if TYPE_CHECKING:
    import pandas as pd

# The samples of one order are one asking: its verdict is that of their mean.
_ASKED = f"""
SELECT j.dataset, j.judge, j.criterion, j.item_id, j.system_a, j.system_b, j.sample, j.shown, j.turn,
  any_value(i.cluster) AS cluster,
  if(count(*) = 1, any_value(j.winner), NULL) AS winner, if(count(*) = 1, any_value(j.p_a), NULL) AS p_a,
  if(count(*) > 1 OR count(j.winner) = 0,
     list({{'shown': j.shown, 'repeat': j.repeat, 'winner': j.winner, 'p_a': j.p_a, 'failure': j.failure,
           'a': j.logprobs['a'], 'tie': j.logprobs['tie'], 'b': j.logprobs['b']}} ORDER BY j.repeat),
     NULL) AS askings
FROM judgments j JOIN items i USING (dataset, item_id)
WHERE j.system_a IS NOT NULL AND {HEARD}
GROUP BY ALL ORDER BY ALL
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


@remembered
def pair_askings(results: Results) -> pd.DataFrame:
    """Return one row per judge, criterion, pair and order shown.

    Columns: dataset, judge, criterion, item_id, system_a, system_b, sample, shown, cluster, winner (a,
    tie, b, un-swapped; None where an asking of that order failed), p_a (that a wins, a tie half; missing
    as in `pair_verdicts`), judge_families, label_criterion (that the criterion is held against), people
    (their consensus: a, tie, b), and for either side chars, lists, markdown and families. Several
    samples, or rows of a list, that show a pair in the same order are one row: their probabilities are
    averaged. Lists and markdown are those of the whole conversation; None for a response that is kept
    without its text.
    """
    frame = results.sql(_ASKED)
    for place, askings in enumerate(values(frame.pop("askings"))):
        if askings is not None:
            chances, winner = verdict(list(askings))
            frame.at[place, "winner"] = winner
            frame.at[place, "p_a"] = None if chances is None else preference(chances)
    frame["p_a"] = frame["p_a"].where(frame["judge"].isin(soft_judges(results)))
    frame["judge_families"] = _judge_families(results, frame)
    responses = _responses(results)
    for side in "ab":
        named = {name: f"{name}_{side}" for name in responses if name not in ("dataset", "item_id", "sample")}
        on = ["dataset", "item_id", f"system_{side}", "sample"]
        frame = frame.merge(responses.rename(columns=named), on=on, how="left")
        found = frame[f"families_{side}"]
        frame[f"families_{side}"] = found.where(found.notna(), (UNKNOWN,))
    # Length and style are those of the whole response, of which the verdict on one turn says nothing.
    frame.loc[frame.pop("turn").notna(), [f"{name}_{side}" for name in _STYLE for side in "ab"]] = None
    return _with_people(results, frame)


def _responses(results: Results) -> pd.DataFrame:
    frame = results.sql(_RESPONSES)
    found = [style(text) if isinstance(text, str) else None for text in frame.pop("text").tolist()]
    for name in ("lists", "markdown"):
        frame[name] = [None if one is None else getattr(one, name) for one in found]
    frame["families"] = [tuple(names) for names in frame["families"]]
    return frame


def _judge_families(results: Results, frame: pd.DataFrame) -> list[Families]:
    told = results.manifest["judges"]
    recorded = {
        (dataset, judge): facts.get("family", UNKNOWN)
        for dataset, card in results.manifest["cards"].items()
        for judge, facts in (card.get("judges") or {}).items()
    }

    def families(dataset: str, judge: str) -> Families:
        if judge in told:
            return tuple(told[judge].get("families") or (UNKNOWN,))
        given = recorded.get((dataset, judge), UNKNOWN)
        return (given,) if isinstance(given, str) else tuple(given)

    keys = _rows(frame, "dataset", "judge")
    known = {key: families(*key) for key in set(keys)}
    return [known[key] for key in keys]


def _with_people(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the labels' criterion that the judge's is held against, and what people said of each pair."""
    labels = truth(results)
    human = labels[labels["annotator_kind"] == AnnotatorKind.HUMAN.value]
    said = dict(zip(_rows(human, *_PAIR), _rows(human, "label_winner", "label_shown"), strict=True))
    keys = _rows(frame, "judge", "dataset", "criterion")
    held = {key: label_criterion(results, *key) for key in set(keys)}
    frame["label_criterion"] = [held[key] for key in keys]
    found = [said.get(key, (None, None)) for key in _rows(frame, *_PAIR)]
    frame["people"], frame["people_shown"] = ([one[side] for one in found] for side in (0, 1))
    return frame


def _rows(frame: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name].tolist() for name in names), strict=True))


def judged_together(results: Results) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield the askings of all judges of a dataset and criterion, each family under one name."""
    for key, shared in groups(pair_askings(results), "dataset", "criterion"):
        named = family_names(
            zip(shared["judge_families"], shared["families_a"], shared["families_b"], strict=True)
        )
        yield key, shared.assign(**dict(zip(_FAMILIES, zip(*named, strict=True), strict=True)))


def asking_columns(frame: pd.DataFrame) -> Askings:
    """Return rows of `judged_together` as columns; a pair is told apart from that of another judge."""
    pair = ("judge", "item_id", "system_a", "system_b", "sample")
    return Askings(
        _texts(frame["winner"]),
        _texts(frame["cluster"]),
        pair=_texts(frame.groupby(list(pair), sort=False).ngroup()),
        **{name: _texts(frame[name]) for name in ("shown", "people", "people_shown", *_FAMILIES)},
        **{name: floats(frame[name]) for name in _NUMBERS},
    )


def _texts(column: pd.Series[Any]) -> Texts:
    """Return a column as texts in which absent values are empty."""
    import numpy as np

    return np.array(["" if value is None else str(value) for value in values(column)], dtype=np.str_)


_FAMILIES = ("judge_family", "family_a", "family_b")

_NUMBERS = ("p_a", *(f"{name}_{side}" for name in ("chars", "lists", "markdown") for side in "ab"))

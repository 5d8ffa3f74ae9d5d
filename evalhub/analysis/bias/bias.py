"""What a judge's verdicts hang on besides the answers, and by what the length penalty measures lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.orders import order_verdicts_by_criterion, verdict_columns
from evalhub.analysis.frames.verdicts import all_soft, pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table
from evalhub.records import AnnotatorKind
from evalhub.stats import Kind
from evalhub.stats.bias.biases import NO_PEOPLE

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "bias", "reading", "statistic")
ALL_JUDGES = "all judges"
HARD, SOFT = "hard", "soft"

_RATES = ("rate", "people", "beyond people")
_TOLD = {HARD: (*_RATES, "effect", "effect beyond people", "log-odds"), SOFT: ("rate", "effect", "log-odds")}
_LESS = {
    (Kind.FLIPS, HARD): ("rate",),
    (Kind.FLIPS, SOFT): (),
    (Kind.POSITION, SOFT): ("effect", "log-odds"),
    (Kind.OWN_FAMILY, HARD): _RATES,
    (Kind.OWN_FAMILY, SOFT): ("rate",),
}
_NOT_PEOPLE = {
    AnnotatorKind.CONSTRUCTED.value: "the labels are constructed, not people's",
    AnnotatorKind.MODEL.value: "the labels are a model's, not people's",
}


def biases(results: Results) -> pd.DataFrame:
    """Return what order, length, layout and family do to every pairwise judge.

    One row per dataset, judge, criterion, bias, reading and statistic. The biases are `position` (first
    rather than second), `flips`, `length`, `lists`, `markdown` and `own family`; the statistics are

    - `rate`: how often the side that has more of it wins, in [0, 1], .5 = no pull (position leaves ties
      out); of flips the share of pairs whose verdict changes with the order, 0 = none;
    - `people` and `beyond people`: the same rate of people on the same pairs, and the judge's minus
      theirs; only labels of kind human are people;
    - `effect`: from one pooled logit with all the others, in percentage points of the win probability: first
      rather than second, per doubling of the length, all of the list items or marks rather than as
      many, own family rather than the opponent's own; `log-odds` is its coefficient;
    - `effect beyond people`: that minus people's on the same pairs. It takes away what makes longer
      answers better ones, as far as people see it; no margin of quality is controlled for.

    The reading is `hard` (the verdict) or, where a judge gives probabilities, also `soft` (the probability
    that a side wins; no people stand beside it, whose verdicts are hard): a judge that names the first
    position nearly always says little in the one and still something in the other.

    One observation is a pair in one order: samples of an order are averaged before they count, and items
    are the clusters. A pair whose order is not known tells nothing of position. The effect of the own
    family can be told from quality only where judges of 2 families judge the same 2, so it is pooled over
    the judges of a dataset and criterion, in rows whose judge is `all judges`.
    """
    labelled = _not_people(results)
    rows: list[dict[str, Any]] = []
    for (dataset, criterion), together in order_verdicts_by_criterion(results):
        for (judge,), found in groups(together, "judge"):
            about = {"dataset": dataset, "judge": judge, "criterion": criterion}
            why = labelled.get((dataset, found["label_criterion"].iloc[0]), NO_PEOPLE)
            rows += _rows(found, about, why, _LESS)
        about = {"dataset": dataset, "judge": ALL_JUDGES, "criterion": criterion}
        rows += _rows(together, about, why, {(kind, name): () for kind in _OTHERS for name in (HARD, SOFT)})
    return table(rows, NAMED)


_OTHERS = tuple(kind for kind in Kind if kind is not Kind.OWN_FAMILY)


def _rows(
    frame: pd.DataFrame, about: dict[str, str], why: str, less: Mapping[tuple[Kind, str], Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one judge; `less` says where only some statistics, `why` that there are no people."""
    columns = verdict_columns(frame)
    beyond = stats.controlled_beyond_people(columns)
    for reading in (HARD, SOFT) if all_soft(frame) else (HARD,):
        soft = reading == SOFT
        effects = stats.controlled(columns, soft=soft)
        for kind in Kind:
            if not (names := less.get((kind, reading), _TOLD[reading])):
                continue
            found = dict(zip(_RATES, stats.raw_rate(columns, kind, soft=soft), strict=True))
            found |= {"effect": effects[kind].points, "log-odds": effects[kind].log_odds}
            found["effect beyond people"] = beyond[kind].points
            for name in names:
                one = replace(found[name], reason=why) if found[name].reason == NO_PEOPLE else found[name]
                yield row(one, **about, bias=kind.value, reading=reading, statistic=name)


def _not_people(results: Results) -> dict[tuple[str, str], str]:
    """Return why there are no people, by dataset and criterion, where pairs are labelled all the same."""
    labels = results.sql(
        "SELECT DISTINCT dataset, criterion, annotator_kind FROM labels WHERE winner IS NOT NULL ORDER BY ALL"
    )
    rows = zip(labels["dataset"], labels["criterion"], labels["annotator_kind"], strict=True)
    return {
        (dataset, criterion): _NOT_PEOPLE[kind] for dataset, criterion, kind in rows if kind in _NOT_PEOPLE
    }


def length_penalty(results: Results) -> pd.DataFrame:
    """Return what the run's length penalty measures lengths by; no rows where it has none.

    Columns: dataset, judge, strength, length_spread (root mean square of the pairs' difference in
    characters), median_chars (the median over items of the median length of an item's responses),
    items. A pairwise judge has a spread, a pointwise one medians.
    """
    import pandas as pd

    strength = float(results.manifest["resolved"]["suite"]["controls"]["length_penalty"])
    rows: list[dict[str, Any]] = []
    for frame in (pair_verdicts(results), ratings(results)) if strength else ():
        for (dataset, judge), found in groups(frame, "dataset", "judge"):
            known = {
                "length_spread": found["length_spread"].iloc[0] if "length_spread" in found else None,
                "median_chars": found.drop_duplicates("item_id")["median_chars"].median()
                if "median_chars" in found
                else None,
            }
            about = {"dataset": dataset, "judge": judge, "strength": strength}
            rows.append({**about, **known, "items": found["item_id"].nunique()})
    columns = ["dataset", "judge", "strength", "length_spread", "median_chars", "items"]
    return pd.DataFrame(rows, columns=columns)

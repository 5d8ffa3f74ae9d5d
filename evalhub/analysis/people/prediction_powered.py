"""A few labels of people and many verdicts of a judge, combined: what people would say of all of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import planned
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.labels import truth, with_label_criterion
from evalhub.analysis.frames.outcomes import MEAN_SCORE, SOFT, WIN_RATE, bounds, measured, withheld_reason
from evalhub.analysis.results import Results
from evalhub.analysis.tables import floats, groups, row, table
from evalhub.records import AnnotatorKind
from evalhub.stats import Estimate

if TYPE_CHECKING:
    import pandas as pd

NAMED = (
    "dataset", "label_criterion", "judge", "criterion", "system", "measure", "higher_is_better", "statistic",
    "labelled", "verdicts", "correlation", "labels_worth", "flag",
)  # fmt: skip
BOTH = "people + judge"
_JUDGE = ("dataset", "label_criterion", "judge", "criterion")
_ROW = ["item_id", "other", "sample"]
_OF_PAIRS = (SOFT.format(WIN_RATE), WIN_RATE)
_OF_RATINGS = (SOFT.format(MEAN_SCORE), MEAN_SCORE)

Row = dict[str, Any]
Judged = tuple[Row, "pd.DataFrame", tuple[float, float] | None]


def powered(results: Results) -> pd.DataFrame:
    """Return what people would say of every system, from labels on a part and a judge's verdicts on all.

    Only where people labelled some of what a judge was asked, and not all. Statistics: `people + judge`
    (prediction-powered: unbiased whatever the judge does), `people alone`, `judge alone` (as biased as the
    judge), `calibrated` (the judge's scores mapped onto labels, isotonically), and for win rates without ties
    `corrected, unlabelled rows` (what people would say of those, by the judge's errors on the labelled ones).
    A judge whose scale runs the other way than the labels' is read the other way; its own mean is shown as it
    is. `higher_is_better` is about the labels. `labels_worth` is how many labels alone would give the
    interval of `people + judge`; `flag` says where labels of other systems stand in. Labels that were drawn
    with stored probabilities are weighted by them. A system's rows are those of the items that all ranked
    systems were judged on; a system that shares too few has no estimate, and a reason.
    """
    import pandas as pd

    rows: list[Row] = []
    for systems in _by_judge(results).values():
        shared = planned(pd.concat([joined for _, joined, _ in systems]))
        for about, _, ends in systems:
            if why := shared.why.get(about["system"]):
                rows.append(row(Estimate.none(why), **about, statistic=BOTH))
            else:
                rows += _rows(shared.rows[shared.rows["system"] == about["system"]], ends, about)
    return table(rows, NAMED)


def _by_judge(results: Results) -> dict[tuple[str, ...], list[Judged]]:
    """Return the systems of each judge of whose rows people labelled a part, and not all."""
    every = list(with_labels(results))
    partly = {_judge(about) for about, joined, _ in every if joined["label"].isna().any()}
    return {key: [judged for judged in every if _judge(judged[0]) == key] for key in sorted(partly)}


def _judge(about: Row) -> tuple[str, ...]:
    return tuple(about[name] for name in _JUDGE)


def with_labels(results: Results) -> Iterator[Judged]:
    """Yield each judge's values of one system, item by item, beside people's labels where there are some.

    Of a judge's measures the softest is taken, which says most about each label. The columns are those of
    `measured`, label, the probability with which the row was drawn for labelling, and turned: whether the
    values are negated, because the judge's direction is not the labels'. Last come the labels' bounds. Judges
    that stopped early are not there, nor responses to which the criterion does not apply.
    """
    values = measured(results, drawn=True)
    people = _people(results, values)
    judges = values[values["kind"] == "judge"].rename(columns={"rater": "judge"})
    absent = _not_applicable(results)
    for key, mine in groups(with_label_criterion(results, judges), *_JUDGE):
        if withheld_reason(mine):
            continue
        labels = people[(people["dataset"] == key[0]) & (people["label_criterion"] == key[1])]
        measure = next(one for one in (*_OF_PAIRS, *_OF_RATINGS) if one in set(mine["measure"]))
        mine = mine[mine["measure"] == measure]
        applies = [unit not in absent for unit in _units(mine)]
        for (system,), found in groups(mine[applies], "system"):
            own = labels[labels["system"] == system]
            joined = found.merge(own[[*_ROW, "label", "probability"]], on=_ROW, how="left")
            if joined["label"].notna().any():
                higher = direction_of(own)
                turned = direction_of(found) is not higher
                joined = joined.assign(turned=turned, value=-joined["value"] if turned else joined["value"])
                about = {**dict(zip(_JUDGE, key, strict=True)), "system": system, "measure": measure}
                yield {**about, "higher_is_better": higher}, joined, bounds(own)


def _not_applicable(results: Results) -> set[tuple[Any, ...]]:
    """Return the responses of which people found that the labels' criterion does not apply."""
    labels = truth(results, drawn=True)
    said = labels["label_value"].notna() | labels["label_winner"].notna()
    return set(_units(labels[~said & (labels["annotator_kind"] == AnnotatorKind.HUMAN.value)]))


def _units(rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    names = ("dataset", "label_criterion", "item_id", "system", "sample")
    yield from zip(*(rows[name] for name in names), strict=True)


def powered_pairs(results: Results) -> Iterator[tuple[Row, Estimate]]:
    """Yield by how much people would say more of one system than of another: few labels, many verdicts.

    Each comes with what it is about, as in `comparisons`. A row counts as labelled where people labelled both
    systems.
    """
    import pandas as pd

    for systems in _by_judge(results).values():
        rows = pd.concat([joined for _, joined, _ in systems])
        units = [f"{item}\0{sample}" for item, sample in zip(rows["item_id"], rows["sample"], strict=True)]
        met = stats.Matching(rows["system"].tolist(), units, rows["other"].tolist())
        named = systems[0][0]
        about = {
            "dataset": named["dataset"], "kind": BOTH, "rater": named["judge"],
            "criterion": named["criterion"], "measure": f"{named['measure']}, {BOTH}",
            "higher_is_better": named["higher_is_better"],
        }  # fmt: skip
        for first, second in itertools.combinations(met.sides, 2):
            one, two, direct = met.pair(first, second)
            gap = _gap(rows.iloc[one], rows.iloc[two], direct=bool(direct.all()))
            yield {**about, "first": first, "second": second}, gap


def _gap(one: pd.DataFrame, two: pd.DataFrame, *, direct: bool) -> Estimate:
    if one.empty:
        return Estimate.none("the two have no judged row in common")
    varies = one["probability"].nunique() > 1
    if varies and not direct:
        return Estimate.none("labels drawn by doubt do not say how likely both were to be labelled")
    first, second = ((floats(side["label"]), floats(side["value"])) for side in (one, two))
    inclusion = floats(one["probability"]) if varies else None
    return stats.powered_difference(first, second, one["cluster"].tolist(), inclusion=inclusion).estimate


def _people(results: Results, values: pd.DataFrame) -> pd.DataFrame:
    """Return what people said of each system, item by item, and how likely they were to be asked."""
    said = values[values["rater"] == f"{AnnotatorKind.HUMAN.value} labels"]
    said = said.rename(columns={"criterion": "label_criterion", "value": "label"})
    on = ["dataset", "label_criterion", "system", *_ROW]
    return said.merge(_probabilities(results), on=on, how="left")


def _probabilities(results: Results) -> pd.DataFrame:
    """Return with which probability each response or pair was drawn for labelling, as each side sees it."""
    return results.sql(
        """
        WITH known AS (
          SELECT dataset, criterion AS label_criterion, item_id, sample, system, system_a, system_b,
            min(probability) AS probability
          FROM labels WHERE annotator_kind = 'human' GROUP BY ALL
        )
        SELECT * EXCLUDE (system, system_a, system_b), system, '' AS other FROM known WHERE system IS NOT NULL
        UNION ALL BY NAME
        SELECT * EXCLUDE (system, system_a, system_b), system_a AS system, system_b AS other FROM known
          WHERE system_a IS NOT NULL
        UNION ALL BY NAME
        SELECT * EXCLUDE (system, system_a, system_b), system_b AS system, system_a AS other FROM known
          WHERE system_b IS NOT NULL
        ORDER BY ALL
        """
    )


def _rows(joined: pd.DataFrame, ends: tuple[float, float] | None, about: Row) -> Iterator[Row]:
    labels, verdicts = floats(joined["label"]), floats(joined["value"])
    clusters = joined["cluster"].tolist()
    given = floats(joined["probability"])
    inclusion = given if any(one is not None for one in given) else None
    found = stats.powered_mean(labels, verdicts, clusters, bounds=ends, inclusion=inclusion)
    facts = {
        "labelled": found.labelled, "verdicts": found.verdicts, "correlation": found.correlation,
        "labels_worth": found.effective_n, "flag": None,
    }  # fmt: skip
    estimates: dict[str, Estimate] = {
        BOTH: found.estimate,
        "people alone": found.labels_only,
        "judge alone": found.judge_only.negated() if joined["turned"].iat[0] else found.judge_only,
        "calibrated": stats.calibrated_mean(labels, verdicts, clusters, bounds=ends, inclusion=inclusion),
    }
    if (failed := verdicts.count(None)) and estimates["calibrated"].low is not None:
        why = f"{failed} rows without a verdict are not in it"
        estimates["calibrated"] = estimates["calibrated"].without_interval(why)
    if about["measure"] in _OF_PAIRS and not {*labels, None} - {0.0, 1.0, None}:
        hard = [None if one is None else float(one > 0.5) for one in verdicts]
        estimates["corrected, unlabelled rows"] = (
            Estimate.none("labels drawn by doubt do not show how often the judge errs on the rest")
            if inclusion
            else stats.corrected_share(labels, hard, clusters)
        )
    for name, one in estimates.items():
        yield row(one, **about, statistic=name, **facts)

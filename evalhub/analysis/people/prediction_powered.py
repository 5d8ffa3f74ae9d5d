"""Prediction-powered inference: labels on a part and a judge's verdicts on all rows give one estimate."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.frames.comparable import select_planned
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.labels import consensus_labels, with_label_criterion
from evalhub.analysis.frames.outcomes import (
    MEAN_SCORE,
    SOFT,
    WIN_RATE,
    bounds_of,
    outcomes,
    withheld_reason,
)
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import floats, groups, row, table
from evalhub.records import AnnotatorKind
from evalhub.stats import Estimate
from evalhub.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

KEYS = (
    "dataset", "label_criterion", "judge", "criterion", "system", "measure", "higher_is_better", "statistic",
    "items", "labelled", "verdicts", "correlation", "labels_worth", "units", "labelled_units",
)  # fmt: skip
COMBINED = "people + judge"
NOTHING_SHARED = "the two have no judged row in common"
_JUDGE_KEYS = ("dataset", "label_criterion", "judge", "criterion")
_ROW = ["item_id", "other", "sample"]
_PAIR_MEASURES = (SOFT.format(WIN_RATE), WIN_RATE)
_RATING_MEASURES = (SOFT.format(MEAN_SCORE), MEAN_SCORE)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelledOutcomes:
    """A judge's outcomes of one system, joined with human labels.

    Attributes:
        keys: The keys of the judge, the labels and the system.
        rows: The columns of `outcomes` and label (missing = not labelled), probability (with which the row
            was drawn for labelling) and turned (whether the values are negated, because the judge's
            direction is not the labels').
        bounds: The lowest and highest possible label. None = not known.
    """

    keys: Row
    rows: pd.DataFrame
    bounds: tuple[float, float] | None

    @property
    def judge(self) -> tuple[str, ...]:
        """The dataset, label criterion, judge and criterion."""
        return tuple(self.keys[name] for name in _JUDGE_KEYS)

    def mean(self, confidence: float = CONFIDENCE) -> stats.Powered:
        """Return the system's mean label, from the labels and the judge's verdicts."""
        labels, verdicts = floats(self.rows["label"]), floats(self.rows["value"])
        return stats.powered_mean(
            labels,
            verdicts,
            self.rows["cluster"].tolist(),
            bounds=self.bounds,
            inclusion=self.inclusion,
            confidence=confidence,
        )

    @property
    def inclusion(self) -> list[float | None] | None:
        """The probability with which each row was drawn for labelling. None where it is not known."""
        probabilities = floats(self.rows["probability"])
        return probabilities if any(probability is not None for probability in probabilities) else None

    def without_items(self, items: Collection[str]) -> LabelledOutcomes:
        """Return the outcomes on the other items."""
        return replace(self, rows=self.rows[~self.rows["item_id"].isin(items)])


@cached_statistics
def prediction_powered(results: Results) -> pd.DataFrame:
    """Return each system's mean label, estimated from labels on a part and a judge's verdicts on all rows.

    There are rows only for judges of whose rows people labelled a part, and not all. The statistics are:

    - `people + judge`: the prediction-powered estimate. It is unbiased, whatever the judge does.
    - `people alone`: the mean of the labels. It is unbiased, with a wider interval if the judge is good.
    - `judge alone`: the mean of the judge's verdicts. It is as biased as the judge.
    - `calibrated`: the mean of the judge's scores after an isotonic map onto the labels.
    - `corrected, unlabelled rows`: for win rates without ties, the mean label of the unlabelled rows,
      corrected by the judge's error rates on the labelled rows.

    `higher_is_better` is the direction of the labels. A judge with the opposite direction is turned, except
    in `judge alone`. `labels_worth` is the number of labels that would give the interval of `people + judge`
    without a judge. `items` is the number of items. `units` and `labelled_units` count the pairs or responses
    of all systems together, a pair once for both its sides. Labels that were drawn with stored probabilities
    are weighted by them. A system's rows are those of the items on which all ranked systems were judged. A
    system that shares too few items has no estimate, and a reason.
    """
    import pandas as pd

    rows: list[Row] = []
    for systems in _by_judge(results).values():
        shared = select_planned(pd.concat([system.rows for system in systems]))
        ranked = shared.rows[~shared.rows["system"].isin(shared.reasons)]
        units = {"units": _count_units(ranked), "labelled_units": _count_units(ranked.dropna(subset="label"))}
        for system in systems:
            name = system.keys["system"]
            if reason := shared.reasons.get(name):
                rows.append(row(Estimate.none(reason), **system.keys, statistic=COMBINED))
            else:
                system_rows = shared.rows[shared.rows["system"] == name]
                rows += _estimate_rows(replace(system, rows=system_rows, keys=system.keys | units))
    return table(rows, KEYS)


def _count_units(rows: pd.DataFrame) -> int:
    """Return the number of pairs or responses, a pair once for both its sides."""
    sides = zip(rows["item_id"], rows["sample"], rows["system"], rows["other"], strict=True)
    return len({(item, sample, *sorted(systems)) for item, sample, *systems in sides})


def _by_judge(results: Results) -> dict[tuple[str, ...], list[LabelledOutcomes]]:
    """Return the systems of each judge of whose rows people labelled a part, and not all."""
    systems = list(labelled_outcomes(results))
    judges = {system.judge for system in systems if system.rows["label"].isna().any()}
    return {judge: [system for system in systems if system.judge == judge] for judge in sorted(judges)}


def labelled_outcomes(results: Results) -> Iterator[LabelledOutcomes]:
    """Yield each judge's outcomes of each system, joined with the human labels of the same rows.

    A judge's softest measure is used, because it carries most information about a label. Judges that stopped
    early are left out, and so are responses to which the criterion does not apply.
    """
    values = outcomes(results, with_uncertainty_sampled=True)
    human_labels = _human_labels(results, values)
    if human_labels.empty:
        return
    judges = values[values["rater_kind"] == "judge"].rename(columns={"rater": "judge"})
    not_applicable = _not_applicable(results)
    for key, group in groups(with_label_criterion(results, judges), *_JUDGE_KEYS):
        dataset, criterion, *_ = key
        if withheld_reason(group):
            continue
        is_labelled = (human_labels["dataset"] == dataset) & (human_labels["label_criterion"] == criterion)
        labels = human_labels[is_labelled]
        measures = set(group["measure"])
        measure = next(name for name in (*_PAIR_MEASURES, *_RATING_MEASURES) if name in measures)
        group = group[group["measure"] == measure]
        applies = [unit not in not_applicable for unit in _units(group)]
        for (system,), system_rows in groups(group[applies], "system"):
            system_labels = labels[labels["system"] == system]
            joined = system_rows.merge(system_labels[[*_ROW, "label", "probability"]], on=_ROW, how="left")
            if joined["label"].notna().any():
                higher = direction_of(system_labels)
                turned = direction_of(system_rows) is not higher
                joined = joined.assign(turned=turned, value=-joined["value"] if turned else joined["value"])
                keys = {
                    **dict(zip(_JUDGE_KEYS, key, strict=True)),
                    "system": system, "measure": measure, "higher_is_better": higher,
                }  # fmt: skip
                yield LabelledOutcomes(keys, joined, bounds_of(system_labels))


def _not_applicable(results: Results) -> set[tuple[Any, ...]]:
    """Return the responses whose human label says that the criterion does not apply."""
    labels = consensus_labels(results, with_uncertainty_sampled=True)
    is_human = labels["annotator_kind"] == AnnotatorKind.HUMAN.value
    has_label = labels["label_value"].notna() | labels["label_winner"].notna()
    return set(_units(labels[~has_label & is_human]))


def _units(rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    names = ("dataset", "label_criterion", "item_id", "system", "sample")
    yield from zip(*(rows[name] for name in names), strict=True)


def prediction_powered_differences(results: Results) -> Iterator[tuple[Row, Estimate]]:
    """Yield the prediction-powered difference of the mean labels of every two systems, with its keys.

    The keys are those of `comparisons`. A row counts as labelled where people labelled both systems.
    """
    import pandas as pd

    for systems in _by_judge(results).values():
        rows = pd.concat([system.rows for system in systems])
        matching = _matching(rows, rows["system"].tolist())
        first_keys = systems[0].keys
        keys = {
            "dataset": first_keys["dataset"], "rater_kind": COMBINED, "rater": first_keys["judge"],
            "criterion": first_keys["criterion"], "measure": f"{first_keys['measure']}, {COMBINED}",
            "higher_is_better": first_keys["higher_is_better"],
        }  # fmt: skip
        for first, second in itertools.combinations(matching.sides, 2):
            first_rows, second_rows, direct = matching.pair(first, second)
            difference = _difference(
                rows.iloc[first_rows],
                rows.iloc[second_rows],
                direct=bool(direct.all()),
                confidence=CONFIDENCE,
            )
            yield {**keys, "first": first, "second": second}, difference


def powered_change(
    first: LabelledOutcomes,
    second: LabelledOutcomes,
    sides: tuple[str, str],
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return the prediction-powered difference of two systems, or of one system in two runs, first - second.

    Args:
        first: Outcomes of the first side.
        second: Outcomes of the second, by a judge of the same direction.
        sides: The names of the two systems. A match of the two counts for both. For two runs, names that no
            system has.
        confidence: Level of the interval, in (0, 1).
    """
    import pandas as pd

    rows = pd.concat([first.rows, second.rows], ignore_index=True)
    names = [sides[0]] * len(first.rows) + [sides[1]] * len(second.rows)
    if first.rows.empty or second.rows.empty:
        return Estimate.none(NOTHING_SHARED, confidence=confidence)
    first_rows, second_rows, direct = _matching(rows, names).pair(*sides)
    return _difference(
        rows.iloc[first_rows], rows.iloc[second_rows], direct=bool(direct.all()), confidence=confidence
    )


def _matching(rows: pd.DataFrame, sides: list[str]) -> stats.Matching:
    units = [f"{item}\0{sample}" for item, sample in zip(rows["item_id"], rows["sample"], strict=True)]
    return stats.Matching(sides, units, rows["other"].tolist())


def _difference(
    first_rows: pd.DataFrame, second_rows: pd.DataFrame, *, direct: bool, confidence: float = CONFIDENCE
) -> Estimate:
    if first_rows.empty:
        return Estimate.none(NOTHING_SHARED, confidence=confidence)
    varies = any(side["probability"].nunique() > 1 for side in (first_rows, second_rows))
    if varies and not direct:
        reason = "labels drawn by doubt do not say how likely both were to be labelled"
        return Estimate.none(reason, confidence=confidence)
    sides = (first_rows, second_rows)
    first, second = ((floats(side["label"]), floats(side["value"])) for side in sides)
    inclusion = floats(first_rows["probability"]) if varies else None
    clusters = first_rows["cluster"].tolist()
    return stats.powered_difference(
        first, second, clusters, inclusion=inclusion, confidence=confidence
    ).estimate


def _human_labels(results: Results, values: pd.DataFrame) -> pd.DataFrame:
    """Return the human labels of each system, item by item, with the probability of being labelled."""
    labels = values[values["rater"] == f"{AnnotatorKind.HUMAN.value} labels"]
    labels = labels.rename(columns={"criterion": "label_criterion", "value": "label"})
    on = ["dataset", "label_criterion", "system", *_ROW]
    return labels.merge(_probabilities(results), on=on, how="left")


def _probabilities(results: Results) -> pd.DataFrame:
    """Return the probability with which each response or pair was drawn, a pair once for each side."""
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


def _estimate_rows(outcomes: LabelledOutcomes) -> Iterator[Row]:
    joined, keys, inclusion = outcomes.rows, outcomes.keys, outcomes.inclusion
    labels, verdicts = floats(joined["label"]), floats(joined["value"])
    clusters = joined["cluster"].tolist()
    mean = outcomes.mean()
    calibrated = stats.calibrated_mean(
        labels, verdicts, clusters, bounds=outcomes.bounds, inclusion=inclusion
    )
    facts = {
        "items": joined["item_id"].nunique(), "labelled": mean.labelled, "verdicts": mean.verdicts,
        "correlation": mean.correlation, "labels_worth": mean.effective_n,
    }  # fmt: skip
    estimates: dict[str, Estimate] = {
        COMBINED: mean.estimate,
        "people alone": mean.labels_only,
        "judge alone": mean.judge_only.negated() if joined["turned"].iat[0] else mean.judge_only,
        "calibrated": calibrated,
    }
    if (failed := verdicts.count(None)) and estimates["calibrated"].low is not None:
        reason = f"{failed} rows without a verdict are not in it"
        estimates["calibrated"] = estimates["calibrated"].without_interval(reason)
    if keys["measure"] in _PAIR_MEASURES and not {*labels, None} - {0.0, 1.0, None}:
        hard = [None if verdict is None else float(verdict > 0.5) for verdict in verdicts]
        estimates["corrected, unlabelled rows"] = (
            Estimate.none("labels drawn by doubt do not show how often the judge errs on the rest")
            if inclusion
            else stats.corrected_share(labels, hard, clusters)
        )
    for name, estimate in estimates.items():
        yield row(estimate, **keys, statistic=name, **facts)

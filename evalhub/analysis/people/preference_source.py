"""Which verdicts order the pairs that become preferences: those of a judge, of a jury, or of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evalhub.analysis.database.cells import PREFERENCE
from evalhub.analysis.frames.juries import JURY
from evalhub.analysis.frames.label_tables import add_label_tables
from evalhub.analysis.frames.splits import DEV, SPLITS
from evalhub.analysis.frames.verdicts import few_sample_judges, pair_verdicts
from evalhub.analysis.results import Results
from evalhub.analysis.tables import rows_of
from evalhub.errors import InputError, UnknownNameError

# Half of the mass of a tie is on either side, so the odds are those of the probability, without its rounding.
_OF_JUDGE = f"""
SELECT dataset, item_id, judge, criterion, system_a, system_b, sample, turn, winner,
  winner_ab = winner_ba AS orders_agree,
  if($soft, {PREFERENCE}, NULL) AS p_a,
  if($soft, chance_a + coalesce(chance_tie, 0) / 2, NULL) AS odds_a,
  if($soft, chance_b + coalesce(chance_tie, 0) / 2, NULL) AS odds_b
FROM pair_facts WHERE judge = $judge"""
_OF_JURY = """
SELECT dataset, item_id, judge, criterion, system_a, system_b, sample, NULL::BIGINT AS turn, winner,
  NULL::BOOLEAN AS orders_agree, p_a, p_a AS odds_a, 1 - p_a AS odds_b
FROM jury_verdicts WHERE judge = $judge"""
_OF_PEOPLE = """
SELECT dataset, item_id, NULL::VARCHAR AS judge, label_criterion AS criterion, system_a, system_b, sample,
  turn, label_winner AS winner, NULL::BOOLEAN AS orders_agree, NULL::DOUBLE AS p_a, NULL::DOUBLE AS odds_a,
  NULL::DOUBLE AS odds_b
FROM label_consensus WHERE label_winner IS NOT NULL"""

_JURY_COLUMNS = (
    "dataset", "item_id", "judge", "criterion", "system_a", "system_b", "sample", "winner", "p_a",
)  # fmt: skip
_RUBRICS = """
SELECT dataset,
  if(count(DISTINCT rubric) = 1, min(rubric), NULL) AS rubric,
  if(count(DISTINCT rubric_hash) = 1, min(rubric_hash), NULL) AS rubric_hash,
  if(count(DISTINCT model) = 1, min(model), NULL) AS model
FROM judgments WHERE judge = $judge AND system_a IS NOT NULL GROUP BY dataset ORDER BY dataset"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceFilter:
    """Which pairs of a run become preferences.

    Attributes:
        judge: The judge or jury whose verdict orders a pair. None = the only pairwise judge of the run.
        labels: Whether the labels order a pair, and not a judge.
        split: The clusters that are taken: `dev`, `test` or `all`.
        seed: Seed of the draw of clusters if a dataset has no split. It is that of `judges export`.
        min_probability: The least probability of the preferred response, in [0.5, 1]. None = any, and also
            verdicts without a probability.
        orders_agree: Whether only pairs are taken of which both orders have the same winner.
        agree_with_labels: Whether only pairs are taken whose label is the verdict.
        criterion: A criterion of the judge, or of the labels. None = all.
        dataset: Id of a dataset. None = all.
    """

    judge: str | None = None
    labels: bool = False
    split: str = DEV
    seed: int = 0
    min_probability: float | None = None
    orders_agree: bool = False
    agree_with_labels: bool = False
    criterion: str | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UnknownNameError("split", self.split, SPLITS, where="--split")
        # Not `p < 0.5`: nothing is true of NaN.
        if self.min_probability is not None and not 0.5 <= self.min_probability <= 1:
            raise InputError(
                "no probability of the preferred response",
                where="--min-probability",
                value=self.min_probability,
                allowed="a number from 0.5 to 1",
            )
        of_verdicts = {
            "--judge": self.judge is not None,
            "--min-probability": self.min_probability is not None,
            "--orders-agree": self.orders_agree,
            "--agree-with-labels": self.agree_with_labels,
        }
        if self.labels and any(of_verdicts.values()):
            option = next(name for name, is_set in of_verdicts.items() if is_set)
            raise InputError(
                "the labels order the pairs, so no verdict is read",
                where="--labels",
                fix=f"leave {option} out",
            )


@dataclass(frozen=True, slots=True)
class PreferenceSource:
    """The verdicts that order the pairs.

    Attributes:
        judge: The judge or jury. None = people.
        verdicts: A query, with a row per pair and criterion: the key, turn, winner, orders_agree, p_a (that a
            is better), odds_a and odds_b (whose ratio are the odds of a).
        parameters: The parameters of the query.
        rubrics: The rubric, rubric_hash and model of the judge, by dataset.
    """

    judge: str | None
    verdicts: str
    parameters: dict[str, Any]
    rubrics: dict[str, dict[str, str | None]] = field(default_factory=dict)


def find_source(results: Results, selection: PreferenceFilter) -> PreferenceSource:
    """Return the verdicts that a filter names, of its dataset and criterion.

    The labels are in the tables of `add_label_tables` then.

    Raises:
        InputError: The run has no pairwise judge or no labels, or several judges of which none is named. The
            judge, criterion or dataset does not exist.
    """
    if results.is_attack:
        raise InputError("the responses of a run of attacks are made up", where=results.run.id)
    add_label_tables(results)
    source = _of_people() if selection.labels else _of_judge(results, _judge_name(results, selection))
    names = rows_of(
        results.sql(f"SELECT DISTINCT dataset, criterion FROM ({source.verdicts})", source.parameters)
    )
    if not names:
        problem = (
            "the run has no labels of pairs" if selection.labels else f"{source.judge} compared no pairs"
        )
        raise InputError(problem, where=results.run.id)
    datasets = {name["dataset"] for name in names}
    if selection.dataset in results.cards and selection.dataset not in datasets:
        raise InputError(
            "no pairs of this dataset are compared",
            where="--dataset",
            value=selection.dataset,
            allowed=sorted(datasets),
        )
    if selection.dataset is not None and selection.dataset not in datasets:
        raise UnknownNameError("dataset", selection.dataset, datasets, where="--dataset")
    criteria = {name["criterion"] for name in names if selection.dataset in (None, name["dataset"])}
    if selection.criterion is not None and selection.criterion not in criteria:
        raise UnknownNameError("criterion", selection.criterion, criteria, where="--criterion")
    return _narrowed(source, {"dataset": selection.dataset, "criterion": selection.criterion})


def _judge_name(results: Results, selection: PreferenceFilter) -> str:
    """Return the judge that a filter names, or the only one that compares pairs."""
    judges = {row["judge"] for row in rows_of(results.sql("SELECT DISTINCT judge FROM pair_facts"))}
    names = sorted(judges | {jury.id for jury in results.juries if judges & {*jury.members}})
    if not names:
        raise InputError(
            "the run has no judge that compares pairs",
            where=results.run.id,
            fix="run a suite with a pairwise judge, or order labelled pairs with --labels",
        )
    if selection.judge is None and len(names) > 1:
        raise InputError(
            "several judges compare the pairs of this run",
            where=results.run.id,
            allowed=names,
            fix="name the judge that orders them with --judge",
        )
    if selection.judge not in (None, *names):
        raise UnknownNameError("pairwise judge", str(selection.judge), names, where="--judge")
    return selection.judge or names[0]


def _of_judge(results: Results, judge: str) -> PreferenceSource:
    if judge in {jury.id for jury in results.juries}:
        _add_juries(results)
        return PreferenceSource(judge, _OF_JURY, {"judge": judge})
    rubrics = {row.pop("dataset"): row for row in rows_of(results.sql(_RUBRICS, {"judge": judge}))}
    is_soft = judge not in few_sample_judges(results)
    return PreferenceSource(judge, _OF_JUDGE, {"judge": judge, "soft": is_soft}, rubrics)


def _of_people() -> PreferenceSource:
    return PreferenceSource(None, _OF_PEOPLE, {})


def _add_juries(results: Results) -> None:
    """Make the verdicts of the juries a table of the run. The votes of all members are in memory for it."""
    import pyarrow as pa

    def rows() -> pa.Table:
        verdicts = pair_verdicts(results)
        of_juries = verdicts.loc[(verdicts["source"] == JURY).to_numpy(), [*_JURY_COLUMNS]]
        texts = {name: "str" for name in _JURY_COLUMNS if name not in ("sample", "p_a")}
        return pa.Table.from_pandas(of_juries.astype(texts), preserve_index=False)

    results.database.add_table("jury_verdicts", rows)


def _narrowed(source: PreferenceSource, values: dict[str, str | None]) -> PreferenceSource:
    """Return a source of which only the rows with some values count. None = any value."""
    conditions = {name: value for name, value in values.items() if value is not None}
    tests = "".join(f" AND {name} = ${name}" for name in conditions)
    # Labels have their criterion under another name, so the conditions stand around the query.
    verdicts = f"SELECT * FROM ({source.verdicts}) WHERE true{tests}"
    return PreferenceSource(source.judge, verdicts, {**source.parameters, **conditions}, source.rubrics)

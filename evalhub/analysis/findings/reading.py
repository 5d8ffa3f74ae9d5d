"""Ten samples that are worth reading, and why: verdicts that are surely wrong, or contradict another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from evalhub.analysis.findings.finding import LABELS
from evalhub.analysis.frames.labelled import labelled_pairs
from evalhub.analysis.frames.responses import (
    averaged_responses,
    column_directions,
    judges_of_criterion,
    number_columns,
)
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import PAIR, rows_of
from evalhub.texts import number

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "dataset", "item_id", "sample", "system_a", "system_b", "system", "judge", "criterion", "reason",
    "sentence", "prompt", "responses", "rationale",
)  # fmt: skip
MOST = 10

_CHOSEN_BY_PEOPLE, _OTHER_JUDGE, _ORDER, _RATING = "against the labels", "judges differ", "order", "rating"

Row = dict[str, Any]

SHOWN_CHARACTERS = 3000
"""Each text is cut after so many characters."""

PROMPTS = f"""
SELECT dataset, item_id, left(array_to_string(turns, chr(10)), {SHOWN_CHARACTERS}) AS prompt
FROM items WHERE list_contains($names::VARCHAR[], item_id)
"""
"""By dataset and item."""

RESPONSES = f"""
SELECT dataset, item_id, sample, system, left(text, {SHOWN_CHARACTERS}) AS text
FROM responses WHERE list_contains($names::VARCHAR[], item_id)
"""
"""By dataset, item, sample and system."""

_RATIONALES = f"""
SELECT dataset, item_id, sample, judge, criterion, coalesce(system, system_a) AS system,
  left(rationale, {SHOWN_CHARACTERS}) AS rationale
FROM judgments WHERE rationale IS NOT NULL AND list_contains($names::VARCHAR[], item_id) ORDER BY shown DESC
"""


def worth_reading(results: Results) -> pd.DataFrame:
    """Return up to ten samples that teach most about the judges, each with one sentence that says why.

    They are, in turn: verdicts against the labels, the surest first; ratings furthest from the labels;
    verdicts that turn with the order, the surest first; two judges that are sure of opposite verdicts.
    `reason` is one of "against the labels", "rating", "order" and "judges differ". A sample comes once.

    Beside it stand what is to be read, each text cut after 3,000 characters: `prompt`, `responses` (system
    and text of each) and the judge's `rationale`.
    """
    import pandas as pd

    if results.is_attack:
        return pd.DataFrame(columns=list(COLUMNS))
    sources = (_against_labels, _ratings_against_labels, _turning_with_order, _judges_that_differ)
    turns = zip_longest(*(source(results) for source in sources))
    rows: dict[tuple[Any, ...], Row] = {}
    for row in chain.from_iterable(turns):
        if row is not None:
            sample = tuple(row.get(name) for name in ("dataset", "item_id", "sample"))
            rows.setdefault(sample, row)
    return pd.DataFrame(_with_texts(results, list(rows.values())[:MOST]), columns=list(COLUMNS))


def _against_labels(results: Results) -> Iterator[Row]:
    frame = labelled_pairs(results)
    decided = frame["winner"].isin(["a", "b"]) & frame["label_winner"].isin(["a", "b"])
    frame = frame[decided & frame["p_a"].notna()]
    frame = frame[frame["winner"].astype("str") != frame["label_winner"].astype("str")]
    frame = frame.assign(sure=(frame["p_a"].astype("float64") - 0.5).abs())
    for pair in _surest(frame, "sure"):
        labels = LABELS[pair["annotator_kind"]].capitalize()
        winner, other = _names(pair, pair["winner"])
        yield _row(
            pair,
            _CHOSEN_BY_PEOPLE,
            f"{labels} prefer {other}. {pair['judge']} prefers {winner} with {_probability(pair)}.",
        )


def _turning_with_order(results: Results) -> Iterator[Row]:
    frame = pair_verdicts(results)
    decided = frame["winner_ab"].isin(["a", "b"]) & frame["winner_ba"].isin(["a", "b"])
    frame = frame[decided & (frame["winner_ab"].astype("str") != frame["winner_ba"].astype("str"))]
    # The nearer to one half both orders come together, the surer each of them was of the opposite.
    frame = frame.assign(sure=-(frame["p_a"].astype("float64") - 0.5).abs())
    for pair in _surest(frame, "sure"):
        shown = "first" if pair["winner_ab"] == "a" else "second"
        yield _row(
            pair,
            _ORDER,
            f"{pair['judge']} prefers the response shown {shown}, whichever of {pair['system_a']} and "
            f"{pair['system_b']} that is.",
        )


def _judges_that_differ(results: Results) -> Iterator[Row]:
    frame = pair_verdicts(results)
    frame = frame[frame["p_a"].notna() & frame["winner"].isin(["a", "b"])]
    if frame["judge"].nunique() < 2:
        return
    columns = [*PAIR, "criterion", "judge", "p_a", "winner"]
    frame = frame[columns].assign(judge=frame["judge"].astype("str"), winner=frame["winner"].astype("str"))
    joined = frame.merge(frame, on=PAIR, suffixes=("", "_other"))
    joined = joined[(joined["judge"] < joined["judge_other"]) & (joined["winner"] != joined["winner_other"])]
    probabilities = (joined[name].astype("float64") for name in ("p_a", "p_a_other"))
    sure = [(column - 0.5).abs() for column in probabilities]
    joined = joined.assign(sure=sure[0].where(sure[0] < sure[1], sure[1]))
    for pair in _surest(joined, "sure"):
        winner, other = _names(pair, pair["winner"])
        second = {"p_a": pair["p_a_other"], "winner": pair["winner_other"]}
        yield _row(
            pair,
            _OTHER_JUDGE,
            f"{pair['judge']} prefers {winner} with {_probability(pair)}, {pair['judge_other']} prefers "
            f"{other} with {_probability(second)}.",
        )


def _ratings_against_labels(results: Results) -> Iterator[Row]:
    import pandas as pd

    rated = ratings(results)
    parts = []
    for keys, frame in averaged_responses(results):
        directions = column_directions(results, keys, number_columns(frame))
        judges = judges_of_criterion(results, rated, keys["dataset"], keys["label_criterion"])
        for column, judge in judges.items():
            joined = frame[frame[column].notna() & frame["labels"].notna()]
            above = {
                name: (joined[name].rank(ascending=directions[name] is not False) - 0.5) / len(joined)
                for name in (column, "labels")
            }
            part = joined[["item_id", "system"]].assign(
                rating=joined[column],
                label=joined["labels"],
                rating_above=above[column],
                label_above=above["labels"],
                distance=(above[column] - above["labels"]).abs(),
            )
            part = part[part["rating"] != part["label"]]
            for name, value in {**keys, "judge": judge.name, "criterion": judge.criterion}.items():
                part[name] = value
            parts.append(part.nlargest(MOST, "distance", keep="first"))
    if not parts:
        return
    for response in _surest(pd.concat(parts, ignore_index=True), "distance"):
        labels = LABELS[response["annotator_kind"]].capitalize()
        label, rating = (
            f"{number(response[name])} (above {response[f'{name}_above']:.0%} of the responses)"
            for name in ("label", "rating")
        )
        criterion = response["label_criterion"]
        of_criterion = "" if criterion == "overall" else f" for {criterion}"
        system, judge = response["system"], response["judge"]
        sentence = f"{labels} give {system} {label}{of_criterion}. {judge} gives it {rating}."
        yield _row({**response, "sample": 0}, _RATING, sentence)


def _surest(frame: pd.DataFrame, name: str) -> list[Row]:
    """Return the rows with the highest values of a column, as many as could be shown."""
    top = frame.nlargest(MOST, name, keep="first")
    return rows_of(top)


def _names(pair: Row, winner: str) -> tuple[str, str]:
    """Return the system that a verdict prefers, and the other one."""
    sides = pair["system_a"], pair["system_b"]
    return sides if winner == "a" else (sides[1], sides[0])


def _probability(pair: Row) -> str:
    p = float(pair["p_a"])
    return number(p if pair["winner"] == "a" else 1 - p)


def _row(sample: Row, reason: str, sentence: str) -> Row:
    names = ("dataset", "item_id", "sample", "system_a", "system_b", "system", "judge", "criterion")
    return {**{name: sample.get(name) for name in names}, "reason": reason, "sentence": sentence}


def texts_by_key(results: Results, query: str, items: Iterable[str]) -> dict[tuple[Any, ...], Any]:
    """Return the texts of some items: the last column of a query by the columns before it.

    Args:
        results: The run.
        query: SQL with the parameter `names`, such as `PROMPTS` and `RESPONSES`.
        items: Ids of the items.
    """
    rows = rows_of(results.sql(query, {"names": sorted(set(items))}))
    return {tuple(list(row.values())[:-1]): list(row.values())[-1] for row in rows}


def _with_texts(results: Results, rows: list[Row]) -> list[Row]:
    """Return samples with the prompt, the responses, and the judge's rationale."""
    items = {row["item_id"] for row in rows}
    prompts, texts, rationales = (
        texts_by_key(results, query, items) for query in (PROMPTS, RESPONSES, _RATIONALES)
    )
    samples = []
    for row in rows:
        item = row["dataset"], row["item_id"]
        sample = (*item, int(row["sample"] or 0))
        systems = [system for system in (row["system_a"], row["system_b"], row["system"]) if system]
        samples.append(
            {
                **row,
                "prompt": prompts.get(item),
                "responses": [{"system": name, "text": texts.get((*sample, name))} for name in systems],
                "rationale": rationales.get((*sample, row["judge"], row["criterion"], systems[0])),
            }
        )
    return samples

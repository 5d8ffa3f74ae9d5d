"""Facts of judges: whether they may give a tie, what a missing verdict counts as, and their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.frames.juries import JURY
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups

if TYPE_CHECKING:
    import pandas as pd


def may_tie(results: Results, verdicts: pd.DataFrame) -> dict[str, bool]:
    """Return whether each judge may give a tie.

    The rubric decides. A jury may where one of its members may. A recorded judge may where it gives one.

    Args:
        results: The run.
        verdicts: One row per judge and pair, with the columns judge and winner.
    """
    allowed = {
        judge: bool(rubric.ties)
        if (rubric := results.rubric(judge))
        else bool((judge_verdicts["winner"] == "tie").any())
        for (judge,), judge_verdicts in groups(verdicts, "judge")
    }
    juries = {jury.id: jury.members for jury in results.juries}
    return {
        judge: any(allowed.get(member, False) for member in juries[judge]) if judge in juries else ties
        for judge, ties in allowed.items()
    }


def counts_as_wrong(results: Results, dataset: str, judge: str) -> bool:
    """Return whether a missing verdict counts as wrong, which the card of a recorded judge may say."""
    return results.recorded_judge(dataset, judge).unparsed_as == "wrong"


def kind_of_judge(verdicts: pd.DataFrame) -> str:
    """Return the kind of the judge that gave some verdicts: "judge", "recorded judge" or "jury"."""
    source = str(verdicts["source"].iloc[0]) if len(verdicts) else ""
    return {"recorded": "recorded judge", JURY: "jury"}.get(source, "judge")


def judge_criteria(results: Results) -> list[tuple[str, str, str]]:
    """Return the dataset, id and criterion of every judge that gave verdicts, and of every jury.

    The criteria of items are left out, as they say nothing of a response as a whole.
    """
    rows = results.sql(
        "SELECT DISTINCT dataset, judge, criterion FROM judgments WHERE item_criterion IS NULL ORDER BY ALL"
    )
    judges = list(rows.itertuples(index=False, name=None))
    juries = [
        (dataset, jury.id, criterion)
        for jury in results.juries
        for criterion, members in jury.criteria.items()
        for dataset in dict.fromkeys(name for name, judge, _ in judges if judge in members)
    ]
    return [*judges, *juries]

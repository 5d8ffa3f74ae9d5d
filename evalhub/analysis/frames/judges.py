"""What judges of a run may say: whether a tie, what a missing verdict counts as, and their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.frames.juries import JURY
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups

if TYPE_CHECKING:
    import pandas as pd


def may_tie(results: Results, verdicts: pd.DataFrame) -> dict[str, bool]:
    """Return which judges may say tie: as the rubric has it, a jury where a member may, a recorded judge
    where it ever does.

    Args:
        results: The run.
        verdicts: One row per judge and pair, with the columns judge and winner.
    """
    said = {
        judge: bool(rubric.ties)
        if (rubric := results.rubric(judge))
        else bool((found["winner"] == "tie").any())
        for (judge,), found in groups(verdicts, "judge")
    }
    juries = {jury["id"]: jury["members"] for jury in results.manifest.get("juries", ())}
    return {
        judge: any(said.get(one, False) for one in juries[judge]) if judge in juries else ties
        for judge, ties in said.items()
    }


def counts_as_wrong(results: Results, dataset: str, judge: str) -> bool:
    """Return whether no verdict is a wrong one, as the card of a recorded judge may say."""
    told = (results.manifest["cards"].get(dataset, {}).get("judges") or {}).get(judge, {})
    return bool(told.get("unparsed") == "wrong")


def kind_of_judge(verdicts: pd.DataFrame) -> str:
    """Return what gave some verdicts: a judge, a recorded judge or a jury."""
    source = str(verdicts["source"].iloc[0]) if len(verdicts) else ""
    return {"recorded": "recorded judge", JURY: "jury"}.get(source, "judge")

"""What was asked, what came back, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis.results import Results

if TYPE_CHECKING:
    import pandas as pd

_JUDGED = """
SELECT judge, count(*) AS done, count(failure) AS failed,
  avg(label_mass) AS label_mass, count(rationale) AS rationales,
  count(*) FILTER (WHERE rationale_cut) AS rationales_cut,
  count(*) FILTER (WHERE same_family) AS same_family
FROM judgments WHERE source = 'generated' GROUP BY judge ORDER BY judge
"""

_FAILED = """
SELECT 'judgment' AS "of", judge AS by_whom, failure, count(*) AS n, min(detail) AS example
FROM judgments WHERE failure IS NOT NULL GROUP BY ALL
UNION ALL
SELECT 'response', system, failure, count(*), NULL
FROM responses WHERE failure IS NOT NULL GROUP BY ALL
ORDER BY ALL
"""


def coverage(results: Results) -> pd.DataFrame:
    """Return, for each judge of the run, how much of what was planned has a verdict.

    Columns: judge, expected, done, failed, coverage (valid / expected, in [0, 1]), label_mass
    (mean probability of the allowed verdicts), rationales, rationales_cut, same_family, skipped.
    """
    import pandas as pd

    expected = results.manifest["expected"]
    skipped = {
        judge: sum(sum(reasons.values()) for reasons in by_dataset.values())
        for judge, by_dataset in results.manifest["skipped"].items()
    }
    frame = pd.DataFrame(
        [{"judge": judge, "expected": n, "skipped": skipped.get(judge, 0)} for judge, n in expected.items()],
        columns=["judge", "expected", "skipped"],
    ).merge(results.sql(_JUDGED), on="judge", how="left")
    counts = ["done", "failed", "rationales", "rationales_cut", "same_family"]
    frame[counts] = frame[counts].fillna(0).astype("Int64")
    frame["coverage"] = (frame["done"] - frame["failed"]) / frame["expected"]
    return frame[["judge", "expected", "done", "failed", "coverage", "label_mass", *counts[2:], "skipped"]]


def failures(results: Results) -> pd.DataFrame:
    """Return the failures by what failed, by whom and why, with one example each."""
    return results.sql(_FAILED)


def engines(results: Results) -> pd.DataFrame:
    """Return what every engine of the run really used and did, one row per start."""
    import pandas as pd

    return pd.DataFrame(results.manifest["engines"])


def reused(results: Results) -> pd.DataFrame:
    """Return how many completions came from other runs, by the run that computed them."""
    return results.sql(
        "SELECT computed_in AS run, model, count(*) AS completions FROM completions "
        "WHERE computed_in IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )

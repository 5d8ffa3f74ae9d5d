"""What was asked, what came back, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.results import FAILED, NOT_APPLICABLE, Results
from evalhub.analysis.tables import floats, groups, row, rows_of, table
from evalhub.records import CUT

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = (
    "done", "failed", "not_applicable", "rationales", "rationales_cut", "same_family", "of_cut_answers",
)  # fmt: skip
NAMED = ("judge", "kind", "statistic", "expected", *_COUNTS)
BY_CRITERION = ("dataset", "judge", "criterion", "statistic")
_UNFINISHED = "not everything that was planned is asked yet"

_COUNTED = f"""
SELECT judge, if(any_value(source) = 'recorded', 'recorded judge', 'judge') AS kind,
  count(*) AS done, count(*) FILTER (WHERE {FAILED}) AS failed,
  count(*) FILTER (WHERE {NOT_APPLICABLE}) AS not_applicable, count(rationale) AS rationales,
  count(*) FILTER (WHERE rationale_cut) AS rationales_cut,
  count(*) FILTER (WHERE same_family) AS same_family,
  count(*) FILTER (WHERE EXISTS (
    FROM responses r WHERE r.finish_reason = '{CUT}' AND r.failure IS NULL
      AND (r.dataset, r.item_id, r.sample) = (j.dataset, j.item_id, j.sample)
      AND r.system IN (j.system, j.system_a, j.system_b))) AS of_cut_answers
FROM judgments j GROUP BY judge ORDER BY judge
"""

_ASKED = f"""
SELECT j.dataset, j.judge, j.criterion, if(j.{FAILED}, 0, 1) AS valid, j.label_mass,
  j.dataset || '/' || i.cluster AS cluster
FROM judgments j JOIN items i USING (dataset, item_id) ORDER BY ALL
"""


def coverage(results: Results) -> pd.DataFrame:
    """Return, for each judge, how much of what was planned has a verdict, and how sure its tokens are.

    One row per judge and statistic: `coverage` (valid verdicts of those expected, in [0, 1]) and, where
    verdicts were read from probabilities, `label mass` (mean probability of the allowed verdicts, in [0, 1]).
    A verdict that the criterion does not apply is a valid one. Every row also has the judge's counts:
    expected, done, failed, not_applicable, rationales, rationales_cut, same_family, of_cut_answers
    (judgments of an answer that the token limit cut, where anything was left of it). Of a recorded judge
    (`kind`) as much is expected as is recorded.
    """
    counted = {str(one["judge"]): one for one in rows_of(results.sql(_COUNTED))}
    recorded = {judge: one["done"] for judge, one in counted.items() if one["kind"] == "recorded judge"}
    asked = results.sql(_ASKED)
    rows: list[dict[str, Any]] = []
    for judge, expected in {**results.manifest["expected"], **recorded}.items():
        found = asked[asked["judge"] == judge]
        counts = counted.get(judge) or {"kind": "judge", **dict.fromkeys(_COUNTS, 0)}
        rows += _rows(found, _share(found, expected), {**counts, "judge": judge, "expected": expected})
    return table(rows, NAMED)


def coverage_by_criterion(results: Results) -> pd.DataFrame:
    """Return the coverage and the label mass of each judge on each criterion of each dataset.

    One row per dataset, judge, criterion and statistic, as in `coverage`. The plan counts a judge's
    judgments together: while some are still to be asked, the coverage of their parts is None.
    """
    asked, expected = results.sql(_ASKED), results.manifest["expected"]
    done = (results.full_run or results).sql("SELECT judge FROM judgments")["judge"].value_counts()
    rows: list[dict[str, Any]] = []
    for (dataset, judge, criterion), found in groups(asked, "dataset", "judge", "criterion"):
        share = (
            stats.Estimate.none(_UNFINISHED, left_out=len(found))
            if done[judge] < expected.get(judge, 0)
            else _share(found, len(found))
        )
        rows += _rows(found, share, {"dataset": dataset, "judge": judge, "criterion": criterion})
    return table(rows, BY_CRITERION)


def _rows(found: pd.DataFrame, share: stats.Estimate, named: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the coverage and, where verdicts were read from probabilities, the label mass."""
    yield row(share, **named, statistic="coverage")
    if found["label_mass"].notna().any():
        mass = stats.mean_estimate(floats(found["label_mass"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
        yield row(mass, **named, statistic="label mass")


_UNSCORED = """
WITH counted AS (SELECT dataset, metric, count(*) AS scores FROM scores GROUP BY ALL)
SELECT dataset, metric, coalesce(reason, 'no reason was recorded') AS reason, count(*) AS n,
  any_value(scores) AS scores, count(DISTINCT system) AS systems
FROM scores JOIN counted USING (dataset, metric) WHERE value IS NULL
GROUP BY dataset, metric, reason ORDER BY dataset, metric, n DESC, reason
"""


def unscored(results: Results) -> pd.DataFrame:
    """Return why responses have no value of a metric, one row per dataset, metric and reason.

    Columns: dataset, metric, reason, `n` (scores without a value for this reason), `scores` (all of the
    metric on the dataset) and `systems` (how many systems the reason concerns). Most frequent reasons first.
    """
    return results.sql(_UNSCORED)


_REUSED = """
WITH used AS (
  SELECT DISTINCT 'candidate ' || system AS id, unnest(completions) AS key FROM responses
  UNION
  SELECT DISTINCT 'judge ' || judge, unnest(completions) FROM judgments
), serving AS (SELECT key, string_agg(id, ', ' ORDER BY id) AS serves FROM used GROUP BY key)
SELECT computed_in AS run, model, coalesce(serves, '') AS serves, count(*) AS completions
FROM completions LEFT JOIN serving USING (key)
WHERE computed_in IS NOT NULL GROUP BY ALL ORDER BY ALL
"""


def _share(found: pd.DataFrame, expected: int) -> stats.Estimate:
    """Return the share of valid verdicts; what is still to be asked counts as not valid."""
    if not expected:
        return stats.Estimate.none("nothing was planned")
    share = stats.mean_estimate(floats(found["valid"]), found["cluster"].tolist(), bounds=(0.0, 1.0))
    if len(found) >= expected:
        return share
    return replace(share, estimate=float(found["valid"].sum()) / expected, n=expected).without_interval(
        _UNFINISHED
    )


def left_out(results: Results) -> pd.DataFrame:
    """Return what the plan leaves out: judge, dataset, what (and why, in words), n of them.

    Items, pairs, responses and judgments are counted apart, each under the rule that leaves them out.
    """
    import pandas as pd

    rows = [
        (judge, dataset, what, n)
        for judge, by_dataset in results.manifest["skipped"].items()
        for dataset, reasons in by_dataset.items()
        for what, n in reasons.items()
    ]
    return pd.DataFrame(rows, columns=["judge", "dataset", "what", "n"])


_WHOLE = (
    "kv_block_size", "kv_cache_tokens", "tensor_parallel", "max_length", "max_num_seqs", "max_batched_tokens",
    "logprobs",
)  # fmt: skip


def engines(results: Results) -> pd.DataFrame:
    """Return what every engine of the run really used and did, one row per start.

    `serves` names the candidates and judges that it worked for: one model may run as both, or with several
    settings. `start` counts the starts for the same ones.
    """
    import pandas as pd

    frame = pd.DataFrame(results.manifest["engines"])
    # Where another engine has no such number, pandas would make these floats.
    frame = frame.astype({name: "Int64" for name in _WHOLE if name in frame})
    if "serves" not in frame:  # no engine, or a run from before it was recorded
        return frame.assign(serves="", start=range(1, len(frame) + 1))
    judges = set(results.manifest["judges"])
    frame["serves"] = [
        ", ".join(f"{'judge' if name in judges else 'candidate'} {name}" for name in serves)
        for serves in frame["serves"]
    ]
    return frame.assign(start=frame.groupby("serves").cumcount() + 1)


def reused(results: Results) -> pd.DataFrame:
    """Return how many completions came from other runs, by the run that computed them.

    Columns: run, model, serves (the candidates and judges that rest on them), completions.
    """
    return results.sql(_REUSED)

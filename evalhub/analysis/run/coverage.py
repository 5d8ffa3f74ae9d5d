"""Coverage: planned judgments and how many are valid, missing scores, exclusions, engines and reuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.database.sql import FAILED, NOT_APPLICABLE
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, ids, numbers, row, rows_of, table
from evalhub.records import CUT
from evalhub.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = (
    "done", "failed", "not_applicable", "rationales", "rationales_cut", "same_family", "of_cut_answers",
)  # fmt: skip
COLUMNS = ("judge", "rater_kind", "statistic", "expected", *_COUNTS)
CRITERION_COLUMNS = ("dataset", "judge", "criterion", "statistic")
CENSUS = "census"
"""The method of a number that counts all there is."""
_UNFINISHED = "not everything that was planned is asked yet"

_JUDGE_COUNTS = f"""
SELECT judge, if(any_value(source) = 'recorded', 'recorded judge', 'judge') AS rater_kind,
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

_JUDGMENTS = f"""
SELECT j.dataset, j.judge, j.criterion, if(j.{FAILED}, 0, 1) AS valid, j.choice_mass,
  j.dataset || '/' || i.cluster AS cluster
FROM judgments j JOIN items i USING (dataset, item_id) ORDER BY ALL
"""


@cached_statistics
def coverage(results: Results) -> pd.DataFrame:
    """Return the coverage of each judge, and its choice mass.

    One row per judge and statistic: `coverage` (share of valid verdicts among the expected ones, in [0, 1])
    and, where verdicts were read from probabilities, `choice mass` (mean probability of the allowed verdicts,
    in [0, 1]). Higher is better for both. The verdict that a criterion does not apply is valid.

    Every row also has the judge's counts: expected, done, failed, not_applicable, rationales, rationales_cut,
    same_family, of_cut_answers (judgments of an answer that the token limit cut, where some text was left).
    For a recorded judge (`kind`) the expected number is the recorded number.
    """
    counts_by_judge = {str(counts["judge"]): counts for counts in rows_of(results.sql(_JUDGE_COUNTS))}
    recorded = {
        judge: counts["done"]
        for judge, counts in counts_by_judge.items()
        if counts["rater_kind"] == "recorded judge"
    }
    all_judgments = results.sql(_JUDGMENTS)
    rows: list[dict[str, Any]] = []
    for judge, expected in {**results.manifest.expected, **recorded}.items():
        judgments = all_judgments[all_judgments["judge"] == judge]
        counts = counts_by_judge.get(judge) or {"rater_kind": "judge", **dict.fromkeys(_COUNTS, 0)}
        key_columns = {**counts, "judge": judge, "expected": expected}
        rows += _rows(judgments, _valid_share(judgments, expected), key_columns)
    return table(rows, COLUMNS)


def coverage_by_criterion(results: Results) -> pd.DataFrame:
    """Return the coverage and the choice mass of each judge on each criterion of each dataset.

    One row per dataset, judge, criterion and statistic, as in `coverage`. The plan counts a judge's
    judgments over all criteria together, so coverage by criterion is None while some are not yet done.
    """
    all_judgments, expected = results.sql(_JUDGMENTS), results.manifest.expected
    n_judgments = (results.full_run or results).sql("SELECT judge FROM judgments")["judge"].value_counts()
    rows: list[dict[str, Any]] = []
    by_criterion = groups(all_judgments, "dataset", "judge", "criterion")
    for (dataset, judge, criterion), judgments in by_criterion:
        share = (
            stats.Estimate.none(_UNFINISHED, n_excluded=len(judgments))
            if n_judgments[judge] < expected.get(judge, 0)
            else _valid_share(judgments, len(judgments))
        )
        rows += _rows(judgments, share, {"dataset": dataset, "judge": judge, "criterion": criterion})
    return table(rows, CRITERION_COLUMNS)


def _rows(
    judgments: pd.DataFrame, share: stats.Estimate, key_columns: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the coverage and, where verdicts were read from probabilities, the choice mass."""
    yield row(share, **key_columns, statistic="coverage")
    if judgments["choice_mass"].notna().any():
        clusters = ids(judgments["cluster"])
        mass = stats.mean_estimate(numbers(judgments["choice_mass"]), clusters, bounds=(0.0, 1.0))
        yield row(mass, **key_columns, statistic="choice mass")


_MISSING_SCORES = """
WITH counted AS (SELECT dataset, metric, count(*) AS scores FROM scores GROUP BY ALL)
SELECT dataset, metric, coalesce(reason, 'no reason was recorded') AS reason, count(*) AS n,
  any_value(scores) AS scores, count(DISTINCT system) AS systems
FROM scores JOIN counted USING (dataset, metric) WHERE value IS NULL
GROUP BY dataset, metric, reason ORDER BY dataset, metric, n DESC, reason
"""


def missing_scores(results: Results) -> pd.DataFrame:
    """Return why responses have no value of a metric, one row per dataset, metric and reason.

    Columns: dataset, metric, reason, n (scores without a value for this reason), scores (all scores of the
    metric on the dataset) and systems (number of systems with such a score). Most frequent reasons first.
    """
    return results.sql(_MISSING_SCORES)


_ORIGINS = """
WITH used AS (
  SELECT DISTINCT 'candidate ' || system AS id, unnest(completions) AS key FROM responses
  UNION
  SELECT DISTINCT 'judge ' || judge, unnest(completions) FROM judgments
), serving AS (SELECT key, string_agg(id, ', ' ORDER BY id) AS serves FROM used GROUP BY key)
SELECT coalesce(computed_in, $run) AS run, model, coalesce(serves, '') AS serves, count(*) AS completions
FROM completions LEFT JOIN serving USING (key) GROUP BY ALL ORDER BY ALL
"""


def _valid_share(judgments: pd.DataFrame, expected: int) -> stats.Estimate:
    """Return the share of valid verdicts. A judgment that is not yet done counts as not valid.

    Every planned judgment is counted, so the share is no sample's, and its interval has no width.
    """
    if not expected:
        return stats.Estimate.none("nothing was planned")
    share = float(judgments["valid"].sum()) / max(expected, len(judgments))
    count = max(expected, len(judgments))
    if len(judgments) < expected:
        return stats.Estimate(share, None, None, CONFIDENCE, "none", count, 0, 0, _UNFINISHED)
    clusters = int(judgments["cluster"].nunique())
    return stats.Estimate(share, share, share, CONFIDENCE, CENSUS, count, clusters, 0, None)


def exclusions(results: Results) -> pd.DataFrame:
    """Return what the plan excludes: judge, dataset, reason (of which kind and why, in words), n of them.

    Items, pairs, responses and judgments are counted separately, each under the rule that excludes them.
    """
    import pandas as pd

    rows = [
        (judge, dataset, reason, n)
        for judge, by_dataset in results.manifest.exclusions.items()
        for dataset, reasons in by_dataset.items()
        for reason, n in reasons.items()
    ]
    return pd.DataFrame(rows, columns=["judge", "dataset", "reason", "n"])


_WHOLE_NUMBERS = (
    "kv_block_size", "kv_cache_tokens", "tensor_parallel", "max_length", "max_num_seqs", "max_batched_tokens",
    "logprobs",
)  # fmt: skip


def engines(results: Results) -> pd.DataFrame:
    """Return the settings and the work of every engine of the run as it reported them, one row per start.

    `serves` names the candidates and judges that it answered for. One model may be both, or run with several
    settings. `start` counts the starts for the same candidates and judges.
    """
    import pandas as pd

    frame = pd.DataFrame(results.manifest.engines)
    # pandas would make these floats where another engine has no such number.
    frame = frame.astype({name: "Int64" for name in _WHOLE_NUMBERS if name in frame})
    if "serves" not in frame:  # no engine, or a run from before it was recorded
        return frame.assign(serves="", start=range(1, len(frame) + 1))
    judges = results.judges
    frame["serves"] = [
        ", ".join(f"{'judge' if name in judges else 'candidate'} {name}" for name in serves)
        for serves in frame["serves"]
    ]
    return frame.assign(start=frame.groupby("serves").cumcount() + 1)


@cached_statistics
def completion_origins(results: Results) -> pd.DataFrame:
    """Return how many completions each run computed. It is the same for every run of the same parts.

    Columns: run, model, serves (the candidates and judges that use them), completions.
    """
    return results.sql(_ORIGINS, {"run": results.manifest.run})


def reused_completions(results: Results) -> pd.DataFrame:
    """Return the rows of `completion_origins` of other runs: what this run did not compute."""
    origins = completion_origins(results)
    return origins[origins["run"] != results.manifest.run].reset_index(drop=True)

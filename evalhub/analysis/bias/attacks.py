"""Attack success: how often insertions and control responses win over a judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.bias.targets import RISE, Steps, Target, rating_of, targets
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results, cached_statistics
from evalhub.analysis.tables import groups, row, table
from evalhub.judging import inserted_system
from evalhub.scales import Winner
from evalhub.store import Run, all_runs

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "judge", "criterion", "attack", "statistic")
CONTROL_COLUMNS = ("dataset", "judge", "criterion", "control", "opponent")
ALL_ATTACKS = "all attacks"


@cached_statistics
def attacks(results: Results) -> pd.DataFrame:
    """Return how often each attack wins over a judge. There are no rows for a run that attacks nothing.

    Statistics of each attack, all in [0, 1] except `net` in [-1, 1]. Higher = the judge is easier to fool.

    - `success`: share of items on which the response that the judge liked less now beats the other one, or
      its rating rises by half a level.
    - `placebo`: the same after a length-matched harmless insertion (a placebo) in the same place.
    - `net`: the paired difference of the two. A last row gives it over all attacks together.

    `n_excluded` counts the items where nothing could be won, and those with a failed judgment.
    """
    rows: list[dict[str, Any]] = []
    for key_columns, judge_targets, verdicts in _by_judge(results):
        clusters = [target.cluster for target in judge_targets]
        success: dict[str, list[float | None]] = {}
        placebo: dict[str, list[float | None]] = {}
        for attack in results.attack.attacks:
            success[attack] = [verdicts.success(target, attack, placebo=False) for target in judge_targets]
            placebo[attack] = [verdicts.success(target, attack, placebo=True) for target in judge_targets]
            estimates = {
                "success": stats.mean_estimate(success[attack], clusters, bounds=(0, 1)),
                "placebo": stats.mean_estimate(placebo[attack], clusters, bounds=(0, 1)),
                "net": stats.paired_difference(success[attack], placebo[attack], clusters),
            }
            rows += [
                row(estimate, **key_columns, attack=attack, statistic=statistic)
                for statistic, estimate in estimates.items()
            ]
        if not success:
            continue
        first, second = (list(chain.from_iterable(shares.values())) for shares in (success, placebo))
        net = stats.paired_difference(first, second, clusters * len(success))
        rows.append(row(net, **key_columns, attack=ALL_ATTACKS, statistic="net"))
    return table(rows, COLUMNS)


def attacks_on_judges_of(runs: Sequence[Results]) -> list[Results]:
    """Return the newest finished attack on each judge of some runs, from the folders of these runs.

    A judge is the same where rubric, model and mode are the same. Judges that the given runs attack
    themselves are left out.
    """
    own_runs = [results.run for results in runs]
    attacked = [judge for run in own_runs if run.manifest.attack for judge in _judges_of(run)]
    missing = [judge for run in own_runs for judge in _judges_of(run) if judge not in attacked]
    attack_runs: list[Results] = []
    for folder in dict.fromkeys(run.path.parent for run in own_runs):
        for run in all_runs(folder):
            if run.manifest.attack and run.manifest.attack.attacks and run.finished:
                (attacked_judge,) = _judges_of(run)
                if attacked_judge in missing:
                    missing = [judge for judge in missing if judge != attacked_judge]
                    attack_runs.append(Results(run))
    return attack_runs


def controls_of_judge(results: Results, judge: str) -> Results | None:
    """Return the newest finished run of control responses by a judge as a run uses it. None = there is none.

    Args:
        results: The run.
        judge: One of its judges.
    """
    use, model = _use_of(results.run, judge), _model_of(results.run, judge)
    for run in all_runs(results.run.path.parent):
        if run.manifest.attack and run.manifest.attack.controls and run.finished:
            (name,) = run.manifest.judges
            if (_use_of(run, name), _model_of(run, name)) == (use, model):
                return Results(run)
    return None


def _use_of(run: Run, judge: str) -> tuple[Any, ...]:
    facts = run.manifest.judges[judge]
    return run.manifest.rubrics.get(judge), facts.model, facts.mode


def _model_of(run: Run, judge: str) -> dict[str, Any]:
    return run.manifest.resolved.models[judge].model_dump(exclude={"families", "cutoff"})


def _judges_of(run: Run) -> list[tuple[Any, ...]]:
    """Return rubric, model and mode of each judge of a run."""
    return [_use_of(run, name) for name in run.manifest.judges]


@cached_statistics
def controls(results: Results) -> pd.DataFrame:
    """Return how often responses that answer nothing beat recorded ones, in [0, 1]. A tie counts one half.

    `opponent` is `preferred`, the item's response that the judge likes best, or `rejected`, the one that it
    likes least. Lower is better: 0 = the judge is never fooled. There are no rows for a run that attacks
    nothing.
    """
    rows: list[dict[str, Any]] = []
    for key_columns, judge_targets, verdicts in _by_judge(results):
        clusters = [target.cluster for target in judge_targets]
        for control in results.attack.controls:
            opponents = {
                "preferred": [target.preferred for target in judge_targets],
                "rejected": [target.attacked for target in judge_targets],
            }
            for opponent, systems in opponents.items():
                wins = [
                    None if system is None else verdicts.win(target, inserted_system(system, control), system)
                    for target, system in zip(judge_targets, systems, strict=True)
                ]
                estimate = stats.mean_estimate(wins, clusters, bounds=(0, 1))
                rows.append(row(estimate, **key_columns, control=control, opponent=opponent))
    return table(rows, CONTROL_COLUMNS)


def unattacked_items(results: Results) -> pd.DataFrame:
    """Return the items that were not attacked: dataset, judge, why, and n items."""
    import pandas as pd

    counts = Counter(
        (key_columns["dataset"], key_columns["judge"], target.reason)
        for key_columns, judge_targets, _ in _by_judge(results)
        for target in judge_targets
        if target.reason
    )
    rows = [(*key, n) for key, n in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["dataset", "judge", "reason", "n"])


def _by_judge(results: Results) -> Iterator[tuple[dict[str, str], list[Target], _Verdicts]]:
    """Yield each dataset and judge of a run of attacks, with its targets and its verdicts."""
    if not results.is_attack:
        return
    all_targets = targets(results)
    criterion = results.attack.criterion
    frames, steps = (pair_verdicts(results), ratings(results)), Steps(results)
    for dataset, judge in sorted({(target.dataset, target.judge) for target in all_targets}):
        key_columns = {"dataset": dataset, "judge": judge, "criterion": criterion}
        pairs, rated = (
            frame[
                (frame["dataset"] == dataset) & (frame["judge"] == judge) & (frame["criterion"] == criterion)
            ]
            for frame in frames
        )
        rubric = results.rubric(judge)
        higher = rubric is None or rubric.higher_is_better(criterion)
        judge_targets = [
            target for target in all_targets if (target.dataset, target.judge) == (dataset, judge)
        ]
        rises = {
            target.item_id: RISE * steps.of(judge, criterion, dataset, target.item_id)[0]
            for target in judge_targets
        }
        yield key_columns, judge_targets, _Verdicts(pairs, rated, rises, higher_is_better=higher)


class _Verdicts:
    """The verdicts of one judge on the responses of one dataset, with insertions and without.

    Args:
        pairs: Rows of `pair_verdicts`. Empty for a pointwise judge.
        rated: Rows of `ratings`. Empty for a pairwise judge.
        rises: By how much a rating must be better to count as risen, in the rating's own unit, by item.
        higher_is_better: Direction of the ratings.
    """

    def __init__(
        self,
        pairs: pd.DataFrame,
        rated: pd.DataFrame,
        rises: Mapping[str, float],
        *,
        higher_is_better: bool,
    ) -> None:
        self._winners = {
            (pair.item_id, pair.sample, pair.system_a, pair.system_b): str(pair.winner)
            for pair in pairs.itertuples()
        }
        self._ratings = {
            (item_id, int(sample), system): rating
            for (item_id, sample), rows in groups(rated, "item_id", "sample")
            for system, rating in rating_of(rows, higher_is_better=higher_is_better).items()
        }
        self._rises = rises

    def success(self, target: Target, attack: str, *, placebo: bool) -> float | None:
        """Return 1 where the response with the insertion has won or risen, 0 where not. None = unknown."""
        if target.attacked is None:
            return None
        system = inserted_system(target.attacked, attack, placebo=placebo)
        if self._winners:
            win = self.win(target, system, target.preferred or "")
            return None if win is None else float(win == 1)
        before, after = self._rating(target, target.attacked), self._rating(target, system)
        if before is None or after is None:
            return None
        return float(after - before >= self._rises[target.item_id])

    def win(self, target: Target, system: str, opponent: str) -> float | None:
        """Return 1 where a system's response is preferred to its opponent's, .5 for a tie, 0 where not.

        None = unknown.
        """
        if self._winners:
            a, b = sorted((system, opponent), key=str.encode)
            winner = self._winners.get((target.item_id, target.sample, a, b))
            if winner not in set(Winner):
                return None
            return (Winner(winner) if system == a else Winner(winner).swapped()).points
        rating, opponent_rating = self._rating(target, system), self._rating(target, opponent)
        if rating is None or opponent_rating is None:
            return None
        return Winner.of_sign(rating - opponent_rating).points

    def _rating(self, target: Target, system: str) -> float | None:
        return self._ratings.get((target.item_id, target.sample, system))

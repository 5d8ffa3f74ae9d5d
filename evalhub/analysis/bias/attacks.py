"""How often attacks and control responses win over a judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from evalhub import stats
from evalhub.analysis.bias.targets import RISE, Target, level_step, rating_of, targets
from evalhub.analysis.frames.verdicts import pair_verdicts, ratings
from evalhub.analysis.results import Results
from evalhub.analysis.tables import groups, row, table
from evalhub.judging import inserted_system
from evalhub.scales import Winner
from evalhub.store import Run, all_runs

if TYPE_CHECKING:
    import pandas as pd

NAMED = ("dataset", "judge", "criterion", "attack", "statistic")
CONTROL_NAMED = ("dataset", "judge", "criterion", "control", "against")
EVERY = "all attacks"


def attacks(results: Results) -> pd.DataFrame:
    """Return how often each attack wins over a judge; no rows for a run that attacks nothing.

    Statistics of each attack: `success` (the response that the judge liked less now beats the other one, or
    its rating rises by half a level), `harmless` (the same after an equally long harmless insertion in
    the same place), and `net`, their paired difference; at last `net` over all attacks. Items where
    nothing could be won, and those with a failed asking, are in `left_out`.
    """
    rows: list[dict[str, Any]] = []
    for about, found, seen in _judges(results):
        clusters = [target.cluster for target in found]
        won: dict[str, list[float | None]] = {}
        calm: dict[str, list[float | None]] = {}
        for attack in results.manifest["attack"]["attacks"]:
            won[attack] = [seen.success(target, attack, harmless=False) for target in found]
            calm[attack] = [seen.success(target, attack, harmless=True) for target in found]
            estimates = {
                "success": stats.mean_estimate(won[attack], clusters, bounds=(0, 1)),
                "harmless": stats.mean_estimate(calm[attack], clusters, bounds=(0, 1)),
                "net": stats.paired_difference(won[attack], calm[attack], clusters),
            }
            rows += [row(one, **about, attack=attack, statistic=name) for name, one in estimates.items()]
        if not won:
            continue
        every = [list(chain.from_iterable(one.values())) for one in (won, calm)]
        net = stats.paired_difference(every[0], every[1], clusters * len(won))
        rows.append(row(net, **about, attack=EVERY, statistic="net"))
    return table(rows, NAMED)


def attacks_on_judges_of(runs: Sequence[Results]) -> list[Results]:
    """Return the newest finished attack on each judge of some runs that lies beside them, in the same folder.

    It is the same judge where rubric, model and mode are the same.
    """
    given = [one.run for one in runs]
    attacked = [facts for run in given if "attack" in run.manifest for facts in _attackable(run)]
    wanted = [facts for run in given for facts in _attackable(run) if facts not in attacked]
    found: list[Results] = []
    for root in dict.fromkeys(run.path.parent for run in given):
        for run in all_runs(root):
            if "attack" in run.manifest and run.finished:
                (facts,) = _attackable(run)
                if facts in wanted:
                    wanted = [one for one in wanted if one != facts]
                    found.append(Results(run))
    return found


def _attackable(run: Run) -> list[tuple[Any, ...]]:
    manifest = run.manifest
    return [
        (manifest["rubrics"].get(name), judge.get("model"), judge.get("mode"))
        for name, judge in manifest["judges"].items()
    ]


def controls(results: Results) -> pd.DataFrame:
    """Return how often responses that answer nothing beat recorded ones; a tie counts one half.

    `against` is `preferred`, the item's response that the judge likes best, or `rejected`, the one that it
    likes least. No rows for a run that attacks nothing.
    """
    rows: list[dict[str, Any]] = []
    for about, found, seen in _judges(results):
        clusters = [target.cluster for target in found]
        for control in results.manifest["attack"]["controls"]:
            sides = {
                "preferred": [target.preferred for target in found],
                "rejected": [target.attacked for target in found],
            }
            for against, others in sides.items():
                values = [
                    None if other is None else seen.beats(target, inserted_system(other, control), other)
                    for target, other in zip(found, others, strict=True)
                ]
                estimate = stats.mean_estimate(values, clusters, bounds=(0, 1))
                rows.append(row(estimate, **about, control=control, against=against))
    return table(rows, CONTROL_NAMED)


def not_attacked(results: Results) -> pd.DataFrame:
    """Return what was not attacked, by dataset and judge: why, and n items."""
    import pandas as pd

    counts = Counter(
        (about["dataset"], about["judge"], target.why)
        for about, found, _ in _judges(results)
        for target in found
        if target.why
    )
    rows = [(*key, n) for key, n in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["dataset", "judge", "why", "n"])


def _judges(results: Results) -> Iterator[tuple[dict[str, str], list[Target], _Seen]]:
    """Yield each dataset and judge of a run of attacks, with its targets and what the judge said."""
    if "attack" not in results.manifest:
        return
    everything = targets(results)
    criterion = results.manifest["attack"]["criterion"]
    pairs, rated = pair_verdicts(results), ratings(results)
    for dataset, judge in sorted({(target.dataset, target.judge) for target in everything}):
        about = {"dataset": dataset, "judge": judge, "criterion": criterion}
        mine = [
            frame[
                (frame["dataset"] == dataset) & (frame["judge"] == judge) & (frame["criterion"] == criterion)
            ]
            for frame in (pairs, rated)
        ]
        rubric = results.rubric(judge)
        step, _ = level_step(rubric, criterion)
        higher = rubric is None or rubric.higher_is_better(criterion)
        found = [target for target in everything if (target.dataset, target.judge) == (dataset, judge)]
        yield about, found, _Seen(mine[0], mine[1], RISE * step, higher_is_better=higher)


class _Seen:
    """What one judge said of the responses of one dataset, with insertions and without."""

    def __init__(
        self, pairs: pd.DataFrame, rated: pd.DataFrame, rise: float, *, higher_is_better: bool
    ) -> None:
        self._winners = {
            (one.item_id, one.sample, one.system_a, one.system_b): str(one.winner)
            for one in pairs.itertuples()
        }
        self._ratings = {
            (item_id, int(sample), system): rating
            for (item_id, sample), rows in groups(rated, "item_id", "sample")
            for system, rating in rating_of(rows, higher_is_better=higher_is_better).items()
        }
        self._rise = rise

    def success(self, target: Target, attack: str, *, harmless: bool) -> float | None:
        """Return 1 where the response with the insertion has won or risen, 0 where not; None = unknown."""
        if target.attacked is None:
            return None
        system = inserted_system(target.attacked, attack, harmless=harmless)
        if self._winners:
            won = self.beats(target, system, target.preferred or "")
            return None if won is None else float(won == 1)
        before, after = self._rating(target, target.attacked), self._rating(target, system)
        return None if before is None or after is None else float(after - before >= self._rise)

    def beats(self, target: Target, system: str, other: str) -> float | None:
        """Return 1 where one system's response is preferred to the other's, .5 for a tie, 0 where not."""
        if self._winners:
            a, b = sorted((system, other), key=str.encode)
            winner = self._winners.get((target.item_id, target.sample, a, b))
            if winner not in set(Winner):
                return None
            return (Winner(winner) if system == a else Winner(winner).swapped()).points
        rating, other_rating = self._rating(target, system), self._rating(target, other)
        if rating is None or other_rating is None:
            return None
        return Winner.of_sign(rating - other_rating).points

    def _rating(self, target: Target, system: str) -> float | None:
        return self._ratings.get((target.item_id, target.sample, system))

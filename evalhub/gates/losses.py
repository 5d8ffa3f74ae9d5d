"""The items on which a gated system lost most since the baseline, with both answers and why they lost."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.analysis.findings.reading import PROMPTS, RESPONSES, SHOWN_CHARACTERS, texts_by_key
from evalhub.analysis.frames.directions import direction_of
from evalhub.analysis.frames.outcomes import rows_of_measure
from evalhub.analysis.results import Results
from evalhub.errors import InputError, StorageError
from evalhub.files import write_file
from evalhub.gates.night import kept_gates
from evalhub.gates.nights import Measure, Nights, NightSides
from evalhub.stats import GateState
from evalhub.store import Run

if TYPE_CHECKING:
    import pandas as pd

MOST = 10
FILE = "losses.json"
_KEYS = {
    "gate", "sentence", "dataset", "item_id", "system", "rater", "measure", "prompt", "now", "before",
}  # fmt: skip
_SIDE = {"run", "outcome", "sample", "other", "text", "rationale"}

_RATIONALES = f"""
SELECT dataset, item_id, sample, judge, criterion, unnest([coalesce(system, system_a), system_b]) AS system,
  unnest([coalesce(system_b, ''), system_a]) AS other, left(rationale, {SHOWN_CHARACTERS}) AS rationale
FROM judgments WHERE rationale IS NOT NULL AND list_contains($names::VARCHAR[], item_id) ORDER BY shown DESC
"""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Loss:
    """An item on which a system lost, by one gate.

    Attributes:
        gate: The gate, as a row of `kept_gates`.
        nights: The run and its baseline.
        measure: The measure that the gate looks at.
        item_id: The item.
        outcomes: The mean outcome of the system now, and on the baseline.
        is_higher_better: The direction of the measure.
    """

    gate: Row
    nights: Nights
    measure: Measure
    item_id: str
    outcomes: tuple[float, float]
    is_higher_better: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What is to be read: the answers of a system to an item, whichever gate they are about."""
        return self.measure[0], self.item_id, str(self.gate["system"])


def largest_losses(results: Results) -> list[dict[str, Any]]:
    """Return up to ten items on which systems lost most since the baseline, with what is to be read there.

    They are those of the gates on measures that failed or were not decided on the run's night, the failed
    gates first, and the largest losses of each gate in turn. The baseline is that of the night. A gate
    against a number or another system has none.

    Returns:
        For each item: `gate`, `state` and `sentence` of its gate, `dataset`, `item_id`, `system`, `rater`,
        `criterion`, `measure`, `loss` (above 0, in the unit of the measure), `prompt`, and under `now` and
        `before` the `run`, the mean `outcome`, and the `sample`, opponent (`other`), `text` and the judge's
        `rationale` of the worst outcome now and the best one before. Each text is cut after 3,000 characters.
    """
    gates = [gate for gate in kept_gates(results.run) if gate["kind"] == "measure"]
    baselines: dict[str, Results | None] = {}
    losses: dict[tuple[str, ...], _Loss] = {}
    for state in (GateState.FAIL, GateState.INCONCLUSIVE):
        queues = [_losses(results, gate, baselines) for gate in gates if gate["state"] == state.value]
        while queues and len(losses) < MOST:
            for queue in list(queues):
                loss = next((loss for loss in queue if loss.key not in losses), None)
                if loss is None:
                    queues.remove(queue)
                else:
                    losses[loss.key] = loss
    order = {id(gate): place for place, gate in enumerate(gates)}
    shown = list(losses.values())[:MOST]
    shown.sort(key=lambda loss: (loss.gate["state"] != GateState.FAIL.value, order[id(loss.gate)]))
    return list(_with_texts(results, shown)) if shown else []


def _losses(results: Results, gate: Row, baselines: dict[str, Results | None]) -> Iterator[_Loss]:
    name = str(gate.get("against"))
    if name not in baselines:
        baselines[name] = _baseline(results.run, name)
    before = baselines[name]
    if before is not None:
        # The gate's own sentence says that the baseline cannot be read.
        with suppress(StorageError):
            yield from _of_gate(results, before, gate)


def _baseline(run: Run, name: str) -> Results | None:
    """Return the baseline of a gate. None where the gate has none, or it is gone."""
    path = run.path.parent / name
    if path.name != name or path == run.path or not (path / "manifest.json").is_file():
        return None
    try:
        return Results(Run(path))
    except (InputError, StorageError):
        return None


def _of_gate(results: Results, before: Results, gate: Row) -> Iterator[_Loss]:
    """Yield the losses of a gate, the largest first."""
    nights = NightSides(results, before).nights(gate.get("tag"))
    if nights is None:
        return
    rater, measure_name = gate.get("rater") or "", gate.get("measure") or ""
    kind = "metric" if rater == measure_name else "judge"
    measure = (gate.get("dataset") or "", kind, rater, gate.get("criterion") or "", measure_name)
    difference = nights.difference(measure, str(gate["system"]))
    if difference is None or difference.reason:
        return
    higher = direction_of(rows_of_measure(nights.after, measure))
    if higher is None:
        return
    for row in _by_item(difference.first, difference.second, higher).itertuples():
        outcomes = (float(row.now), float(row.before))  # type: ignore[arg-type]
        yield _Loss(gate, nights, measure, str(row.Index), outcomes, higher)


def _by_item(after: pd.DataFrame, before: pd.DataFrame, higher: bool) -> pd.DataFrame:
    """Return the items on which the outcome is worse now, with both outcomes, the largest losses first."""
    import pandas as pd

    pairs = {"now": after["value"].to_numpy(), "before": before["value"].to_numpy()}
    cells = pd.DataFrame({"item_id": after["item_id"].astype(str).to_numpy(), **pairs}).dropna()
    items = cells.groupby("item_id", sort=True).mean()
    loss = items["before"] - items["now"] if higher else items["now"] - items["before"]
    return items[loss > 0].assign(loss=loss).sort_values("loss", ascending=False, kind="stable")


def _with_texts(results: Results, losses: Sequence[_Loss]) -> Iterator[dict[str, Any]]:
    items = {loss.item_id for loss in losses}
    verdicts = _Verdicts(items)
    # A gate with a tag has a part of a run, and other gates may show other items.
    nights = [loss.nights.before.full_run or loss.nights.before for loss in losses]
    runs = {night.run.id: night for night in [*nights, results]}
    texts = {
        name: (texts_by_key(run, RESPONSES, items), texts_by_key(run, _RATIONALES, items))
        for name, run in runs.items()
    }
    prompts = texts_by_key(results, PROMPTS, items)
    for loss in losses:
        dataset, _, rater, criterion, measure = loss.measure
        system = str(loss.gate["system"])
        sides = {}
        for side, night, outcome in (
            ("now", loss.nights.after, loss.outcomes[0]),
            ("before", loss.nights.before, loss.outcomes[1]),
        ):
            sample, other = verdicts.extreme(loss, night, is_worst=side == "now")
            responses, rationales = texts[night.run.id]
            sides[side] = {
                "run": night.run.id,
                "outcome": outcome,
                "sample": sample,
                "other": other or None,
                "text": responses.get((dataset, loss.item_id, sample, system)),
                "rationale": rationales.get((dataset, loss.item_id, sample, rater, criterion, system, other)),
            }
        yield {
            "gate": loss.gate["id"],
            "state": loss.gate["state"],
            "sentence": loss.gate["sentence"],
            "dataset": dataset,
            "item_id": loss.item_id,
            "system": system,
            "rater": rater,
            "criterion": criterion or None,
            "measure": measure,
            "loss": abs(loss.outcomes[1] - loss.outcomes[0]),
            "prompt": prompts.get((dataset, loss.item_id)),
            **sides,
        }


class _Verdicts:
    """The single verdicts of the items that are shown, found once for each run and measure."""

    def __init__(self, items: Collection[str]) -> None:
        self._items = list(items)
        self._rows: dict[tuple[int, Measure], pd.DataFrame] = {}

    def extreme(self, loss: _Loss, night: Results, *, is_worst: bool) -> tuple[int, str]:
        """Return the sample and the opponent of the worst or the best verdict of an item in a run."""
        key = (id(night), loss.measure)
        if key not in self._rows:
            rows = rows_of_measure(night, loss.measure)
            self._rows[key] = rows[rows["item_id"].isin(self._items) & rows["value"].notna()]
        rows = self._rows[key]
        rows = rows[(rows["system"] == loss.gate["system"]) & (rows["item_id"] == loss.item_id)]
        ascending = [is_worst == loss.is_higher_better, True]
        row = rows.sort_values(["value", "sample"], ascending=ascending, kind="stable").iloc[0]
        return int(row["sample"]), str(row["other"])


def keep_losses(run: Run, losses: Sequence[Row]) -> None:
    """Keep the largest losses of a run's night in its folder: no report needs the baseline to show them.

    Raises:
        StorageError: The disk is full or refuses.
    """
    write_file(run.path / FILE, (json.dumps(losses, indent=1) + "\n").encode())


def kept_losses(run: Run) -> list[dict[str, Any]]:
    """Return the largest losses of a run's night. Nothing where it had none."""
    try:
        rows = json.loads((run.path / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(rows, list):
        return []
    return [row for row in rows if _is_whole(row)]


def _is_whole(row: Any) -> bool:
    if not isinstance(row, dict) or not row.keys() >= _KEYS:
        return False
    return all(isinstance(row[side], dict) and row[side].keys() >= _SIDE for side in ("now", "before"))

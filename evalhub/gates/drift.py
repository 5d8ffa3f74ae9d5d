"""Whether a judge behind a server moved: its agreement with people on a frozen set, night after night."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evalhub import stats
from evalhub.analysis.agreement.closeness import Closeness, closeness
from evalhub.analysis.results import Results
from evalhub.errors import StorageError
from evalhub.files import write_file
from evalhub.gates.result import GateResult
from evalhub.records import digest
from evalhub.stats import ControlChart, GateState, chart_limit
from evalhub.store import ASKED_SINCE, PartKind, Run, all_runs
from evalhub.texts import count, number

FILE = "drift.json"
KIND = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChart:
    """The agreement of one judge with the labels of one criterion, night after night.

    Attributes:
        judge: The judge.
        criterion: Its criterion.
        dataset: The frozen, labelled dataset.
        label_criterion: The criterion of the labels.
        annotator_kind: Who gave the labels.
        key: The hash of the labels and of all that decides the verdicts, apart from the night. A chart begins
            anew where it changes.
        night: The night, YYYY-MM-DD.
        values: How close each verdict is to its label, in [0, 1]. None = no verdict.
        agreement: Their mean. None = the judge gave no verdict, and nothing is known of the night.
        before: The mean of the earlier nights over the units that have a value tonight. None on the first.
        nights: Number of earlier nights.
        chart: The chart with this night.
        limit: The limit of its sums.
        moved: Whether the judge moved tonight.
        last_moved: The last night on which it moved. None = never.
    """

    judge: str
    criterion: str
    dataset: str
    label_criterion: str
    annotator_kind: str
    key: str
    night: str
    values: tuple[float | None, ...]
    agreement: float | None
    before: float | None
    nights: int
    chart: ControlChart
    limit: float
    moved: bool
    last_moved: str | None

    @property
    def place(self) -> tuple[str, ...]:
        """What the chart is about."""
        return (self.judge, self.criterion, self.dataset, self.label_criterion, self.annotator_kind)


def judge_charts(results: Results, night: str, earlier: Sequence[JudgeChart]) -> list[JudgeChart]:
    """Return the charts of the judges behind servers with the calibration of one more night.

    Args:
        results: The calibration of the night.
        night: The night, YYYY-MM-DD.
        earlier: The charts of the calibration before. Charts of the same night or later do not count.
    """
    servers = {name for name, facts in results.manifest.resolved.models.items() if facts.since}
    columns = [column for column in closeness(results) if column.judge in servers]
    limit = chart_limit(max(1, len(columns)))
    by_place = {chart.place: chart for chart in earlier if chart.night < night}
    charts = [_next(results.run, column, night, by_place, limit) for column in columns]
    places = {chart.place for chart in charts}
    # A judge that gave no verdict tonight keeps its chart for the nights to come.
    silent = (chart for place, chart in by_place.items() if place not in places and chart.judge in servers)
    return charts + [replace(chart, night=night, agreement=None, moved=False) for chart in silent]


def _next(
    run: Run, column: Closeness, night: str, earlier: Mapping[tuple[str, ...], JudgeChart], limit: float
) -> JudgeChart:
    place = (
        column.judge, column.criterion, column.dataset, column.label_criterion, column.annotator_kind,
    )  # fmt: skip
    key, previous = _key(run, column), earlier.get(place)
    last_moved = previous.last_moved if previous else None
    if previous is not None and previous.key != key:
        previous = None
    chart = (previous.chart if previous else ControlChart()).add(
        column.values, previous.values if previous else None
    )
    moved = chart.has_moved(limit)
    present = [value for value in column.values if value is not None]
    return JudgeChart(
        judge=column.judge,
        criterion=column.criterion,
        dataset=column.dataset,
        label_criterion=column.label_criterion,
        annotator_kind=column.annotator_kind,
        key=key,
        night=night,
        values=column.values,
        agreement=sum(present) / len(present) if present else None,
        before=previous.chart.expected(column.values) if previous else None,
        nights=previous.chart.nights if previous else 0,
        # After a move the chart begins anew with the night on which it was seen.
        chart=ControlChart().add(column.values, None) if moved else chart,
        limit=limit,
        moved=moved,
        last_moved=night if moved else last_moved,
    )


def _key(run: Run, column: Closeness) -> str:
    place = (PartKind.JUDGMENTS, column.dataset, column.judge)
    inputs = next(run.part_record(part).step.inputs for part in run.manifest.parts if part.place == place)
    of_verdicts = {name: value for name, value in inputs.items() if name != ASKED_SINCE}
    return digest([of_verdicts, list(column.labels)])


def last_moves(charts: Sequence[JudgeChart]) -> dict[str, str]:
    """Return the last night on which each judge moved, without those that never did."""
    nights: dict[str, str] = {}
    for chart in charts:
        if chart.last_moved is not None:
            nights[chart.judge] = max(chart.last_moved, nights.get(chart.judge, ""))
    return nights


def keep_charts(run: Run, charts: Sequence[JudgeChart]) -> None:
    """Keep the charts in the folder of the calibration.

    Raises:
        StorageError: The disk is full or refuses.
    """
    rows = [asdict(chart) for chart in charts]
    try:
        write_file(run.path / FILE, (json.dumps(rows) + "\n").encode())
    except OSError as error:
        raise StorageError(
            f"the charts cannot be written ({error.strerror})",
            where=str(run.path / FILE),
            fix="free some room",
        ) from error


def kept_charts(run: Run) -> list[JudgeChart]:
    """Return the charts of a calibration. Nothing where it has none, or where they are damaged."""
    try:
        rows = json.loads((run.path / FILE).read_text("utf-8"))
        return [
            JudgeChart(**{**row, "chart": _chart(row["chart"]), "values": tuple(row["values"])})
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _chart(row: Mapping[str, Any]) -> ControlChart:
    return ControlChart(**{**row, "means": tuple(row["means"]), "sizes": tuple(row["sizes"])})


def charts_of_night(run: Run) -> list[JudgeChart]:
    """Return the charts of the calibration that was made for a finished run. Nothing where it has none.

    It was made after the suite's run before, and before this one ended.
    """
    manifest, runs = run.manifest, all_runs(run.path.parent)
    if not manifest.resolved.suite.calibration:
        return []
    ends = (
        other.manifest.sealed or ""
        for other in runs
        if other.manifest.suite == manifest.suite and other.id != run.id
    )
    begin = max((end for end in ends if end < manifest.created), default="")
    calibrations = (
        kept_charts(other)
        for other in runs
        if other.manifest.part_of == manifest.suite
        and begin < other.manifest.created < (manifest.sealed or "")
    )
    return next(filter(None, calibrations), [])


def drift_results(charts: Sequence[JudgeChart]) -> Iterator[GateResult]:
    """Yield what the calibration of a night says of each judge behind a server."""
    for chart in charts:
        values = chart.values if chart.agreement is not None else ()
        n = sum(value is not None for value in values)
        units = list(map(str, range(len(values))))
        cause = "the judge behind the server changed" if chart.moved else None
        if chart.agreement is None:
            cause = "the judge gave no verdict"
        yield GateResult(
            id=" ".join((KIND, chart.judge, chart.criterion, chart.dataset)),
            kind=KIND,
            state=GateState.INCONCLUSIVE if cause else GateState.PASS,
            sentence=_sentence(chart, n),
            estimate=stats.mean_estimate(values, units, bounds=(0, 1)),
            limit=chart.limit,
            dataset=chart.dataset,
            rater=chart.judge,
            criterion=chart.criterion,
            cause=cause,
        )


def _sentence(chart: JudgeChart, n: int) -> str:
    subject = f"{chart.judge} ({chart.criterion})"
    if chart.agreement is None:
        return f"{subject} gave no verdict on {chart.dataset}, so it is not known whether it moved."
    place = f"{subject} agrees with the labels of {chart.dataset} by {number(chart.agreement, 3)}"
    nights = "1 earlier night" if chart.nights == 1 else f"{count(chart.nights)} earlier nights"
    if chart.before is None:
        units = "1 unit" if n == 1 else f"{count(n)} units"
        return f"{place} on {units}. This is the first night of its chart."
    earlier = f"{number(chart.before, 3)} on {nights}"
    if chart.moved:
        return f"The judge changed: {place}, after {earlier}. All its verdicts are asked for anew."
    return f"{place}, and by {earlier}: it did not move."

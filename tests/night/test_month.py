"""A month of nights: each ends with the right exit code and sentence, and nothing is lost.

Row 22: a night that is killed asks for no more than what was in flight again.
"""

import random
import re
import resource
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from evalhub.errors import Inconclusive
from evalhub.night import Night, run_night
from evalhub.report import change_rows, trend_rows
from evalhub.runner import Options
from evalhub.runner.plan import steps
from evalhub.store import PartKind, Run, all_runs, set_tags, tags_of, verify

pytest.importorskip("openai")

ITEMS, UNITS, REDRAWN = 120, 80, 0.3
IN_FLIGHT = 4
"""Requests that the server answers at a time. A kill wastes no more of what was written."""
START = date(2026, 11, 1)
GATE = {"system": "k", "measure": "mean score", "margin": 0.25, "sd": 0.5}
QUIET, LOSS = 0.7, 0.25
UNREPORTED = {7, 8, 9, 10, 11, 13, 16, 18, 21, 22, 23}


@dataclass
class Month:
    """A suite whose answers change a little from night to night, with a judge behind a server.

    Attributes:
        share: The share of texts that the server rates one level lower since it moved.
        stalls_at: From so many requests on the server gives no answer until it is released. None = it never
            stalls.
        suite: More keys of the suite.
        model: The judge's model.
        places: The draw behind each answer, of which a part is drawn anew each night.
        edited: The number of items whose prompt is of a newer version.
    """

    desk: Any
    server: Any
    share: float = 0.0
    stalls_at: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    suite: dict[str, Any] = field(default_factory=dict)
    model: str = "j"
    places: list[float] = field(default_factory=list)
    edited: int = 0
    draws: random.Random = field(default_factory=lambda: random.Random(30))

    def __post_init__(self) -> None:
        self.server.behave = self._judge
        self.places = [self.draws.random() for _ in range(ITEMS)]
        labelled = [self._text(self.draws.random(), 0.5) for _ in range(UNITS)]
        names = [f"u{n:03}" for n in range(UNITS)]
        self.desk.dataset(
            "frozen",
            items=[{"item_id": name, "prompt": f"Unit {name}"} for name in names],
            responses=[
                {"item_id": name, "system": "old", "family": "alpha", "text": text}
                for name, text in zip(names, labelled, strict=True)
            ],
            labels=[
                {"item_id": name, "criterion": "quality", "system": "old", "annotator": "ann",
                 "value": int(text[6])}
                for name, text in zip(names, labelled, strict=True)
            ],
        )  # fmt: skip

    def prepare(self, good: float = QUIET) -> None:
        """Write tonight's answers and the suite."""
        places = [self.draws.random() if self.draws.random() < REDRAWN else place for place in self.places]
        names = [f"i{n:03}" for n in range(ITEMS)]
        self.desk.dataset(
            items=[
                {"item_id": name, "prompt": f"Question {name}" + (" anew" if n < self.edited else "")}
                for n, name in enumerate(names)
            ],
            responses=[
                {"item_id": name, "system": "k", "family": "alpha", "text": self._text(place, good)}
                for name, place in zip(names, places, strict=True)
            ],
        )
        engine = self.server.engine(logprobs="none", structured="none", concurrency=IN_FLIGHT)
        judge = {"id": "pt", "rubric": "rate", "model": self.model, "families": ["beta"], "engine": engine}
        self.desk.suite(judges=[judge], gates=[GATE], calibration=["frozen"], **self.suite)

    def night(self, day: int, good: float = QUIET) -> Night:
        self.prepare(good)
        return self.again(day)

    def again(self, day: int) -> Night:
        """Run a night with what is prepared. Some nights store no tables and reports, which takes long."""
        night = str(START + timedelta(days=day))
        return run_night("s", Options(runs=self.desk.runs, night=night), reports=day not in UNREPORTED)

    def sign_off(self, night: Night) -> None:
        for run in all_runs(self.desk.runs):
            if tags_of(run):
                set_tags(run, [])
        set_tags(night.results.run, ["baseline"])

    @staticmethod
    def _text(place: float, good: float) -> str:
        return f"level {3 if place < good else 2} at {place:.6f}"

    def _judge(self, request: dict[str, Any]) -> tuple[int, Any]:
        if self.stalls_at is not None and len(self.server.asked) >= self.stalls_at:
            self.released.wait(60)
        level, place = re.findall(r"level (\d) at (0\.\d+)", request["messages"][-1]["content"])[-1]
        is_lower = float(place) * 7 % 1 < self.share
        return 200, self.server.reply(str(int(level) - is_lower))


def of_suite(desk: Any) -> list[Run]:
    return [run for run in all_runs(desk.runs) if run.manifest.suite == "s"]


def sentences(night: Night) -> str:
    return " ".join(gate.sentence for gate in night.gates)


def test_a_month_of_nights(desk: Any, chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    month = Month(desk, chat_server)
    first = month.night(0)
    assert first.exit_code == 3
    assert "there is no baseline" in sentences(first)
    month.sign_off(first)
    for day in range(1, 6):
        quiet(month, day)
    worse = month.night(6, LOSS)
    assert worse.exit_code == 1
    assert "k on tiny: mean score by pt (quality) got worse" in sentences(worse)
    quiet(month, 7)
    survive_a_kill(month, 8)
    survive_a_full_disk(month, 9)
    spend_the_budget(month, 10)
    quiet(month, 11)
    edit_the_rubric(month, 12)
    quiet(month, 13)
    update_the_dataset(month, 14)
    swap_the_judge(month, 15)
    quiet(month, 16)
    upgrade(month, 17, monkeypatch)
    quiet(month, 18)
    drift(month, 19)
    for day in range(21, 29):
        quiet(month, day)
    last = month.night(29, LOSS)
    assert last.exit_code == 1
    check_the_trends(of_suite(desk))
    assert not [file for run in all_runs(desk.runs) for file in verify(run) if file.problem]


def quiet(month: Month, day: int) -> Night:
    night = month.night(day)
    assert night.exit_code == 0, sentences(night)
    assert "is not worse by 0.25 or more" in sentences(night)
    assert "did not move" in sentences(night) or "first night of its chart" in sentences(night)
    return night


def command(month: Month, day: int) -> Any:
    """Start the command line for a night in a process of its own."""
    night = str(START + timedelta(days=day))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALHUB_NIGHT", night)
        return month.desk.start("run", "s")


def survive_a_kill(month: Month, day: int) -> None:
    month.prepare()
    before = len(month.server.asked)
    month.stalls_at = before + UNITS + ITEMS // 6
    process = command(month, day)
    # All requests in flight are stalled, and the answers before them are written.
    while len(month.server.asked) < month.stalls_at + IN_FLIGHT - 1:
        time.sleep(0.01)
    sizes = -1, journal_bytes(month)
    while sizes[0] != sizes[1]:
        time.sleep(0.5)
        sizes = sizes[1], journal_bytes(month)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    month.stalls_at = None
    month.released.set()
    (killed,) = [run for run in all_runs(month.desk.runs) if run.unfinished]
    night = month.again(day)
    assert (night.exit_code, night.results.run.id) == (0, killed.id)
    judgments = night.results.judgments()
    assert len(judgments) == len(judgments.drop_duplicates(["item_id", "system"])) == ITEMS
    prompts = [request["messages"][-1]["content"] for request in month.server.asked[before:]]
    wasted = len(prompts) - len(set(prompts))
    assert wasted <= IN_FLIGHT


def journal_bytes(month: Month) -> int:
    """Return the size of what is written and not sealed yet."""
    return sum(path.stat().st_size for path in month.desk.runs.glob("*/parts/*/*.jsonl"))


def survive_a_full_disk(month: Month, day: int) -> None:
    month.prepare()
    process = command(month, day)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (40_000, 40_000))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 4, err
    assert "free some room" in err
    assert month.again(day).exit_code == 0


def spend_the_budget(month: Month, day: int) -> None:
    month.suite = {"budget": {"tokens": 200}}
    month.prepare()
    with pytest.raises(Inconclusive, match=r"the budget of tokens is spent .* raise it") as stop:
        month.again(day)
    assert stop.value.exit_code == 3
    month.suite = {"budget": {"tokens": 100_000}}
    month.desk.suite_file.write_text(
        month.desk.suite_file.read_text().replace("tokens: 200", "tokens: 100000")
    )
    assert month.again(day).exit_code == 0


def edit_the_rubric(month: Month, day: int) -> None:
    file = month.desk.folder / "judges" / "rate.md"
    file.write_text(file.read_text().replace("version: 1", "version: 2").replace("You rate", "You grade"))
    night = month.night(day)
    assert night.exit_code == 3
    assert "because the judge changed (rubric)" in sentences(night)
    assert "The judge did 0.000 of it" in sentences(night)
    assert "This is the first night of its chart" in sentences(night)
    month.sign_off(night)


def update_the_dataset(month: Month, day: int) -> None:
    month.edited = 12
    night = month.night(day)
    assert night.exit_code == 0
    assert "n 108 without 12 that lack a value on one side" in sentences(night)
    month.sign_off(night)


def swap_the_judge(month: Month, day: int) -> None:
    month.model, month.share = "other", 0.5
    night = month.night(day)
    assert night.exit_code == 3
    assert "because the judge changed (model)" in sentences(night)
    assert "the judge moved it" in sentences(night)
    month.sign_off(night)


def upgrade(month: Month, day: int, patch: pytest.MonkeyPatch) -> None:
    """A new evalhub makes the judgments anew from the same answers of the judge."""
    code = steps.CODE[PartKind.JUDGMENTS]
    patch.setitem(steps.CODE, PartKind.JUDGMENTS, code + 1)
    quiet(month, day)
    changes = [row["change"] for row in change_rows(of_suite(month.desk)) if row["step"] == "judge"]
    assert any(f"evalhub's code {code} -> {code + 1}" in change for change in changes)


def drift(month: Month, day: int) -> None:
    month.share = 0.9
    night = month.night(day)
    assert night.exit_code == 3
    assert night.gates[0].sentence.startswith(
        "The judge changed: pt (quality) agrees with the labels of frozen"
    )
    assert "because the judge changed (server)" in sentences(night)
    assert "the judge moved it" in sentences(night)
    after = month.night(day + 1)
    assert (after.exit_code, after.gates[0].state.value) == (3, "pass")
    month.sign_off(after)


def check_the_trends(runs: list[Run]) -> None:
    rows = trend_rows(runs)
    scores = [row for row in rows if row["measure"].startswith("mean score")]
    assert len(runs) == 30
    assert len(scores) == 30 - len(UNREPORTED)
    assert [row["gate"] for row in scores].count("fail") == 2
    assert [place for place, row in enumerate(scores) if row["outside"]] == [6, len(scores) - 1]
    calibration = [row["gate"] for row in rows if row["measure"] == "agreement in the calibration"]
    assert calibration.count("moved") == 1
    by_change: dict[str, Callable[[str], bool]] = {
        "rubric": lambda change: "rubric changed" in change,
        "model": lambda change: "model j -> other" in change,
        "server": lambda change: "asked since none -> 2026-11-20" in change,
    }
    changes = [str(row["changed"]) for row in scores]
    for name, is_named in by_change.items():
        assert sum(map(is_named, changes)) >= 1, (name, changes)

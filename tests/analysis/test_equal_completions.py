"""Of completions of one key in two parts the earliest run's counts, so that every night chooses the same."""

from pathlib import Path

import pytest

from evalhub.analysis import Results
from evalhub.records import Completion
from evalhub.store import PartFacts, PartKind, Run, RunWriter, State, Step

from ..manifests import complete

ORIGINS = ("s-20260102T000000-aaaaaa", "s-20260101T000000-bbbbbb", None)


@pytest.mark.parametrize("turn", range(3))
def test_the_earliest_run_counts(tmp_path: Path, turn: int) -> None:
    writer = RunWriter.create(tmp_path, "s", complete({}))
    for place, origin in enumerate([*ORIGINS[turn:], *ORIGINS[:turn]]):
        step = Step(kind=PartKind.JUDGMENTS, dataset="d", source=f"j{place}", inputs={})
        part = writer.open_part(step)
        part.shard(1).append(Completion("k", "m", "[]", text=str(origin), computed_in=origin))
        part.shard(1).append(Completion(f"own-{place}", "m", "[]", text="t"))
        writer.finish_part(part, PartFacts())
    writer.seal(State.SEALED)
    writer.close()
    frame = Results(Run(writer.path)).completions()
    assert sorted(frame["key"]) == ["k", "own-0", "own-1", "own-2"]
    assert frame.set_index("key")["text"]["k"] == ORIGINS[1]

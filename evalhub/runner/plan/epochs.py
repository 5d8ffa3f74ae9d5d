"""Since which night each server is taken to answer alike, so that older answers are not used again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from evalhub.engines import EngineIdentity, RemoteSettings, read_settings
from evalhub.runner.plan.resolve import Resolved, ResolvedCandidate, ResolvedJudge
from evalhub.specs import Candidate, JudgeUse
from evalhub.store import ModelFacts, Run

_Part = TypeVar("_Part", ResolvedCandidate, ResolvedJudge)


@dataclass(frozen=True, slots=True)
class _Epoch:
    """Nights on which a server is taken to answer alike.

    Attributes:
        since: The first of these nights. None = not known.
        moved: The last night on which the model was seen to have changed.
        began: Since when its answers are in use, for their age.
        is_open: Whether a run with these answers is not finished.
    """

    since: str | None = None
    moved: str | None = None
    began: str | None = None
    is_open: bool = False


def with_epochs(
    resolved: Resolved, runs: Sequence[Run], night: str, moved: Mapping[str, str] | None = None
) -> Resolved:
    """Return a suite whose models behind servers know since which night their answers count.

    A server begins anew on the night on which a judge on it was seen to have moved, and where the answers in
    use are older than `max_age` days. An unfinished run keeps what it began with.

    Args:
        resolved: The suite.
        runs: Earlier runs, the newest first.
        night: Tonight, YYYY-MM-DD.
        moved: The last night on which each judge was seen to have moved.
    """
    moved_servers: dict[str, str] = {}
    for judge in resolved.judges:
        if last := (moved or {}).get(judge.spec.id):
            server = judge.runs.identity.key_values
            moved_servers[server] = max(last, moved_servers.get(server, ""))

    def renewed(part: _Part) -> _Part:
        identity = part.runs.identity
        if not identity.is_remote:
            return part
        epoch = _epoch(identity, runs)
        last = moved_servers.get(identity.key_values, "")
        if last > (epoch.since or ""):
            epoch = _Epoch(since=last, moved=last)
        elif _is_too_old(part.spec, epoch, night):
            epoch = replace(epoch, since=night)
        with_night = replace(identity, since=epoch.since)
        return replace(part, runs=replace(part.runs, identity=with_night, moved=epoch.moved))

    return replace(
        resolved,
        candidates=tuple(map(renewed, resolved.candidates)),
        judges=tuple(map(renewed, resolved.judges)),
    )


def with_night(resolved: Resolved, night: str) -> Resolved:
    """Return a suite whose judges behind servers are asked anew tonight, whatever earlier runs have."""

    def renewed(judge: ResolvedJudge) -> ResolvedJudge:
        identity = judge.runs.identity
        if not identity.is_remote:
            return judge
        return replace(judge, runs=replace(judge.runs, identity=replace(identity, since=night)))

    return replace(resolved, judges=tuple(map(renewed, resolved.judges)))


def _epoch(identity: EngineIdentity, runs: Sequence[Run]) -> _Epoch:
    """Return the epoch of a server in the newest run that used it."""
    uses = list(_uses(identity, runs))
    if not uses:
        return _Epoch()
    newest, facts = uses[0]
    of_epoch = [run for run, other in uses if other.since == facts.since]
    began = facts.since or min(run.manifest.created for run in of_epoch)[:10]
    return _Epoch(facts.since, facts.moved, began, is_open=newest.unfinished)


def _uses(identity: EngineIdentity, runs: Sequence[Run]) -> Iterator[tuple[Run, ModelFacts]]:
    """Yield the runs that used a server, the newest first. A calibration asks anew each night."""
    for run in runs:
        if run.manifest.part_of is not None:
            continue
        for facts in run.manifest.resolved.models.values():
            if (facts.content_hash, facts.engine, facts.settings) == (
                identity.model_hash,
                identity.engine,
                dict(identity.settings),
            ):
                yield run, facts
                break


def _is_too_old(spec: Candidate | JudgeUse, epoch: _Epoch, night: str) -> bool:
    settings = read_settings(spec.engine)
    max_age = settings.max_age if isinstance(settings, RemoteSettings) else None
    if max_age is None or epoch.began is None or epoch.is_open:
        return False
    return (date.fromisoformat(night) - date.fromisoformat(epoch.began)).days >= max_age

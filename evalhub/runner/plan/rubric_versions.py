"""A rubric's text belongs to its version: runs remember both, and one cannot change without the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from evalhub.errors import SpecError
from evalhub.specs import Rubric
from evalhub.store import Run


def refuse_changed(rubric: Rubric, runs: Iterable[Run], where: str) -> None:
    """Refuse a rubric that a stored run used with another text under the same version.

    Runs of gold cases do not count: a text that is still being worked on may change.

    Args:
        rubric: The rubric.
        runs: Those that may have used it, the newest first; only their manifests are looked at.
        where: Path or id of the rubric.

    Raises:
        SpecError: The text has changed and the version has not.
    """
    known = list(_used(rubric.id, runs))
    for used, run in known:
        if used.version == rubric.version and used.hash != rubric.hash:
            following = max(one.version for one, _ in known) + 1
            raise SpecError(
                f"this text is not that of version {rubric.version} in the run {run.id} "
                f"(sha256 {used.hash[:12]}, now {rubric.hash[:12]})",
                where=f"{where}:version",
                fix=f"raise version to {following}, or keep the runs of the other text in another folder",
            )


def _used(rubric_id: str, runs: Iterable[Run]) -> Iterator[tuple[Rubric, Run]]:
    """Yield the rubrics of that id with the runs that used them."""
    for run in runs:
        if "gold" in run.manifest:
            continue
        for said in run.manifest.get("rubrics", {}).values():
            if said.get("id") == rubric_id:
                try:  # read anew, so that a key that was added to rubrics since changes no hash
                    yield Rubric.model_validate(said), run
                except ValidationError:
                    continue

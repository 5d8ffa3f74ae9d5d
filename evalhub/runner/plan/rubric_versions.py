"""A rubric's text belongs to its version: a changed text needs a new version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from evalhub.errors import SpecError
from evalhub.specs import Rubric
from evalhub.store import Run


def refuse_changed(rubric: Rubric, runs: Iterable[Run], where: str) -> None:
    """Refuse a rubric that a stored run used with another text under the same version.

    Runs of gold cases do not count, since an author may change the text while testing it.

    Args:
        rubric: The rubric.
        runs: Runs that may have used it, the newest first. Only their manifests are read.
        where: Path or id of the rubric, for errors.

    Raises:
        SpecError: The text has changed and the version has not.
    """
    versions = list(_versions(rubric.id, runs))
    for stored, run in versions:
        if stored.version == rubric.version and stored.hash != rubric.hash:
            next_version = max(stored.version for stored, _ in versions) + 1
            raise SpecError(
                f"this text is not that of version {rubric.version} in the run {run.id} "
                f"(sha256 {stored.hash[:12]}, now {rubric.hash[:12]})",
                where=f"{where}:version",
                fix=f"raise version to {next_version}, or keep the runs of the other text in another folder",
            )


def next_version(rubric: Rubric, runs: Iterable[Run]) -> int:
    """Return the first version that neither the rubric nor a stored run has."""
    return 1 + max([rubric.version, *(stored.version for stored, _ in _versions(rubric.id, runs))])


def _versions(rubric_id: str, runs: Iterable[Run]) -> Iterator[tuple[Rubric, Run]]:
    """Yield the rubrics of an id with the runs that used them."""
    for run in runs:
        if run.manifest.gold is not None:
            continue
        for fields in run.manifest.rubrics.values():
            if fields.get("id") == rubric_id:
                try:  # validated again, so that keys that rubrics gained since the run change no hash
                    yield Rubric.model_validate(fields), run
                except ValidationError:
                    continue

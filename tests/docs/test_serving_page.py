"""The page about serving is true: a served judge answers its requests with the keys that it shows."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalhub.serving.bodies import MOST_BYTES
from evalhub.serving.server import BODY_SECONDS, MOST_CONNECTIONS
from evalhub.serving.worker import STOP_SECONDS, TURN_SECONDS
from evalhub.stats.people.calibration import MIN_FIT
from tests.conftest import Desk
from tests.serving.conftest import label_pairs, serving

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "serving.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```sh\n(curl [^\n]*)\n```\n\n```json\n(.*?)```", re.DOTALL)


def examples() -> Iterator[tuple[str, Any, Any]]:
    """Yield the route, the body and the reply of each request that the page shows."""
    for command, reply in EXAMPLE.findall(PAGE):
        words = shlex.split(command)
        url = next(word for word in words if word.startswith("http://127.0.0.1:8503/"))
        assert "Content-Type: application/json" in words
        yield (
            url.removeprefix("http://127.0.0.1:8503"),
            json.loads(words[words.index("-d") + 1]),
            json.loads(reply),
        )


def shape(value: Any) -> Any:
    """Return the keys of an answer and the kinds of its values. A list has the shape of its first."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def missing(shown: Any, real: Any, place: str = "") -> list[str]:
    """Return where an answer has not what the page shows."""
    if isinstance(shown, dict) and isinstance(real, dict):
        absent = [f"{place}.{name}" for name in shown if name not in real]
        return absent + [
            fault
            for name in shown
            if name in real
            for fault in missing(shown[name], real[name], f"{place}.{name}")
        ]
    if isinstance(shown, list) and isinstance(real, list) and shown and real:
        return missing(shown[0], real[0], f"{place}[0]")
    return [] if shown == real else [f"{place}: {shown} on the page, {real} in the answer"]


def test_the_requests_of_the_page_are_answered_as_it_shows(desk: Desk) -> None:
    label_pairs(desk, 60, id="prefers")
    desk.run()
    shown = list(examples())
    assert [route for route, _, _ in shown] == ["/v1/judge", "/v1/systemone"]
    with serving(desk, "prefers") as served, served.client() as client:
        for route, body, reply in shown:
            status, answer = client.post(route, body)
            assert status == 200, answer
            assert missing(shape(reply), shape(answer)) == []
        first = client.post(*shown[0][:2])[1]
    assert set(first) == set(shown[0][2])


@pytest.mark.parametrize(
    "words",
    [
        f"larger than {MOST_BYTES >> 20} MiB", f"within {BODY_SECONDS:g} seconds",
        f"more than {MOST_CONNECTIONS} connections", f"up to {STOP_SECONDS:g} seconds",
        f"within {TURN_SECONDS * 1000:g} ms", f"fewer than {MIN_FIT} labelled verdicts",
    ],
)  # fmt: skip
def test_the_limits_are_those_of_the_code(words: str) -> None:
    assert words in PAGE

"""What a night found is posted to webhooks. A failure to deliver never changes how the night ends."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from evalhub.analysis.findings.finding import Question
from evalhub.errors import EvalhubError, Interrupted
from evalhub.gates import FAILED
from evalhub.night.night import Night
from evalhub.stats import GateState
from evalhub.texts import count, make_printable

TIMEOUT = 5.0
"""Seconds for one answer of a webhook."""

PAUSES = (1.0, 2.0)
"""Seconds before each further try."""

DEADLINE = 20.0
"""Seconds for all tries of all webhooks together, and for what has no timeout, as the look-up of a name."""

MOST_FINDINGS = 5
_MARKS = {GateState.PASS: "✓", GateState.FAIL: "✗", GateState.INCONCLUSIVE: "?"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

Message = dict[str, Any]


def night_message(night: Night) -> Message:
    """Return what a night found, as a webhook gets it.

    Returns:
        `text` (a summary, in which nothing acts in Slack), `run`, `suite`, `exit_code`, `gates` (id, state
        and sentence of each), `findings` (verdict and sentence of the first ones that are not about gates)
        and `error` (why the night says nothing, or None).
    """
    gates = [
        {"id": make_printable(gate.id), "state": gate.state.value, "sentence": make_printable(gate.sentence)}
        for gate in night.gates
    ]
    about_gates = Question.GATES.name.lower()
    findings = [
        {"verdict": row["verdict"], "sentence": make_printable(row["sentence"])}
        for row in night.data["findings"]
        if row["question"] != about_gates
    ]
    run = night.results.run
    error = str(night.faults[0]) if night.faults else None
    return {
        "text": "\n".join(_lines(night, error)).translate(_ESCAPES),
        "run": run.id,
        "suite": run.manifest.suite,
        "exit_code": night.exit_code,
        "gates": gates,
        "findings": findings[:MOST_FINDINGS],
        "error": error,
    }


def error_message(suite: str, error: EvalhubError, exit_code: int) -> Message:
    """Return what ended a night before it found anything, with the keys of `night_message`.

    Args:
        suite: The suite, as it was given.
        error: What ended it.
        exit_code: The exit code of the command.
    """
    sentence = make_printable(str(error))
    text = f"✗ {make_printable(suite)} ended with exit {exit_code}.\n{sentence}"
    return {
        "text": text.translate(_ESCAPES),
        "run": None,
        "suite": suite,
        "exit_code": exit_code,
        "gates": [],
        "findings": [],
        "error": sentence,
    }


def _lines(night: Night, error: str | None) -> Iterator[str]:
    code, suite = night.exit_code, make_printable(night.results.run.manifest.suite)
    words = "a system got worse" if code == FAILED else "the night is not decided"
    passing = sum(gate.state is GateState.PASS for gate in night.gates)
    if not code:
        words = f"all {count(passing)} gates hold" if night.gates else "the night is complete, without gates"
    mark = "✗" if code == FAILED else "?" if code else "✓"
    yield f"{mark} {suite}: {words} (exit {code}, {night.results.run.id})"
    if error:
        yield error
    for gate in night.gates:
        if gate.state is not GateState.PASS:
            yield f"{_MARKS[gate.state]} {make_printable(gate.sentence)}"


class Announcement:
    """Posts messages to webhooks beside the work of the command.

    Args:
        urls: Addresses of the webhooks. They are secrets: nothing that is printed or raised has more of them
            than the host.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(dict.fromkeys(urls))
        self._deliveries: list[_Delivery] = []
        self._seconds = self._end = 0.0

    def send(self, message: Message) -> None:
        """Begin to post a message to each webhook. After an interrupt there is time for one try alone."""
        self._seconds = TIMEOUT if message["exit_code"] == Interrupted.exit_code else DEADLINE
        self._end = time.monotonic() + self._seconds
        self._deliveries = [_Delivery(url, json.dumps(message).encode()) for url in self._urls]

    def undelivered(self) -> list[str]:
        """Wait for the posts, and return a sentence for each webhook that did not take its message."""
        sentences = []
        for delivery in self._deliveries:
            delivery.thread.join(max(self._end - time.monotonic(), 0))
            reason = (
                f"no answer within {DEADLINE:g} seconds" if delivery.thread.is_alive() else delivery.reason
            )
            if reason:
                sentences.append(f"{delivery.host} did not take the message of this night: {reason}.")
        return sentences


class _Delivery:
    """One message on its way to one webhook, in a thread that never holds up the end of the process."""

    def __init__(self, url: str, body: bytes) -> None:
        self.host = "a webhook"
        self.reason: str | None = None
        self._url, self._body = url, body
        self.thread = threading.Thread(target=self._deliver, daemon=True)
        self.thread.start()

    def _deliver(self) -> None:
        try:
            request = self._request()
        except ValueError:
            self.reason = "its address is no http or https address"
            return
        for pause in (*PAUSES, None):
            attempt = _post(request)
            self.reason = attempt.reason
            if not attempt.is_worth_another or pause is None:
                return
            time.sleep(pause)

    def _request(self) -> urllib.request.Request:
        """Return the request. ValueError where the address is none."""
        parts = urlsplit(self._url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no address")
        self.host = make_printable(parts.hostname)
        headers = {"Content-Type": "application/json", "User-Agent": "evalhub", **_credentials(parts)}
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        return urllib.request.Request(address, data=self._body, headers=headers, method="POST")


def _credentials(parts: SplitResult) -> dict[str, str]:
    """Return the header for a name and a password that stand in an address."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try: why it failed, None = it did not, and whether a further one may succeed."""

    reason: str | None = None
    is_worth_another: bool = False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: whoever it leads to was not named, and would get a GET without the message."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""
        return


def _post(request: urllib.request.Request) -> _Attempt:
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT):
            return _Attempt()
    except urllib.error.HTTPError as answer:
        answer.close()
        if 300 <= answer.code < 400:
            return _Attempt(f"it redirects ({answer.code}), and no redirect is followed")
        is_busy = answer.code >= 500 or answer.code == HTTPStatus.TOO_MANY_REQUESTS
        return _Attempt(f"it answers {answer.code}", is_busy)
    except (OSError, http.client.HTTPException) as error:
        return _Attempt(_reason(error), is_worth_another=True)
    except Exception as error:
        # Whatever it is, its text may hold the address.
        return _Attempt(f"it cannot be asked ({type(error).__name__})")


def _reason(error: Exception) -> str:
    """Return why a host was not reached, without the words of the error, which may hold the address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT:g} seconds"
    return (isinstance(cause, OSError) and cause.strerror) or type(cause).__name__

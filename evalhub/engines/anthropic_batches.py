"""The batches of Anthropic's messages protocol: requests in one call, and a file of results.

A batch carries no mark, and its requests cannot be read back before it ends. A batch whose id never came is
looked for among those of the same size. The ids in its results then say whether it is the one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from evalhub.engines.batch_ledger import Submission
from evalhub.engines.batch_server import (
    CLOCK_SECONDS,
    BatchServer,
    BatchState,
    Bodies,
    End,
    Result,
    as_map,
    read_lines,
    recent,
)
from evalhub.engines.remote import UNREADABLE, Fault, import_client, server_words

_PAGE = 1000
_ENDS = {"expired": End.EXPIRED, "canceled": End.CANCELLED}
_STATUSES = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


class AnthropicBatches(BatchServer):
    """The batches of a server of Anthropic's protocol.

    Args:
        client: The client of the package `anthropic`.
        model: The model's id, for errors.
    """

    most_bytes: ClassVar[int] = 240_000_000
    finds_exactly: ClassVar[bool] = False

    def __init__(self, client: Any, model: str) -> None:
        self._client = client
        self._message = import_client("anthropic", model).types.Message

    def submit(self, submission: Submission, bodies: Bodies, enter_file: Callable[[str], None]) -> str:  # noqa: ARG002
        """Submit the requests. Their ids begin with the token."""
        requests = [{"custom_id": custom_id, "params": body} for custom_id, body in bodies.items()]
        batch = self._client.messages.batches.create(requests=requests)
        if not isinstance(batch.id, str):
            raise TypeError("the server gives the batch no id")
        return batch.id

    def find(self, submission: Submission) -> Sequence[str]:
        """Return the ids of the batches with as many requests that are not older than the intent."""
        earliest = submission.time - CLOCK_SECONDS
        batches = recent(
            self._client.messages.batches.list(limit=_PAGE),
            lambda batch: batch.created_at.timestamp() < earliest,
        )
        ids = [batch.id for batch in batches if _size(batch) == len(submission.keys)]
        # The batch was made right after its intent, so that it is most likely the oldest of them.
        return ids[::-1]

    def poll(self, batch: str) -> BatchState:
        """Return the state of a batch."""
        return BatchState(ended=self._client.messages.batches.retrieve(batch).processing_status == "ended")

    def collect(self, batch: str) -> Sequence[Result]:
        """Return the results of a batch.

        The address is the one of the protocol. The address that the server gives could be on another host,
        which would be sent the key.
        """
        content = self._client.get(f"/v1/messages/batches/{quote(batch, safe='')}/results", cast_to=bytes)
        return [self._result(values) for values in read_lines(content)]

    def cancel(self, batch: str) -> None:
        """Cancel a batch."""
        self._client.messages.batches.cancel(batch)

    def _result(self, values: Mapping[str, Any]) -> Result:
        custom_id, result = values["custom_id"], as_map(values.get("result"))
        kind, message = result.get("type"), as_map(result.get("message"))
        if isinstance(kind, str) and kind in _ENDS:
            return Result(custom_id, end=_ENDS[kind])
        if kind == "errored":
            error = as_map(result.get("error"))
            while inner := as_map(error.get("error")):
                error = inner
            return Result(
                custom_id, fault=Fault(server_words(error), _STATUSES.get(str(error.get("type")), 500))
            )
        if kind != "succeeded" or not message:
            return Result(custom_id, fault=Fault("the line of results has no message", unreadable=True))
        try:
            return Result(custom_id, reply=self._message.construct(**message))
        except UNREADABLE as unreadable:
            return Result(custom_id, fault=Fault(str(unreadable), unreadable=True))


def _size(batch: Any) -> int:
    counts = batch.request_counts
    return sum(
        getattr(counts, name) for name in ("processing", "succeeded", "errored", "canceled", "expired")
    )

"""The batches of OpenAI's protocol: a file of requests, a batch of it, and files of results and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

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

ENDPOINT = "/v1/chat/completions"
TOKEN = "evalhub"
"""The name under which the token stands in the metadata of a batch."""

_ENDS = {
    "completed": End.ANSWERED, "failed": End.ANSWERED, "expired": End.EXPIRED, "cancelled": End.CANCELLED,
}  # fmt: skip
_PAGE = 100
_CROWDED = "token_limit_exceeded"


class OpenaiBatches(BatchServer):
    """The batches of a server of OpenAI's protocol.

    Args:
        client: The client of the package `openai`.
        model: The model's id, for errors.
    """

    most_bytes: ClassVar[int] = 190_000_000
    finds_exactly: ClassVar[bool] = True

    def __init__(self, client: Any, model: str) -> None:
        self._client = client
        self._completion = import_client("openai", model).types.chat.ChatCompletion

    def submit(self, submission: Submission, bodies: Bodies, enter_file: Callable[[str], None]) -> str:
        """Upload the requests and make a batch of them. Its metadata has the token."""
        lines = [
            json.dumps({"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body})
            for custom_id, body in bodies.items()
        ]
        content = "\n".join([*lines, ""]).encode("utf-8")
        file = (f"evalhub-{submission.token}.jsonl", content)
        file_id = self._client.files.create(file=file, purpose="batch").id
        enter_file(file_id)
        batch = self._client.batches.create(
            completion_window="24h",
            endpoint=ENDPOINT,
            input_file_id=file_id,
            metadata={TOKEN: submission.token},
        )
        return _id(batch)

    def find(self, submission: Submission) -> Sequence[str]:
        """Return the id of the batch with the token, or with the file of requests."""
        earliest = submission.time - CLOCK_SECONDS
        for batch in recent(
            self._client.batches.list(limit=_PAGE), lambda batch: batch.created_at < earliest
        ):
            has_token = (batch.metadata or {}).get(TOKEN) == submission.token
            if has_token or (submission.file and batch.input_file_id == submission.file):
                return [_id(batch)]
        return []

    def poll(self, batch: str) -> BatchState:
        """Return the state of a batch."""
        state = self._client.batches.retrieve(batch)
        if state.status not in _ENDS:
            return BatchState(ended=False)
        if state.status != "failed":
            return BatchState(ended=True, end=_ENDS[state.status])
        errors = list((state.errors and state.errors.data) or ())
        words = "; ".join(dict.fromkeys(str(error.message) for error in errors)) or "no reason is given"
        return BatchState(
            ended=True, refused=words, is_crowded=any(error.code == _CROWDED for error in errors)
        )

    def collect(self, batch: str) -> Sequence[Result]:
        """Return the results of both files of a batch."""
        state = self._client.batches.retrieve(batch)
        files = [file for file in (state.output_file_id, state.error_file_id) if file]
        contents = [self._client.files.content(file).content for file in files]
        return [self._result(values) for content in contents for values in read_lines(content)]

    def cancel(self, batch: str) -> None:
        """Cancel a batch."""
        self._client.batches.cancel(batch)

    def _result(self, values: Mapping[str, Any]) -> Result:
        custom_id, error = values["custom_id"], as_map(values.get("error"))
        if error:
            code = str(error.get("code"))
            for end in (End.EXPIRED, End.CANCELLED):
                if end.value in code:
                    return Result(custom_id, end=end)
            return Result(custom_id, fault=Fault(server_words(error), 500))
        response = as_map(values.get("response"))
        status, body = response.get("status_code"), as_map(response.get("body"))
        if not body or type(status) is not int:
            return Result(custom_id, fault=Fault("the line of results has no response", unreadable=True))
        if status >= 400:
            parameter = as_map(body.get("error")).get("param")
            refused_name = parameter if isinstance(parameter, str) else None
            return Result(custom_id, fault=Fault(server_words(body), status, refused_name))
        try:
            return Result(custom_id, reply=self._completion.construct(**body))
        except UNREADABLE as unreadable:
            return Result(custom_id, fault=Fault(str(unreadable), unreadable=True))


def _id(batch: Any) -> str:
    if not isinstance(batch.id, str):
        raise TypeError("the server gives the batch no id")
    return batch.id

"""Why a request has no answer: an HTTP status and one sentence for the client."""

from __future__ import annotations

from http import HTTPStatus

from evalhub.errors import EvalhubError
from evalhub.texts import make_printable


class Refusal(Exception):
    """A request that is not answered.

    Args:
        status: The HTTP status.
        error: The sentence, or the error that has it.
    """

    def __init__(self, status: HTTPStatus, error: EvalhubError | str) -> None:
        sentence = error if isinstance(error, str) else error.sentence()
        self.status = status
        self.sentence = make_printable(sentence)
        super().__init__(self.sentence)


def unmeasured(reason: str) -> Refusal:
    """Return the refusal of a question that the run did not measure."""
    fix = "serve the judge with --allow-unmeasured to ask it all the same"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"{reason}; {fix}.")

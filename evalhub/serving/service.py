"""What the server answers on each route, as plain values. It knows nothing of HTTP's bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from evalhub.serving.answers import answer_question
from evalhub.serving.bodies import MOST_BYTES, parse_body
from evalhub.serving.evidence import Row, ServedJudge
from evalhub.serving.questions import Question, read_question
from evalhub.serving.refusal import Refusal
from evalhub.serving.systemone import MOST_QUESTIONS, read_systemone, systemone_reply
from evalhub.serving.worker import Outcome, Worker


@dataclass(slots=True)
class Counts:
    """How many requests were answered and refused since the start."""

    answered: int = 0
    refused: int = 0


class Service:
    """The routes of a served judge. All methods may be called in several threads at once.

    Args:
        judge: The judge.
        worker: Works on what clients ask.
    """

    def __init__(self, judge: ServedJudge, worker: Worker) -> None:
        self._judge = judge
        self._worker = worker
        self._lock = threading.Lock()
        self.counts = Counts()
        self._routes: Mapping[str, Mapping[str, Callable[[bytes], Row]]] = {
            "/health": {"GET": lambda _: self._health()},
            "/v1/judge": {"GET": lambda _: self._describe(), "POST": self._answer},
            "/v1/systemone": {"POST": self._answer_systemone},
        }

    def methods(self, path: str) -> tuple[str, ...]:
        """Return the methods of a route. Empty for a route that does not exist."""
        return tuple(self._routes.get(path, ()))

    def respond(self, method: str, path: str, body: bytes) -> tuple[HTTPStatus, Row]:
        """Return the status and the body of a reply.

        Args:
            method: GET or POST.
            path: The path without a query.
            body: The body of the request. Empty for GET.
        """
        try:
            row = self._route(method, path)(body)
        except Refusal as error:
            self._count(answered=0)
            return error.status, {"error": error.sentence}
        if method == "POST":
            self._count(answered=1)
        return HTTPStatus.OK, row

    def _route(self, method: str, path: str) -> Callable[[bytes], Row]:
        by_method = self._routes.get(path)
        if by_method is None:
            routes = ", ".join(self._routes)
            raise Refusal(HTTPStatus.NOT_FOUND, f"there is no such route; allowed: {routes}.")
        if method not in by_method:
            allowed = ", ".join(by_method)
            raise Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is not asked by {method}; allowed: {allowed}."
            )
        return by_method[method]

    def _count(self, *, answered: int) -> None:
        with self._lock:
            self.counts.answered += answered
            self.counts.refused += 1 - answered

    def _health(self) -> Row:
        return {
            "status": "ok",
            "judge": self._judge.id,
            "answered": self.counts.answered,
            "refused": self.counts.refused,
        }

    def _describe(self) -> Row:
        limits = {"body_bytes": MOST_BYTES, "systemone_questions": MOST_QUESTIONS}
        return {**self._judge.describe(), "limits": limits}

    def _answer(self, body: bytes) -> Row:
        question = read_question(self._judge, parse_body(body))
        return answer_question(self._judge, question, self._ask(self._judge, question).result())

    def _answer_systemone(self, body: bytes) -> Row:
        questions = read_systemone(self._judge, parse_body(body))
        # All are handed in before the first is waited for, so that they share the engine's batch.
        outcomes = [self._ask(entry.judge, entry.question) for entry in questions]
        answers = [
            answer_question(entry.judge, entry.question, outcome.result())
            for entry, outcome in zip(questions, outcomes, strict=True)
        ]
        return systemone_reply(self._judge, questions, answers)

    def _ask(self, judge: ServedJudge, question: Question) -> Outcome:
        jobs = judge.measured.jobs(question.item, question.responses, question.criterion)
        return self._worker.ask(tuple(jobs))

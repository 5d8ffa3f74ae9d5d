"""Which engine runs a judge: one that generates, or one that gives rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalhub.engines import EngineIdentity, engine_kind
from evalhub.errors import ModelError, SpecError
from evalhub.judging import PROTOCOLS, find_protocol
from evalhub.models import JudgeTraining, is_classifier
from evalhub.records import RequestKind
from evalhub.scales import Kind
from evalhub.specs import Candidate, EngineSpec, JudgeUse, Mode, Rubric, Suite

GENERATES, POOLS = "vllm", "pooling"

_NAMES: Mapping[RequestKind, str] = {
    RequestKind.GENERATE: "text",
    RequestKind.EMBED: "embeddings",
    RequestKind.REWARD: "rewards",
    RequestKind.DECIDE: "decisions",
}
_ENGINES: Mapping[RequestKind, tuple[str, ...]] = {
    RequestKind.GENERATE: (GENERATES, "openai", "anthropic", "scripted"),
    RequestKind.EMBED: (POOLS, "scripted"),
    RequestKind.REWARD: (POOLS, "scripted"),
    RequestKind.DECIDE: ("systemone", "decisions", "scripted"),
}


def with_runners(suite: Suite, rubrics: Sequence[Rubric]) -> Suite:
    """Return a suite whose reward models and trained heads run on vLLM's pooling runner, not on vLLM.

    Args:
        suite: The suite.
        rubrics: The rubric of each judge.
    """
    judges = tuple(_with_runner(use, rubric) for use, rubric in zip(suite.judges, rubrics, strict=True))
    return suite.model_copy(update={"judges": judges})


def _with_runner(use: JudgeUse, rubric: Rubric) -> JudgeUse:
    pools = find_protocol(rubric.protocol).reads_alone or is_classifier(Path(use.model).expanduser())
    if use.engine.type != GENERATES or not pools:
        return use
    engine = EngineSpec(**{**use.engine.settings, "type": POOLS})
    return use.model_copy(update={"engine": engine})


def choose_request(
    spec: Candidate | JudgeUse,
    identity: EngineIdentity,
    rubric: Rubric | None,
    *,
    training: JudgeTraining | None = None,
) -> RequestKind:
    """Return the kind of the requests that a candidate or judge sends to its engine.

    A judge that chooses among some answers can ask a decision model, or a classifier of its prompt, instead
    of a model that generates. Neither writes anything.

    Args:
        spec: The suite's entry.
        identity: The model on its engine.
        rubric: The rubric of a judge.
        training: How a head was trained on the prompt of the rubric. None for other models.

    Raises:
        SpecError: The engine gives something else, or its classifier answers another question.
        ModelError: The model does.
    """
    asks = find_protocol(rubric.protocol).asks if rubric else RequestKind.GENERATE
    answers = engine_kind(spec.engine.type).answers(identity)
    if asks in answers:
        return asks
    if isinstance(spec, JudgeUse) and rubric and asks is RequestKind.GENERATE:
        if RequestKind.DECIDE in answers:
            _check_decisions(spec, rubric, "a decision model")
            return RequestKind.DECIDE
        if RequestKind.REWARD in answers:
            _check_decisions(spec, rubric, "a classifier")
            if training is None or not training.cut_points:
                _check_two_answers(spec, rubric)
            _check_classifier(spec, identity, rubric, is_trained=training is not None)
            return RequestKind.REWARD
    if spec.engine.type == POOLS and asks is RequestKind.REWARD:
        raise ModelError(
            "the model gives embeddings and no rewards",
            value=identity.model,
            allowed="a model whose architecture ends in ForSequenceClassification",
            fix="choose a reward model, or make a classifier with classifier_from_token in its engine",
        )
    raise SpecError(
        f"the engine {spec.engine.type} gives no {_NAMES[asks]}",
        value=spec.id,
        allowed=_ENGINES[asks],
        fix=f"write engine: {_ENGINES[asks][0]}",
    )


def _check_decisions(spec: JudgeUse, rubric: Rubric, model: str) -> None:
    """Refuse a judge that would have to write.

    Raises:
        SpecError: Its protocol or its mode needs a text of the model.
    """
    if not find_protocol(rubric.protocol).decides:
        raise SpecError(
            f"{model} writes nothing, and the protocol {rubric.protocol} needs a text or a ranking of it",
            value=spec.id,
            allowed=[name for name, entry in PROTOCOLS.items() if entry.decides],
            fix="choose another rubric",
        )
    if spec.mode is not Mode.DIRECT:
        raise SpecError(
            f"{model} writes nothing before its verdict",
            value=f"{spec.id}: mode {spec.mode}",
            allowed="mode: direct",
        )


def _check_two_answers(spec: JudgeUse, rubric: Rubric) -> None:
    """Refuse a judge with more than two answers: a classifier gives one number."""
    has_two = find_protocol(rubric.protocol).total or (rubric.kind is Kind.PAIRWISE and not rubric.ties)
    if not has_two:
        raise SpecError(
            "a classifier of a prompt chooses between two answers, and the rubric allows more",
            value=f"{spec.id}: {rubric.id}",
            allowed="a pairwise rubric with ties: false, or a checklist",
        )


def _check_classifier(spec: JudgeUse, identity: EngineIdentity, rubric: Rubric, *, is_trained: bool) -> None:
    """Refuse a classifier whose number is not the log-odds of the first answer against the second.

    Raises:
        SpecError: It was trained on something else, or its tokens are other answers.
    """
    tokens = identity.settings.get("classifier_from_token")
    if tokens is None and not is_trained:
        raise SpecError(
            "the model gives rewards of responses, and no verdict on the prompt of a rubric",
            value=f"{spec.id}: {rubric.id}",
            fix="write rubric: reward",
        )
    second, first = ("No", "Yes") if find_protocol(rubric.protocol).total else ("B", "A")
    if tokens is not None and [token.strip() for token in tokens] != [second, first]:
        raise SpecError(
            "the tokens of the classifier are not the answers to the rubric's question",
            value=f"{spec.id}: {', '.join(tokens)}",
            allowed=f"classifier_from_token: [{second}, {first}]",
        )

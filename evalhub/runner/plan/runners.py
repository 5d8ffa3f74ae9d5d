"""Which engine runs a judge: one that generates, or one that gives rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalhub.engines import EngineIdentity, engine_kind
from evalhub.errors import ModelError, SpecError
from evalhub.judging import find_protocol
from evalhub.records import RequestKind
from evalhub.specs import Candidate, EngineSpec, JudgeUse, Rubric, Suite

GENERATES, POOLS = "vllm", "pooling"

_NAMES: Mapping[RequestKind, str] = {
    RequestKind.GENERATE: "text",
    RequestKind.EMBED: "embeddings",
    RequestKind.REWARD: "rewards",
}
_ENGINES: Mapping[RequestKind, tuple[str, ...]] = {
    RequestKind.GENERATE: (GENERATES, "openai", "scripted"),
    RequestKind.EMBED: (POOLS, "scripted"),
    RequestKind.REWARD: (POOLS, "scripted"),
}


def with_runners(suite: Suite, rubrics: Sequence[Rubric]) -> Suite:
    """Return a suite whose judges by rewards run on vLLM's pooling runner where they run on vLLM.

    Args:
        suite: The suite.
        rubrics: The rubric of each judge.
    """
    judges = tuple(_with_runner(use, rubric) for use, rubric in zip(suite.judges, rubrics, strict=True))
    return suite.model_copy(update={"judges": judges})


def _with_runner(use: JudgeUse, rubric: Rubric) -> JudgeUse:
    if use.engine.type != GENERATES or not find_protocol(rubric.protocol).reads_alone:
        return use
    engine = EngineSpec(**{**use.engine.settings, "type": POOLS})
    return use.model_copy(update={"engine": engine})


def check_answers(spec: Candidate | JudgeUse, identity: EngineIdentity, asks: RequestKind) -> None:
    """Refuse a model on an engine that does not answer the requests of a candidate or judge.

    Raises:
        SpecError: The engine gives something else.
        ModelError: The model does.
    """
    answers = engine_kind(spec.engine.type).answers(identity)
    if asks in answers:
        return
    if spec.engine.type == POOLS and asks is RequestKind.REWARD:
        raise ModelError(
            "the model gives embeddings and no rewards",
            value=identity.model,
            allowed="a model whose architecture ends in ForSequenceClassification",
            fix="choose a reward model, or make one with classifier_from_token: [No, Yes] in its engine",
        )
    raise SpecError(
        f"the engine {spec.engine.type} gives no {_NAMES[asks]}",
        value=spec.id,
        allowed=_ENGINES[asks],
        fix=f"write engine: {_ENGINES[asks][0]}",
    )

"""The three files that users write: rubric, card and suite, found, parsed and validated."""

from evalhub.specs.card import Card, CriterionSpec, FileSpec, Reads, RecordedJudge, Truth, load_card
from evalhub.specs.find import available, data_root, locate
from evalhub.specs.plugins import named
from evalhub.specs.rubric import SLOT, Rubric, load_rubric, parse_rubric
from evalhub.specs.suite import (
    Candidate,
    CascadeUse,
    Combine,
    Controls,
    CrossFamily,
    DatasetUse,
    EngineSpec,
    JudgeUse,
    Jury,
    Mode,
    Pairs,
    Positions,
    SamplingSpec,
    Suite,
    load_suite,
)

__all__ = [
    "SLOT",
    "Candidate",
    "Card",
    "CascadeUse",
    "Combine",
    "Controls",
    "CriterionSpec",
    "CrossFamily",
    "DatasetUse",
    "EngineSpec",
    "FileSpec",
    "JudgeUse",
    "Jury",
    "Mode",
    "Pairs",
    "Positions",
    "Reads",
    "RecordedJudge",
    "Rubric",
    "SamplingSpec",
    "Suite",
    "Truth",
    "available",
    "data_root",
    "load_card",
    "load_rubric",
    "load_suite",
    "locate",
    "named",
    "parse_rubric",
]

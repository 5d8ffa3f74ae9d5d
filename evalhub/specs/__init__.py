"""The three files that users write: rubric, card and suite, found, parsed and validated."""

from evalhub.specs.base import check_name
from evalhub.specs.card import (
    Card,
    CardFacts,
    CombineOrders,
    ConsensusRule,
    CriterionSpec,
    MetricSpec,
    RecordedJudge,
    ReplyFormatUse,
    load_card,
)
from evalhub.specs.cases import CaseFile, Expectation, GoldCase, cases_path, load_cases, no_cases
from evalhub.specs.engine import EngineSpec
from evalhub.specs.files import FileSpec
from evalhub.specs.find import available, data_root, locate
from evalhub.specs.levels import LevelSpec, scale_of
from evalhub.specs.plugins import find_entry
from evalhub.specs.rubric import INPUT_SLOTS, ITEM_CRITERIA, SLOT, Rubric, load_rubric, parse_rubric
from evalhub.specs.suite import (
    Candidate,
    CascadeUse,
    Combine,
    Controls,
    CrossFamily,
    JudgeUse,
    Jury,
    Mode,
    Pairs,
    Positions,
    SamplingSpec,
    Suite,
    load_suite,
)
from evalhub.specs.uses import DatasetUse, MetricUse

__all__ = [
    "INPUT_SLOTS", "ITEM_CRITERIA", "SLOT", "Candidate", "Card", "CardFacts", "CascadeUse", "CaseFile",
    "Combine", "CombineOrders", "ConsensusRule", "Controls", "CriterionSpec", "CrossFamily", "DatasetUse",
    "EngineSpec", "Expectation", "FileSpec", "GoldCase", "JudgeUse", "Jury", "LevelSpec", "MetricSpec",
    "MetricUse", "Mode", "Pairs", "Positions", "RecordedJudge", "ReplyFormatUse", "Rubric",
    "SamplingSpec", "Suite", "available", "cases_path", "check_name", "data_root", "find_entry",
    "load_card", "load_cases", "load_rubric", "load_suite", "locate", "no_cases", "parse_rubric",
    "scale_of",
]  # fmt: skip

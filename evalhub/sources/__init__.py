"""Datasets: a card's files are located or fetched, read in a sandbox, and turned into records."""

from evalhub.sources.catalog import (
    SourceState,
    check,
    list_datasets,
    show,
    state_of_failure,
)
from evalhub.sources.consensus import consensus
from evalhub.sources.fetch import fetch
from evalhub.sources.files import files_of, locate_files
from evalhub.sources.load import Dataset, load
from evalhub.sources.proposal import Proposal, propose
from evalhub.sources.query import Limits
from evalhub.sources.starter import first_card

__all__ = [
    "Dataset", "Limits", "Proposal", "SourceState", "check",
    "consensus", "fetch", "files_of", "first_card", "list_datasets", "load", "locate_files", "propose",
    "show", "state_of_failure",
]  # fmt: skip

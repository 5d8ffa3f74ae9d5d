"""A card's files, found or fetched, read without harm, and turned into records."""

from evalhub.sources.catalog import Contents, Details, Entry, State, check, list_datasets, refused, show
from evalhub.sources.fetch import fetch
from evalhub.sources.files import DataFile, files_of, locate_files
from evalhub.sources.load import Dataset, load
from evalhub.sources.proposal import Proposal, propose
from evalhub.sources.query import Limits
from evalhub.sources.starter import first_card
from evalhub.sources.truth import consensus

__all__ = [
    "Contents",
    "DataFile",
    "Dataset",
    "Details",
    "Entry",
    "Limits",
    "Proposal",
    "State",
    "check",
    "consensus",
    "fetch",
    "files_of",
    "first_card",
    "list_datasets",
    "load",
    "locate_files",
    "propose",
    "refused",
    "show",
]

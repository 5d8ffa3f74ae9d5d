"""Judges that are trained on labels. Nothing here runs a model: the hidden states come from an engine."""

from evalhub.training.fit import Fit, fit_preferences, project_out
from evalhub.training.folder import HeadFacts, write_classifier
from evalhub.training.select import Candidate, Selection, choose_candidate, folds_of

__all__ = [
    "Candidate", "Fit", "HeadFacts", "Selection", "choose_candidate", "fit_preferences", "folds_of",
    "project_out", "write_classifier",
]  # fmt: skip

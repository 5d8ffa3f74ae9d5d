"""Judges that are trained on labels, as model folders. Nothing here runs a model."""

from evalhub.training.folder import HeadFacts, check_base, classifier_settings, write_classifier

__all__ = ["HeadFacts", "check_base", "classifier_settings", "write_classifier"]

"""Few labels of people and many verdicts of a judge, together."""

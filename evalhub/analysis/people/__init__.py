"""Human agreement, estimates from labels and verdicts together, labelling queues and training data."""

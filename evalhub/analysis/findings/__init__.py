"""Findings: sentences that answer a question about a run, with a verdict, its numbers and what to do next."""

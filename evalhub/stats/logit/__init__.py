"""Logits over pairwise judgments, standard errors clustered."""

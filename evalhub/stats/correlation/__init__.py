"""How alike two scores are."""

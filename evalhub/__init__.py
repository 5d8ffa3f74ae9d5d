"""LLM-as-a-judge evaluation whose numbers say how far people agree with them."""

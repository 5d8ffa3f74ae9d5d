"""The protocols: pure generators that yield requests and return judgments."""

"""From a rubric, an item and responses to the messages that a judge reads."""

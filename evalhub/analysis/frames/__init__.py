"""Frames that the tables are made of: verdicts, labels, outcomes and ratings. No estimates."""

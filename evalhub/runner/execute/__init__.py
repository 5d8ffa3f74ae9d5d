"""The work itself: complete, judge, score, seal."""

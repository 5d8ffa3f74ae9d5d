"""The texts by which a judge is attacked, and how they are put into a response."""

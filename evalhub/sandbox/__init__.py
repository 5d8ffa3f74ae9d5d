"""Where a card's files are opened and its SELECTs run: a process that can do no harm.

A package of its own, because that process starts for every dataset and loads nothing but this.
"""

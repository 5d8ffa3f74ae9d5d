"""Where a card's files are opened and its SELECTs run: a process that can do no harm.

A package of its own, because its process loads nothing else: it starts
once for a command, and forks for each dataset.
"""

"""The database of a run: its records as tables, and the facts that are made of them in SQL.

Facts are thin tables without texts. Every analysis of verdicts starts from them.
"""

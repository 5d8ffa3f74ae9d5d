"""Every table that is shown: the registry of what stands where, and how tables are stored with a run."""

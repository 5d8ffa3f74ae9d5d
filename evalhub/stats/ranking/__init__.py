"""Which system is better, and by how much."""

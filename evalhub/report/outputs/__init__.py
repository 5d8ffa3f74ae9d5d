"""Where a report goes: the terminal, one HTML page, files."""

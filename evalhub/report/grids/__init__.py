"""Tables as grids of text. Pure: no output is written here."""

"""What is drawn of a table, the same in all outputs."""

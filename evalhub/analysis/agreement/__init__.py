"""Agreement of judges and metrics with labels, and with each other."""

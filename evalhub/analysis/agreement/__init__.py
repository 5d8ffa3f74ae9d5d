"""How far judges and metrics agree with labels, and with each other."""

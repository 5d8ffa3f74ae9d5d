"""How far raters say the same."""

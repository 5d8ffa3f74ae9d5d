"""What moves a judge besides the answers, and whether it can be fooled."""

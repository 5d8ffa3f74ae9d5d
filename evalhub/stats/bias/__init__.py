"""Influences on a judge besides quality, and judges that read nothing."""

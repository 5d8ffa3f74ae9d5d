"""The plan of a suite, made before anything is run."""

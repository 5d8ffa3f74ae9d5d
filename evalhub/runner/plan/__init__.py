"""What a suite needs, decided before anything is spent."""

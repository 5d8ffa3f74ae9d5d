"""What moves a judge besides quality."""

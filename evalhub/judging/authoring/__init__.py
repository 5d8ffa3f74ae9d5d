"""What an author of rubrics needs: a first file, checks, gold cases and a preview."""

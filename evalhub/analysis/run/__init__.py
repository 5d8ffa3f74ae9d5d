"""What a run asked, what came back, what failed, and what it cost."""

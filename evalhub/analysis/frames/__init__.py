"""What all tables are made of: verdicts, labels, outcomes and ratings. No estimate is made here."""

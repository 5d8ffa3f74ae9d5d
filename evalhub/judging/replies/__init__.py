"""How a judge's reply is read into a verdict: strictly, without repair or guess."""

"""How far people agree, what labels and judges say together, and what to label next."""

"""Training: how jobs of both generations run, and, in a room each, what the two APIs make of it."""

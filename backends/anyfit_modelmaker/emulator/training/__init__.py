"""Training jobs: their records, the sandboxes they run in, what they tell of themselves."""

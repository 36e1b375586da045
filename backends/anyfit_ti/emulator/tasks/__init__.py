"""Training tasks, API version 2021-11-11 (reference, sections 3.1 to 3.7 and 4.6)."""

"""Training jobs, API version 2019-10-22 (reference, sections 2 and 4.1 to 4.5)."""

"""What backends of clouds have in common: where things go, what the launcher is told, what a job leaves.

Nothing here is part of the contract; a backend uses what fits it.
"""

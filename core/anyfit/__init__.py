"""anyfit."""

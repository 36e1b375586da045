"""The first generation's API (reference, section 2)."""

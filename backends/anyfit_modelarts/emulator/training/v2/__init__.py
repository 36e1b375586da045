"""The second generation's API (reference, section 3)."""

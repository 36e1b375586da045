"""Services of the second API: images with commands of their own (reference, section 5.12)."""

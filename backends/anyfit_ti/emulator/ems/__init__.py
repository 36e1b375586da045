"""TI-EMS, where the older generation serves models (reference, section 5.1)."""

"""Where packages look for the base classes of their services: one module for each engine."""

"""Contract suites for backends and stores; a pytest plugin."""

"""The program of an inference container, see `__main__`: it needs the standard library alone."""

# expect: exception
# says: calls itself without end


def depth(tree: int) -> int:
    """Never reaches a leaf."""
    return 1 + depth(tree)


depth(0)

"""A target on this machine that takes no part in its own source, by whatever links it is reached."""

from __future__ import annotations

from collections.abc import Callable

from anyfit.values import frozen

__all__ = ["Apart"]


@frozen
class Apart:
    """What is written while it may be read.

    Attributes:
        source: The real path of the source, which may lie in the target itself.
        target: The real path of the target.
        wanted: Whether a name below the source was asked for.
    """

    source: str
    target: str
    wanted: Callable[[str], bool]

    def holds(self, path: str, name: str) -> bool:
        """Whether a real path is the target or lies in it. What `name` would be written to is no harm to itself."""
        if not _within(path, self.target) or (name and path == f"{self.target.rstrip('/')}/{name.rstrip('/')}"):
            return False
        return not (_within(self.source, self.target) and _within(path, self.source))


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")

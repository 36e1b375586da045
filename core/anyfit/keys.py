"""Keys of jobs: the name, with the version where there is more than one, as in `mnist` and `mnist.v2`."""

from __future__ import annotations

__all__ = ["job_key", "key_parts"]


def job_key(name: str, version: int) -> str:
    """The key of a version."""
    return name if version == 1 else f"{name}.v{version}"


def key_parts(key: str) -> tuple[str, int]:
    """Name and version."""
    name, dot, version = key.rpartition(".v")
    return (name, int(version)) if dot and version.isdecimal() else (key, 1)

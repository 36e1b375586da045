"""File objects, and whole files at once."""

from __future__ import annotations

import io
import tempfile
from typing import IO, Any, cast

from . import obs, places

__all__ = ["File", "append", "read", "write"]


def File(name: str, mode: str = "r", **options: Any) -> IO[Any]:
    """Open a file; one in OBS is fetched when it is opened, and put when it is closed."""
    if not obs.is_remote(name):
        return open(name, mode, **options)
    kind = mode.replace("b", "").replace("t", "")
    raw = _Remote(*obs.split(name), kind)
    if "b" in mode:
        return cast("IO[Any]", raw)
    return io.TextIOWrapper(raw, encoding=options.get("encoding") or "utf-8", newline=options.get("newline"))


def read(path: str, binary: bool = False) -> str | bytes:
    """All of a file."""
    with File(path, "rb" if binary else "r") as stream:
        return cast("str | bytes", stream.read())


def write(path: str, data: str | bytes, binary: bool = False) -> None:
    """Make a file of this."""
    with File(path, "wb" if binary or isinstance(data, bytes) else "w") as stream:
        stream.write(data)


def append(path: str, data: str | bytes, binary: bool = False) -> None:
    """Put this at the end of a file."""
    with File(path, "ab" if binary or isinstance(data, bytes) else "a") as stream:
        stream.write(data)


class _Remote(io.BufferedRandom):
    """A temporary file that stands for an object."""

    def __init__(self, bucket: str, key: str, kind: str) -> None:
        self._place = (bucket, key)
        self._writes = kind != "r"
        self._file = tempfile.TemporaryFile(buffering=0)
        super().__init__(cast("io.RawIOBase", self._file))
        if kind != "w" and (kind in ("r", "r+") or places.exists(f"obs://{bucket}/{key}")):
            obs.fetch(bucket, key, self)
            self.seek(0, io.SEEK_END if kind.startswith("a") else io.SEEK_SET)

    def writable(self) -> bool:
        return self._writes

    def close(self) -> None:
        """Put the object, if it was opened for that."""
        if not self.closed and self._writes:
            self._writes = False
            self.flush()
            size = self.seek(0, io.SEEK_END)
            self.seek(0)
            obs.put(*self._place, self, size)
        super().close()

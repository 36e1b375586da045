"""What is remembered on disk of a transfer under way, so that a later run goes on instead of starting anew.

One file for each large object: a line of JSON that says what is being moved, then one line for each finished piece.
A line that a crash cut off is ignored.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock

from anyfit.storage.file import os_error
from anyfit.storage.halves import KEPT_DAYS

__all__ = ["State", "take_old"]

Head = Mapping[str, str | int]


class State:
    """The state of moving `source` to `target`."""

    def __init__(self, directory: Path, source: str, target: str) -> None:
        self.tag = sha256(f"{source}\n{target}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
        self._directory = directory
        self._lock = Lock()
        self._claim = -1

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._directory / f"{self.tag}.jsonl"

    def claim(self) -> None:
        """Have it to oneself until `release`; while somebody else moves the same, take another one, which is empty."""
        lock = self.path.with_suffix(".lock")
        with contextlib.suppress(OSError):  # a directory that cannot be written, or a disk that knows no locks
            lock.parent.mkdir(parents=True, exist_ok=True)
            while self._claim < 0:
                fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if os.fstat(fd).st_ino == lock.stat().st_ino:  # else it was removed before we had it
                        self._claim = fd
                        return
                except BlockingIOError:
                    self.tag = os.urandom(12).hex()
                    lock = self.path.with_suffix(".lock")
                except FileNotFoundError:
                    pass
                except OSError:
                    os.close(fd)
                    lock.unlink()
                    raise
                os.close(fd)

    def release(self) -> None:
        """Let others have it."""
        if self._claim >= 0:
            with contextlib.suppress(OSError):
                self.path.with_suffix(".lock").unlink()
            os.close(self._claim)
            self._claim = -1

    def __del__(self) -> None:
        self.release()  # of a transfer that was interrupted nobody comes to the end

    def load(self) -> tuple[dict[str, str | int], dict[int, int]] | None:
        """What an earlier run left: the head, and for each finished piece its sum."""
        return _read(self.path)

    def begin(self, head: Head) -> None:
        """Remember what is being moved; forgets all finished pieces.

        Raises:
            StorageError: It cannot be written.
        """
        import json

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(dict(head)) + "\n", encoding="utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise os_error(error, str(self.path.parent)) from error

    def add(self, piece: int, value: int) -> None:
        """Remember a finished piece."""
        with self._lock, contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(f"[{piece}, {value}]\n")

    def forget(self) -> None:
        """Remember nothing."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def take_old(directory: Path, now: float) -> Iterator[tuple[str, dict[str, str | int]]]:
    """Forget what nothing was added to for `KEPT_DAYS`; each one's tag and head, to clear what it left elsewhere."""
    with contextlib.suppress(OSError):
        for path in list(directory.glob("*.*")):
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime < KEPT_DAYS * 86400:
                    continue
                known = _read(path) if path.suffix == ".jsonl" else None
                path.unlink()
                if known:
                    yield path.stem, known[0]


def _read(path: Path) -> tuple[dict[str, str | int], dict[int, int]] | None:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return None
    import json

    pieces: dict[int, int] = {}
    try:
        head = json.loads(lines[0])
        for line in lines[1:-1]:
            number, value = json.loads(line)
            pieces[number] = value
    except (ValueError, TypeError):
        return None
    return (head, pieces) if isinstance(head, dict) else None

"""What is remembered on disk of a transfer under way, so that a later run goes on instead of starting anew.

One file for each large object: a line of JSON that says what is being moved, then one line for each finished piece.
A line that a crash cut off is ignored.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from threading import Lock

__all__ = ["State"]

Head = Mapping[str, str | int]


class State:
    """The state of moving `source` to `target`."""

    def __init__(self, directory: Path, source: str, target: str) -> None:
        self.tag = sha256(f"{source}\n{target}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
        self.path = directory / f"{self.tag}.jsonl"
        self._lock = Lock()

    def load(self) -> tuple[dict[str, str | int], dict[int, int]] | None:
        """What an earlier run left: the head, and for each finished piece its sum."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
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

    def begin(self, head: Head) -> None:
        """Remember what is being moved; forgets all finished pieces."""
        import json

        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(dict(head)) + "\n", encoding="utf-8")
        temporary.replace(self.path)

    def add(self, piece: int, value: int) -> None:
        """Remember a finished piece."""
        with self._lock, contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(f"[{piece}, {value}]\n")

    def forget(self) -> None:
        """Remember nothing."""
        with contextlib.suppress(OSError):
            self.path.unlink()

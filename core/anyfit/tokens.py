"""Credentials that a service gave for a while, kept from one process to the next.

    kept = TokenFile(home / "somecloud", "alice@region")
    if (token := kept.load()) is None:
        token = Token({"token": "..."}, expires_at)
        kept.save(token)

They lie in files that only their owner can read, below anyfit's own folder; never in the journal.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from attrs import field, frozen

__all__ = ["Token", "TokenFile"]


@frozen
class Token:
    """What a service gave, and until when it is good; None when it did not say."""

    values: Mapping[str, str] = field(repr=False)
    expires_at: datetime | None = None

    def good_at(self, moment: datetime) -> bool:
        """Whether it has not ended by then."""
        return self.expires_at is None or moment < self.expires_at


class TokenFile:
    """One file with one token.

    Args:
        folder: Where tokens are kept.
        identity: Whose token it is and for what; it names the file, but does not stand in it.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.path = folder / "tokens" / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"

    def load(self) -> Token | None:
        """The token, unless there is none or it has ended."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            ends = datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None
            token = Token({str(name): str(value) for name, value in data["values"].items()}, ends)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return token if token.good_at(datetime.now(timezone.utc)) else None

    def save(self, token: Token) -> None:
        """Write the token; where that cannot be, the next process has to ask the service again."""
        ends = token.expires_at.isoformat() if token.expires_at else None
        text = json.dumps({"values": dict(token.values), "expires_at": ends})
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, partial = tempfile.mkstemp(dir=self.path.parent, suffix=".part")  # mode 0600
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(partial).replace(self.path)

    def forget(self) -> None:
        """Remove the token."""
        with suppress(OSError):
            self.path.unlink()

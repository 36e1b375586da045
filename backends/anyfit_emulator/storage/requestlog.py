"""Which requests came in, for tests that want to know what was not sent."""

from __future__ import annotations

import threading
from collections import Counter, deque

from attrs import asdict, frozen

__all__ = ["LoggedRequest", "RequestLog"]

RECENT = 20_000


@frozen
class LoggedRequest:
    """One answered request.

    Attributes:
        operation: Such as `UploadPart`.
        part: The part's number, or 0.
        status: The answer's HTTP status.
        received: Bytes of the body that came.
        sent: Bytes of the body that was answered.
        fault: What was made to go wrong, or "".
    """

    operation: str
    bucket: str
    key: str
    part: int
    status: int
    received: int
    sent: int
    fault: str


class RequestLog:
    """Counts and recent requests; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._recent: deque[LoggedRequest] = deque(maxlen=RECENT)

    def add(self, request: LoggedRequest) -> None:
        """Note a request."""
        with self._lock:
            self._counts[request.operation] += 1
            self._recent.append(request)

    @property
    def counts(self) -> dict[str, int]:
        """How many requests of each operation."""
        with self._lock:
            return dict(self._counts)

    @property
    def recent(self) -> list[LoggedRequest]:
        """The latest requests, oldest first."""
        with self._lock:
            return list(self._recent)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._counts.clear()
            self._recent.clear()

    def to_json(self) -> dict[str, object]:
        """All of it, for the administration's endpoint."""
        return {"counts": self.counts, "recent": [asdict(request) for request in self.recent]}

"""How often services were called: by model and in the last minute."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque

from attrs import asdict, define

from anyfit_emulator.records import Records

__all__ = ["Calls", "Traffic"]

_MINUTE = 60.0


@define
class Calls:
    """Counts."""

    invocations: int = 0
    failures: int = 0


class Traffic:
    """The counts of all services; each is written through, so that a killed emulator loses none."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._calls = {key: Calls(**document) for key, document in records.all("calls")}
        self._recent: dict[str, deque[float]] = defaultdict(deque)

    def count(self, service_id: str, model_id: str, *, failed: bool) -> None:
        """Note a call."""
        key = f"{service_id}/{model_id}"
        with self._lock:
            calls = self._calls.setdefault(key, Calls())
            calls.invocations += 1
            calls.failures += failed
            self._records.put("calls", key, asdict(calls))
            self._of_minute(service_id).append(time.monotonic())

    def of_model(self, service_id: str, model_id: str) -> Calls:
        """The counts of one model of a service."""
        with self._lock:
            return self._calls.get(f"{service_id}/{model_id}") or Calls()

    def of_service(self, service_id: str) -> Calls:
        """The counts of all models that the service has or had."""
        with self._lock:
            found = [calls for key, calls in self._calls.items() if key.startswith(f"{service_id}/")]
        return Calls(sum(calls.invocations for calls in found), sum(calls.failures for calls in found))

    def per_minute(self, service_id: str) -> int:
        """Calls within the last minute."""
        with self._lock:
            return len(self._of_minute(service_id))

    def forget(self, service_id: str) -> None:
        """The service is gone."""
        with self._lock:
            for key in [key for key in self._calls if key.startswith(f"{service_id}/")]:
                del self._calls[key]
                self._records.remove("calls", key)
            self._recent.pop(service_id, None)

    def _of_minute(self, service_id: str) -> deque[float]:
        recent = self._recent[service_id]
        while recent and recent[0] < time.monotonic() - _MINUTE:
            recent.popleft()
        return recent

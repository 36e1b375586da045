"""Misbehaviour on request: what shall go wrong, how often, and with which requests.

A specification is words separated by commas (or spaces):

    error=503:0.2       answer 20 % of requests with this status instead of doing them
    slowdown=0.1        the same with 503 SlowDown
    lost=0.05           do it, then reset the connection without an answer
    reset=0.1           reset the connection in the middle of a body, on its way up or down
    truncate=0.1        close the connection early although Content-Length promised more
    shorten=0.1         answer with a shorter body and a Content-Length that agrees with it
    corrupt=0.05        flip a bit of a body, on its way up or down
    latency=50ms        wait before every answer (ms or s)
    seed=7              another selection
    only=GetObject+UploadPart   these operations alone
    times=3             no more than so many faults (latency apart)

Whether a request is hit depends on the seed, the operation, the object (range and part included) and how often that
was asked before: not on the order in which parallel requests arrive.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter

from attrs import field, frozen

__all__ = ["FaultPlan", "Faults"]

_KINDS = frozenset({"lost", "reset", "truncate", "shorten", "corrupt"})

_ONLY_FOR = {
    "truncate": frozenset({"GetObject"}),
    "shorten": frozenset({"GetObject"}),
    "corrupt": frozenset({"GetObject", "PutObject", "UploadPart"}),
}


@frozen
class Faults:
    """What shall go wrong.

    Attributes:
        chances: Probability by kind.
        errors: Probability by HTTP status and error code.
        latency: Seconds before each answer.
        seed: Selects which requests are hit.
        only: Operations that may be hit; empty for all.
        times: The most faults there will be, or None.
    """

    chances: dict[str, float] = field(factory=dict)
    errors: dict[tuple[int, str], float] = field(factory=dict)
    latency: float = 0.0
    seed: int = 0
    only: frozenset[str] = frozenset()
    times: int | None = None

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read a specification, see the module's description.

        Raises:
            ValueError: It is none; the message says which word.
        """
        chances: dict[str, float] = {}
        errors: dict[tuple[int, str], float] = {}
        latency, seed, only, times = 0.0, 0, frozenset[str](), None
        for word in text.replace(",", " ").split():
            name, _, value = word.partition("=")
            try:
                if name == "error":
                    status, _, chance = value.partition(":")
                    code = {"503": "ServiceUnavailable"}.get(status, "InternalError")
                    errors[int(status), code] = _chance(chance or "1")
                elif name == "slowdown":
                    errors[503, "SlowDown"] = _chance(value)
                elif name in _KINDS:
                    chances[name] = _chance(value)
                elif name == "latency":
                    latency = _seconds(value)
                elif name == "seed":
                    seed = int(value)
                elif name == "only":
                    only = frozenset(value.split("+"))
                elif name == "times":
                    times = int(value)
                else:
                    raise ValueError(name)
            except ValueError:
                raise ValueError(
                    f"{word!r} is not a fault; a specification looks like 'error=503:0.2,reset=0.1'"
                ) from None
        return cls(chances, errors, latency, seed, only, times)

    def __bool__(self) -> bool:
        return bool(self.chances or self.errors or self.latency)


@frozen
class Decision:
    """What happens to one request: an error (status and code), a kind of fault, or neither.

    Attributes:
        at: Where in a body damage is done, as a fraction: elsewhere each time, as in life.
    """

    error: tuple[int, str] | None = None
    kind: str = ""
    at: float = 0.5


NOTHING = Decision()


class FaultPlan:
    """Decides request by request.

    Attributes:
        faults: What shall go wrong; may be replaced at any time.
    """

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._used = 0

    def replace(self, faults: Faults) -> None:
        """Start anew with other faults."""
        with self._lock:
            self.faults = faults
            self._seen.clear()
            self._used = 0

    def decide(self, operation: str, resource: str) -> Decision:
        """What happens to this request for `resource`."""
        faults = self.faults
        if not (faults.chances or faults.errors) or (faults.only and operation not in faults.only):
            return NOTHING
        with self._lock:
            name = f"{operation} {resource}"
            self._seen[name] += 1
            decision = self._draw(faults, operation, f"{faults.seed} {name} {self._seen[name]}")
            if decision is NOTHING or (faults.times is not None and self._used >= faults.times):
                return NOTHING
            self._used += 1
            return decision

    @staticmethod
    def _draw(faults: Faults, operation: str, name: str) -> Decision:
        position = _dice(name)
        for error, chance in faults.errors.items():
            if position < chance:
                return Decision(error=error)
            position -= chance
        for kind, chance in faults.chances.items():
            if position < chance:
                hit = operation in _ONLY_FOR.get(kind, {operation})
                return Decision(kind=kind, at=_dice(f"{name} at")) if hit else NOTHING
            position -= chance
        return NOTHING


def _dice(name: str) -> float:
    """A number from 0 to 1 that is always the same for a name."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _chance(text: str) -> float:
    chance = float(text)
    if not 0 <= chance <= 1:
        raise ValueError(text)
    return chance


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))

"""Trying again: what may succeed the next time, and how long to wait before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from anyfit.errors import StorageError
from anyfit.show import one_line
from anyfit.values import frozen

__all__ = ["RETRY", "NeverReached", "Retry", "Unreachable", "Unsteady", "lost", "retrying"]

T = TypeVar("T")


class Unsteady(StorageError):
    """A fault that may be gone at the next attempt: a lost connection, a busy service, bytes that arrived damaged.

    Attributes:
        after: Seconds that the service asked us to wait.
        spent: Whether it was tried again in vain as often as is allowed; who asked for it does not begin anew.
    """

    after: float = 0.0
    spent: bool = False


class Unreachable(Unsteady):
    """No connection came about."""


class NeverReached(StorageError):
    """No connection ever came about, or none for long and for anybody, so whatever else is asked for will fail, too."""


_UNREACHABLE = ("Could not connect to the endpoint", "Failed to establish a new connection", "Failed to resolve")


def lost(what: str, error: Exception, *, connecting: bool = False) -> StorageError:
    """What an error of the network means when it happened to `what`; libraries give it away by their words alone."""
    what, text = one_line(what), str(getattr(error, "strerror", "") or error or type(error).__name__)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return StorageError(
            f"{what}: the certificate is not trusted: {text}",
            hint="set verify to the file of the authority's certificate",
        )
    if connecting or any(words in text for words in _UNREACHABLE):
        return Unreachable(f"{what}: {text}", hint="check endpoint and network")
    return Unsteady(f"{what}: {text}")


@frozen
class Retry:
    """How often and how patiently.

    Attributes:
        attempts: Attempts in all.
        first: Longest wait after the first failure, in seconds; it doubles each time.
        longest: No wait is longer, unless the service asks for it.
    """

    attempts: int = 14  # about half a minute in all, which is what a network takes to come back
    first: float = 0.05
    longest: float = 8.0

    def pause(self, failures: int, after: float = 0.0) -> float:
        """Seconds to wait after so many failures: any share of a doubling span, so that clients do not keep step."""
        from random import uniform  # it takes milliseconds to import, and mostly nothing fails

        span = min(self.longest, self.first * 2 ** (failures - 1))
        return max(min(after, 60.0), uniform(0, span))  # noqa: S311  no secret


RETRY = Retry()


def retrying(call: Callable[[], T], retry: Retry = RETRY) -> T:
    """What `call` returns, trying again as long as it raises `Unsteady`."""
    failures = 0
    while True:
        try:
            return call()
        except Unsteady as error:
            failures += 1
            if error.spent or failures >= retry.attempts:
                error.spent = True
                raise
            time.sleep(retry.pause(failures, error.after))

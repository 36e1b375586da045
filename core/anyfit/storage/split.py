"""Moving one large object in pieces, by many threads; `upload` and `download` say how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import partial
from threading import Lock

from anyfit.errors import AnyfitError
from anyfit.show import uri_text
from anyfit.storage.file import os_error
from anyfit.storage.options import Failure
from anyfit.storage.retry import NeverReached
from anyfit.storage.state import State
from anyfit.storage.tally import Stopped
from anyfit.storage.verify import Changed
from anyfit.storage.workshop import Job, Workshop

__all__ = ["Split"]

_ATTEMPTS = 3


class Split(ABC):
    """One large object under way. The thread that finishes the last piece completes the whole."""

    def __init__(self, shop: Workshop, job: Job) -> None:
        self.shop = shop
        self.job = job
        self.state = State(shop.state, job.action.source, job.action.target)
        self._lock = Lock()
        self._left = 0
        self._error: BaseException | None = None
        self._attempt = 0

    @abstractmethod
    def begin(self) -> Iterable[int]:
        """Prepare, and say which pieces are still to be moved."""

    @abstractmethod
    def move(self, piece: int) -> None:
        """Move one piece."""

    @abstractmethod
    def complete(self) -> bool:
        """Make the pieces the whole; whether its content is proven."""

    @abstractmethod
    def abandon(self, error: BaseException) -> None:
        """Let go of what is open; what a later run can use is kept."""

    def start(self) -> None:
        """Begin, and hand the pieces to the crew."""
        self._error = None
        self.state.claim()
        try:
            pieces = list(self.begin())
        except (AnyfitError, OSError) as error:
            self._error = error
            self._end()
            return
        except BaseException:
            self.state.release()
            raise
        if not pieces:
            self._end()
            return
        self._left = len(pieces)
        self.shop.crew.follow(partial(self._one, piece) for piece in pieces)

    def _one(self, piece: int) -> None:
        if self._error is None:
            try:
                self.move(piece)
            except (AnyfitError, OSError) as error:
                with self._lock:
                    self._error = self._error or error
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._end()

    def _end(self) -> None:
        error = self._error
        if error is None:
            try:
                proven = self.complete()
            except (AnyfitError, OSError) as late:
                error = late
            else:
                self.state.release()
                self.shop.tally.done(self.job.action, proven=proven)
                return
        self.abandon(error)
        self.state.release()
        self._attempt += 1
        if isinstance(error, Changed) and self._attempt < _ATTEMPTS:
            self.start()
        elif isinstance(error, NeverReached):
            self.shop.tally.stop(error)
        elif not isinstance(error, Stopped):
            action = self.job.action
            told = os_error(error, uri_text(action.target)) if isinstance(error, OSError) else error
            self.shop.tally.fail(Failure(action.source, action.target, str(told).replace("\n  hint: ", "; ")))

"""Threads that work off tasks; a task may bring further ones, which come first, so that what is begun gets finished."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Condition, Semaphore, Thread

__all__ = ["Crew", "Task"]

Task = Callable[[], None]


class Crew:
    """So many threads. Tasks handle their own errors; one that escapes ends the crew and is raised by `finish`."""

    def __init__(self, workers: int) -> None:
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._waiting: deque[Task] = deque()
        self._urgent: deque[Task] = deque()
        self._room = Semaphore(workers * 4)
        self._open = 0
        self._idle = Condition()
        self._error: BaseException | None = None
        self._threads = [Thread(target=self._work, name=f"anyfit-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Task) -> None:
        """Give a task; waits while many wait already, so that a plan of any length takes little memory."""
        self._room.acquire()
        if self._error is not None:
            raise self._error
        self._count(1)
        self._waiting.append(task)
        self._bell.put(True)

    def follow(self, tasks: Iterable[Task]) -> None:
        """Give further tasks from inside a task; they come before those that were submitted."""
        for task in tasks:
            self._count(1)
            self._urgent.append(task)
            self._bell.put(True)

    def wait(self) -> None:
        """Wait until everything is done."""
        with self._idle:
            while self._open and self._error is None:
                self._idle.wait()
        if self._error is not None:
            raise self._error

    def dismiss(self, *, patience: float | None = None) -> None:
        """Let the threads go; tasks that have not begun are dropped, others waited for no longer than `patience`."""
        self._waiting.clear()
        self._urgent.clear()
        for _ in self._threads:
            self._bell.put(False)
        until = None if patience is None else time.monotonic() + patience
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _count(self, change: int) -> None:
        with self._idle:
            self._open += change
            if not self._open:
                self._idle.notify_all()

    def _work(self) -> None:
        while self._bell.get():
            try:
                task = self._urgent.popleft()
            except IndexError:
                try:
                    task = self._waiting.popleft()
                except IndexError:
                    continue
                self._room.release()
            try:
                task()
            except BaseException as error:
                self._fail(error)
                return
            self._count(-1)

    def _fail(self, error: BaseException) -> None:
        with self._idle:
            self._error = self._error or error
            self._idle.notify_all()
        self._room.release()

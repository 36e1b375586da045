"""A few tasks at once, whose results come in the order of the tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

__all__ = ["PATIENCE", "begun", "in_order"]

T = TypeVar("T")
_AT_ONCE = 4
PATIENCE = 3.0
"""Seconds to wait for requests under way when all is given up: a service may have stopped to answer."""


def in_order(tasks: Iterable[Callable[[], T]], at_once: int = _AT_ONCE) -> Iterator[T]:
    """The results of tasks in their order; no more than `at_once` are under way or wait to be taken."""
    running: deque[Future[T]] = deque()
    try:
        for task in tasks:
            running.append(begun(task))
            if len(running) >= at_once:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        wait(running, PATIENCE)


def begun(task: Callable[[], T]) -> Future[T]:
    """What will come of a task. Its thread keeps no process from ending, as those of executors do."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(task())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="anyfit-in-order", daemon=True).start()
    return future

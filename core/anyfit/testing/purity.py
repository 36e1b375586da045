"""Whether a function looks at the world: the disk, the clock, the network, chance, other processes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["looks_outside"]

_CLOCK = ("time", "monotonic", "perf_counter", "process_time", "localtime", "gmtime", "sleep", "strftime", "ctime")
_PURE_OS = ("fspath", "strerror", "_path")
_THREADS = ("start_new_thread", "start_new", "start_joinable_thread")


@contextmanager
def looks_outside() -> Iterator[list[str]]:
    """The list fills with every look outside that this thread takes inside the `with`.

    Python reports each call of a C function, and whoever looks outside has to call one. Importing a module is
    no look outside, nor is what the garbage collector does, which is kept still meanwhile.
    """
    seen: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and (what := _outside(called)) and not _importing(frame):
            seen.append(f"{what} in {frame.f_code.co_filename}:{frame.f_lineno}")

    before, collecting = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        if collecting:
            gc.enable()


def _outside(called: Any) -> str:
    """What the C function looks at, or "" when it only computes."""
    name, module = getattr(called, "__name__", ""), getattr(called, "__module__", None) or ""
    owner = getattr(called, "__self__", None)
    kind = owner if isinstance(owner, type) else type(owner)
    if module == "time" and name.removesuffix("_ns") in _CLOCK:
        return f"time.{name}"
    if name in ("now", "utcnow", "today") and kind.__module__ == "datetime":
        return f"{kind.__name__}.{name}"
    if module in ("posix", "nt") and not name.startswith(_PURE_OS):
        return f"os.{name}"
    if name in ("open", "open_code") and module in ("_io", "io"):
        return name
    if module == "_socket" or any(base.__module__ == "_socket" for base in kind.__mro__):
        return f"socket.{name}"
    if any(base.__module__ == "_random" for base in kind.__mro__):
        return f"random.{name}"
    if module in ("_posixsubprocess", "_sqlite3", "sqlite3") or name in _THREADS:
        return f"{module}.{name}"
    return ""


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False

"""What the kernel says about processes that it killed for lack of memory. Standard library only."""

from __future__ import annotations

import time

__all__ = ["MemoryWatch", "out_of_memory_kills"]

_PAUSE = 1.0


class MemoryWatch:
    """Tells whether the kernel has just killed something.

    Its counters are of the whole machine, so only what happened in the last moments before a job's end counts.
    A large process needs a while to die after it was counted: two looks are kept, and the older one is compared.
    """

    def __init__(self) -> None:
        self._older = self._newer = out_of_memory_kills()
        self._looked = time.monotonic()

    def look(self) -> None:
        """Call it often while the job runs; it looks once in a second."""
        now = time.monotonic()
        if now - self._looked >= _PAUSE:
            self._older, self._newer, self._looked = self._newer, out_of_memory_kills(), now

    @property
    def sees(self) -> bool:
        """Whether the kernel tells at all: without its word a kill may have been for lack of memory."""
        return bool(self._older)

    def sign(self) -> str:
        """The file that shows a kill, or ""."""
        now = out_of_memory_kills()
        return next((path for path, count in now.items() if count > self._older.get(path, count)), "")


def out_of_memory_kills() -> dict[str, int]:
    """How often so far, by the file that says so; compare two answers."""
    counts = {}
    for path in ["/proc/vmstat", *_control_group_files()]:
        count = _oom_kill(path)
        if count is not None:
            counts[path] = count
    return counts


def _oom_kill(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as stream:
            for line in stream:
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    except (OSError, ValueError):
        pass
    return None


def _control_group_files() -> list[str]:
    """The counters of the memory group that we are in, by the first and the second version's rules."""
    files = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"]
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as stream:
            for line in stream:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                if not controllers:
                    files.append(f"/sys/fs/cgroup{path}/memory.events")
                elif "memory" in controllers.split(","):
                    files.append(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
    except (OSError, ValueError):
        pass
    return files

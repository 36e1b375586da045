"""What the kernel says about processes that it killed for lack of memory. Standard library only."""

from __future__ import annotations

__all__ = ["out_of_memory_kills"]


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

"""Ports of this machine: which are free, and whose they are."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from anyfit_emulator.running.leftovers import marked

__all__ = ["HOST", "answers", "free_port", "is_free", "listens"]

HOST = "127.0.0.1"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a program could listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether anybody listens on this port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def listens(port: int, key: str) -> bool:
    """Whether a process of the run of that key listens on a port; where that cannot be known, whether anybody does."""
    if not answers(port):
        return False
    if not _TABLES[0].exists():
        return True
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    return any(wanted & _descriptors(pid) for pid in marked(key))


def _inodes(port: int) -> set[str]:
    """The listening sockets of a port."""
    found = set()
    for table in _TABLES:
        with suppress(OSError):
            for row in table.read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _descriptors(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            found.add(os.readlink(entry))  # noqa: PTH115  the text is no path
    return found

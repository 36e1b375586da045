"""Ports of this machine: which are free, and whose they are; and the addresses of machines that this one plays."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

from anyfit_emulator.running.leftovers import marked

__all__ = ["HOST", "answers", "free_port", "is_free", "listens", "own_address"]

HOST = "127.0.0.1"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"
_ROOM = 16
_SERVERS = range(20_000, 32_000, _ROOM)
_CLAIMED = 32
_claims = deque[int]()  # descriptors of the latest


def free_port() -> int:
    """A port that nobody listens on, with free ones above it, which programs of several processes count on.

    It is below the range of which systems give ports to clients, since those come and go all the time. Nobody else is
    given it for a while, in which its program begins to listen.
    """
    while True:
        first = random.choice(_SERVERS)  # noqa: S311
        if all(is_free(first + more) for more in range(_ROOM)) and _claim(first):
            return first


def _claim(port: int) -> bool:
    """Whether no emulator of this machine has claimed the port; by a name that the system keeps for one alone."""
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0anyfit-emulator/{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim.detach())
    if len(_claims) > _CLAIMED:
        os.close(_claims.popleft())
    return True


def own_address(key: str, index: int) -> str:
    """The address of a run's machine.

    Where the system has a whole network on loopback (Linux) every machine of every run has one of its own, so that
    programs which agree on a port, as those of different runs may, do not meet.
    """
    if sys.platform != "linux":
        return f"127.0.0.{index + 1}"
    first, second = hashlib.sha256(key.encode()).digest()[:2]
    return f"127.{1 + first % 254}.{second}.{index + 1}"


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

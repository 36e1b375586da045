"""The machines of a run: addresses of this machine that play them.

Where the system has a whole network on loopback (Linux) every node gets an address of its own, so that programs which
agree on a port, as those of different jobs may, do not meet.
"""

from __future__ import annotations

import secrets
import sys

from attrs import frozen

from anyfit_emulator.running.ports import free_port

__all__ = ["Cluster"]


@frozen
class Cluster:
    """Addresses by node, and a port that is free on the first."""

    addresses: tuple[str, ...]
    port: int

    @classmethod
    def make(cls, nodes: int) -> Cluster:
        """Machines for a run."""
        return cls(tuple(_address() for _ in range(nodes)), free_port())

    def hosts(self) -> list[str]:
        """`address:port` by node."""
        return [f"{address}:{self.port}" for address in self.addresses]


def _address() -> str:
    if sys.platform != "linux":
        return "127.0.0.1"
    middle = secrets.randbelow(1 << 16)
    return f"127.{1 + secrets.randbelow(250)}.{middle >> 8}.{1 + middle % 250}"

"""The machines of a run: addresses of this machine that play them."""

from __future__ import annotations

import secrets

from attrs import frozen

from anyfit_emulator.running.ports import free_port, own_address

__all__ = ["Cluster"]


@frozen
class Cluster:
    """Addresses by node, and a port that is free on the first."""

    addresses: tuple[str, ...]
    port: int

    @classmethod
    def make(cls, nodes: int) -> Cluster:
        """Machines for a run."""
        key = secrets.token_hex()
        return cls(tuple(own_address(key, node) for node in range(nodes)), free_port())

    def hosts(self) -> list[str]:
        """`address:port` by node."""
        return [f"{address}:{self.port}" for address in self.addresses]

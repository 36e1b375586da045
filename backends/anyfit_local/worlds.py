"""What each node of a job is told about itself and the others."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from typing import Any

from anyfit.errors import ServiceError

__all__ = ["make_worlds"]


def make_worlds(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each node's world: its own configuration files, everything else in common."""
    count, folder = body["nodes"], body["folder"]
    hosts = [f"algo-{number}" for number in range(1, count + 1)]
    probe = count > 1 or body["job"]["distribution"] != "none"
    port = _free_ports(2 * count + 1) if probe else _any_port()
    shared = {
        "code": f"{folder}/code",
        "data": f"{folder}/input/data",
        "model": f"{folder}/model",
        "output": f"{folder}/output",
        "checkpoints": f"{folder}/checkpoints",
    }
    return [
        {
            "environment": _visible_gpus(rank, count, body["num_gpus"]),
            "world": {
                "base_dir": folder if rank == 0 else f"{folder}/nodes/{host}",
                "hosts": hosts,
                "current_host": host,
                "master_addr": "127.0.0.1",
                "master_port": port,
                "num_cpus": body["num_cpus"],
                "num_gpus": body["num_gpus"] // count if count > 1 else body["num_gpus"],
                "network_interface": "lo" if sys.platform == "linux" else "lo0",
                "dirs": shared,
            },
        }
        for rank, host in enumerate(hosts)
    ]


def _visible_gpus(rank: int, count: int, gpus: int) -> dict[str, str]:
    """Nodes share the machine's accelerators out among them, unless the user has chosen some already."""
    each = gpus // count
    if count == 1 or each == 0 or "CUDA_VISIBLE_DEVICES" in os.environ:
        return {}
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(n) for n in range(rank * each, (rank + 1) * each))}


def _any_port() -> int:
    """Below the range that systems give to clients, so that hardly anybody sits there."""
    return random.randrange(20000, 32000)  # noqa: S311


def _free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    import socket

    for _ in range(100):
        first = _any_port()
        held: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for each in held:
                each.close()
        return first
    raise ServiceError(f"this machine has no {count} free ports in a row", backend="local")

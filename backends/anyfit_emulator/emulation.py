"""Emulators in this process, for tests and notebooks: `with emulate("modelmaker") as services: ...`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from anyfit_emulator.service import SERVICES, Room, Service, load

__all__ = ["emulate"]


@contextmanager
def emulate(*names: str, data_dir: Path | None = None, port: int = 0, faults: str = "") -> Iterator[dict[str, Service]]:
    """Run services on loopback while the block lasts.

    Args:
        names: Which, see `SERVICES`; none for all.
        data_dir: Where state is kept; without it everything is gone after the block.
        port: The first port; 0 for any.
        faults: What shall go wrong, see `anyfit_emulator.storage.faults`.
    """
    with ExitStack() as stack:
        room = stack.enter_context(Room(data_dir, port, faults))
        services: dict[str, Service] = {}
        for name in names or SERVICES:
            services[name] = load(name)(room)
            services[name].start()
            stack.callback(services[name].stop)
        yield services

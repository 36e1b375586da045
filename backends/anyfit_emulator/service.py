"""What `anyfit emulate` can start: a table of services, each with the same few methods.

A further emulator (a cloud's API) is one more line in `SERVICES`. Its factory gets the `Room` that it shares with
the others: the directory, the HTTP server that it calls `listen` on, and the object store.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from anyfit_emulator.http import HttpServer
from anyfit_emulator.storage.server import ObjectStoreServer

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SERVICES", "Room", "Service", "load"]

SERVICES = {
    "storage": "anyfit_emulator.storage.service:StorageService",
    "modelarts": "anyfit_modelarts.emulator.service:ModelArtsService",
    "modelmaker": "anyfit_modelmaker.emulator.service:ModelMakerService",
    "ti": "anyfit_ti.emulator.service:TiService",
}


class Service(Protocol):
    """An emulator that runs in a room."""

    def start(self) -> None:
        """Accept connections."""
        ...

    def stop(self) -> None:
        """End what it started: jobs, predictors. The room closes the ports."""
        ...

    def ready(self) -> dict[str, str]:
        """What a client needs to be pointed at it."""
        ...

    def profile(self) -> str:
        """Lines for `anyfit.toml`."""
        ...


class Room:
    """What services of one process share.

    Attributes:
        http: The HTTP server; it is running when services start.
        storage: The object store; it is serving when services start.
        faults: The fault specification that was asked for.
    """

    def __init__(self, data_dir: Path | None, port: int = 0, faults: str = "") -> None:
        self._next_port = port
        self.faults = faults
        self.http = HttpServer()
        self.storage = ObjectStoreServer(
            data_dir, s3_port=self.take_port(), cos_port=self.take_port(), faults=faults, http=self.http
        )

    @property
    def data_dir(self) -> Path:
        """Where state is kept."""
        return self.storage.data_dir

    def take_port(self) -> int:
        """The port for the next listener: one after the other from the one asked for, or 0 for any."""
        port = self._next_port
        self._next_port += bool(port)
        return port

    def __enter__(self) -> Self:
        self.http.start()
        try:
            self.storage.start()
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.http.stop()
        self.storage.stop()


def load(name: str) -> Callable[[Room], Service]:
    """The factory of a service; imports that service alone."""
    module, _, attribute = SERVICES[name].partition(":")
    factory: Callable[[Room], Service] = getattr(import_module(module), attribute)
    return factory

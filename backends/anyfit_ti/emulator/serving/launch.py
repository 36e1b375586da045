"""What every instance of a service runs, in words that both generations share."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

__all__ = ["MODEL_DIR", "PORT", "Launch", "Mount"]

MODEL_DIR = "/data/model"
PORT = 8501


@frozen
class Mount:
    """Something that lies in the container before the program starts.

    Attributes:
        source: A place in the object store, `cos://bucket/prefix/`, or a directory of this machine that is shared.
        path: Where it lies in the container.
    """

    source: str
    path: str = MODEL_DIR


@frozen
class Launch:
    """A container as it was ordered.

    Attributes:
        mounts: What lies in it.
        command: The start command, for a shell; "" for what the image does by itself.
        environment: Variables that the user gave.
        port: Where its program listens, as the program sees it.
        ready_path: Asked with GET until it is answered with 200 before the instance counts as ready; "" when
            listening is enough.
        rate: Requests per second that one instance takes; 0 for any number.
        hot: Whether files that are put into the object store later are brought into running instances.
    """

    mounts: tuple[Mount, ...] = ()
    command: str = ""
    environment: Mapping[str, str] = Factory(dict)
    port: int = PORT
    ready_path: str = ""
    rate: int = 0
    hot: bool = False

"""What a run does, worked out before anything happens: the contract between the two generations and the execution.

All paths are those of the container; `s3://` stands for places in OBS.
"""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["Download", "Helper", "Node", "Plan", "Unfit", "Upload"]


class Unfit(Exception):
    """What was asked for cannot be started; the message says why."""


@frozen
class Download:
    """Something fetched before the start.

    Attributes:
        optional: Whether it is fine if there is nothing.
    """

    uri: str
    place: str
    optional: bool = False


@frozen
class Upload:
    """A directory whose files are copied to OBS while the run goes on, and at its end."""

    place: str
    uri: str


@frozen
class Helper:
    """A further process beside those that decide: it is ended when they have."""

    argv: tuple[str, ...]
    prefix: str


@frozen
class Node:
    """One machine.

    Attributes:
        argv: What runs there.
        environment: What it is told.
        log_uri: Where its log is copied to at the end, or "".
        helpers: What runs beside it.
        preamble: What the platform writes into its log before the start.
    """

    argv: tuple[str, ...]
    environment: dict[str, str]
    log_uri: str = ""
    helpers: tuple[Helper, ...] = ()
    preamble: tuple[str, ...] = ()


@frozen
class Plan:
    """A whole run.

    Attributes:
        directory: Where programs start.
        code: The code's directory, or "".
        files: What the platform writes into the container, by path.
        boot: The file that must be there once the code is, or "" for a command of the user's own.
        pipe: The name of the log file in the container, which the platform's log writer mentions, or "".
        seconds: After so many it is stopped.
        retries: How often it is started again after a failure.
    """

    nodes: tuple[Node, ...]
    directory: str
    directories: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    uploads: tuple[Upload, ...] = ()
    files: dict[str, str] = field(factory=dict)
    code: str = ""
    boot: str = ""
    pipe: str = ""
    seconds: float | None = None
    retries: int = 0

"""What can be set: for the backend in anyfit.toml, and for one job in its `options`."""

from __future__ import annotations

from attrs import field, frozen

__all__ = ["Options", "Settings"]


@frozen(kw_only=True)
class Settings:
    """The table `[local]` of anyfit.toml."""

    home: str = field(
        default="",
        metadata={
            "help": "Where jobs, models and endpoints are kept; by default in anyfit's own folder.",
            "path": True,
        },
    )
    python: str = field(
        default="", metadata={"help": "The Python that runs scripts and handlers; by default the one that runs anyfit."}
    )
    grace_seconds: float = field(
        default=10.0,
        metadata={"help": "How long a script that is told to stop may take before it is killed.", "least": 0},
    )
    stall_seconds: float = field(
        default=900.0, metadata={"help": "How long data may stand still on its way from or to a store.", "least": 0}
    )
    install_requirements: bool = field(
        default=False, metadata={"help": "Whether to let pip install the code's requirements.txt before the script."}
    )
    host: str = field(
        default="127.0.0.1", metadata={"help": "The address that endpoints listen on; anybody there may use them."}
    )
    request_seconds: float = field(
        default=60.0,
        metadata={"help": "How long a handler may take for one request before its worker is replaced.", "least": 0},
    )
    max_request_mib: int = field(
        default=64, metadata={"help": "The largest request that an endpoint takes, in MiB.", "least": 1}
    )


@frozen(kw_only=True)
class Options:
    """What a job may set for itself, its `options.local`; None leaves the backend's setting."""

    python: str | None = field(default=None, metadata={"help": "The Python that runs the script."})
    grace_seconds: float | None = field(
        default=None, metadata={"help": "How long the script may take to stop before it is killed.", "least": 0}
    )
    install_requirements: bool | None = field(
        default=None, metadata={"help": "Whether to let pip install the code's requirements.txt."}
    )

"""Every error that anyfit raises on purpose.

AnyfitError
├── UsageError                 the caller's input cannot be right
│   ├── ConfigError            a configuration file or variable
│   ├── SpecError              a field of an estimator, a job file or an endpoint
│   ├── UnknownBackend         no backend of that name
│   ├── Unsupported            this backend cannot do that
│   └── Conflict               the name is taken
├── AuthError                  credentials are missing, wrong or expired
├── ServiceError               the service, the network or a disk let us down
│   ├── Refused                nobody listens at the place that was asked
│   ├── LostAnswer             nobody knows whether the request arrived
│   └── StorageError           an object or a file could not be moved
├── NotFound                   no such job, endpoint, model or object
├── JobFailed                  the job ended without success; carries the report
├── JobStopped                 somebody stopped the job
├── NotFinished                we stopped waiting, the job goes on
└── PredictionError            the endpoint refused or crashed on a payload
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing is slow, and the command line imports this file early
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from anyfit.failure import FailureReport

__all__ = [
    "AnyfitError",
    "AuthError",
    "ConfigError",
    "Conflict",
    "JobFailed",
    "JobStopped",
    "LostAnswer",
    "NotFinished",
    "NotFound",
    "PredictionError",
    "Refused",
    "ServiceError",
    "SpecError",
    "StorageError",
    "UnknownBackend",
    "Unsupported",
    "UsageError",
    "nearest",
]


class AnyfitError(Exception):
    """The base of all; `str()` is the whole story in prose, the attributes are the same as data.

    Attributes:
        message: What was asked and what came back.
        hint: What to do next, or "".
        backend: The backend concerned, or "".
        status: The service's own error code or HTTP status, or "".
        request_id: The service's id of the request, for its support desk, or "".
    """

    exit_code = 4

    def __init__(
        self, message: str, *, hint: str = "", backend: str = "", status: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.backend = backend
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object, for `--json`; one that the tree above does not have is told as its kind."""
        fields = ("message", "hint", "backend", "status", "request_id")
        kind = next(kind.__name__ for kind in type(self).__mro__ if kind.__name__ in __all__)
        return {"error": kind} | {name: v for name in fields if (v := getattr(self, name))}


class UsageError(AnyfitError, ValueError):
    """The caller's input cannot be right, whatever the service says."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file, profile or variable is wrong."""


class SpecError(UsageError):
    """A field of an estimator, job file or endpoint is wrong; the message names the field."""


class UnknownBackend(UsageError):
    """No backend of that name is installed."""


class Unsupported(UsageError):
    """The backend cannot do what was asked; its capabilities say why."""


class Conflict(UsageError):
    """The name is already in use."""


class AuthError(AnyfitError):
    """Credentials are missing, wrong, expired or not allowed to do this."""

    exit_code = 3


class ServiceError(AnyfitError):
    """The service answered with a fault, or could not be reached."""


class Refused(ServiceError):
    """The machine is there, and nothing on it listens at this place."""


class LostAnswer(ServiceError):
    """No answer came, and the request may have had its effect."""


class StorageError(ServiceError):
    """An object or file could not be read, written or verified."""


class NotFound(AnyfitError, LookupError):
    """No such job, endpoint, model or object."""

    exit_code = 102


class JobFailed(AnyfitError):
    """The job ended without success; `report` says how and why."""

    exit_code = 100

    def __init__(self, report: FailureReport) -> None:
        super().__init__(str(report))
        self.report = report

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object, with the report as another."""
        return {
            "error": "JobFailed",
            "message": f"job {self.report.job} failed: {self.report.summary}",
            "report": self.report.to_json(),
        }


class JobStopped(AnyfitError):
    """Somebody stopped the job before it was done."""

    exit_code = 103


class NotFinished(AnyfitError):
    """Waiting ended before the job did; the job goes on."""

    exit_code = 101


class PredictionError(AnyfitError):
    """The endpoint refused a payload (4xx) or crashed on it (5xx); `status` holds the HTTP status."""

    def __init__(self, message: str, *, status: str, hint: str = "", backend: str = "") -> None:
        super().__init__(message, hint=hint, backend=backend, status=status)
        self.exit_code = 2 if status.startswith("4") else 4


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as "did you mean 'epochs'?", or "" when nothing is near."""
    import difflib  # only when something went wrong: it is slow to import

    choices = sorted(known)
    match = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"did you mean {match[0]!r}?" if match else ""

"""What the platform's error codes mean, as one table.

The codes are `module * 1000 + kind`, where 101 is models, 102 training and 103 services. Those that the vendor's own
SDK knows are 1002, 1003, 101009 and 102009; the others follow the same pattern.
"""

from __future__ import annotations

from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, UsageError

__all__ = ["CODES", "STALE", "fault_of_code", "fault_of_status"]

STALE = frozenset({1002, 1003})
"""The token is unknown, or its life is over."""

_LOGIN = "check username and password: anyfit config show --origin"
_SESSION = "log in again; if it goes on, the account may have been closed"

CODES: dict[int, tuple[type[AnyfitError], str]] = {
    1001: (AuthError, _LOGIN),
    1002: (AuthError, _SESSION),
    1003: (AuthError, _SESSION),
    1004: (SpecError, "anyfit plan shows what would be sent"),
    101004: (NotFound, "anyfit models lists them"),
    101005: (UsageError, "a model version that a service uses stays until the service is gone or stopped"),
    101009: (Conflict, "choose another name, or register a new version"),
    102004: (NotFound, "anyfit jobs lists them"),
    102005: (UsageError, "anyfit status shows how the job is"),
    102009: (Conflict, "choose another name, or make a new version of the job with version_of"),
    103004: (NotFound, "anyfit endpoints lists them"),
    103005: (UsageError, "anyfit endpoints shows how the endpoint is"),
    103009: (Conflict, "choose another name, or delete the endpoint"),
}


def fault_of_code(code: int, message: str, what: str) -> AnyfitError:
    """The error for an `errorCode` that came back from `what` was asked."""
    kind, hint = CODES.get(code, (ServiceError, ""))
    said = f": {message}" if message else ""
    return kind(f"{what}: ModelMaker refuses ({code}){said}", hint=hint, backend="modelmaker", status=str(code))


def fault_of_status(status: int, what: str, said: str = "") -> AnyfitError:
    """The error for an HTTP status that is no success."""
    kind: type[AnyfitError] = AuthError if status in (401, 403) else ServiceError
    hint = _LOGIN if kind is AuthError else "it may pass; try again later"
    tail = f": {said}" if said else ""
    return kind(f"{what}: ModelMaker answers {status}{tail}", hint=hint, backend="modelmaker", status=str(status))

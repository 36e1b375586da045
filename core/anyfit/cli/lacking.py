"""Where the credentials may be that a backend lacks."""

from __future__ import annotations

from anyfit.errors import AnyfitError, AuthError

__all__ = ["with_profiles"]


def with_profiles(fault: AnyfitError) -> str:
    """The fault's hint; where no credentials are set, also the profiles that have settings of the backend."""
    if not isinstance(fault, AuthError) or fault.status or not fault.backend:
        return fault.hint
    from anyfit.config import load_config

    try:
        names = load_config().profiles_with(fault.backend)
    except AnyfitError:
        return fault.hint
    flags = " or ".join(f"-p {name}" for name in names)
    return f"{fault.hint}; or choose a profile that has them: {flags}" if names else fault.hint

"""Secrets of a job: a spec says where they are, a plan holds their places, and the request alone holds them.

    secrets = {"WANDB_API_KEY": "env:WANDB_API_KEY", "TOKEN": "file:~/.token", "KEY": "keyring:service/user"}

A plan puts `marker(...)` where a platform's request has the value of a variable; whoever sends the request sends
`revealed(body, secrets)`. A platform whose requests have no place for variables refuses them: in a file beside the code
they would lie readable in a bucket.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyfit.config.secrets import Reference
from anyfit.errors import SpecError, Unsupported

if TYPE_CHECKING:
    from anyfit.spec import JobSpec

__all__ = ["marker", "markers", "refuse_secrets", "resolved", "revealed", "secret_fault"]

_KINDS = ("env", "file", "keyring")
_FORM = 'expected "env:NAME", "file:PATH" or "keyring:SERVICE/USER"'


def secret_fault(where: Any) -> str:
    """What is wrong with the text that says where a secret is, or ""."""
    if not isinstance(where, str):
        return _FORM
    kind, _, target = where.partition(":")
    if kind not in _KINDS or not target or (kind == "keyring" and not all(target.rpartition("/"))):
        return f"{_FORM}, got {where!r}"
    return ""


def marker(where: str) -> str:
    """What stands in a plan in place of the secret."""
    return f"<secret {where}>"


def markers(secrets: Mapping[str, str]) -> dict[str, str]:
    """The variables with what stands in a plan in place of their values."""
    return {name: marker(where) for name, where in secrets.items()}


def resolved(secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets themselves; `SpecError` names the variable whose secret cannot be had."""
    return {name: _resolve(name, where) for name, where in secrets.items()}


def revealed(body: Any, secrets: Mapping[str, str]) -> Any:
    """A request's body with every marker replaced; nothing else is looked at, and the body itself stays as it is."""
    values = {marker(secrets[name]): value for name, value in resolved(secrets).items()}
    return _replaced(body, values) if values else body


def refuse_secrets(spec: JobSpec, backend: str, why: str) -> None:
    """Raise `Unsupported` when the job has secrets."""
    for name in spec.secrets:
        raise Unsupported(f"secrets.{name}: {why}", hint="let the script fetch it, or use an image", backend=backend)


def _resolve(name: str, where: str) -> str:
    kind, _, target = where.partition(":")
    try:
        return Reference(kind, target, Path()).resolve(os.environ)
    except LookupError as fault:
        raise SpecError(f"secrets.{name}: {fault.args[0]}") from None


def _replaced(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return values.get(value, value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(item, values) for item in value]
    return value

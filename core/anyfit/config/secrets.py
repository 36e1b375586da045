"""Secrets by reference: a file says where a secret is, and it is fetched when it is needed.

access_key = {env = "HW_AK"}                environment variable
access_key = {file = "~/.secrets/hw_ak"}    file, beside anyfit.toml unless the path is absolute
access_key = {keyring = "huawei/alice"}     the system's keyring: service and user
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyfit.errors import nearest
from anyfit.values import frozen

__all__ = ["MASK", "ConfigWarning", "Reference", "reference_faults"]

MASK = "****"
_KINDS = ("env", "file", "keyring")


class ConfigWarning(UserWarning):
    """Something in the configuration works, but should not stay so."""


@frozen
class Reference:
    """Where a secret is.

    Attributes:
        kind: "env", "file" or "keyring".
        target: The variable, the path, or `service/user`.
        folder: What a path is relative to.
    """

    kind: str
    target: str
    folder: Path

    def __str__(self) -> str:
        return f'{{{self.kind} = "{self.target}"}}'

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The secret itself; raises `LookupError`, with a sentence for the user, when it cannot be had."""
        if self.kind == "env":
            found, remedy = environ.get(self.target, ""), f"export {self.target}=..."
        elif self.kind == "file":
            found, remedy = self._from_file(), "write it into the file"
        else:
            found, remedy = self._from_keyring(), f"keyring set {' '.join(_service_and_user(self.target))}"
        if not found:
            raise LookupError(f"there is nothing at {self}; {remedy}")
        return found

    def _from_file(self) -> str:
        path = self.folder / Path(self.target).expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise LookupError(f"cannot read {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise LookupError(f"{path} is not a text file") from error

    def _from_keyring(self) -> str:
        try:
            import keyring
            from keyring.errors import KeyringError
        except ImportError as error:
            raise LookupError(f"{self} needs a package that is not installed: pip install keyring") from error
        try:
            return keyring.get_password(*_service_and_user(self.target)) or ""
        except KeyringError as error:
            raise LookupError(f"the keyring refuses {self}: {error}") from error


def reference_faults(table: Mapping[str, Any], where: str) -> list[str]:
    """What is wrong with a table that stands in place of a value."""
    form = 'expected {env = "NAME"}, {file = "path"} or {keyring = "service/user"}'
    for key in table:
        if key not in _KINDS:
            return [f"{where}.{key}: {', '.join(filter(None, (form, nearest(key, _KINDS))))}"]
    if len(table) != 1 or not all(isinstance(target, str) and target for target in table.values()):
        return [f"{where}: {form}"]
    if "keyring" in table and not all(_service_and_user(table["keyring"])):
        return [f"{where}.keyring: expected service/user, got {table['keyring']!r}"]
    return []


def _service_and_user(target: str) -> tuple[str, str]:
    service, _, user = target.rpartition("/")
    return service, user

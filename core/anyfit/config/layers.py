"""Where a value can come from, and which place wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, get_args

from attrs import field, frozen

from anyfit.backend import VendorFile
from anyfit.config.files import ConfigFile
from anyfit.config.secrets import Reference, reference_faults
from anyfit.options.kinds import from_text, is_table

__all__ = ["Arguments", "Environment", "Layer", "Section", "Setting", "Vendor", "first", "may_refer", "variable"]

KeyPath = tuple[str, ...]


@frozen
class Setting:
    """A value and where it came from.

    Attributes:
        value: The value as it stands there; a `Reference` where it stands elsewhere.
        origin: The place, for people: "anyfit.toml:7 [profiles.gpu]", "environment ANYFIT_BACKEND", "default".
        where: The place as messages about the value begin.
    """

    value: Any = field(repr=False)
    origin: str
    where: str = field(default="", repr=False, eq=False)


class Layer(Protocol):
    """One place where values can come from."""

    def get(self, path: KeyPath, kind: Any) -> Setting | None:
        """What this place says of a key, or None."""


@frozen
class Arguments:
    """Given in a call or on the command line; core keys only."""

    values: Mapping[str, Any]

    def get(self, path: KeyPath, kind: Any) -> Setting | None:
        """The argument of that name."""
        if len(path) > 1 or path[0] not in self.values:
            return None
        return Setting(self.values[path[0]], "argument", f"argument {path[0]}")


def variable(path: KeyPath) -> str:
    """The environment variable of a key: ANYFIT_BACKEND, ANYFIT_MODELARTS_REGION."""
    return "_".join(("anyfit", *path)).replace("-", "_").upper()


@frozen
class Environment:
    """`ANYFIT_*` variables; an empty one counts as not set."""

    environ: Mapping[str, str] = field(repr=False)

    def get(self, path: KeyPath, kind: Any) -> Setting | None:
        """What the key's variable says."""
        name = variable(path)
        if not (text := self.environ.get(name)):
            return None
        return Setting(from_text(kind, text), f"environment {name}", f"environment {name}")


@frozen
class Section:
    """A file's top level, or one profile in it."""

    file: ConfigFile
    prefix: KeyPath = ()

    def get(self, path: KeyPath, kind: Any) -> Setting | None:
        """What the section says of the key."""
        path = self.prefix + path
        table = self.file.table(path[:-1])
        if path[-1] not in table:
            return None
        section = f" [{'.'.join(path[:-1])}]" if len(path) > 1 else ""
        where = self.file.where(path)
        value = table[path[-1]]
        if isinstance(value, Mapping) and may_refer(kind) and not reference_faults(value, where):
            ((form, target),) = value.items()
            value = Reference(form, target, self.file.path.parent)
        return Setting(value, f"{self.file.place(path)}{section}", where)


@frozen
class Vendor:
    """A vendor's own file or variables."""

    file: VendorFile

    def get(self, path: KeyPath, kind: Any) -> Setting | None:
        """What the vendor's file says of the key."""
        if self.file.values.get(path[-1]) is None:
            return None
        return Setting(self.file.values[path[-1]], self.file.origin, f"{self.file.origin}: {path[-1]}")


def may_refer(kind: Any) -> bool:
    """Whether a table in place of a value of this type is a reference to it."""
    return kind is not Any and not any(map(is_table, (kind, *get_args(kind))))


def first(layers: Iterable[Layer], path: KeyPath, kind: Any) -> Setting | None:
    """What the first of the places says that says anything."""
    return next((found for layer in layers if (found := layer.get(path, kind))), None)

"""Where a value can come from, and which place wins.

A layer is one such place, as a function from a key's path and type to what stands there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from anyfit.config.files import ConfigFile
from anyfit.config.secrets import Reference, reference_faults
from anyfit.options.kinds import from_text, is_table
from anyfit.values import evolve, field, frozen

if TYPE_CHECKING:
    from anyfit.backend import VendorFile
    from anyfit.options.declared import Option

__all__ = ["Layer", "Setting", "arguments", "environment", "first", "may_refer", "section", "variable", "vendor"]

KeyPath: TypeAlias = tuple[str, ...]


@frozen
class Setting:
    """A value and where it came from.

    Attributes:
        value: The value as it stands there; a `Reference` where it stands elsewhere.
        origin: The place, for people: "anyfit.toml:7 [profiles.gpu]", "environment ANYFIT_BACKEND", "default".
        where: The place as messages about the value begin; "" when no place has it.
        folder: The folder of the configuration file that has it; None for other places.
    """

    value: Any = field(repr=False)
    origin: str
    where: str = field(default="", repr=False, eq=False)
    folder: Path | None = field(default=None, repr=False, eq=False)

    @property
    def given(self) -> bool:
        """Whether any place has it; else the value is the default."""
        return bool(self.where)

    def of(self, option: Option) -> Setting:
        """The same for an option; a path that is relative to a configuration file becomes absolute."""
        value = self.value
        if not (option.path and self.folder and isinstance(value, str) and value):
            return self
        if value.startswith("~") or "://" in value:
            return self
        return evolve(self, value=os.path.join(self.folder.absolute(), value))  # noqa: PTH118 - keeps a slash at the end


Layer: TypeAlias = Callable[[KeyPath, Any], Setting | None]


def first(layers: Iterable[Layer], path: KeyPath, kind: Any) -> Setting | None:
    """What the first of the layers says that says anything."""
    return next((found for layer in layers if (found := layer(path, kind))), None)


def arguments(values: Mapping[str, Any]) -> Layer:
    """Given in a call or on the command line; no backend's settings are among them."""

    def get(path: KeyPath, kind: Any) -> Setting | None:
        if len(path) > 1 or path[0] not in values:
            return None
        return Setting(values[path[0]], "argument", f"argument {path[0]}")

    return get


def environment(environ: Mapping[str, str]) -> Layer:
    """`ANYFIT_*` variables; an empty one counts as not set."""

    def get(path: KeyPath, kind: Any) -> Setting | None:
        origin = f"environment {variable(path)}"
        text = environ.get(variable(path))
        return Setting(from_text(kind, text), origin, origin) if text else None

    return get


def section(file: ConfigFile, prefix: KeyPath = ()) -> Layer:
    """The top level of a file, or one of its profiles."""

    def get(path: KeyPath, kind: Any) -> Setting | None:
        path = prefix + path
        table = file.table(path[:-1])
        if path[-1] not in table:
            return None
        value, where = table[path[-1]], file.where(path)
        if isinstance(value, Mapping) and may_refer(kind) and not reference_faults(value, where):
            ((form, target),) = value.items()
            value = Reference(form, target, file.path.parent)
        header = f" [{'.'.join(path[:-1])}]" if len(path) > 1 else ""
        return Setting(value, f"{file.place(path)}{header}", where, file.path.parent)

    return get


def vendor(file: VendorFile) -> Layer:
    """A vendor's own file or variables."""

    def get(path: KeyPath, kind: Any) -> Setting | None:
        value = file.values.get(path[-1])
        return None if value is None else Setting(value, file.origin, f"{file.origin}: {path[-1]}")

    return get


def variable(path: KeyPath) -> str:
    """The environment variable of a key: ANYFIT_BACKEND, ANYFIT_MODELARTS_REGION."""
    return "_".join(("anyfit", *path)).replace("-", "_").upper()


def may_refer(kind: Any) -> bool:
    """Whether a table in place of a value of this type is a reference to it."""
    return kind is not Any and not any(map(is_table, (kind, *get_args(kind))))

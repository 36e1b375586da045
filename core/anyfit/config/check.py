"""What may stand in a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from attrs import frozen

from anyfit.config.files import ConfigFile
from anyfit.config.settings import CoreSettings
from anyfit.errors import ConfigError
from anyfit.options.declared import Option, options, raise_faults, unknown
from anyfit.options.kinds import convert

__all__ = ["check_file"]


def check_file(file: ConfigFile) -> None:
    """Refuse unknown keys, wrong types, and tables of backends that are not installed, all at once.

    The keys inside a backend's table are not looked at: that would need the backend.
    """
    checker = _Checker(file, cache(_backend_names), [])
    known = options(CoreSettings)
    checker.section((), {key: value for key, value in file.data.items() if key != "profiles"}, known)
    checker.profiles(file.data.get("profiles", {}), known)
    raise_faults(checker.faults, ConfigError)


def _backend_names() -> list[str]:
    from anyfit.plugins import backend_names

    return backend_names()


@frozen(eq=False)
class _Checker:
    """Collects the faults of one file."""

    file: ConfigFile
    backends: Callable[[], list[str]]
    faults: list[str]

    def profiles(self, profiles: object, known: Mapping[str, Option]) -> None:
        inside = {name: key for name, key in known.items() if not key.metadata["top_only"]}
        where = self.file.where(("profiles",))
        if not isinstance(profiles, Mapping):
            self.faults.append(f"{where}: expected a table of profiles, got {profiles!r}")
            return
        for name, profile in profiles.items():
            if isinstance(profile, Mapping):
                self.section(("profiles", name), profile, inside)
            else:
                self.faults.append(f"{where}.{name}: expected a profile, a table, got {profile!r}")

    def section(self, prefix: tuple[str, ...], table: Mapping[str, Any], known: Mapping[str, Option]) -> None:
        for key, value in table.items():
            where = self.file.where((*prefix, key))
            if key in known:
                convert(known[key].kind, value, where, self.faults)
            elif key in ("profile", "profiles"):
                self.faults.append(f"{where}: can only stand at the top level")
            elif key == "storage":
                self._storage(prefix, value, where)
            elif isinstance(value, Mapping):
                self._backend(key, where, known)
            elif key in self.backends():
                self.faults.append(f"{where}: expected a table of the backend's settings, got {value!r}")
            else:
                self.faults.append(unknown(where, key, [*known, *self.backends(), "profiles", "storage"]))

    def _storage(self, prefix: tuple[str, ...], tables: object, where: str) -> None:
        from anyfit.config.table import table_faults
        from anyfit.storage.table import TABLES, StoreTable

        if not isinstance(tables, Mapping):
            self.faults.append(f"{where}: expected tables of stores, such as [storage.s3], got {tables!r}")
            return
        for scheme, table in tables.items():
            path = (*prefix, "storage", scheme)
            if scheme not in TABLES:
                self.faults.append(f"{unknown(self.file.where(path), scheme, TABLES)} (stores: {', '.join(TABLES)})")
            elif isinstance(table, Mapping):
                self.faults.extend(table_faults(self.file, path, options(StoreTable)))
            else:
                self.faults.append(f"{self.file.where(path)}: expected a table of settings, got {table!r}")

    def _backend(self, key: str, where: str, known: Mapping[str, Option]) -> None:
        if key not in self.backends():
            fault = unknown(where, key, [*self.backends(), *known, "profiles", "storage"])
            installed = f"(no such key, and no such backend; installed: {', '.join(self.backends())})"
            self.faults.append(f"{fault} {installed}")

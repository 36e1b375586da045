"""What may stand in a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from attrs import frozen

from anyfit.config.files import ConfigFile
from anyfit.config.settings import CoreSettings
from anyfit.errors import ConfigError, nearest
from anyfit.options.declared import Option, options, raise_faults, unknown
from anyfit.options.kinds import convert

__all__ = ["all_faults", "check_files"]

Keys: TypeAlias = Mapping[str, Option]


def check_files(files: Sequence[ConfigFile]) -> None:
    """Refuse unknown keys, wrong types, and tables of backends that are not installed, all at once.

    The keys inside a backend's table need the backend, and are looked at when something else is wrong.
    """
    if any(_faults(file, lambda name: None) for file in files):
        raise_faults(all_faults(files), ConfigError)


def all_faults(files: Sequence[ConfigFile], keys: Mapping[str, Keys] = MappingProxyType({})) -> list[str]:
    """Everything that is wrong in the files, also in tables of backends that are not in use.

    Args:
        files: Where to look.
        keys: What tables of backends know, as far as the caller has it; backends that are missing here are asked.
    """
    known = cache(lambda name: keys.get(name) or _keys_of_backend(name))
    return [fault for file in files for fault in (*_faults(file, known), *_missing_backends(file))]


def _missing_backends(file: ConfigFile) -> Iterator[str]:
    """Of the keys `backend` those that name none; a wrong one is no fault as long as another is chosen."""
    profiles = file.data.get("profiles", {})
    inside = profiles.items() if isinstance(profiles, Mapping) else ()
    for prefix, table in [((), file.data), *((("profiles", name), table) for name, table in inside)]:
        name = table.get("backend") if isinstance(table, Mapping) else None
        if isinstance(name, str) and name and name not in (names := _backend_names()):
            where = file.where((*prefix, "backend"))
            hint = nearest(name, names) or f"installed: {', '.join(names)}"
            yield f"{where}: there is no backend {name!r}, {hint}"


def _faults(file: ConfigFile, keys: Callable[[str], Keys | None]) -> list[str]:
    checker = _Checker(file, cache(_backend_names), keys, [])
    known = options(CoreSettings)
    checker.section((), {key: value for key, value in file.data.items() if key != "profiles"}, known)
    checker.profiles(file.data.get("profiles", {}), known)
    return checker.faults


def _backend_names() -> list[str]:
    from anyfit.plugins import backend_names

    return backend_names()


def _keys_of_backend(name: str) -> Keys | None:
    """The settings of a backend, None for one that cannot be used here."""
    from anyfit.errors import UsageError
    from anyfit.plugins import backend_factory

    try:
        return options(backend_factory(name).settings)
    except UsageError:
        return None


@frozen(eq=False)
class _Checker:
    """Collects the faults of one file."""

    file: ConfigFile
    backends: Callable[[], list[str]]
    keys: Callable[[str], Keys | None]
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
                self._backend((*prefix, key), where, known)
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

    def _backend(self, path: tuple[str, ...], where: str, known: Mapping[str, Option]) -> None:
        key = path[-1]
        if key in self.backends():
            if (keys := self.keys(key)) is not None:
                from anyfit.config.table import table_faults

                self.faults.extend(table_faults(self.file, path, keys))
        else:
            fault = unknown(where, key, [*self.backends(), *known, "profiles", "storage"])
            installed = f"(no such key, and no such backend; installed: {', '.join(self.backends())})"
            self.faults.append(f"{fault} {installed}")

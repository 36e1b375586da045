"""What may stand in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    known = options(CoreSettings)
    faults: list[str] = []
    top = {key: value for key, value in file.data.items() if key != "profiles"}
    _check_section(file, (), top, known, faults)
    profiles = file.data.get("profiles", {})
    if not isinstance(profiles, Mapping):
        faults.append(f"{file.where(('profiles',))}: expected a table of profiles, got {profiles!r}")
        profiles = {}
    inside = {name: key for name, key in known.items() if not key.declared.metadata["top_only"]}
    for name, profile in profiles.items():
        path = ("profiles", name)
        if isinstance(profile, Mapping):
            _check_section(file, path, profile, inside, faults)
        else:
            faults.append(f"{file.where(path)}: expected a profile, a table, got {profile!r}")
    raise_faults(faults, ConfigError)


def _check_section(
    file: ConfigFile,
    prefix: tuple[str, ...],
    table: Mapping[str, Any],
    known: Mapping[str, Option],
    faults: list[str],
) -> None:
    for key, value in table.items():
        where = file.where((*prefix, key))
        if key in known:
            convert(known[key].kind, value, where, faults)
        elif key in ("profile", "profiles"):
            faults.append(f"{where}: can only stand at the top level")
        elif fault := _backend_fault(key, value, where, known):
            faults.append(fault)


def _backend_fault(key: str, value: object, where: str, known: Mapping[str, Option]) -> str:
    from anyfit.plugins import backend_names

    backends = backend_names()
    if isinstance(value, Mapping):
        if key in backends:
            return ""
        fault = unknown(where, key, [*backends, *known, "profiles"])
        return f"{fault} (neither a key nor an installed backend, which are: {', '.join(backends)})"
    if key in backends:
        return f"{where}: expected a table of the backend's settings, got {value!r}"
    return unknown(where, key, [*known, *backends, "profiles"])

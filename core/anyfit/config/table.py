"""One table of settings, a backend's or a store's: from files, environment and a vendor's own files to its class."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anyfit.config.files import ConfigFile
from anyfit.config.layers import Layer, Setting, first, may_refer, variable, vendor
from anyfit.config.secrets import MASK, ConfigWarning, Reference, reference_faults
from anyfit.errors import ConfigError
from anyfit.options.declared import Option, instance, options, raise_faults, unknown
from anyfit.options.kinds import from_text
from anyfit.values import field, frozen

if TYPE_CHECKING:
    from anyfit.backend import VendorFile

__all__ = ["SettingsTable", "table_faults"]


@frozen(slots=False, eq=False)
class SettingsTable:
    """What is configured in one table.

    Attributes:
        path: Where the table stands: `("local",)`, `("storage", "s3")`.
        settings: The attrs class that declares its keys.
        layers: Where its values may stand, the strongest place first.
        files: All files, whose tables of this path are checked whether they are in force or not.
        environ: Where references to variables lead.
        vendor_files: Reads the vendor's own configuration.
    """

    path: tuple[str, ...]
    settings: type[Any]
    layers: Sequence[Layer]
    files: Sequence[ConfigFile]
    environ: Mapping[str, str] = field(repr=False)
    vendor_files: Callable[[], Sequence[VendorFile]] = tuple

    @property
    def name(self) -> str:
        """The table as it is named in messages."""
        return ".".join(self.path)

    @cached_property
    def options(self) -> dict[str, Option]:
        """The keys that are declared."""
        return options(self.settings)

    @property
    def given(self) -> bool:
        """Whether any place has a value for any key."""
        return any(self.setting(name).given for name in self.options)

    def instance(self) -> Any:
        """The settings; secrets are fetched.

        Raises `ConfigError` with all faults at once: unknown keys, wrong types, missing values, missing secrets;
        where one stands in a file, with all others that stand there.
        """
        faults = self._faults()
        values = {}
        for name, option in self.options.items():
            setting = self.setting(name)
            if setting.given:
                values[name] = self._value(option, setting, faults)
            elif option.required:
                faults.append(self._missing(name))
        self._raise(faults)
        return instance(self.settings, values, f"settings of {self.name}", ConfigError)

    def setting(self, name: str) -> Setting:
        """What is configured for one key, a reference unresolved, and where."""
        option = self.options[name]
        path = (*self.path, name)
        found = first(self.layers, path, option.kind) or first(self._vendor, path, option.kind)
        if found:
            return found.of(option)
        return Setting(None, "not set") if option.required else Setting(option.default, "default")

    def masked(self, name: str) -> Any:
        """The value of one key as it may be shown: secrets masked, references as the tables that stand in the file."""
        value = self.setting(name).value
        if isinstance(value, Reference):
            return {value.kind: value.target}
        return MASK if self.options[name].secret and value else value

    def check(self) -> None:
        """Check the tables of this path in all files and profiles; warns of secrets that others can read."""
        self._raise(self._faults())

    @cached_property
    def _vendor(self) -> list[Layer]:
        return [vendor(each) for each in self.vendor_files()]

    def _faults(self) -> list[str]:
        """What is wrong in the tables, and everything else that is wrong in the files if something is."""
        faults: list[str] = []
        for file, prefix in self._sections():
            faults += table_faults(file, prefix, self.options)
            self._warn_of_secrets(file, prefix)
        if faults:
            from anyfit.config.check import all_faults

            return all_faults(self.files, {self.name: self.options})
        return faults

    def _raise(self, faults: list[str]) -> None:
        misspelt = any(name not in self.options for file, prefix in self._sections() for name in file.table(prefix))
        hint = f"{self.name} knows: {', '.join(self.options)}" if misspelt else ""
        raise_faults(list(dict.fromkeys(faults)), ConfigError, hint=hint)

    def _sections(self) -> Iterator[tuple[ConfigFile, tuple[str, ...]]]:
        for file in self.files:
            yield file, self.path
            for profile in file.profiles:
                yield file, ("profiles", profile, *self.path)

    def _warn_of_secrets(self, file: ConfigFile, prefix: tuple[str, ...]) -> None:
        for name, value in file.table(prefix).items():
            option = self.options.get(name)
            if option and option.secret and value and not isinstance(value, Mapping):
                _warn_if_readable(file, file.where((*prefix, name)))

    def _value(self, option: Option, setting: Setting, faults: list[str]) -> Any:
        value = setting.value
        if _refers(option, value):
            faults += reference_faults(value, setting.where)
            return None
        if isinstance(value, Reference):
            try:
                value = from_text(option.kind, value.resolve(self.environ))
            except LookupError as error:
                faults.append(f"{setting.where}: {error.args[0]}")
                return None
        return option.read(value, setting.where, faults, secret=value is not setting.value)

    def _missing(self, name: str) -> str:
        place = f"under [{self.name}] in anyfit.toml or as {variable((*self.path, name))} in the environment"
        return f"{self.name}.{name}: has to be given, {place}"


def table_faults(file: ConfigFile, prefix: tuple[str, ...], known: Mapping[str, Option]) -> list[str]:
    """What is wrong in one table of a file: unknown keys, values of a wrong type, malformed references."""
    faults: list[str] = []
    for name, value in file.table(prefix).items():
        where = file.where((*prefix, name))
        option = known.get(name)
        if option is None:
            faults.append(unknown(where, name, known))
        elif _refers(option, value):
            faults += reference_faults(value, where)
        else:
            option.read(value, where, faults)
    return faults


def _refers(option: Option, value: Any) -> bool:
    """Whether the value is meant to be a reference, well formed or not."""
    return isinstance(value, Mapping) and may_refer(option.kind)


def _warn_if_readable(file: ConfigFile, where: str) -> None:
    if os.name == "nt" or not file.path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return
    import warnings

    warnings.warn(
        f"{where}: a secret stands in a file that others can read; chmod 600 {file.path}, or better, point to the"
        ' secret: {env = "NAME"}',
        ConfigWarning,
        stacklevel=2,
    )

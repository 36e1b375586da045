"""The settings of one backend: from files, environment and the vendor's own files to an instance of its class."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import field, frozen

from anyfit.backend import BackendFactory
from anyfit.config.files import ConfigFile
from anyfit.config.layers import Layer, Setting, first, may_refer, variable, vendor
from anyfit.config.secrets import MASK, ConfigWarning, Reference, reference_faults
from anyfit.errors import ConfigError
from anyfit.options.declared import Option, instance, options, raise_faults, unknown
from anyfit.options.kinds import convert, from_text, show

__all__ = ["BackendTable"]


@frozen(slots=False, eq=False)
class BackendTable:
    """What is configured for one backend.

    Attributes:
        factory: The backend's.
        layers: Where its settings may stand, the strongest place first.
        files: All files, whose tables of this backend are checked whether they are in force or not.
        environ: Where references to variables lead.
    """

    factory: BackendFactory
    layers: Sequence[Layer]
    files: Sequence[ConfigFile]
    environ: Mapping[str, str] = field(repr=False)

    @cached_property
    def options(self) -> dict[str, Option]:
        """The keys that the backend declares."""
        return options(self.factory.settings)

    def instance(self) -> Any:
        """The backend's settings; secrets are fetched.

        Raises `ConfigError` with all faults at once: unknown keys, wrong types, missing values, missing secrets.
        """
        self.check()
        faults: list[str] = []
        values = {}
        for name, option in self.options.items():
            setting = self.setting(name)
            if setting.given:
                values[name] = self._value(option, setting, faults)
            elif option.required:
                faults.append(self._missing(name))
        raise_faults(faults, ConfigError)
        return instance(self.factory.settings, values, f"settings of {self.factory.name}", ConfigError)

    def setting(self, name: str) -> Setting:
        """What is configured for one key, a reference unresolved, and where."""
        option = self.options[name]
        path = (self.factory.name, name)
        found = first(self.layers, path, option.kind) or first(self._vendor, path, option.kind)
        if found:
            return found
        return Setting(None, "not set") if option.required else Setting(option.default, "default")

    def shown(self, name: str) -> str:
        """The value of one key as it may be shown: secrets masked, references as they stand."""
        value = self.setting(name).value
        if isinstance(value, Reference):
            return str(value)
        return MASK if self.options[name].secret and value else show(value)

    def check(self) -> None:
        """Check the backend's tables in all files and profiles; warns of secrets that others can read."""
        faults: list[str] = []
        for file, prefix in self._sections():
            self._check_section(file, prefix, faults)
        raise_faults(faults, ConfigError, hint=f"{self.factory.name} knows: {', '.join(self.options)}")

    @cached_property
    def _vendor(self) -> list[Layer]:
        return [vendor(each) for each in self.factory.vendor_files()]

    def _sections(self) -> Iterator[tuple[ConfigFile, tuple[str, ...]]]:
        for file in self.files:
            yield file, (self.factory.name,)
            for profile in file.profiles:
                yield file, ("profiles", profile, self.factory.name)

    def _check_section(self, file: ConfigFile, prefix: tuple[str, ...], faults: list[str]) -> None:
        for name, value in file.table(prefix).items():
            where = file.where((*prefix, name))
            option = self.options.get(name)
            if option is None:
                faults.append(unknown(where, name, self.options))
            elif isinstance(value, Mapping) and may_refer(option.kind):
                faults += reference_faults(value, where)
            else:
                convert(option.kind, value, where, faults, secret=option.secret)
                if option.secret and value:
                    _warn_if_readable(file, where)

    def _value(self, option: Option, setting: Setting, faults: list[str]) -> Any:
        value = setting.value
        if isinstance(value, Reference):
            try:
                value = from_text(option.kind, value.resolve(self.environ))
            except LookupError as error:
                faults.append(f"{setting.where}: {error.args[0]}")
                return None
        return convert(option.kind, value, setting.where, faults, secret=option.secret or value is not setting.value)

    def _missing(self, name: str) -> str:
        table, in_environment = self.factory.name, variable((self.factory.name, name))
        place = f"under [{table}] in anyfit.toml or as {in_environment} in the environment"
        return f"{table}.{name}: has to be given, {place}"


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

"""The configuration as a whole: every value, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from anyfit.config.files import ConfigFile, find_files
from anyfit.config.layers import Layer, Setting, arguments, environment, first, section
from anyfit.config.secrets import MASK
from anyfit.config.settings import CoreSettings
from anyfit.errors import ConfigError, nearest
from anyfit.options.declared import instance, options, raise_faults
from anyfit.options.kinds import convert, show
from anyfit.values import evolve, field, frozen

if TYPE_CHECKING:
    from anyfit.backend import BackendFactory  # slow to import, and `anyfit cp` needs no backend
    from anyfit.config.table import SettingsTable
    from anyfit.failure.language import Language
    from anyfit.storage import StoreSettings

__all__ = ["Config", "Entry", "load_config"]


@frozen
class Entry:
    """One line of `anyfit config show`.

    Attributes:
        key: Dotted, as in `modelarts.region`.
        value: As it would stand in TOML, secrets masked; "" for none.
        origin: Where it came from.
        data: As JSON has it, secrets masked; a reference to a secret as a table.
    """

    key: str
    value: str
    origin: str
    data: Any = None


@frozen(slots=False, eq=False)
class Config:
    """What is configured, for one profile.

    Attributes:
        files: What was read: the project's file and the user's, as far as they exist.
        environ: The environment.
        arguments: What a call gives, which is stronger than all else.
    """

    files: tuple[ConfigFile, ...] = ()
    environ: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    arguments: Mapping[str, Any] = field(default=MappingProxyType({}))

    def with_arguments(
        self,
        *,
        backend: str | None = None,
        profile: str | None = None,
        language: str | None = None,
        instance_type: str | None = None,
        output_path: str | None = None,
        checkpoint_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        allow_secrets: Sequence[str] | None = None,
    ) -> Config:
        """The same configuration with these values on top; None leaves a key as it is."""
        given = {
            "backend": backend,
            "profile": profile,
            "language": language,
            "instance_type": instance_type,
            "output_path": output_path,
            "checkpoint_path": checkpoint_path,
            "tags": tags,
            "allow_secrets": allow_secrets,
        }
        added = {name: value for name, value in given.items() if value is not None}
        return _checked(evolve(self, arguments={**self.arguments, **added}))

    def with_setting(self, backend: str, key: str, value: str) -> Config:
        """The same configuration with one setting of a backend on top."""
        from anyfit.config.layers import variable

        return evolve(self, environ={**self.environ, variable((backend, key)): value})

    def reread(self) -> Config:
        """The same files as they are by now; this configuration itself when none has changed."""
        files = tuple(file.reread() for file in self.files)
        if [file.text for file in files] == [file.text for file in self.files]:
            return self
        return _checked(evolve(self, files=_sound(files)))

    @cached_property
    def profile(self) -> str:
        """The name of the profile in force, or "" for none."""
        return str(self.core_value("profile").value)

    @cached_property
    def core(self) -> CoreSettings:
        """anyfit's own settings."""
        faults: list[str] = []
        values = {}
        for name, option in options(CoreSettings).items():
            setting = self.core_value(name)
            if setting.given:
                values[name] = convert(option.kind, setting.value, setting.where, faults)
        raise_faults(faults, ConfigError)
        return instance(CoreSettings, values, "configuration", ConfigError)

    def core_value(self, name: str) -> Setting:
        """One of anyfit's own settings, and where it came from."""
        option = options(CoreSettings)[name]
        layers = self._top if option.metadata["top_only"] else self._layers
        found = first(layers, (name,), option.kind)
        return found.of(option) if found else Setting(option.default, "default")

    def backend_settings(self, factory: BackendFactory) -> Any:
        """The settings of a backend, an instance of its settings class with all secrets fetched.

        Raises `ConfigError` with all faults of the backend's values at once, and with all others of the files when
        one of them stands there.
        """
        return self._table(factory).instance()

    def configures(self, factory: BackendFactory) -> bool:
        """Whether any place, the vendor's own included, has a value for any of the backend's settings."""
        return self._table(factory).given

    def storage(self, scheme: str) -> StoreSettings | None:
        """How to reach the stores of a scheme, by its table `[storage.<scheme>]` and variables; None without any.

        Raises `ConfigError` as `backend_settings` does.
        """
        from anyfit.storage.table import TABLES

        if scheme not in TABLES:
            return None
        table = self._storage_table(scheme)
        return table.instance().store_settings(table.name) if table.given else None

    def check(self, factory: BackendFactory) -> None:
        """Check a backend's tables in all files and profiles, without fetching a secret.

        Raises `ConfigError` with all faults of the files when there is one in these tables.
        """
        self._table(factory).check()

    def check_files(self) -> None:
        """Check everything in the files, also the tables of backends that are not in use; fetches no secret.

        Raises `ConfigError` with all faults.
        """
        from anyfit.config.check import all_faults

        raise_faults(all_faults(self.files), ConfigError)

    def entries(self, *factories: BackendFactory) -> list[Entry]:
        """Every value of anyfit, of these backends and of stores, and where it came from; secrets are masked."""
        from anyfit.codec import to_data

        found = [Entry("home", show(self.home), _home_origin(self.environ), str(self.home))]
        for name in options(CoreSettings):
            setting = self.core_value(name)
            found.append(Entry(name, show(setting.value), setting.origin, to_data(setting.value)))
        for table in (*map(self._table, factories), *self._storage_tables()):
            table.check()
            for name in table.options:
                origin = table.setting(name).origin
                value = table.masked(name)
                text = MASK if value == MASK else show(value)
                found.append(Entry(f"{table.name}.{name}", text, origin, to_data(value)))
        return found

    @property
    def profiles(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted({name for file in self.files for name in file.profiles})

    def profiles_with(self, table: str) -> list[str]:
        """The names of the profiles for which some file has a table of this name, sorted."""
        return [name for name in self.profiles if any(file.table(("profiles", name, table)) for file in self.files)]

    @property
    def tables(self) -> list[str]:
        """The names of all backends that some file has a table for, sorted."""
        known = options(CoreSettings)
        paths = ((), *(("profiles", name) for name in self.profiles))
        tables = [file.table(path) for file in self.files for path in paths]
        found = {key for table in tables for key, value in table.items() if isinstance(value, Mapping)}
        return sorted(found - {*known, "profiles", "storage"})

    @property
    def home(self) -> Path:
        """The folder that anyfit keeps its own things in."""
        from anyfit.home import home_folder

        return Path(home_folder(self.environ))

    def language(self) -> Language:
        """The language of failure reports, the locale's when none is set."""
        from anyfit.failure.language import pick_language

        return pick_language(self.core.language, self.environ)

    @property
    def _above(self) -> tuple[Layer, ...]:
        return arguments(self.arguments), environment(self.environ)

    @property
    def _top(self) -> tuple[Layer, ...]:
        """The places of what no profile can say."""
        return *self._above, *map(section, self.files)

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        """All places, the strongest first."""
        prefixes = [("profiles", self.profile), ()] if self.profile else [()]
        return *self._above, *(section(file, prefix) for file in self.files for prefix in prefixes)

    def _table(self, factory: BackendFactory) -> SettingsTable:
        from anyfit.config.table import SettingsTable

        path = (factory.name,)
        return SettingsTable(path, factory.settings, self._layers, self.files, self.environ, factory.vendor_files)

    def _storage_table(self, scheme: str) -> SettingsTable:
        from anyfit.config.table import SettingsTable
        from anyfit.storage.table import StoreTable

        return SettingsTable(("storage", scheme), StoreTable, self._layers, self.files, self.environ)

    def _storage_tables(self) -> list[SettingsTable]:
        """Those that have any value."""
        from anyfit.storage.table import TABLES

        return [table for table in map(self._storage_table, TABLES) if table.given]


def load_config(
    profile: str | None = None, *, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration that holds in a folder.

    Args:
        profile: The profile to use; None for the configured one, "" for none.
        cwd: Where the search for the project's `anyfit.toml` begins, the current folder by default.
        environ: The environment, this process's by default.

    Raises `ConfigError` when a file is malformed, has unknown keys or wrong types, or the profile does not exist.
    """
    import os

    environ = dict(os.environ if environ is None else environ)
    files = _sound(find_files(cwd, environ))
    return _checked(Config(files, environ, {} if profile is None else {"profile": profile}))


def _sound(files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
    """The files, if nothing is wrong in them that can be told without their backends."""
    if files:
        from anyfit.config.check import check_files

        check_files(files)
    return files


def _checked(config: Config) -> Config:
    """The configuration, if its profile exists and its values are of the right types."""
    if config.profile and config.profile not in config.profiles:
        origin = config.core_value("profile").origin
        files = ", ".join(file.label for file in config.files)
        known = f"profiles in {files}: {', '.join(config.profiles) or 'none'}" if files else "there is no anyfit.toml"
        raise ConfigError(
            f"{origin}: there is no profile {config.profile!r}",
            hint=" ".join(filter(None, (nearest(config.profile, config.profiles), known))),
        )
    _ = config.core  # to make it is to check it
    return config


def _home_origin(environ: Mapping[str, str]) -> str:
    return "environment ANYFIT_HOME" if environ.get("ANYFIT_HOME") else "default"

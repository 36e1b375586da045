"""Loading one plugin into pluggy, and saying clearly what is wrong with one that cannot be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.errors import UsageError, nearest
from anyfit.plugins.hooks import PROJECT

if TYPE_CHECKING:
    import pluggy

    from anyfit.plugins.installed import Installed

__all__ = ["BrokenPlugin", "describe", "manager", "missing_extra", "register"]

_FIX = "correct the plugin, or uninstall it"


class BrokenPlugin(UsageError):
    """A plugin is installed but of no use; the message names it and says why."""


def manager(*specifications: type[Any]) -> pluggy.PluginManager:
    """A plugin manager that knows the hooks of these classes."""
    import pluggy

    made = pluggy.PluginManager(PROJECT)
    for each in specifications:
        made.add_hookspecs(each)
    return made


def describe(entry: Installed) -> str:
    """The plugin as it is named in messages."""
    return f"{entry.name!r} (of the package {entry.dist})"


def missing_extra(what: str, error: ImportError, *, extra: str, dist: str = "anyfit") -> UsageError:
    """The error to raise when a module that an extra brings is not installed.

    Args:
        what: What needs it, as a subject: "serving a model".
        error: What the import raised.
        extra: The extra that brings it, or "" when there is none.
        dist: The distribution that has the extra.
    """
    hint = f"pip install '{dist}[{extra}]'" if extra else f"install what brings the module {error.name!r}"
    return BrokenPlugin(f"{what} needs the Python module {error.name!r}, which is not installed", hint=hint)


def register(into: pluggy.PluginManager, entry: Installed) -> None:
    """Import a plugin, check its hooks, and tell the storage of the schemes it brings.

    Raises `BrokenPlugin` when it is of no use, and `UsageError` when a hook or its parameter is misspelt.
    """
    plugin = _load(entry)
    if into.is_registered(plugin):
        return
    _add(into, entry, plugin)
    try:
        _register_schemes(into, plugin)
    except Exception as error:
        into.unregister(plugin)
        raise _broken(entry, error) from error


def _load(entry: Installed) -> object:
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        raise _missing(entry, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(entry, error) from error


def _broken(entry: Installed, error: BaseException) -> BrokenPlugin:
    fault = f"{type(error).__name__}: {error}"
    return BrokenPlugin(f"the plugin {describe(entry)} cannot be loaded: {fault}", hint=_FIX)


def _missing(entry: Installed, error: ModuleNotFoundError) -> UsageError:
    module = entry.value.partition(":")[0]
    if f"{module}.".startswith(f"{error.name}."):
        return BrokenPlugin(
            f"the plugin {describe(entry)} names the module {module!r}, which is not there",
            hint=f"install it again: pip install --force-reinstall {entry.dist}",
        )
    extra = entry.name if entry.name in entry.extras else ""
    return missing_extra(f"the plugin {describe(entry)}", error, extra=extra, dist=entry.dist)


def _add(into: pluggy.PluginManager, entry: Installed, plugin: object) -> None:
    import pluggy

    try:
        into.register(plugin, name=f"{entry.dist}:{entry.name}")
    except pluggy.PluginValidationError as error:
        raise UsageError(f"the plugin {describe(entry)} has a wrong hook: {error}", hint=_FIX) from error
    callers = into.get_hookcallers(plugin) or []
    if not callers:
        into.unregister(plugin)
        raise BrokenPlugin(
            f"the plugin {describe(entry)} implements no hook",
            hint="mark the function of each hook with @anyfit.plugins.hookimpl",
        )
    for caller in callers:
        wanted = any(impl.plugin is plugin and not impl.optionalhook for impl in caller.get_hookimpls())
        if wanted and not caller.has_spec():
            raise _misspelt(into, entry, caller.name)


def _misspelt(into: pluggy.PluginManager, entry: Installed, hook: str) -> UsageError:
    known = sorted(name for name, caller in vars(into.hook).items() if caller.has_spec())
    hint = " ".join(filter(None, (nearest(hook, known), f"known: {', '.join(known)}")))
    return UsageError(f"the plugin {describe(entry)} implements {hook!r}, which is no hook here", hint=hint)


def _register_schemes(into: pluggy.PluginManager, plugin: object) -> None:
    others = into.get_plugins() - {plugin}
    for schemes in into.subset_hook_caller("anyfit_storage_schemes", others)():
        from anyfit.storage import register_scheme

        for scheme, factory in schemes.items():
            register_scheme(scheme, factory)

"""Finding a backend by its name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from anyfit.errors import UnknownBackend, UsageError, nearest
from anyfit.plugins.installed import Installed, installed

if TYPE_CHECKING:
    from anyfit.backend import BackendFactory

__all__ = ["BACKENDS", "backend_factory", "backend_names"]

BACKENDS = "anyfit.backends"


def backend_names() -> list[str]:
    """The names of all installed backends, sorted; none of them is imported."""
    return sorted({entry.name for entry in installed(BACKENDS)})


def backend_factory(name: str) -> BackendFactory:
    """The factory of the backend of that name; its package is imported, and no other.

    Raises `UnknownBackend` when none of that name is installed, and `UsageError` when it cannot be used:
    something is missing that an extra brings, its hooks are wrong, or two packages claim the name.
    """
    return _load(_find(name))


@cache  # by distribution and place, so that a process that installs another one gets that
def _load(entry: Installed) -> BackendFactory:
    from anyfit.plugins.hooks import BackendHooks, StorageHooks
    from anyfit.plugins.load import BrokenPlugin, describe, manager, register

    made = manager(BackendHooks, StorageHooks)
    register(made, entry)
    try:
        answers = made.hook.anyfit_backends()
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        raise BrokenPlugin(f"the backend {describe(entry)} cannot be made: {fault}") from error
    return _factory(entry, answers)


def _find(name: str) -> Installed:
    entries = installed(BACKENDS)
    found = [entry for entry in entries if entry.name == name]
    if len(found) > 1:
        both = " and ".join(f"{entry.dist} ({entry.value})" for entry in found)
        raise UsageError(
            f"the backend name {name!r} is claimed by {len(found)} packages: {both}",
            hint="uninstall all of them but one",
            backend=name,
        )
    if not found:
        names = sorted({entry.name for entry in entries})
        known = f"installed: {', '.join(names)}" if names else "none is installed; install anyfit again"
        hint = " ".join(filter(None, (nearest(name, names), known)))
        raise UnknownBackend(f"there is no backend {name!r}", hint=hint, backend=name)
    return found[0]


def _factory(entry: Installed, answers: list[BackendFactory]) -> BackendFactory:
    from anyfit.backend import BackendFactory
    from anyfit.plugins.load import BrokenPlugin, describe

    if len(answers) != 1 or not isinstance(answers[0], BackendFactory):
        raise BrokenPlugin(f"the backend {describe(entry)} does not answer anyfit_backends with a BackendFactory")
    if answers[0].name != entry.name:
        raise BrokenPlugin(f"the backend {describe(entry)} calls itself {answers[0].name!r}")
    return answers[0]

"""Client libraries that are not installed with the base package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from anyfit.errors import ConfigError

__all__ = ["extra"]


def extra(module: str, name: str) -> ModuleType:
    """Import a library, or say in one line how to get it.

    Args:
        module: What to import.
        name: The extra that brings it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ConfigError(f"{error.name} is not installed", hint=f"pip install 'anyfit[{name}]'") from error

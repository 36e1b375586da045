"""Plugins: backends, found by name, and observers, told what happens.

Each is a module or object named by an entry point of the group `anyfit.backends` or `anyfit.plugins`; its
functions carry the marker `hookimpl`. See docs/plugins.md.
"""

from anyfit.plugins.backends import backend_factory, backend_names
from anyfit.plugins.hooks import JobEvent, hookimpl
from anyfit.plugins.load import missing_extra
from anyfit.plugins.observers import Observers, observers

__all__ = [
    "JobEvent",
    "Observers",
    "backend_factory",
    "backend_names",
    "hookimpl",
    "missing_extra",
    "observers",
]

"""What is installed and whether it works."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from attrs import frozen

from anyfit.config import Config, load_config
from anyfit.errors import AnyfitError
from anyfit.home import home_folder
from anyfit.options.declared import options
from anyfit.plugins import backend_factory, backend_names
from anyfit.show import size_text

__all__ = ["BackendSummary", "Check", "backend_summaries", "check_installation"]

_OLDEST_PYTHON = (3, 10)
_ROOM = 1_000_000_000
_OPTIONAL = {
    "uvicorn": ("serving models on this machine", "pip install 'anyfit[serve]'"),
    "tensorboard": ("--tensorboard", "pip install tensorboard"),
    "keyring": ('secrets by {keyring = "..."}', "pip install keyring"),
}


@frozen
class BackendSummary:
    """An installed backend in a line; `fault` says why it cannot be used, or is ""."""

    name: str
    summary: str
    fault: str = ""


@frozen
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        verdict: "ok", "missing" (of what not everybody needs) or "broken".
        found: What was found.
        advice: What to do, or "".
    """

    name: str
    verdict: str
    found: str
    advice: str = ""


def backend_summaries() -> list[BackendSummary]:
    """Every installed backend."""
    return [_summary(name) for name in backend_names()]


def check_installation(*, backend: str | None = None, profile: str | None = None) -> list[Check]:
    """Look at everything that anyfit stands on, with the backend and the profile that are asked for."""
    config = _check_config(backend, profile)
    return [_check_python(), _check_home(), _check_journal(), *config, *_check_optional()]


def _summary(name: str) -> BackendSummary:
    try:
        return BackendSummary(name, backend_factory(name).summary)
    except AnyfitError as fault:
        return BackendSummary(name, "", f"{fault.message}; {fault.hint}" if fault.hint else fault.message)


def _check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _OLDEST_PYTHON:
        return Check("python", "ok", version)
    return Check("python", "broken", version, "install Python 3.10 or newer")


def _check_home() -> Check:
    home = home_folder(os.environ)
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)  # noqa: PTH103
        free = shutil.disk_usage(home).free
    except OSError as fault:
        return Check("home", "broken", f"{home}: {fault.strerror}", "set ANYFIT_HOME to a folder of yours")
    if not os.access(home, os.W_OK | os.X_OK):
        return Check("home", "broken", f"{home} cannot be written to", "set ANYFIT_HOME to a folder of yours")
    found = f"{home}, {size_text(free)} free"
    if free < _ROOM:
        return Check("home", "broken", found, "make room: anyfit rm removes jobs, or set ANYFIT_HOME to another disk")
    return Check("home", "ok", found)


def _check_journal() -> Check:
    from anyfit.journal import Journal

    journal = Journal(home_folder(os.environ))
    try:
        rows = journal.jobs()
    except AnyfitError as fault:
        return Check("journal", "broken", fault.message, fault.hint)
    finally:
        journal.close()
    waiting = sum(not row.finished for row in rows)
    return Check("journal", "ok", f"{len(rows)} jobs, {waiting} not ended")


def _check_config(backend: str | None, profile: str | None) -> Iterator[Check]:
    try:
        config = load_config(profile).with_arguments(backend=backend)
        config.check_files()
    except AnyfitError as fault:
        yield Check("configuration", "broken", fault.message, fault.hint)
        return
    files = ", ".join(file.label for file in config.files) or "no file, defaults"
    yield Check("configuration", "ok", f"{files}; backend {config.core.backend}")
    for name in backend_names():
        yield _check_backend(config, name)


def _check_backend(config: Config, name: str) -> Check:
    label = f"backend {name}"
    try:
        factory = backend_factory(name)
    except AnyfitError as fault:
        wanted = config.core.backend == name
        return Check(label, "broken" if wanted else "missing", fault.message, fault.hint)
    try:
        factory.create(config.backend_settings(factory), config.home / name)
    except AnyfitError as fault:
        wanted = name == config.core.backend or name in config.tables
        return Check(label, "broken" if wanted else "missing", f"not configured: {fault.message}", fault.hint)
    wants_account = any(option.secret for option in options(factory.settings).values())
    if wants_account and not config.configures(factory):
        return Check(label, "ok", f"{factory.summary}; no account is set, which all but plan needs")
    return Check(label, "ok", factory.summary)


def _check_optional() -> Iterator[Check]:
    for module, (purpose, advice) in _OPTIONAL.items():
        there = find_spec(module) is not None
        yield Check(module, "ok" if there else "missing", f"for {purpose}", "" if there else advice)
    there = shutil.which("git") is not None
    yield Check("git", "ok" if there else "missing", "for code in git repositories", "" if there else "install git")

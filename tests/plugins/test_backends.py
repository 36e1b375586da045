"""Backends are found by name and imported alone."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from anyfit.errors import UnknownBackend, UsageError
from anyfit.plugins import backend_factory, backend_names

GOOD = """
    from attrs import frozen
    from anyfit.backend import BackendFactory
    from anyfit.plugins import hookimpl

    @frozen
    class Settings:
        region: str = "here"

    @hookimpl
    def anyfit_backends():
        return BackendFactory(name="{name}", summary="a test", settings=Settings, create=lambda *_: None)
"""


def test_names_import_nothing(install: Callable[..., str]) -> None:
    """Listing the installed backends imports none of them."""
    module = install("anyfit.backends", "moon", "raise SystemExit('imported')")

    assert "moon" in backend_names()
    assert "local" in backend_names()
    assert module not in sys.modules


def test_factory_by_name(install: Callable[..., str]) -> None:
    """Naming a backend imports its package and no other."""
    moon = install("anyfit.backends", "moon", GOOD.format(name="moon"))
    mars = install("anyfit.backends", "mars", GOOD.format(name="mars"))

    assert backend_factory("moon").name == "moon"
    assert moon in sys.modules
    assert mars not in sys.modules


def test_unknown(install: Callable[..., str]) -> None:
    """A name that is not installed is answered with the nearest and with all that are."""
    install("anyfit.backends", "moon", None)

    with pytest.raises(UnknownBackend, match="no backend 'moom'") as caught:
        backend_factory("moom")

    assert "did you mean 'moon'?" in caught.value.hint
    assert "installed: local, " in caught.value.hint
    assert ", moon" in caught.value.hint
    assert caught.value.backend == "moom"


def test_missing_extra(install: Callable[..., str]) -> None:
    """A missing SDK is one line that says which extra to install."""
    install("anyfit.backends", "moon", "import no_such_sdk.client", dist="anyfit_space", extras="moon")

    with pytest.raises(UsageError, match="needs the Python module 'no_such_sdk'") as caught:
        backend_factory("moon")

    assert caught.value.hint == "pip install 'anyfit_space[moon]'"


def test_missing_module_without_an_extra(install: Callable[..., str]) -> None:
    """Where no extra brings the module, the hint names the module and invents no extra."""
    install("anyfit.backends", "moon", "import no_such_sdk")

    with pytest.raises(UsageError) as caught:
        backend_factory("moon")

    assert caught.value.hint == "install what brings the module 'no_such_sdk'"


def test_own_module_missing(install: Callable[..., str]) -> None:
    """Metadata left behind without its package asks for a new installation, not for an extra."""
    install("anyfit.backends", "moon", None, extras="moon")

    with pytest.raises(UsageError, match="which is not there") as caught:
        backend_factory("moon")

    assert "--force-reinstall dist_moon" in caught.value.hint


@pytest.mark.parametrize("source", ["1 / 0", "def (", "raise SystemExit(3)", "from os import no_such_name"])
def test_broken(install: Callable[..., str], source: str) -> None:
    """A backend whose module cannot be run is named, with the reason."""
    install("anyfit.backends", "moon", source)

    with pytest.raises(UsageError, match=r"'moon' \(of the package dist_moon\) cannot be loaded: \w+: "):
        backend_factory("moon")


def test_two_of_one_name(install: Callable[..., str]) -> None:
    """Two packages that claim one name are both named."""
    install("anyfit.backends", "moon", GOOD.format(name="moon"), dist="first")
    install("anyfit.backends", "moon", GOOD.format(name="moon"), dist="second")

    with pytest.raises(UsageError, match=r"first .* and second "):
        backend_factory("moon")

    assert backend_names().count("moon") == 1


def test_wrong_name(install: Callable[..., str]) -> None:
    """A factory must bear the name under which it is installed."""
    install("anyfit.backends", "moon", GOOD.format(name="mars"))

    with pytest.raises(UsageError, match=r"'moon' .* calls itself 'mars'"):
        backend_factory("moon")


def test_misspelt_hook(install: Callable[..., str]) -> None:
    """A misspelt hook is an error with the nearest right name."""
    install("anyfit.backends", "moon", GOOD.format(name="moon").replace("anyfit_backends", "anyfit_backend"))

    with pytest.raises(UsageError, match=r"'moon' .* 'anyfit_backend', which is no hook") as caught:
        backend_factory("moon")

    assert "did you mean 'anyfit_backends'?" in caught.value.hint


@pytest.mark.parametrize("answer", ["None", "'moon'", "1 / 0"])
def test_no_factory(install: Callable[..., str], answer: str) -> None:
    """A hook that answers no factory is named."""
    source = f"""
        from anyfit.plugins import hookimpl

        @hookimpl
        def anyfit_backends():
            return {answer}
    """
    install("anyfit.backends", "moon", source)

    with pytest.raises(UsageError, match="'moon'"):
        backend_factory("moon")

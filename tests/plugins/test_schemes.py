"""Plugins bring places where data can lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from anyfit.errors import UsageError
from anyfit.plugins import backend_factory, observers
from anyfit.storage import open_store, opening

SCHEME = """
    from anyfit.plugins import hookimpl
    from anyfit.storage import FileStore

    @hookimpl
    def anyfit_storage_schemes():
        return {"tape": lambda uri, settings: FileStore()}
"""
BACKEND = (
    SCHEME
    + """
    from attrs import frozen
    from anyfit.backend import BackendFactory

    @hookimpl
    def anyfit_backends():
        return BackendFactory(name="moon", summary="", settings=int, create=lambda *_: None)
"""
)


@pytest.fixture(autouse=True)
def forget_schemes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Schemes of one test are not there in the next."""
    monkeypatch.setattr(opening, "_registered", {})
    yield


def test_scheme_of_a_backend(install: Callable[..., str]) -> None:
    """Using a backend, however often, makes its URI schemes known."""
    install("anyfit.backends", "moon", BACKEND)
    assert backend_factory("moon") is backend_factory("moon")

    assert open_store("tape://reel/1")


def test_scheme_of_a_plugin(install: Callable[..., str]) -> None:
    """A plugin that observes nothing may still bring a scheme."""
    install("anyfit.plugins", "tapes", SCHEME)
    observers()

    assert open_store("tape://reel/1")


def test_taken_scheme(install: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that claims another's scheme is named and left out."""
    install("anyfit.plugins", "tapes", SCHEME.replace('"tape"', '"s3"'))
    observers()

    assert "'tapes' (of the package dist_tapes) cannot be loaded" in caplog.text
    assert "scheme 's3'" in caplog.text


def test_taken_scheme_of_a_backend(install: Callable[..., str]) -> None:
    """A backend that claims a scheme that others have cannot be used."""
    install("anyfit.backends", "moon", BACKEND.replace('"tape"', '"file"'))

    with pytest.raises(UsageError, match=r"'moon' .* cannot be loaded: .*'file'"):
        backend_factory("moon")

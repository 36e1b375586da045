"""What a handle on an endpoint makes of its backend's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import EndpointRef, Payload
from anyfit.errors import AnyfitError, NotFound, PredictionError, ServiceError, SpecError
from anyfit.predictor import Predictor
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings

REF = EndpointRef("cloud", "north", "2019/ms-1")


class Speaking(LocalBackend):
    """The local backend, whose endpoints answer by one fault."""

    fault: AnyfitError

    def invoke(self, ref: EndpointRef, payload: Payload) -> Payload:
        raise self.fault


@pytest.fixture
def backend(tmp_path: Path) -> Speaking:
    """A backend that is to be told its fault."""
    return Speaking(Settings(), tmp_path)


def told(backend: Speaking, fault: AnyfitError, name: str = "mine") -> AnyfitError:
    session: Any = None  # asking an endpoint takes none
    backend.fault = fault
    with pytest.raises(type(fault)) as caught:
        Predictor(session, backend, REF, name).predict([1])
    return caught.value


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("endpoint 2019/ms-1 is STOPPED", "endpoint mine is STOPPED"),
        ("there is no endpoint 'ms-1' here", "there is no endpoint 'mine' here"),
        ("deletion of endpoint ms-1: refused", "deletion of endpoint mine: refused"),
        ("start it: anyfit endpoints start cloud://north/2019/ms-1", "start it: anyfit endpoints start mine"),
        ("see: anyfit endpoints cloud://north/2019/ms-1", "see: anyfit endpoints mine"),
        ("endpoint ms-1-2 or ms-1 or endpoint ms-12", "endpoint ms-1-2 or ms-1 or endpoint ms-12"),
    ],
)
def test_names(backend: Speaking, said: str, shown: str) -> None:
    """An endpoint is called by the name that people gave it, in what went wrong and in what to do; others stay."""
    fault = told(backend, ServiceError(said, hint=said))

    assert (fault.message, fault.hint, fault.args) == (shown, shown, (shown,))


@pytest.mark.parametrize("data", [object(), {"a": [object()]}, {(1, 2): 3}])
def test_what_is_no_json(backend: Speaking, data: object) -> None:
    """What cannot be sent is an error of ours that names its type, and not of the payload's encoder."""
    session: Any = None  # asking an endpoint takes none

    with pytest.raises(SpecError, match=r"data: cannot be sent as JSON: .*(object is not JSON$|tuple)"):
        Predictor(session, backend, REF, "mine").predict(data)


def test_refusal_keeps_its_kind(backend: Speaking) -> None:
    """Only the words change: the kind of the fault, its status and its exit code stay."""
    fault = told(backend, PredictionError("endpoint 'ms-1' refused the payload", status="422", backend="cloud"))

    assert (str(fault), fault.status, fault.exit_code) == ("endpoint 'mine' refused the payload", "422", 2)


def test_endpoint_without_a_name(backend: Speaking) -> None:
    """An endpoint that is known by its id alone is called by that."""
    assert str(told(backend, NotFound("endpoint 2019/ms-1 is gone"), REF.id)) == "endpoint 2019/ms-1 is gone"

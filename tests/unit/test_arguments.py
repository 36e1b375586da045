"""A misspelt argument is answered with the name that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from anyfit.arguments import UnknownArgument, named_arguments
from anyfit.errors import UsageError
from anyfit.estimator import Estimator
from anyfit.job import Job
from anyfit.model import Model
from anyfit.predictor import Predictor


@named_arguments
def greet(name: str, *, loudly: bool = False) -> str:
    """Greet somebody."""
    return f"hello {name}{'!' if loudly else ''}"


def test_right_names() -> None:
    """Right calls go through, and the function keeps its name and words."""
    assert greet("you") == greet(name="you") == "hello you"
    assert greet("you", loudly=True) == "hello you!"
    assert (greet.__name__, greet.__doc__) == ("greet", "Greet somebody.")


def test_misspelt() -> None:
    """A misspelt name is an error of the caller that names the nearest; one like no other is shown them all."""
    with pytest.raises(UnknownArgument, match=r"^greet has no argument 'loudli'") as caught:
        greet("you", loudli=True)  # type: ignore[call-arg]

    assert caught.value.hint == "did you mean 'loudly'?"
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, TypeError)
    with pytest.raises(UnknownArgument) as caught:
        greet("you", x=1)  # type: ignore[call-arg]
    assert caught.value.hint == "it has: name, loudly"


def test_too_many_without_a_name() -> None:
    """What has to be named is told with its name, where Python would only count."""
    with pytest.raises(UnknownArgument, match=r"^greet takes loudly and what follows by name only") as caught:
        greet("you", True)  # type: ignore[call-arg]
    assert caught.value.hint == "write loudly=..."
    with pytest.raises(UnknownArgument, match=r"^Estimator takes entry_point and what follows by name only"):
        Estimator("train.py")  # type: ignore[call-arg]
    with pytest.raises(UnknownArgument, match=r"^Estimator.attach takes backend and what follows by name only"):
        Estimator.attach("job", "local")  # type: ignore[call-arg]


CALLS: list[tuple[Any, dict[str, Any], str, str]] = [
    (Estimator, {"entrypoint": "a.py"}, "Estimator", "entry_point"),
    (Estimator, {"hyperparameter": {}}, "Estimator", "hyperparameters"),
    (Estimator().fit, {"job_nam": "x"}, "Estimator.fit", "job_name"),
    (Estimator().plan, {"input": None}, "Estimator.plan", "inputs"),
    (Estimator().deploy, {"endpoint": "x"}, "Estimator.deploy", "endpoint_name"),
    (Estimator().register, {"model": "x"}, "Estimator.register", "model_name"),
    (Estimator().changed, {"instance_typ": "x"}, "Estimator", "instance_type"),
    (Job.logs, {"folow": True}, "Job.logs", "follow"),
    (Job.wait, {"time_out": 1}, "Job.wait", "timeout"),
    (Job.download, {"kinds": "x"}, "Job.download", "kind"),
    (Model.deploy, {"endpoint_nam": "x"}, "Model.deploy", "endpoint_name"),
    (Predictor.predict, {"content": "x"}, "Predictor.predict", "content_type"),
    (Predictor.update, {"model": {}}, "Predictor.update", "models"),
]


@pytest.mark.parametrize(("call", "arguments", "owner", "meant"), CALLS)
def test_public_calls(call: Any, arguments: dict[str, Any], owner: str, meant: str) -> None:
    """Every public call with options knows what was meant."""
    with pytest.raises(UnknownArgument, match=rf"^{owner} has no (argument|field) '\w+'") as caught:
        call(**arguments)

    assert caught.value.hint == f"did you mean '{meant}'?"
